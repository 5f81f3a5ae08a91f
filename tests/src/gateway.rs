//! The gateway as its users have it: a process with a configuration file.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::client::{PATIENCE, Whole, send};

/// The client key of every test.
pub const KEY: &str = "sk-planted-client-key";
/// The admin token of every test.
pub const TOKEN: &str = "planted-admin-token";
/// The credential of every account.
pub const SECRET: &str = "planted-upstream-secret";

/// Where the workspace was built.
#[must_use]
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("SLUICE_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let binary = folder.join("sluice");
    assert!(binary.exists(), "{} is missing: cargo build --bin sluice", binary.display());
    binary
}

/// The top of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A folder of a test's own, removed at its end.
pub struct Folder(pub PathBuf);

impl Folder {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let path = std::env::temp_dir().join(format!("sluice-suite-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running gateway.
pub struct Gateway {
    /// Where it listens.
    pub address: String,
    /// Its folder, with `sluice.toml` and the store.
    pub folder: Arc<Folder>,
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Gateway {
    /// Starts one with this configuration; the listener, the store and the admin token are added.
    #[must_use]
    pub fn start(config: &str) -> Self {
        Self::start_in(Arc::new(Folder::new()), config)
    }

    /// Starts one in a folder that another had.
    #[must_use]
    pub fn start_in(folder: Arc<Folder>, config: &str) -> Self {
        let path = folder.0.join("sluice.toml");
        std::fs::write(&path, Self::complete(&folder, config)).unwrap();
        Self::run(folder, Command::new(binary()).arg("--config").arg(path))
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
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
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
        let shared = Arc::clone(&log);
        let reader = thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut log = shared.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self { address: address.unwrap(), folder, child, log, reader: Some(reader) }
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

    /// Calls the admin API.
    #[must_use]
    pub fn admin(&self, method: &str, path: &str, body: &str) -> Whole {
        let bearer = format!("Bearer {TOKEN}");
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

    /// Waits until something holds.
    pub fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "{what} never came about; the log:\n{}", self.log());
            thread::yield_now();
        }
    }

    /// What it has written to standard error so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it has ended by itself; gives its status and its log.
    #[must_use]
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        if let Some(reader) = self.reader.take() {
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

/// An account at an upstream, with more fields.
#[must_use]
pub fn account(name: &str, provider: &str, address: &str, more: &str) -> String {
    format!(
        "[[accounts]]\nname = \"{name}\"\nprovider = \"{provider}\"\nbase_url = \"http://{address}\"\napi_key = \"{SECRET}\"\n{more}\n"
    )
}
