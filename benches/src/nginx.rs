//! nginx as the floor: a bare reverse proxy.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::Result;
use crate::process::{self, Process};
use crate::rounds::Proxy;
use crate::scratch::{self, Scratch};

/// Where it may be; Debian's is not on the path of ordinary users.
const PROGRAMS: [&str; 2] = ["nginx", "/usr/sbin/nginx"];

/// Longest wait until it accepts connections.
const START_MAX: Duration = Duration::from_secs(10);

/// Starts it in front of an upstream.
pub(crate) async fn start(scratch: &Scratch, upstream: SocketAddr) -> Result<Proxy> {
    let (program, version) = find()?;
    let address = scratch::free_address()?;
    let config = scratch.write("nginx.conf", &config(address, upstream))?;
    let errors = scratch.path("nginx-error.log");
    let mut command = process::guarded(program)?;
    command.arg("-p").arg(scratch.folder()).arg("-c").arg(config).arg("-e").arg(&errors);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = Process::start(&mut command)?;
    let deadline = Instant::now() + START_MAX;
    while TcpStream::connect(address).await.is_err() {
        if process.ended()?.is_some() || Instant::now() > deadline {
            let why = std::fs::read_to_string(&errors).unwrap_or_default();
            return Err(format!("nginx did not start: {why}").into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(Proxy { address, process, version })
}

/// The program and its version.
fn find() -> Result<(&'static str, String)> {
    for program in PROGRAMS {
        match Command::new(program).arg("-v").output() {
            // It tells its version on standard error.
            Ok(output) => {
                let told = String::from_utf8_lossy(&output.stderr);
                let version = told.trim().trim_start_matches("nginx version: ").to_owned();
                return Ok((program, version));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(format!("can't run {program}: {error}").into()),
        }
    }
    Err("nginx is missing: apt-get install nginx".into())
}

/// One process, connections to the upstream kept, nothing buffered to the end before it is handed on, nothing
/// logged. With `proxy_request_buffering on` bodies above 16 KB would go through files.
fn config(address: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        "daemon off;
master_process off;
worker_rlimit_nofile 20000;
pid nginx.pid;
events {{ worker_connections 10000; }}
http {{
  access_log off;
  client_body_temp_path client_body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  client_max_body_size 64m;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  upstream model {{
    server {upstream};
    keepalive 4096;
    keepalive_requests 1000000000;
  }}
  server {{
    listen {address} backlog=4096;
    location / {{
      proxy_pass http://model;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_buffering off;
      proxy_request_buffering off;
    }}
  }}
}}
"
    )
}
