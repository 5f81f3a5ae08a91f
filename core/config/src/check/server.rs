//! `[server]` and `[admin]`: where it is listened, and what that needs.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use sluice_api::settings::{Problem, Secret};
use sluice_reading::Loaded;

use crate::address::TrustedProxies;
use crate::resolved::ServerConfig;
use crate::section::{file_of, table};
use crate::tls;
use sluice_settings::server::{Admin, Server};

/// Characters of a token: who has it has all that it guards, and nothing slows down who tries.
const TOKEN_MIN: usize = 16;

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
    for (path, token, without) in [
        ("admin.token", &admin.token, ", or leave it out to have one made"),
        ("server.metrics_token", &server.metrics_token, ""),
    ] {
        if token.as_ref().is_some_and(|token| token.expose().chars().count() < TOKEN_MIN) {
            let message = format!(
                "it has fewer than {TOKEN_MIN} characters and can be guessed: use a longer one, like `openssl rand -hex 32` makes{without}"
            );
            wrong(path, message);
        }
    }
    if server.max_body.0 == 0 {
        wrong("server.max_body", "a body of 0 bytes can ask for nothing".to_owned());
    }
    if server.max_buffered.0 < server.max_body.0 {
        let message = "it is less than server.max_body, so that a body which is allowed would never fit";
        wrong("server.max_buffered", message.to_owned());
    }
    for (path, span) in [
        ("server.header_timeout", server.header_timeout),
        ("server.body_timeout", server.body_timeout),
        ("server.send_timeout", server.send_timeout),
    ] {
        if span.0.is_zero() {
            wrong(path, "it must be more than 0, or every client is dropped".to_owned());
        }
    }
    let tls = server.tls.as_ref().and_then(|files| {
        match tls::load(Path::new(&files.cert), Path::new(&files.key)) {
            Ok(loaded) => Some(Arc::new(loaded)),
            Err(error) => {
                wrong(&format!("server.tls.{}", error.setting), error.to_string());
                None
            }
        }
    });
    hosts(loaded, &server.hosts, problems);
    let trusted_proxies = networks(loaded, &server.trusted_proxies, problems);
    let config = ServerConfig {
        listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
        admin_listen,
        tls,
        trusted_proxies,
        ..ServerConfig::from(&server)
    };
    (config, admin.token)
}

fn hosts(loaded: &Loaded, names: &[String], problems: &mut Vec<Problem>) {
    for (at, name) in names.iter().enumerate() {
        let part = |label: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            !label.is_empty() && label.bytes().all(plain)
        };
        if name != "*" && !name.split('.').all(part) {
            let path = format!("server.hosts[{at}]");
            let problem = Problem::at(file_of(loaded, "server.hosts"), path, "invalid value");
            let problem = problem.found(format!("{name:?}"));
            problems
                .push(problem.allowed("a host's name alone, like gateway.example, or \"*\" for every name"));
        }
    }
}

fn networks(loaded: &Loaded, texts: &[String], problems: &mut Vec<Problem>) -> TrustedProxies {
    let mut networks = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        match TrustedProxies::network(text) {
            Some(network) => networks.push(network),
            None => {
                let path = format!("server.trusted_proxies[{at}]");
                let file = file_of(loaded, "server.trusted_proxies");
                let problem = Problem::at(file, path, "invalid value").found(format!("{text:?}"));
                problems.push(problem.allowed("a network like 10.0.0.0/8 or fd00::/8, or an IP address"));
            }
        }
    }
    networks.into_iter().collect()
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
