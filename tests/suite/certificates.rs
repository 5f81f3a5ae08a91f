//! TLS towards upstreams: whom an account trusts, what it shows of itself, and what is told when that does not do.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use sluice_tests::gateway::{Folder, Gateway, account, key};
use sluice_tests::refusal::{NO_ANSWER, Style};
use sluice_tests::tls::{Certificate, Front, Kind};
use sluice_tests::upstream::{Begins, Ground, Manner, Upstream, whole};

const BODY: &str = r#"{"model":"m"}"#;

fn config(address: &str, more: &str) -> String {
    account("a", "claude-console", address, more).replace("\"http:", "\"https:") + &key("")
}

fn trusts(authority: &Path) -> String {
    format!("ca = {authority:?}\n")
}

fn upstream() -> Upstream {
    Upstream::start(|_| whole(200, "", "{\"good\":1}"))
}

#[test]
fn a_private_authority_is_named_by_a_setting_of_the_account_or_of_all() {
    let folder = Folder::new();
    let certificate = Certificate::make(&folder.0);
    let upstream = upstream();
    let front = Front::start(&certificate, &upstream.address);
    let own = config(&front.address, &trusts(&certificate.authority));
    let general = format!("[upstream]\n{}", trusts(&certificate.authority)) + &config(&front.address, "");
    for config in [own, general] {
        let answer = Gateway::start(&config).post("/v1/messages", BODY);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_a_sentence_in_record_log_and_test() {
    let folder = Folder::new();
    let upstream = upstream();
    let right = Certificate::make(&folder.0);
    let trusted = trusts(&right.authority);
    let same_name = format!("namesake/{}", folder.0.file_name().unwrap().display());
    let namesake = trusts(&Certificate::make(&folder.sub(&same_name)).authority);
    for (what, kind, more, says) in [
        ("for another name", Kind::OtherName, &trusted, "is for another name"),
        ("expired", Kind::Expired, &trusted, "has expired"),
        ("not valid yet", Kind::NotYet, &trusted, "is not valid yet"),
        ("of an unknown authority", Kind::Usual, &String::new(), "name its certificate in `ca`"),
        (
            "of an authority that has another's name",
            Kind::Usual,
            &namesake,
            "another authority of the same name",
        ),
        ("self-signed", Kind::SelfSigned, &trusted, "is signed by nobody but itself"),
    ] {
        let certificate = right.another(&folder.sub(what), kind);
        let front = Front::start(&certificate, &upstream.address);
        told(&Gateway::start(&config(&front.address, more)), what, says);
    }
    assert!(upstream.seen().is_empty());
}

#[test]
fn what_does_not_speak_tls_as_it_should_is_told_as_that() {
    let folder = Folder::new();
    let right = Certificate::make(&folder.0);
    let upstream = upstream();
    let old = Front::with(&right, &upstream.address, &["--old"]);
    for (what, address, says) in [
        ("a plain port", plain_port(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "does not speak TLS on this port"),
        ("a port that closes", plain_port(b""), "does it speak TLS on this port?"),
        ("TLS 1.0 and 1.1 alone", old.address.clone(), "version 1.2 or 1.3 is needed"),
    ] {
        told(&Gateway::start(&config(&address, &trusts(&right.authority))), what, says);
    }
}

#[test]
fn what_speaks_no_http_and_what_never_answers_are_told_as_that() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let never = silent.local_addr().unwrap().to_string();
    let config = config(&never, "connect_timeout = \"300ms\"\n");
    let gateway = Gateway::start(&config);
    assert_eq!(gateway.post("/v1/messages", BODY).status, 504);
    let record = gateway.record()["tries"].to_string();
    assert!(record.contains("no TLS handshake came about in 0.3 s"), "{record}");

    let other = plain_port(b"SSH-2.0-server\r\n");
    told(&Gateway::start(&(account("a", "claude-console", &other, "") + &key(""))), "no HTTP", "is no HTTP");
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_the_accounts_own() {
    let folder = Folder::new();
    let right = Certificate::make(&folder.0);
    let authority = right.authority.to_str().unwrap();
    for (ground, http, more) in [
        (Ground::Plain, "1.1", &[][..]),
        // Without a certificate TLS 1.2 fails in the handshake, and 1.3 when the first answer is read.
        (Ground::Plain, "1.1", &["--1.2"]),
        (Ground::ClearHttp2, "2", &["--h2"]),
        (Ground::ClearHttp2, "2", &["--h2", "--1.2"]),
    ] {
        let upstream = Upstream::on(ground, |_| whole(200, "", "{\"good\":1}"));
        let front = Front::with(&right, &upstream.address, &[&["--client-ca", authority][..], more].concat());
        let settings = trusts(&right.authority) + &format!("http = \"{http}\"\n");
        let what = format!("none is shown, {more:?}");
        told(&Gateway::start(&config(&front.address, &settings)), &what, "set client_cert and");
        let shown = format!("client_cert = {:?}\nclient_key = {:?}\n", right.cert, right.key);
        let gateway = Gateway::start(&config(&front.address, &(settings + &shown)));
        let answer = gateway.post("/v1/messages", BODY);
        assert_eq!(answer.status, 200, "{more:?}: {}", answer.text());
    }
}

#[test]
fn what_does_not_speak_the_http_that_it_should_is_told_as_that() {
    let says = |text: &str| format!("http = \"{text}\"\n");
    let speaks_http2 = Upstream::http2(Manner::default(), |_| whole(200, "", "{}"));
    let alone = speaks_http2.account("a", "claude-console", &says("1.1")) + &key("");
    told(&Gateway::start(&alone), "HTTP/2 alone", "or not the one that the setting `http` asks for");

    let plain = plain_port(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    let other = account("a", "claude-console", &plain, &says("2")) + &key("");
    told(&Gateway::start(&other), "HTTP/1.1 alone", "does not speak HTTP/2");

    let closing = Manner { begins: Begins::Closed, beginning: usize::MAX, ..Manner::default() };
    let dying = Upstream::http2(closing, |_| whole(200, "", "{}"));
    let dying = dying.account("a", "claude-console", "") + &key("");
    told(&Gateway::start(&dying), "it dies", "agreed on HTTP/2 and ended the connection before it began");
}

/// A port that answers whatever comes with these bytes, and closes.
fn plain_port(says: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut hello = [0; 1024];
            let _ = stream.read(&mut hello);
            let _ = stream.write_all(says);
        }
    });
    address
}

/// A request fails, and its record, the log and an operator's try say why; its client is told who can do something.
fn told(gateway: &Gateway, what: &str, says: &str) {
    let answer = gateway.post("/v1/messages", BODY);
    NO_ANSWER.check(Style::Anthropic, &answer, what);
    assert!(
        !answer.text().contains(says) && answer.text().contains("ask your operator"),
        "{}",
        answer.text()
    );
    let record = gateway.record()["tries"].to_string();
    assert!(record.contains(says), "{what}: {record}");
    let tried = gateway.admin("POST", "/accounts/a/test", BODY).text();
    assert!(tried.contains(says), "{what}: {tried}");
    gateway.until(what, |gateway| gateway.log().contains(says));
}
