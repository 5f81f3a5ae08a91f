//! TLS: a server is trusted by the certificates that are set, and by none else.

use std::path::Path;
use std::process::{Command, Stdio};

use super::event::PATIENCE;
use super::sent::{more, until_refused};
use super::server::Server;
use crate::link::{Link, Servers};

/// An authority, and a server's certificate by it, made in a folder.
fn certify(folder: &Path) {
    let extensions = folder.join("extensions");
    std::fs::write(&extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost").unwrap();
    for command in [
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=Authority",
        "req -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj /CN=Server",
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2 -extfile extensions",
    ] {
        let made = Command::new("openssl")
            .args(command.split(' '))
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success(), "{command}");
    }
}

/// The port beside the plain one on which a server speaks TLS from now on.
fn encrypt(server: &Server) -> u16 {
    certify(server.folder());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    server.tell(&[
        "CONFIG",
        "SET",
        "tls-cert-file",
        "cert.pem",
        "tls-key-file",
        "key.pem",
        "tls-ca-cert-file",
        "ca.pem",
        "tls-auth-clients",
        "no",
        "tls-port",
        &port,
    ]);
    port.parse().unwrap()
}

fn link(url: &str, ca: Option<&[u8]>) -> Link {
    Link::to(&Servers::new(&[url], ca).unwrap(), "sluice", PATIENCE)
}

#[tokio::test]
async fn a_server_is_trusted_by_its_own_authority_and_by_no_other() {
    let (server, other) = (Server::start(), Server::start());
    let port = encrypt(&server);
    certify(other.folder());
    let [ca, another] = [&server, &other].map(|of| std::fs::read(of.folder().join("ca.pem")).unwrap());
    for host in ["127.0.0.1", "localhost"] {
        let link = link(&format!("rediss://{host}:{port}"), Some(&ca));
        assert!(more(&link, "n").await.unwrap() > 0);
    }
    for (ca, says) in [(None, "UnknownIssuer"), (Some(another.as_slice()), "BadSignature")] {
        let why = until_refused(&link(&format!("rediss://127.0.0.1:{port}"), ca)).await;
        assert!(why.contains(says), "{why}");
    }
    // Without TLS it is no Redis.
    until_refused(&link(&format!("redis://127.0.0.1:{port}"), None)).await;
}

#[test]
fn a_file_that_is_no_certificate_is_told_when_settings_are_checked() {
    let server = Server::start();
    certify(server.folder());
    let folder = server.folder();
    let file = |name: &str| folder.join(name).display().to_string();
    let good = std::fs::read_to_string(folder.join("ca.pem")).unwrap();
    let broken = good.replacen("MII", "AAA", 1);
    for (text, says) in [
        (good.as_str(), None),
        (&good.repeat(2), None),
        ("rubbish", Some("has no certificate")),
        ("", Some("has no certificate")),
        ("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", Some("can't be read")),
        (&broken, Some("can't be read")),
        (&good.replace("-----END CERTIFICATE-----", ""), Some("can't be read")),
    ] {
        std::fs::write(folder.join("tried.pem"), text).unwrap();
        let toml = format!("url = \"rediss://h\"\nca = {:?}", file("tried.pem"));
        let read = sluice_api::plugin::testing::with_section(&toml, crate::settings::RedisSettings::read);
        match (read, says) {
            (Ok(_), None) => {}
            (Err(problems), Some(says)) => {
                let told = &problems[0];
                assert!(told.path.ends_with(".ca") && told.message.contains(says), "{told:?}");
            }
            (other, _) => panic!("{text}: {other:?}"),
        }
    }
    let toml = format!("url = \"redis://h\"\nca = {:?}", file("ca.pem"));
    let problems =
        sluice_api::plugin::testing::with_section(&toml, crate::settings::RedisSettings::read).unwrap_err();
    assert!(problems[0].message.contains("only a server of rediss://"), "{problems:?}");
}
