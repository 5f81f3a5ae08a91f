//! `[server]` and `[admin]`: where it is listened, and what that needs.

use std::net::SocketAddr;
use std::path::PathBuf;

use sluice_api::{Problem, Secret};

use super::section::{file_of, table};
use crate::config::load::Loaded;
use crate::config::settings::{Admin, Server};
use crate::config::{ServerConfig, TlsFiles, tls};

/// Characters of the admin token: who has it has everything, and nothing slows down who tries.
const ADMIN_TOKEN_MIN: usize = 16;

pub(super) fn check(loaded: &Loaded, problems: &mut Vec<Problem>) -> (ServerConfig, Option<Secret>) {
    let server: Server = table(loaded, "server", problems);
    let admin: Admin = table(loaded, "admin", problems);
    let listen = address(loaded, "server.listen", &server.listen, problems);
    let admin_listen =
        admin.listen.as_deref().and_then(|text| address(loaded, "admin.listen", text, problems));
    let mut wrong =
        |path: &str, message: String| problems.push(Problem::at(file_of(loaded, path), path, message));
    if let (Some(clients), Some(operators)) = (listen, admin_listen)
        && collide(clients, operators)
    {
        let message = format!(
            "operators can't have the clients' own address, which is server.listen = \"{clients}\": leave it out to serve both there"
        );
        wrong("admin.listen", message);
    }
    if admin.token.as_ref().is_some_and(|token| token.expose().chars().count() < ADMIN_TOKEN_MIN) {
        let message = format!(
            "it has fewer than {ADMIN_TOKEN_MIN} characters and can be guessed: use a longer one, like `openssl rand -hex 32` makes, or leave it out to have one made"
        );
        wrong("admin.token", message);
    }
    if server.max_body.0 == 0 {
        wrong("server.max_body", "a body of 0 bytes can ask for nothing".to_owned());
    }
    if server.max_buffered.0 < server.max_body.0 {
        let message = "it is less than server.max_body, so that a body which is allowed would never fit";
        wrong("server.max_buffered", message.to_owned());
    }
    for (path, span) in
        [("server.header_timeout", server.header_timeout), ("server.body_timeout", server.body_timeout)]
    {
        if span.0.is_zero() {
            wrong(path, "it must be more than 0, or every client is dropped".to_owned());
        }
    }
    let tls =
        server.tls.map(|files| TlsFiles { cert: PathBuf::from(files.cert), key: PathBuf::from(files.key) });
    if let Some(Err(error)) = tls.as_ref().map(|files| tls::load(&files.cert, &files.key)) {
        wrong(&format!("server.tls.{}", error.setting), error.to_string());
    }
    let config = ServerConfig {
        listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
        admin_listen,
        max_body: server.max_body.0,
        max_buffered: server.max_buffered.0,
        header_timeout: server.header_timeout.0,
        body_timeout: server.body_timeout.0,
        tls,
        shutdown_grace: server.shutdown_grace.0,
        reveal_route: server.reveal_route,
        metrics_token: server.metrics_token,
    };
    (config, admin.token)
}

/// Whether two listeners would take the same connections; a free port is never another's.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let same_address = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && same_address
}

fn address(loaded: &Loaded, path: &str, text: &str, problems: &mut Vec<Problem>) -> Option<SocketAddr> {
    match text.parse() {
        Ok(address) => Some(address),
        Err(_) => {
            let problem =
                Problem::at(file_of(loaded, path), path, "invalid value").found(format!("{text:?}"));
            problems.push(problem.allowed("an IP address and a port, like 127.0.0.1:8080 or [::]:8080"));
            None
        }
    }
}
