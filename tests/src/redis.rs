//! Redis servers of a test's own, and gateways that share one.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::Instant;

use crate::client::PATIENCE;
use crate::gateway::{Folder, Gateway, LOOK_AGAIN};

/// A server that ends with the test.
pub struct Redis {
    /// Where it listens.
    pub port: u16,
    folder: Folder,
    child: Option<Child>,
}

impl Redis {
    /// One with nothing in it, which writes down what it is told before it answers.
    #[must_use]
    pub fn start() -> Self {
        let port = free_port();
        let mut server = Self { port, folder: Folder::new(), child: None };
        std::fs::create_dir_all(&server.folder.0).unwrap();
        // Somebody else may take the port in between: then the next one is tried.
        while !server.try_revive() {
            server.port = free_port();
        }
        server
    }

    /// Starts it again, with what it had written.
    pub fn revive(&mut self) {
        assert!(self.try_revive(), "its port is somebody else's");
    }

    fn try_revive(&mut self) -> bool {
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always"])
            .args(["--port", &self.port.to_string()])
            .current_dir(&self.folder.0)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let child = self.child.insert(child);
        let until = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            assert!(Instant::now() < until, "the server does not start");
            thread::park_timeout(LOOK_AGAIN);
        }
        false
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// A configuration of the store that is on it.
    #[must_use]
    pub fn store(&self) -> String {
        format!("store.kind = \"redis\"\nstore.url = \"redis://127.0.0.1:{}\"\n", self.port)
    }

    /// How many of its keys are called so.
    #[must_use]
    pub fn keys(&self, pattern: &str) -> usize {
        let told = Command::new("redis-cli").args(["-p", &self.port.to_string(), "KEYS", pattern]).output();
        String::from_utf8_lossy(&told.unwrap().stdout).lines().filter(|line| !line.is_empty()).count()
    }

    /// What it answers to a command, past all gateways.
    ///
    /// # Panics
    ///
    /// Where it can't be told.
    pub fn tell(&self, command: &[&str]) -> String {
        let port = self.port.to_string();
        let told = Command::new("redis-cli").args(["-p", &port]).args(command).output().unwrap();
        String::from_utf8_lossy(&told.stdout).into_owned()
    }

    /// How often it was told a command, in scripts too.
    ///
    /// # Panics
    ///
    /// Where what it says of that can't be read.
    #[must_use]
    pub fn told(&self, command: &str) -> u64 {
        let (info, start) = (self.tell(&["INFO", "commandstats"]), format!("cmdstat_{command}:calls="));
        let line = info.lines().find_map(|line| line.strip_prefix(&start));
        line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    }

    /// So many gateways of one configuration that share it.
    #[must_use]
    pub fn gateways(&self, count: usize, config: &str) -> Vec<Arc<Gateway>> {
        let config = self.store() + config;
        (0..count).map(|_| Arc::new(Gateway::start(&config))).collect()
    }
}

/// A port that is free now, below those that systems give to connections, and given to no other server of this process.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let at = NEXT.fetch_add(1, Ordering::Relaxed) % 100;
        let port = 23_000 + u16::try_from(std::process::id() % 90).unwrap() * 100 + at;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
