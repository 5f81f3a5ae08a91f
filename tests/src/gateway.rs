//! The gateway as its users have it: a process with a configuration file.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::client::{PATIENCE, Whole, over, send};
use crate::curl::curl;
use crate::link::Link;
pub use crate::place::{Folder, binary, program, workspace};
use crate::tls::client_of_the_suite;

/// The client key of every test.
pub const KEY: &str = "sk-planted-client-key";
/// The admin token of every test.
pub const TOKEN: &str = "planted-admin-token";
/// The credential of every account.
pub const SECRET: &str = "planted-upstream-secret";

/// How long to wait before looking again whether something has come about.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Lines of the log that a failure shows.
const LOG_SHOWN: usize = 20;

/// A running gateway.
pub struct Gateway {
    /// Where it listens.
    pub address: String,
    /// Its folder, with `sluice.toml` and the store.
    pub folder: Arc<Folder>,
    /// Whether it speaks TLS.
    secure: bool,
    child: Child,
    log: Arc<Mutex<String>>,
    printed: Arc<Mutex<String>>,
    readers: [Option<JoinHandle<()>>; 2],
}

/// Reads a process's output line by line as it comes.
fn follow(output: impl Read + Send + 'static, into: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let into = Arc::clone(into);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let mut text = into.lock().unwrap();
            text.push_str(&line);
            text.push('\n');
        }
    })
}

impl Gateway {
    /// Starts one with this configuration; the listener, the store and the admin token are added.
    #[must_use]
    pub fn start(config: &str) -> Self {
        Self::start_in(Arc::new(Folder::new()), config)
    }

    /// Starts another program than the suite's own, as whoever builds a gateway of their own has it.
    #[must_use]
    pub fn of(program: &Path, config: &str) -> Self {
        let folder = Arc::new(Folder::new());
        let path = folder.0.join("sluice.toml");
        std::fs::write(&path, Self::complete(&folder, config)).unwrap();
        Self::run(folder, Command::new(program).arg("--config").arg(path))
    }

    /// Starts one in a folder that another had.
    #[must_use]
    pub fn start_in(folder: Arc<Folder>, config: &str) -> Self {
        let path = folder.0.join("sluice.toml");
        std::fs::write(&path, Self::complete(&folder, config)).unwrap();
        Self::run(folder, Command::new(binary()).arg("--config").arg(path))
    }

    /// Starts one that takes what this certificate authority signs for its upstreams.
    #[must_use]
    pub fn trusting(authority: &Path, config: &str) -> Self {
        Self::with_variable("SSL_CERT_FILE", authority, config)
    }

    /// Starts one in whose environment this path stands under a name.
    #[must_use]
    pub fn with_variable(name: &str, path: &Path, config: &str) -> Self {
        let folder = Arc::new(Folder::new());
        let own = folder.0.join("sluice.toml");
        std::fs::write(&own, Self::complete(&folder, config)).unwrap();
        let mut command = Command::new(binary());
        Self::run(folder, command.arg("--config").arg(own).env(name, path))
    }

    /// Starts the demonstration.
    #[must_use]
    pub fn demo() -> Self {
        Self::run(Arc::new(Folder::new()), Command::new(binary()).args(["demo", "--listen", "127.0.0.1:0"]))
    }

    /// What the demonstration prints behind a title, once it is there.
    #[must_use]
    pub fn told(&self, title: &str) -> String {
        let found = || {
            let printed = self.printed();
            // Only a line that is whole.
            let (lines, _) = printed.rsplit_once('\n')?;
            let line = lines.lines().find_map(|line| line.strip_prefix(title))?;
            Some(line.trim().to_owned())
        };
        self.until(title, |_| found().is_some());
        found().unwrap()
    }

    fn complete(folder: &Folder, config: &str) -> String {
        let mut text = format!("store.path = {:?}\nadmin.token = \"{TOKEN}\"\n", folder.0.join("data"));
        if !config.contains("server.listen") {
            text.push_str("server.listen = \"127.0.0.1:0\"\n");
        }
        text + config
    }

    /// Writes another configuration for a reload.
    pub fn rewrite(&self, config: &str) {
        std::fs::write(self.folder.0.join("sluice.toml"), Self::complete(&self.folder, config)).unwrap();
    }

    /// Runs a command that serves, until it says where it listens.
    #[must_use]
    pub fn run(folder: Arc<Folder>, command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let printed = Arc::default();
        let printing = follow(child.stdout.take().unwrap(), &printed);
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let mut address = None;
        let mut line = String::new();
        while address.is_none() {
            line.clear();
            assert!(
                lines.read_line(&mut line).unwrap() > 0,
                "the gateway did not start: {}",
                log.lock().unwrap()
            );
            log.lock().unwrap().push_str(&line);
            address = line
                .trim()
                .strip_prefix("listening on ")
                .map(|url| url.trim_start_matches("http://").trim_start_matches("https://").to_owned());
        }
        let readers = [Some(follow(lines, &log)), Some(printing)];
        let secure = line.contains("https://");
        Self { address: address.unwrap(), folder, secure, child, log, printed, readers }
    }

    /// Sends a client's request with the tests' key.
    #[must_use]
    pub fn post(&self, path: &str, body: &str) -> Whole {
        send(
            &self.address,
            "POST",
            path,
            &[("x-api-key", KEY), ("content-type", "application/json")],
            body.as_bytes(),
        )
    }

    /// Connects as a client that speaks this protocol, over TLS where that is spoken; there the gateway has the suite's
    /// certificate.
    #[must_use]
    pub fn connect(&self, protocol: &str) -> Link {
        if !self.secure {
            return Link::plain(&self.address).unwrap();
        }
        let link = Link::tls(&self.address, client_of_the_suite(protocol)).unwrap();
        assert_eq!(link.protocol().as_deref(), Some(protocol));
        link
    }

    /// Sends a request with the tests' key, over TLS where that is spoken.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Whole {
        let headers = [("x-api-key", KEY), ("content-type", "application/json")];
        over(self.connect("http/1.1"), method, path, &headers, body.as_bytes()).whole()
    }

    /// Calls the admin API.
    #[must_use]
    pub fn admin(&self, method: &str, path: &str, body: &str) -> Whole {
        let bearer = format!("Bearer {TOKEN}");
        if self.secure {
            let (header, url) =
                (format!("authorization: {bearer}"), format!("https://{}/admin/v1{path}", self.address));
            let told = curl(&["-X", method, "-H", &header, &url], Some(body));
            return Whole {
                status: told.status,
                headers: Vec::new(),
                body: told.body.into_bytes(),
                complete: true,
            };
        }
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        send(&self.address, method, &format!("/admin/v1{path}"), &headers, body.as_bytes())
    }

    /// The newest record.
    #[must_use]
    pub fn record(&self) -> serde_json::Value {
        self.admin("GET", "/requests?limit=1", "").json()["data"][0].clone()
    }

    /// Requests in flight on all accounts.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        let accounts = self.admin("GET", "/accounts", "").json();
        accounts["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|account| account["in_flight"].as_u64().unwrap())
            .sum()
    }

    /// Connections to it that it has not closed yet, those that their clients have closed too.
    #[must_use]
    pub fn connections(&self) -> usize {
        let port: u16 = self.address.rsplit(':').next().unwrap().parse().unwrap();
        let own = format!(":{port:04X}");
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        // Of each line the second column is the own address, the fourth the state: established, or left by the client.
        let columns = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        columns.filter(|line| line[1].ends_with(&own) && matches!(line[3], "01" | "08")).count()
    }

    /// Waits until something holds.
    pub fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            if Instant::now() > deadline {
                let log = self.log();
                let last = log.lines().count().saturating_sub(LOG_SHOWN);
                let last: Vec<&str> = log.lines().skip(last).collect();
                panic!("{what} never came about; the log ends:\n{}", last.join("\n"));
            }
            thread::park_timeout(LOOK_AGAIN);
        }
    }

    /// What it has written to standard error so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// What it has printed on standard output so far.
    #[must_use]
    pub fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Whether it is still running when so much time has passed.
    #[must_use]
    pub fn lives_on(&self, time: Duration) -> bool {
        let stat = format!("/proc/{}/stat", self.child.id());
        let deadline = Instant::now() + time;
        loop {
            // A process that has ended and that nobody has waited for is a zombie.
            let ended = std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
            if ended || Instant::now() > deadline {
                return !ended;
            }
            thread::park_timeout(LOOK_AGAIN);
        }
    }

    /// Waits until it has ended by itself; gives its status and its log.
    #[must_use]
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        for reader in self.readers.iter_mut().filter_map(Option::take) {
            reader.join().unwrap();
        }
        (status, self.log())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A key for the tests, with more fields.
#[must_use]
pub fn key(more: &str) -> String {
    format!("[[keys]]\nname = \"test\"\nkey = \"{KEY}\"\n{more}\n")
}

/// Providers whose accounts ask upstreams for their models, unless told otherwise.
const DISCOVERING: [&str; 2] = ["openai-compatible", "ccr"];

/// An account at an upstream, with more fields. Its upstream is asked for what clients ask, and for its models only where
/// a test says so.
#[must_use]
pub fn account(name: &str, provider: &str, address: &str, more: &str) -> String {
    let quiet = DISCOVERING.contains(&provider) && !more.contains("discover = ");
    let quiet = if quiet { "discover = false\n" } else { "" };
    format!(
        "[[accounts]]\nname = \"{name}\"\nprovider = \"{provider}\"\nbase_url = \"http://{address}\"\napi_key = \"{SECRET}\"\n{quiet}{more}\n"
    )
}
