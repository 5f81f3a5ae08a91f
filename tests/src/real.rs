//! Servers that others wrote, as processes, over TLS before a plain upstream.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use crate::client::PATIENCE;
use crate::gateway::{self, LOOK_AGAIN};
use crate::place::{Folder, lone_address, workspace};
use crate::tls::Certificate;
use crate::upstream::Upstream;

/// Whose server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// nginx, which hands on what comes at once.
    Nginx,
    /// HAProxy, with a master process.
    Haproxy,
    /// node's own.
    Node,
}

/// All of them.
pub const KINDS: [Kind; 3] = [Kind::Nginx, Kind::Haproxy, Kind::Node];

/// A running server.
pub struct Real {
    /// Where it listens.
    pub address: String,
    kind: Kind,
    folder: Folder,
    certificate: Certificate,
    child: Child,
}

impl Real {
    /// Starts one before an upstream; nginx ends a connection after so many requests, and HAProxy one of HTTP/1.1.
    ///
    /// # Panics
    ///
    /// Where it is not installed, or does not start.
    #[must_use]
    pub fn start(kind: Kind, upstream: &Upstream, requests_max: usize) -> Self {
        let folder = Folder::new();
        let certificate = Certificate::of_the_suite(&folder.0);
        let mut address = lone_address();
        let fill = |name: &str| {
            let text = std::fs::read_to_string(workspace().join("tests/real").join(name)).unwrap();
            let text = text.replace("FOLDER", &folder.0.to_string_lossy()).replace("LISTEN", &address);
            let text =
                text.replace("PLAIN", &upstream.address).replace("REQUESTS", &requests_max.to_string());
            let path = folder.0.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let both = [&certificate.cert, &certificate.key].map(|path| std::fs::read_to_string(path).unwrap());
        std::fs::write(folder.0.join("both.pem"), both.concat()).unwrap();
        let mut command = match kind {
            Kind::Nginx => {
                let mut command = Command::new("nginx");
                // Before its configuration is read, it would write to a log of the system's.
                command.arg("-e").arg(folder.0.join("error.log")).arg("-c").arg(fill("nginx.conf"));
                command
            }
            Kind::Haproxy => {
                let mut command = Command::new("haproxy");
                command.args(["-W", "-f"]).arg(fill("haproxy.cfg"));
                command
            }
            Kind::Node => {
                let mut command = Command::new("node");
                command.arg(workspace().join("tests/real/http2_server.mjs"));
                command.args([&certificate.cert, &certificate.key]).arg(&upstream.address);
                command
            }
        };
        let log = File::create(folder.0.join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        // /usr/sbin is on nobody's path who is not root.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::env::split_paths(&path).chain(["/usr/sbin".into()])).unwrap();
        let spawned = command.env("PATH", path).spawn();
        let mut child = spawned
            .unwrap_or_else(|error| panic!("{kind:?}: {error}; .ci/run installs it where it is missing"));
        if kind == Kind::Node {
            address.clear();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
            address.truncate(address.trim_end().len());
        }
        let real = Self { address, kind, folder, certificate, child };
        real.wait();
        real
    }

    fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(&self.address).is_err() {
            assert!(Instant::now() < deadline, "{:?} does not listen: {}", self.kind, self.log());
            thread::park_timeout(LOOK_AGAIN);
        }
    }

    /// What it has complained of.
    #[must_use]
    pub fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.folder.0.join(name)).unwrap_or_default();
        read("log") + &read("error.log")
    }

    /// The certificate of who signed its own.
    #[must_use]
    pub fn authority(&self) -> &Path {
        &self.certificate.authority
    }

    /// The configuration of an account behind it.
    #[must_use]
    pub fn account(&self, path: &str, name: &str, provider: &str, more: &str) -> String {
        let account = gateway::account(name, provider, &format!("{}{path}", self.address), more);
        account.replace("base_url = \"http:", "base_url = \"https:")
    }

    /// Lets it read its configuration again: new processes take over, and old ones end with what they have begun.
    pub fn reload(&self) {
        let signal = if self.kind == Kind::Nginx { "-HUP" } else { "-USR2" };
        assert_ne!(self.kind, Kind::Node, "node has nothing to read again");
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Real {
    /// Masters take their workers along, and need to be asked for that.
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let deadline = Instant::now() + PATIENCE / 4;
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::park_timeout(LOOK_AGAIN);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
