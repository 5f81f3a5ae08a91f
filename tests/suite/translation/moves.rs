//! From account to account where their dialects differ: sessions stay, failures go on, and nobody is asked once something
//! was said.

use std::collections::BTreeSet;

use serde_json::Value;
use sluice_tests::client::send;
use sluice_tests::conversation;
use sluice_tests::gateway::{Gateway, KEY, key};
use sluice_tests::turn::USED;
use sluice_tests::upstream::{Request, Step, Upstream, chunk, end, stream_head, whole};

use super::partial::{error, said};
use super::{SPEAKS, asked};

/// How an account fails before anything was said.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fails {
    With(u16),
    BeforeItsHead,
    BeforeAnEvent,
    ByItsFirstEvent,
    AfterAWord,
}

const FAILURES: [Fails; 5] =
    [Fails::With(429), Fails::With(500), Fails::BeforeItsHead, Fails::BeforeAnEvent, Fails::ByItsFirstEvent];

impl Fails {
    fn steps(self, request: &Request) -> Vec<Step> {
        let api = spoken(request);
        match self {
            Self::With(status) => whole(status, "", "{\"error\":{\"message\":\"no\"}}"),
            Self::BeforeItsHead => vec![Step::Close],
            Self::BeforeAnEvent => vec![stream_head("text/event-stream"), Step::Close],
            Self::ByItsFirstEvent => {
                vec![stream_head("text/event-stream"), chunk(error(api).as_bytes()), end()]
            }
            Self::AfterAWord => {
                vec![stream_head("text/event-stream"), chunk(said(api).as_bytes()), Step::Close]
            }
        }
    }
}

/// The dialect of what an upstream is asked.
fn spoken(request: &Request) -> &'static str {
    let ways = ["/messages", "/chat/completions", "/responses", "enerateContent"];
    let at = ways.iter().position(|way| request.line.contains(way)).unwrap();
    SPEAKS[at].0
}

/// For each client three pools of one account, of which the second speaks its dialect; the first two fail.
fn three_each(upstream: &Upstream) -> Gateway {
    let mut config = format!("server.reveal_route = true\n{}", key(""));
    for (at, (client, _)) in SPEAKS.iter().enumerate() {
        for (place, other) in [("first", 1), ("own", 0), ("last", 2)] {
            let name = format!("{client}-{place}");
            let address = format!("{}/{name}", upstream.address);
            let more = format!("pools = [\"{name}\"]\n");
            config += &upstream.account_at(&address, &name, SPEAKS[(at + other) % 4].1, &more);
        }
        config += &format!(
            "[[routes]]\nmodel = \"m-{client}\"\npools = [\"{client}-first\", \"{client}-own\", \"{client}-last\"]\n"
        );
    }
    Gateway::start(&config)
}

/// Requests that an account was sent.
fn sent_to(upstream: &Upstream, account: &str) -> Vec<Request> {
    let place = format!("/{account}/");
    upstream.seen().into_iter().filter(|request| request.line.contains(&place)).collect()
}

#[test]
fn a_failure_goes_on_to_an_account_of_the_clients_own_dialect_and_back_to_one_of_another() {
    for fails in FAILURES {
        let upstream = Upstream::start(move |request| match request.line.contains("-last/") {
            true => conversation::answer(request),
            false => fails.steps(request),
        });
        let gateway = three_each(&upstream);
        for (client, _) in SPEAKS {
            let (_, path, body, _) =
                asked(&format!("m-{client}")).into_iter().find(|(api, ..)| *api == client).unwrap();
            let what = format!("{fails:?} {client}");
            let answer = gateway.post(&path, &body);
            assert_eq!(
                (answer.status, answer.header("x-sluice-account")),
                (200, Some(&*format!("{client}-last"))),
                "{what}"
            );
            let told = answer.text();
            assert!(
                told.contains("Look") && told.contains("look_up") && !told.contains("error\":{"),
                "{what} {told}"
            );
            let own = sent_to(&upstream, &format!("{client}-own"));
            // One that closes a connection which was open before is asked once more, as it may have been too old.
            let once = |seen: &[Request]| seen.len() == 1 || fails == Fails::BeforeItsHead && seen.len() == 2;
            assert!(once(&own), "{what}");
            // What a stream used is asked for, where its client has not; each other byte is the client's own.
            let sent = String::from_utf8_lossy(&own[0].body)
                .replace("\"stream_options\":{\"include_usage\":true},", "");
            assert_eq!(sent, body, "{what}");
            for place in ["first", "last"] {
                let seen = sent_to(&upstream, &format!("{client}-{place}"));
                assert!(once(&seen), "{what}");
                assert_ne!(spoken(&seen[0]), client, "{what}");
            }
            let record = gateway.record();
            assert_eq!(
                (&record["attempts"], &record["outcome"]),
                (&3.into(), &"completed".into()),
                "{what} {record}"
            );
            assert_eq!(record["input_tokens"], USED.0, "{what} {record}");
        }
    }
}

#[test]
fn once_a_word_was_said_no_other_account_is_asked() {
    let upstream = Upstream::start(|request| Fails::AfterAWord.steps(request));
    let gateway = three_each(&upstream);
    for (client, _) in SPEAKS {
        let (_, path, body, word) =
            asked(&format!("m-{client}")).into_iter().find(|(api, ..)| *api == client).unwrap();
        let told = gateway.post(&path, &body).text();
        assert!(told.contains(word), "{client}: {told}");
        assert_eq!(sent_to(&upstream, &format!("{client}-first")).len(), 1);
        assert!(sent_to(&upstream, &format!("{client}-own")).is_empty(), "{client}");
    }
}

#[test]
fn a_conversation_stays_on_its_account_whatever_that_speaks() {
    let upstream = Upstream::start(conversation::answer);
    let mut config = format!("server.reveal_route = true\n{}", key(""));
    for (api, provider) in SPEAKS {
        for number in 0..3 {
            config +=
                &upstream.account(&format!("{api}-{number}"), provider, &format!("pools = [\"{api}\"]\n"));
        }
        config += &format!("[[routes]]\nmodel = \"to-{api}\"\npools = [\"{api}\"]\n");
    }
    let gateway = Gateway::start(&config);
    for (speaks, _) in SPEAKS {
        for (client, path, body, _) in asked(&format!("to-{speaks}")) {
            if client == speaks {
                continue;
            }
            let mut all = BTreeSet::new();
            for session in 0..5 {
                let name = format!("{client}-{speaks}-{session}");
                let turns: BTreeSet<String> = (0..4)
                    .map(|turn| {
                        let body = body.replace("Go.", &format!("Turn {turn}."));
                        let headers = [("x-api-key", KEY), ("x-session-id", name.as_str())];
                        let answer = send(&gateway.address, "POST", &path, &headers, body.as_bytes());
                        assert_eq!(answer.status, 200, "{}", answer.text());
                        answer.header("x-sluice-account").unwrap().to_owned()
                    })
                    .collect();
                assert_eq!(turns.len(), 1, "{client} {speaks}: {turns:?}");
                all.extend(turns);
            }
            assert!(all.len() > 1, "{client} {speaks}: sessions are spread over {all:?}");
            let record: Value = gateway.record();
            assert!(
                record["session"].as_str().unwrap().contains(&format!("{client}-{speaks}-4")),
                "{record}"
            );
        }
    }
}
