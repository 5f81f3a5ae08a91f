//! Items of earlier responses that a request has by their ids alone: they are where they were made, and their key's.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sluice_tests::client::{Whole, send};
use sluice_tests::fleet::{Fleet, asks_stream};
use sluice_tests::gateway::{Gateway, KEY};
use sluice_tests::moment::{now, pass};
use sluice_tests::upstream::{Request, Step, stream, whole};

use super::{NAMES, PROVIDERS, account, config};

const OTHER: &str = "[[keys]]\nname = \"other\"\nkey = \"other\"\n";

/// An upstream that makes responses of a piece of reasoning and a message, and says of them what it is to say.
fn making(request: &Request, says: &str) -> Vec<Step> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::SeqCst);
    let items = [
        format!(r#"{{"type":"reasoning","summary":[],"id":"rs_{number}"}}"#),
        format!(
            r#"{{"type":"message","content":[{{"type":"output_text","text":"x"}}],"id":"msg_{number}"}}"#
        ),
    ];
    let output = items.join(",");
    let usage = r#""usage":{"input_tokens":9,"output_tokens":41,"total_tokens":50}"#;
    let response = format!(r#"{{"id":"resp_{number}"{says},"output":[{output}],{usage}}}"#);
    if !asks_stream(request) {
        return whole(200, "", &response);
    }
    let created = format!(r#""response":{{"id":"resp_{number}"{says},"output":[]}}"#);
    let told = items.iter().flat_map(|item| {
        ["added", "done"]
            .map(|kind| (format!("output_item.{kind}"), format!(r#""output_index":0,"item":{item}"#)))
    });
    let events = std::iter::once(("created".to_owned(), created))
        .chain(told)
        .chain([("completed".to_owned(), format!(r#""response":{response}"#))]);
    let text: String = events
        .map(|(kind, more)| {
            format!("event: response.{kind}\ndata: {{\"type\":\"response.{kind}\",{more}}}\n\n")
        })
        .collect();
    stream("text/event-stream", &text, 17)
}

fn ask_as(gateway: &Gateway, key: &str, items: &str, more: &str) -> Whole {
    let user = r#"{"role":"user","content":"and an \"id\"?"}"#;
    let body = format!(r#"{{"model":"m-1","input":[{items}{user}]{more}}}"#);
    send(&gateway.address, "POST", "/v1/responses", &[("x-api-key", key)], body.as_bytes())
}

fn ask(gateway: &Gateway, items: &str, more: &str) -> Whole {
    ask_as(gateway, KEY, items, more)
}

/// The number in the ids of a response and its items.
fn number(answer: &Whole) -> usize {
    let text = answer.text();
    let (_, rest) = text.split_once("\"resp_").unwrap_or_else(|| panic!("{text}"));
    rest.split('"').next().unwrap().parse().unwrap()
}

/// The account that made a response, and the number of it.
fn made(gateway: &Gateway, more: &str) -> (String, usize) {
    let answer = ask(gateway, "", more);
    (account(&answer), number(&answer))
}

/// Each way to have an item by its id alone, and that id.
fn ways(number: usize) -> [(String, String); 5] {
    let (message, thought) = (format!("msg_{number}"), format!("rs_{number}"));
    [
        (format!(r#"{{"type":"item_reference","id":"{message}"}},"#), message.clone()),
        (format!(r#"{{"id":"{message}"}},"#), message.clone()),
        (format!(r#"{{"t\u0079pe":"item\u005freference","\u0069d":"{message}"}},"#), message),
        (format!(r#"{{"type":"item_reference","id":"{thought}"}},"#), thought.clone()),
        (format!(r#"{{"type":"reasoning","id":"{thought}","summary":[]}},"#), thought),
    ]
}

/// Ways that have all of what was made: their ids say nothing.
fn labels(number: usize) -> [String; 2] {
    [
        format!(r#"{{"type":"message","role":"assistant","content":"x","id":"msg_{number}"}},"#),
        format!(r#"{{"type":"reasoning","summary":[],"encrypted_content":"x","id":"rs_{number}"}},"#),
    ]
}

/// How many accounts serve an item, each time in a session of its own.
fn places_of(gateway: &Gateway, item: &str) -> usize {
    static SESSION: AtomicUsize = AtomicUsize::new(0);
    let asked = (0..6).map(|_| {
        let session = SESSION.fetch_add(1, Ordering::SeqCst);
        account(&ask(gateway, item, &format!(",\"prompt_cache_key\":\"{session}\"")))
    });
    asked.collect::<BTreeSet<_>>().len()
}

#[test]
fn an_item_is_asked_for_where_it_was_made_whole_or_streamed() {
    for provider in PROVIDERS {
        let fleet = Fleet::start(|request| making(request, ""));
        let gateway = Gateway::start(&config(&fleet, provider));
        for more in ["", ",\"stream\":true"] {
            let all: Vec<_> = (0..6).map(|_| made(&gateway, more)).collect();
            let places: BTreeSet<_> = all.iter().map(|(account, _)| account).collect();
            assert_eq!(places.len(), 3, "{provider}: responses are made everywhere");
            for (own, number) in all.iter().chain(all.iter().rev()) {
                for (item, _) in ways(*number) {
                    for more in ["", ",\"stream\":true"] {
                        assert_eq!(account(&ask(&gateway, &item, more)), *own, "{provider} {item}{more}");
                    }
                }
            }
            let (own, number) = &all[0];
            for item in labels(*number) {
                assert_eq!(places_of(&gateway, &item), 3, "{provider} {item}: it is bound to nothing");
            }
            // A conversation refers to all that it has.
            let long: String = (0..50).map(|_| ways(*number)[0].0.clone() + &labels(*number)[0]).collect();
            assert_eq!(account(&ask(&gateway, &long, "")), *own);
        }
    }
}

#[test]
fn an_item_of_an_account_that_fails_or_is_off_is_asked_for_nowhere_else() {
    let fleet = Fleet::start(|request| making(request, ""));
    let gateway = Gateway::start(&config(&fleet, "openai-responses"));
    let (own, number) = made(&gateway, "");
    let others = || NAMES.iter().filter(|name| **name != own).map(|name| fleet.asked(name)).sum::<usize>();
    let before = others();
    fleet.tell(&own, |_| whole(500, "", "{}"));
    assert_eq!(ask(&gateway, &ways(number)[0].0, "").status, 500);
    let off = gateway.admin("PATCH", &format!("/accounts/{own}"), "{\"enabled\":false}");
    assert_eq!(off.status, 200);
    for (item, _) in ways(number) {
        let answer = ask(&gateway, &item, "");
        assert_eq!(
            (answer.status, answer.header("x-should-retry")),
            (503, Some("false")),
            "{}",
            answer.text()
        );
    }
    assert_eq!(others(), before);
}

#[test]
fn an_item_that_another_key_made_is_unknown_as_what_does_not_exist_also_after_a_restart() {
    let fleet = Fleet::start(|request| making(request, ""));
    let config = config(&fleet, "openai-responses") + OTHER;
    let mut gateway = Gateway::start(&config);
    let all = ["", ",\"stream\":true"].map(|more| made(&gateway, more));
    for _ in 0..2 {
        for (own, number) in &all {
            let before = fleet.asked_in_all();
            for (item, id) in ways(*number) {
                for more in ["", ",\"stream\":true"] {
                    // Behind one that is nobody's, too.
                    for items in [item.clone(), format!("{{\"id\":\"msg_of_nobody\"}},{item}")] {
                        let answer = ask_as(&gateway, "other", &items, more);
                        let error = &answer.json()["error"];
                        let told = ["type", "param", "code"].map(|field| error[field].as_str());
                        let words = [Some("invalid_request_error"), Some("input"), None];
                        assert_eq!((answer.status, told), (404, words), "{}", answer.text());
                        let sentence = format!("Item with id '{id}' not found.");
                        assert!(error["message"].as_str().unwrap().starts_with(&sentence), "{error}");
                    }
                }
            }
            assert_eq!(fleet.asked_in_all(), before, "nobody was asked");
            for (item, _) in ways(*number) {
                assert_eq!(account(&ask(&gateway, &item, "")), *own);
            }
            for item in labels(*number) {
                assert_eq!(ask_as(&gateway, "other", &item, "").status, 200, "{item}");
            }
        }
        // What is written within a second is known after a restart too.
        pass(now() + Duration::from_secs(1));
        let folder = Arc::clone(&gateway.folder);
        drop(gateway);
        gateway = Gateway::start_in(folder, &config);
    }
}

#[test]
fn whatever_a_request_refers_to_is_looked_for_in_one_question_to_the_store() {
    let fleet = Fleet::start(|request| making(request, ""));
    let gateway = Gateway::start(&config(&fleet, "openai-responses"));
    let (own, number) = made(&gateway, "");
    let questions = || {
        let metrics = send(&gateway.address, "GET", "/metrics", &[], b"").text();
        let line = metrics.lines().find_map(|line| {
            line.strip_prefix("sluice_store_seconds_count{operation=\"recall\"} ").map(ToOwned::to_owned)
        });
        line.map_or(0, |count| count.parse::<u64>().unwrap())
    };
    let strange: String =
        (0..1_500).map(|at| format!(r#"{{"type":"item_reference","id":"msg_of_nobody_{at}"}},"#)).collect();
    let before = questions();
    assert_eq!(account(&ask(&gateway, &(ways(number)[0].0.clone() + &strange), "")), own);
    // The session that the request has none of, beside.
    assert!(questions() <= before + 2, "{} questions", questions() - before);
    assert!(questions() > before);
}

#[test]
fn of_what_no_upstream_keeps_nothing_is_bound() {
    let fleet = Fleet::start(|request| making(request, ",\"store\":false"));
    let gateway = Gateway::start(&config(&fleet, "openai-responses"));
    for more in ["", ",\"stream\":true"] {
        let (_, number) = made(&gateway, more);
        let (thought, _) = &ways(number)[4];
        for _ in 0..2 {
            assert_eq!(places_of(&gateway, thought), 3, "it is bound to nothing, and stays so");
        }
    }
}

#[test]
fn an_item_that_nobody_made_here_is_its_that_is_served_with_it_first() {
    let fleet = Fleet::start(|request| making(request, ""));
    let gateway = Gateway::start(&(config(&fleet, "openai-responses") + OTHER));
    let reference =
        |number: usize| format!("{{\"type\":\"item_reference\",\"id\":\"msg_before_{number}\"}},");
    let places: BTreeSet<_> = (0..3).map(|number| account(&ask(&gateway, &reference(number), ""))).collect();
    assert_eq!(places.len(), 3, "it is scheduled as usual");
    let own = account(&ask(&gateway, &reference(0), ""));
    for _ in 0..3 {
        assert_eq!(account(&ask(&gateway, &reference(0), "")), own);
    }
    assert_eq!(ask_as(&gateway, "other", &reference(0), "").status, 404);
    // Whose request is not served has nothing.
    NAMES.iter().for_each(|name| fleet.tell(name, |_| whole(400, "", "{}")));
    assert_eq!(ask(&gateway, &reference(7), "").status, 400);
    NAMES.iter().for_each(|name| fleet.tell(name, |request| making(request, "")));
    assert_eq!(ask_as(&gateway, "other", &reference(7), "").status, 200);
    // A long conversation from before the gateway becomes its key's by and by, whole.
    let all: Vec<String> = (1_000..1_300).map(reference).collect();
    let own = account(&ask(&gateway, &all.concat(), ""));
    for _ in 0..5 {
        assert_eq!(account(&ask(&gateway, &all.concat(), "")), own);
    }
    for item in &all {
        assert_eq!(ask_as(&gateway, "other", item, "").status, 404, "{item}");
    }
}

#[test]
fn what_decides_in_an_item_is_said_once_in_its_case_and_not_of_too_many() {
    let fleet = Fleet::start(|request| making(request, ""));
    let gateway = Gateway::start(&config(&fleet, "openai-responses"));
    let many = "{\"id\":\"msg_1\"},".repeat(4_097);
    for (items, param) in [
        (r#"{"type":"item_reference","ID":"msg_1"},"#, "id"),
        (r#"{"type":"item_reference","id":"msg_2","id":"msg_1"},"#, "id"),
        (r#"{"type":"message","content":"x","role":"user","type":"item_reference","id":"msg_1"},"#, "type"),
        (&many, "input"),
    ] {
        let answer = ask(&gateway, items, "");
        assert_eq!((answer.status, answer.json()["error"]["param"].as_str()), (400, Some(param)));
    }
    assert_eq!(fleet.asked_in_all(), 0);
}
