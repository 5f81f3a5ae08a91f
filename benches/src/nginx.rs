//! nginx as the floor: a bare reverse proxy.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::Result;
use crate::certificate::NAME;
use crate::ground::Ground;
use crate::process::{self, Process};
use crate::scratch;
use crate::way::{Way, Wire};

/// Where it may be; Debian's is not on the path of ordinary users.
const PROGRAMS: [&str; 2] = ["nginx", "/usr/sbin/nginx"];

/// Longest wait until it accepts connections.
const START_MAX: Duration = Duration::from_secs(10);

/// The program.
#[derive(Debug)]
pub(crate) struct Nginx {
    program: &'static str,
    /// Its name and version.
    pub(crate) version: String,
}

/// Looks for it.
pub(crate) fn find() -> Result<Nginx> {
    for program in PROGRAMS {
        match Command::new(program).arg("-v").output() {
            // It tells its version on standard error.
            Ok(output) => {
                let told = String::from_utf8_lossy(&output.stderr);
                let version = told.trim().trim_start_matches("nginx version: ").to_owned();
                return Ok(Nginx { program, version });
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(format!("can't run {program}: {error}").into()),
        }
    }
    Err("nginx is missing: apt-get install nginx".into())
}

impl Nginx {
    /// Starts it on a way.
    pub(crate) async fn start(&self, ground: &Ground<'_>, way: Way) -> Result<(SocketAddr, Process)> {
        let folder = ground.scratch.path(&format!("nginx-{}", way.name));
        std::fs::create_dir(&folder)?;
        let address = scratch::free_address()?;
        let (file, errors) = (folder.join("nginx.conf"), folder.join("error.log"));
        std::fs::write(&file, config(ground, way, address)?)?;
        let mut command = process::guarded(self.program)?;
        command.arg("-p").arg(&folder).arg("-c").arg(file).arg("-e").arg(&errors);
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
        Ok((address, process))
    }
}

/// One process, connections to the upstream kept, nothing buffered to the end before it is handed on, nothing
/// logged. With `proxy_request_buffering on` bodies above 16 KB would go through files.
fn config(ground: &Ground<'_>, way: Way, address: SocketAddr) -> Result<String> {
    let wire = way.upstream.of_nginx();
    let upstream = ground.upstream.of(wire);
    let scheme = if wire == Wire::Plain { "http" } else { "https" };
    let listen = if way.front == Wire::Plain { "" } else { "ssl " };
    let (servers, more) =
        (format!("server {upstream} max_fails=0;\n    ").repeat(way.accounts), settings(ground, way)?);
    Ok(format!(
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
    {servers}keepalive 4096;
    keepalive_requests 1000000000;
  }}
  server {{
    listen {address} {listen}backlog=4096;
    location / {{
      proxy_pass {scheme}://model;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_buffering off;
    }}
{more}  }}
}}
"
    ))
}

/// What a way takes beside.
fn settings(ground: &Ground<'_>, way: Way) -> Result<String> {
    let certificate = ground.certificate;
    let mut text = String::new();
    let mut set = |name: &str, value: &str| writeln!(text, "    {name} {value};");
    if way.accounts == 1 {
        set("proxy_request_buffering", "off")?;
    } else {
        // A body that was not kept could not be sent to the next.
        set("client_body_buffer_size", "128k")?;
        set("proxy_next_upstream", "error timeout http_500 non_idempotent")?;
    }
    if way.upstream != Wire::Plain {
        set("proxy_ssl_protocols", "TLSv1.2 TLSv1.3")?;
        set("proxy_ssl_session_reuse", "on")?;
        set("proxy_ssl_server_name", "on")?;
        set("proxy_ssl_name", NAME)?;
        set("proxy_ssl_verify", "on")?;
        set("proxy_ssl_trusted_certificate", &certificate.authority.display().to_string())?;
    }
    if way.front != Wire::Plain {
        set("ssl_protocols", "TLSv1.2 TLSv1.3")?;
        set("ssl_certificate", &certificate.cert.display().to_string())?;
        set("ssl_certificate_key", &certificate.key.display().to_string())?;
    }
    Ok(text)
}
