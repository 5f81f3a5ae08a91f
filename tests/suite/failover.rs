//! Failover: whose fault a failure is decides whether another account is asked, and nobody is asked twice.

use std::sync::Arc;

use sluice_tests::dialects::{DIALECTS, Dialect, dialect, streaming};
use sluice_tests::frame::INTERNAL_ERROR;
use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::refusal::{NO_ANSWER, Style};
use sluice_tests::upstream::{
    GROUNDS, Ground, Request, Script, Step, Upstream, chunk, end, stream, stream_head, whole,
};

/// How the client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Whole,
    Streamed,
}

/// Where a failure leads.
#[derive(Clone, Copy, Debug)]
enum Leads {
    /// To the second account, whose answer the client gets.
    On,
    /// To the client, with this status; the second account sees nothing.
    Back(u16),
}

const BOTH: [How; 2] = [How::Whole, How::Streamed];

/// Two accounts, of which the first is asked first and answers by a script; the second is well.
struct Case<'a> {
    what: &'a str,
    provider: &'a str,
    dialect: &'static Dialect,
    how: How,
    leads: Leads,
    /// How long the first account's answer is waited for.
    wait: &'a str,
}

/// A case over every ground.
fn check(
    what: &str,
    (provider, dialect): (&str, &'static Dialect),
    how: How,
    leads: Leads,
    script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static,
) {
    Case { what, provider, dialect, how, leads, wait: "600s" }.over(&GROUNDS, script);
}

impl Case<'_> {
    fn over(&self, grounds: &[Ground], script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) {
        let script: Arc<Script> = Arc::new(script);
        for ground in grounds {
            self.on(*ground, Arc::clone(&script));
        }
    }

    fn on(&self, ground: Ground, script: Arc<Script>) {
        let Self { provider, dialect, how, leads, wait, .. } = *self;
        let what = format!("{}, {how:?} through {} over {ground:?}", self.what, dialect.api);
        let (path, body, good) = match how {
            How::Whole => (dialect.paths[0], dialect.request, dialect.answer),
            How::Streamed => (dialect.stream_request.0, dialect.stream_request.1, dialect.stream),
        };
        let first = Upstream::on(ground, move |request| script(request));
        let second = Upstream::on(ground, move |_| match how {
            How::Whole => whole(200, "", dialect.answer),
            How::Streamed => stream("text/event-stream", dialect.stream, 13),
        });
        let more = format!("priority = 1\nfirst_byte_timeout = \"{wait}\"");
        let config = first.account("first", provider, &more)
            + &second.account("second", provider, "priority = 2")
            + &key("");
        let gateway = Gateway::start(&config);
        let answer = gateway.post(path, body);
        let bodies = |upstream: &Upstream| -> Vec<String> {
            upstream.seen().iter().map(|seen| String::from_utf8_lossy(&seen.body).into_owned()).collect()
        };
        assert_eq!(bodies(&first), [body], "{what}");
        let record = gateway.record();
        let recorded = (record["status"].as_u64(), record["attempts"].as_u64(), record["account"].as_str());
        match leads {
            Leads::On => {
                assert_eq!((answer.status, answer.text().as_str()), (200, good), "{what}");
                assert_eq!(bodies(&second), [body], "{what}");
                assert_eq!(recorded, (Some(200), Some(2), Some("second")), "{what}");
                assert_eq!(record["outcome"], "completed", "{what}");
            }
            Leads::Back(status) => {
                assert_eq!(answer.status, status, "{what}: {}", answer.text());
                assert_eq!(second.accepted(), 0, "{what}");
                assert_eq!(recorded, (Some(status.into()), Some(1), Some("first")), "{what}");
            }
        }
    }
}

/// The usual provider of a client API, with its sample.
fn usual(api: &str) -> (&'static str, &'static Dialect) {
    let dialect = dialect(api);
    (dialect.provider, dialect)
}

#[test]
fn what_is_the_accounts_or_the_providers_fault_goes_to_the_next_account() {
    for how in BOTH {
        for status in [401, 402, 403, 408, 424, 429, 500, 502, 503, 504, 529] {
            check(&status.to_string(), usual("anthropic"), how, Leads::On, move |_| whole(status, "", "{}"));
        }
    }
}

#[test]
fn what_is_the_clients_own_fault_comes_back_from_the_one_account_that_saw_it() {
    for how in BOTH {
        for status in [400, 404, 413, 422] {
            let leads = Leads::Back(status);
            check(&status.to_string(), usual("anthropic"), how, leads, move |_| whole(status, "", "{}"));
        }
    }
}

#[test]
fn every_dialect_fails_over_with_the_clients_body_byte_for_byte() {
    for dialect in &DIALECTS {
        let of = (dialect.provider, dialect);
        check("500", of, How::Whole, Leads::On, |_| whole(500, "", "{}"));
        if !dialect.stream.is_empty() {
            check("429", of, How::Streamed, Leads::On, |_| whole(429, "", "{}"));
        }
    }
}

#[test]
fn what_breaks_before_the_client_has_anything_goes_to_the_next_account() {
    let head = || Step::Head {
        status: 200,
        lines: "content-type: application/json\r\n".to_owned(),
        length: Some(9),
    };
    for how in BOTH {
        let of = usual("anthropic");
        check("no head", of, how, Leads::On, |_| vec![Step::Close]);
        check("no body", of, how, Leads::On, move |_| vec![head(), Step::Close]);
        check("no body, reset", of, how, Leads::On, move |_| vec![head(), Step::Reset(INTERNAL_ERROR)]);
        for (what, text) in [
            ("half a head", "HTTP/1.1 200 OK\r\ncont"),
            ("no HTTP", "SSH-2.0-x\r\n"),
            ("a head alone", "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"),
        ] {
            let (provider, dialect) = of;
            let case = Case { what, provider, dialect, how, leads: Leads::On, wait: "600s" };
            case.over(&[Ground::Plain, Ground::Tls], move |_| vec![Step::Bytes(text.into()), Step::Close]);
        }
    }
    let sse = || stream_head("text/event-stream");
    let ping = ": hello\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n";
    for (api, text) in
        [("anthropic", ping), ("openai-chat", ": hello\n\n"), ("openai-responses", ""), ("gemini", "")]
    {
        check("an empty stream", usual(api), How::Streamed, Leads::On, move |_| vec![sse(), end()]);
        check("a broken stream", usual(api), How::Streamed, Leads::On, move |_| vec![sse(), Step::Close]);
        check("a stream that is reset", usual(api), How::Streamed, Leads::On, move |_| {
            vec![sse(), Step::Reset(INTERNAL_ERROR)]
        });
        if !text.is_empty() {
            check("pings alone", usual(api), How::Streamed, Leads::On, move |_| {
                stream("text/event-stream", text, 9)
            });
        }
    }
}

#[test]
fn a_connection_that_is_refused_goes_to_the_next_account() {
    for (dialect, ground) in streaming().flat_map(|dialect| GROUNDS.map(|ground| (dialect, ground))) {
        let second = Upstream::on(ground, |_| whole(200, "", dialect.answer));
        let config = second.account_at("127.0.0.1:1", "first", dialect.provider, "priority = 1")
            + &second.account("second", dialect.provider, "priority = 2")
            + &key("");
        let gateway = Gateway::start(&config);
        assert_eq!(gateway.post(dialect.paths[0], dialect.request).text(), dialect.answer, "{}", dialect.api);
        let record = gateway.record();
        assert_eq!((record["attempts"].as_u64(), record["account"].as_str()), (Some(2), Some("second")));
    }
}

#[test]
fn an_upstream_that_is_late_is_left_only_where_a_stream_was_asked_for() {
    // Long enough for a first handshake on a busy machine; all of them at once.
    let check = |what: &str, api: &str, how, leads, begins: fn() -> Vec<Step>, ground| {
        let (provider, dialect) = usual(api);
        let case = Case { what, provider, dialect, how, leads, wait: "3s" };
        case.over(&[ground], move |_| begins().into_iter().chain([Step::Hang]).collect());
    };
    let check = &check;
    std::thread::scope(|scope| {
        for (ground, (api, how, leads)) in GROUNDS.into_iter().flat_map(|ground| {
            [
                ("anthropic", How::Whole, Leads::Back(504)),
                ("gemini", How::Whole, Leads::Back(504)),
                ("anthropic", How::Streamed, Leads::On),
                ("openai-responses", How::Streamed, Leads::On),
            ]
            .map(|case| (ground, case))
        }) {
            scope.spawn(move || check("no head", api, how, leads, Vec::new, ground));
        }
        for ground in GROUNDS {
            let begins = || vec![stream_head("text/event-stream")];
            let leads = Leads::On;
            scope.spawn(move || check("a head alone", "openai-chat", How::Streamed, leads, begins, ground));
        }
    });
}

/// One upstream for many accounts, each of which says its name; all fail.
fn names_asked(accounts: &[(&str, &str)], more: &str) -> (Vec<String>, u64) {
    let upstream = Upstream::start(|_| whole(500, "", "{}"));
    let each = accounts.iter().enumerate().map(|(at, (name, pools))| {
        let more = format!("priority = {at}\npools = {pools}\nheaders = {{ \"x-account\" = \"{name}\" }}");
        account(name, "claude-console", &upstream.address, &more)
    });
    let gateway = Gateway::start(&(each.collect::<String>() + &key("") + more));
    assert_eq!(gateway.post("/v1/messages", r#"{"model":"m"}"#).status, 500);
    let named = |seen: &Request| seen.header("x-account").unwrap().to_owned();
    (upstream.seen().iter().map(named).collect(), gateway.record()["attempts"].as_u64().unwrap())
}

#[test]
fn attempts_bounds_the_accounts_that_are_tried() {
    let accounts = ["a", "b", "c", "d"].map(|name| (name, "[\"claude\"]"));
    for (setting, tried) in [
        ("scheduler.attempts = 1", &["a"][..]),
        ("scheduler.attempts = 2", &["a", "b"]),
        ("", &["a", "b", "c"]),
        ("scheduler.attempts = 9", &["a", "b", "c", "d"]),
    ] {
        // A table of its own comes last in the file.
        let more = setting.replace("scheduler.", "[scheduler]\n");
        assert_eq!(
            names_asked(&accounts, &more),
            (tried.iter().map(|name| (*name).to_owned()).collect(), tried.len() as u64),
            "{setting}"
        );
    }
}

#[test]
fn every_pool_of_a_route_has_its_turn_however_many_accounts_fail_before() {
    let names = [
        ("a", "[\"one\"]"),
        ("b", "[\"one\"]"),
        ("c", "[\"one\"]"),
        ("d", "[\"one\"]"),
        ("e", "[\"two\", \"one\"]"),
        ("f", "[\"two\"]"),
        ("g", "[\"three\"]"),
    ];
    for (attempts, tried) in [("1", "a f g"), ("3", "a b c f g"), ("9", "a b c d e f g")] {
        let route = format!(
            "[[routes]]\nmodel = \"*\"\npools = [\"one\", \"two\", \"three\"]\n[scheduler]\nattempts = {attempts}\n"
        );
        let tried: Vec<String> = tried.split(' ').map(ToOwned::to_owned).collect();
        let asked = tried.len() as u64;
        assert_eq!(names_asked(&names, &route), (tried, asked), "{attempts} in each");
    }
}

#[test]
fn a_web_page_in_place_of_an_answer_is_the_providers_failure_and_never_the_credentials() {
    let page = "<!DOCTYPE html><html><title>Just a moment...</title>";
    for how in BOTH {
        for kind in ["text/html; charset=utf-8", "application/json"] {
            let headers = format!("content-type: {kind}\r\n");
            for status in [200, 401, 402, 403, 404] {
                let (what, headers) = (format!("{status} {kind}"), headers.clone());
                check(&what, usual("openai-chat"), how, Leads::On, move |_| whole(status, &headers, page));
            }
            check("space, then a page", usual("openai-chat"), how, Leads::On, move |_| {
                vec![stream_head(kind), chunk(b" \r\n"), chunk(page.as_bytes()), end()]
            });
        }
    }
    for dialect in &DIALECTS {
        for status in [200, 401, 402, 403, 404] {
            let upstream = Upstream::start(move |_| whole(status, "content-type: text/html\r\n", page));
            let gateway = Gateway::start(&(account("a", dialect.provider, &upstream.address, "") + &key("")));
            // It fails like any other, and counts like any other.
            for state in ["ready", "ready", "failing"] {
                let answer = gateway.post(dialect.paths[0], dialect.request);
                NO_ANSWER.check(Style::of(dialect.api), &answer, dialect.api);
                assert!(!answer.text().contains("html"), "{}", answer.text());
                let view = gateway.admin("GET", "/accounts/a", "").json();
                assert_eq!(view["state"], state, "{} {status}: {view}", dialect.api);
            }
        }
    }
}

#[test]
fn nothing_where_a_stream_was_asked_for_is_a_failed_attempt_whatever_it_is_labelled() {
    for dialect in streaming() {
        for kind in ["application/json", "text/plain", "text/event-stream"] {
            let of = (dialect.provider, dialect);
            let headers = format!("content-type: {kind}\r\n");
            check(&format!("no bytes of {kind}"), of, How::Streamed, Leads::On, move |_| {
                whole(200, &headers, "")
            });
            check(&format!("{kind} of space"), of, How::Streamed, Leads::On, move |_| {
                stream(kind, " \r\n\n", 1)
            });
        }
    }
}

#[test]
fn an_account_in_two_pools_of_a_route_is_tried_once() {
    let accounts = [("both", "[\"one\", \"two\"]"), ("second", "[\"two\"]")];
    let route = "[[routes]]\nmodel = \"*\"\npools = [\"one\", \"two\"]\n[scheduler]\nattempts = 5\n";
    assert_eq!(names_asked(&accounts, route), (vec!["both".to_owned(), "second".to_owned()], 2));
}

#[test]
fn a_second_pool_is_asked_once_the_first_has_failed() {
    let accounts = [("late", "[\"two\"]"), ("early", "[\"one\"]")];
    let route = "[[routes]]\nmodel = \"*\"\npools = [\"one\", \"two\"]\n";
    assert_eq!(names_asked(&accounts, route), (vec!["early".to_owned(), "late".to_owned()], 2));
}
