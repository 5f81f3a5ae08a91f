//! HTTP/2 on both sides, with and without TLS: what passes over HTTP/1.1 passes as well, and a reset stream is a client gone.

use std::io::{BufRead, BufReader};
use std::sync::Mutex;
use std::sync::mpsc::channel;

use sluice_tests::client::begin;
use sluice_tests::curl::{self, curl};
use sluice_tests::dialects::{DIALECTS, Dialect, dialect, streaming};
use sluice_tests::frames::{Came, Frames};
use sluice_tests::gateway::{Folder, Gateway, KEY, SECRET, account, key};
use sluice_tests::tls::{Certificate, Front};
use sluice_tests::upstream::{Request, Step, Upstream, chunk, end, stream, stream_head, whole};

/// An upstream that answers whole or streamed, as it is asked.
fn both(dialect: &'static Dialect) -> Upstream {
    Upstream::start(move |request| {
        let body = String::from_utf8_lossy(&request.body);
        if body.contains("\"stream\":true") || request.line.contains(":stream") {
            return stream("text/event-stream", dialect.stream, 7);
        }
        whole(200, "", dialect.answer)
    })
}

/// Sends one request by curl, and checks that body and answer are the same at both ends.
fn relayed(gateway: &Gateway, upstream: &Upstream, scheme: &str, (path, body, answer): (&str, &str, &str)) {
    let version = if scheme == "http" { "--http2-prior-knowledge" } else { "--http2" };
    let (url, header) = (format!("{scheme}://{}{path}", gateway.address), format!("x-api-key: {KEY}"));
    let told = curl(&[version, "-H", &header, &url], Some(body));
    assert_eq!((told.status, told.version.as_str(), told.body.as_str()), (200, "2", answer), "{url}");
    assert_eq!(String::from_utf8_lossy(&upstream.last().body), body, "{url}");
    assert_eq!(gateway.record()["outcome"], "completed", "{url}");
}

#[test]
fn bodies_and_streams_pass_byte_for_byte_over_http_2() {
    for dialect in &DIALECTS {
        let upstream = both(dialect);
        let gateway = Gateway::start(&(account("a", dialect.provider, &upstream.address, "") + &key("")));
        relayed(&gateway, &upstream, "http", (dialect.paths[0], dialect.request, dialect.answer));
        if !dialect.stream.is_empty() {
            let (path, body) = dialect.stream_request;
            relayed(&gateway, &upstream, "http", (path, body, dialect.stream));
        }
    }
}

#[test]
fn streams_pass_over_tls_with_http_2_chosen_by_alpn() {
    let folder = Folder::new();
    let certificate = Certificate::make(&folder.0);
    for dialect in streaming() {
        let upstream = both(dialect);
        let config =
            certificate.settings() + &account("a", dialect.provider, &upstream.address, "") + &key("");
        let gateway = Gateway::start(&config);
        let (path, body) = dialect.stream_request;
        relayed(&gateway, &upstream, "https", (path, body, dialect.stream));
    }
}

#[test]
fn a_stream_that_is_reset_cancels_its_upstream_and_no_other() {
    let dialect = dialect("anthropic");
    let first = dialect.first_event();
    let (go, gate) = channel();
    let gate = Mutex::new(Some(gate));
    let upstream = Upstream::start(move |request| {
        let then = match request.header("x-turn") {
            Some("stays") => vec![
                Step::Wait(gate.lock().unwrap().take().unwrap()),
                chunk(&dialect.stream.as_bytes()[first.len()..]),
                end(),
            ],
            _ => vec![Step::Hang],
        };
        [vec![stream_head("text/event-stream"), chunk(first.as_bytes())], then]
            .into_iter()
            .flatten()
            .collect()
    });
    let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
    let mut client = Frames::connect(&gateway.address);
    let (path, body) = dialect.stream_request;
    let [leaves, stays] = ["leaves", "stays"]
        .map(|turn| client.post(path, &[("x-api-key", KEY), ("x-turn", turn)], body.as_bytes()));
    for stream in [leaves, stays] {
        assert_eq!(client.next(stream), Came::Head(true));
        assert_eq!(client.next(stream), Came::Data(first.as_bytes().to_vec()));
    }
    client.reset(leaves);
    upstream.wait_until_open(1);
    gateway.until("one in flight", |gateway| gateway.in_flight() == 1);
    assert_eq!(gateway.record()["outcome"], "client_gone");
    go.send(()).unwrap();
    assert_eq!(client.rest(stays), dialect.stream[first.len()..]);
    // The list is in the order of beginnings, and these two began at once.
    let records =
        |gateway: &Gateway| gateway.admin("GET", "/requests", "").json()["data"].as_array().unwrap().clone();
    gateway.until("both recorded", |gateway| records(gateway).len() == 2);
    let mut outcomes =
        records(&gateway).iter().map(|record| record["outcome"].to_string()).collect::<Vec<_>>();
    outcomes.sort();
    assert_eq!(outcomes, ["\"client_gone\"", "\"completed\""]);
}

#[test]
fn a_client_that_leaves_over_tls_and_http_2_cancels_upstream() {
    let folder = Folder::new();
    let dialect = dialect("gemini");
    let first = dialect.first_event();
    let upstream =
        Upstream::start(move |_| vec![stream_head("text/event-stream"), chunk(first.as_bytes()), Step::Hang]);
    let config =
        Certificate::make(&folder.0).settings() + &account("a", "gemini", &upstream.address, "") + &key("");
    let gateway = Gateway::start(&config);
    let (path, body) = dialect.stream_request;
    let url = format!("https://{}{path}", gateway.address);
    let mut child = curl::start(&["--http2", "-H", &format!("x-goog-api-key: {KEY}"), &url], Some(body));
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(first.starts_with(line.trim_end()) && !line.trim().is_empty(), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
    upstream.wait_until_open(0);
}

#[test]
fn a_clients_frames_that_say_nothing_end_nothing() {
    let dialect = dialect("anthropic");
    let first = dialect.first_event();
    let upstream = Upstream::start(move |request| match request.header("x-turn") {
        Some("stays") => vec![stream_head("text/event-stream"), chunk(first.as_bytes()), Step::Hang],
        _ => whole(200, "", dialect.answer),
    });
    let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
    let mut client = Frames::connect(&gateway.address);
    let (path, body) = dialect.stream_request;
    let stays = client.post(path, &[("x-api-key", KEY), ("x-turn", "stays")], body.as_bytes());
    assert_eq!(client.next(stays), Came::Head(true));
    for _ in 0..4 {
        let stream = client.begin(dialect.paths[0], &[("x-api-key", KEY)]);
        for _ in 0..60 {
            client.late(stream, &[]);
        }
        client.send(stream, dialect.request.as_bytes(), true).unwrap();
        assert_eq!(client.rest(stream), dialect.answer);
        assert_eq!(String::from_utf8_lossy(&upstream.last().body), dialect.request);
    }
    assert_eq!((client.next(stays), client.goes_away), (Came::Data(first.as_bytes().to_vec()), false));
}

/// An account at an upstream behind TLS.
fn secure(name: &str, provider: &str, address: &str, more: &str) -> String {
    account(name, provider, address, more).replace("base_url = \"http:", "base_url = \"https:")
}

#[test]
fn an_upstream_behind_tls_is_relayed_byte_for_byte() {
    let folder = Folder::new();
    let certificate = Certificate::make(&folder.0);
    for dialect in streaming() {
        let upstream = both(dialect);
        let front = Front::start(&certificate, &upstream.address);
        let config = secure("a", dialect.provider, &front.address, "") + &key("");
        let gateway = Gateway::trusting(&certificate.authority, &config);
        relayed(&gateway, &upstream, "http", (dialect.paths[0], dialect.request, dialect.answer));
        let (path, body) = dialect.stream_request;
        relayed(&gateway, &upstream, "http", (path, body, dialect.stream));
        // What it does not trust it does not talk to.
        let wary = Gateway::start(&config);
        assert_eq!(wary.post(dialect.paths[0], dialect.request).status, 502);
        assert_eq!(upstream.seen().len(), 2);
    }
}

#[test]
fn a_cut_and_a_client_that_leaves_are_seen_through_tls() {
    let folder = Folder::new();
    let certificate = Certificate::make(&folder.0);
    let dialect = dialect("anthropic");
    let first = dialect.first_event();
    let script = move |request: &Request| {
        let last = if request.header("x-turn") == Some("cut") { Step::Close } else { Step::Hang };
        vec![stream_head("text/event-stream"), chunk(first.as_bytes()), last]
    };
    let upstream = Upstream::start(script);
    let front = Front::start(&certificate, &upstream.address);
    let config = secure("a", "claude-console", &front.address, "") + &key("");
    let gateway = Gateway::trusting(&certificate.authority, &config);
    let (path, body) = dialect.stream_request;
    let ask = |turn: &str| {
        begin(&gateway.address, "POST", path, &[("x-api-key", KEY), ("x-turn", turn)], body.as_bytes())
    };
    let cut = ask("cut").whole().text();
    assert!(cut.strip_prefix(first).is_some_and(|tail| tail.starts_with("event: error\n")), "{cut}");
    let mut leaves = ask("leaves");
    assert!(leaves.piece().unwrap().is_some());
    drop(leaves);
    upstream.wait_until_open(0);
    gateway.until("the client is gone", |gateway| gateway.record()["outcome"] == "client_gone");
}

/// Another gateway is the upstream: it speaks HTTP/2 to whoever offers it, and streams for as long as it likes.
#[test]
fn streams_of_one_connection_upstream_end_each_by_itself() {
    let folder = Folder::new();
    let certificate = Certificate::make(&folder.0);
    let slow = format!(
        "[[accounts]]\nname = \"slow\"\nprovider = \"simulated\"\ndelay = \"20ms\"\ntext = {:?}\n",
        "word ".repeat(2000)
    );
    let own = format!("[[keys]]\nname = \"front\"\nkey = \"{SECRET}\"\n");
    let behind = Gateway::start(&(certificate.settings() + &slow + &own));
    let more = format!("http = \"2\"\nca = {:?}", certificate.authority);
    let config = secure("a", "claude-console", &behind.address, &more) + &key("");
    let gateway = Gateway::start(&config);
    let body = br#"{"model":"m","max_tokens":9,"stream":true,"messages":[]}"#;
    // More than one connection carries.
    let mut open: Vec<_> = (0..40)
        .map(|_| begin(&gateway.address, "POST", "/v1/messages", &[("x-api-key", KEY)], body))
        .collect();
    assert!(open.iter_mut().all(|answer| answer.piece().unwrap().is_some()));
    assert_eq!(behind.in_flight(), 40);
    open.truncate(1);
    behind.until("all others are cancelled", |behind| behind.in_flight() == 1);
    assert!(open[0].piece().unwrap().is_some());
}
