//! Sluice with everything that is on by default: records, metrics, and its log, as text, in a file.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::message::KEY;
use crate::process::{self, Process};
use crate::rounds::Proxy;
use crate::scratch::Scratch;

/// Longest wait until it listens.
const START_MAX: Duration = Duration::from_secs(10);

/// How it says where it listens.
const LISTENING: &str = "listening on http://";

/// Starts it in front of an upstream.
pub(crate) async fn start(scratch: &Scratch, upstream: SocketAddr, binary: Option<&Path>) -> Result<Proxy> {
    let program = find(binary)?;
    let version = Command::new(&program).arg("--version").output()?.stdout;
    let version = String::from_utf8_lossy(&version).trim().to_owned();
    let config = scratch.write("sluice.toml", &config(scratch, upstream))?;
    let log = scratch.path("sluice.log");
    let mut command = process::guarded(program)?;
    command.arg("--config").arg(config);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
    let mut process = Process::start(&mut command)?;
    let deadline = Instant::now() + START_MAX;
    loop {
        let told = std::fs::read_to_string(&log)?;
        if let Some(address) = told.lines().find_map(|line| line.strip_prefix(LISTENING)) {
            return Ok(Proxy { address: address.parse()?, process, version });
        }
        if process.ended()?.is_some() || Instant::now() > deadline {
            return Err(format!("sluice did not start: {told}").into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn find(binary: Option<&Path>) -> Result<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("sluice");
    let path = binary.unwrap_or(&beside);
    if path.is_file() {
        return Ok(path.to_owned());
    }
    Err(format!("{} is missing: cargo build --release --bin sluice", path.display()).into())
}

fn config(scratch: &Scratch, upstream: SocketAddr) -> String {
    let store = scratch.path("sluice-data");
    format!(
        "[server]
listen = \"127.0.0.1:0\"

[store]
path = {store:?}

[[accounts]]
name = \"upstream\"
provider = \"claude-console\"
base_url = \"http://{upstream}\"
api_key = \"sk-ant-benchmark-account-key-0123456789\"

[[keys]]
name = \"benchmark\"
key = \"{KEY}\"
"
    )
}
