//! Sluice with everything that is on by default: records, metrics, and its log, as text, in a file.

use std::fmt::Write as _;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::ground::Ground;
use crate::message::KEY;
use crate::process::{self, Process};
use crate::way::{Way, Wire};

/// Longest wait until it listens.
const START_MAX: Duration = Duration::from_secs(60);

/// Four limits that nobody reaches: of the key, which stands before them, and of its group.
const LIMITS: &str = r#"group = "benchmarks"
limits = [{ per = "1m", requests = 1000000000 }, { per = "day", tokens = 1000000000000 }]

[[groups]]
name = "benchmarks"
limits = [{ per = "day", requests = 1000000000 }, { per = "month", cost = "1000000" }]
"#;

/// The fifth, of the account.
const ACCOUNT_LIMITS: &str = "limits = [{ per = \"1m\", requests = 1000000000 }]\n";

/// By which a client of any dialect comes to an account of another one.
const ROUTE: &str = "\n[[routes]]\nmodel = \"*\"\npools = [\"all\"]\n";

/// The account's part of it.
const POOL: &str = "pools = [\"all\"]\n";

/// That an account is not asked for its models, which the upstream knows nothing of.
const QUIET: &str = "discover = false\n";

/// How it says where it listens.
const LISTENING: [&str; 2] = ["listening on http://", "listening on https://"];

/// The program.
#[derive(Debug)]
pub(crate) struct Sluice {
    program: PathBuf,
    /// The file that callgrind writes, where it counts what is done.
    counted: Option<PathBuf>,
    /// Its name and version.
    pub(crate) version: String,
}

/// Looks for it; unset, it is beside this program.
pub(crate) fn find(binary: Option<PathBuf>) -> Result<Sluice> {
    let program = match binary {
        Some(binary) => binary,
        None => std::env::current_exe()?.with_file_name("sluice"),
    };
    if !program.is_file() {
        return Err(format!("{} is missing: cargo build --release --bin sluice", program.display()).into());
    }
    let version = Command::new(&program).arg("--version").output()?.stdout;
    let version = String::from_utf8_lossy(&version).trim().to_owned();
    Ok(Sluice { program, counted: None, version })
}

impl Sluice {
    /// The same under callgrind, which writes what it counts to this file.
    pub(crate) fn counted(self, file: &Path) -> Self {
        Self { counted: Some(file.to_owned()), ..self }
    }

    /// Starts it on a way.
    pub(crate) async fn start(&self, ground: &Ground<'_>, way: Way) -> Result<(SocketAddr, Process)> {
        let name = format!("sluice-{}", way.name);
        let config = ground.scratch.write(&format!("{name}.toml"), &config(ground, way)?)?;
        let log = ground.scratch.path(&format!("{name}.log"));
        let mut command = match &self.counted {
            None => process::guarded(&self.program)?,
            Some(file) => {
                let mut command = process::guarded("valgrind")?;
                command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", file.display()));
                command.arg(&self.program);
                command
            }
        };
        command.arg("--config").arg(config);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
        let mut process = Process::start(&mut command)?;
        let deadline = Instant::now() + START_MAX;
        loop {
            let told = std::fs::read_to_string(&log)?;
            let address = told
                .lines()
                .find_map(|line| LISTENING.iter().find_map(|listening| line.strip_prefix(listening)));
            if let Some(address) = address {
                return Ok((address.parse()?, process));
            }
            if process.ended()?.is_some() || Instant::now() > deadline {
                return Err(format!("sluice did not start: {told}").into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn config(ground: &Ground<'_>, way: Way) -> Result<String> {
    let store = ground.scratch.path(&format!("sluice-{}-data", way.name));
    let certificate = ground.certificate;
    let mut text = String::from("[server]\nlisten = \"127.0.0.1:0\"\n");
    if way.front != Wire::Plain {
        writeln!(text, "tls = {{ cert = {:?}, key = {:?} }}", certificate.cert, certificate.key)?;
    }
    write!(
        text,
        "
[store]
path = {store:?}

[[keys]]
name = \"benchmark\"
key = \"{KEY}\"
"
    )?;
    if way.limited {
        text.push_str(LIMITS);
    }
    if way.translates {
        text.push_str(ROUTE);
    }
    let address = ground.upstream.of(way.upstream);
    let (scheme, http) = match way.upstream {
        Wire::Plain => ("http", ""),
        Wire::Tls => ("https", "http = \"1.1\"\n"),
        Wire::Http2 => ("https", "http = \"2\"\n"),
    };
    for number in 0..way.accounts {
        write!(
            text,
            "
[[accounts]]
name = \"upstream-{number}\"
provider = \"{}\"
base_url = \"{scheme}://{address}\"
api_key = \"sk-benchmark-account-key-{number:016}\"
{http}",
            way.provider
        )?;
        if way.upstream != Wire::Plain {
            writeln!(text, "ca = {:?}", certificate.authority)?;
        }
        if way.limited {
            text.push_str(ACCOUNT_LIMITS);
        }
        if way.translates {
            text.push_str(POOL);
            if way.provider == "openai-compatible" {
                text.push_str(QUIET);
            }
        }
    }
    Ok(text)
}
