//! References: what continues a response or a conversation goes to the account that made it, and to no other.

mod items;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sluice_tests::client::{Whole, begin, send};
use sluice_tests::fleet::{Fleet, asks_stream};
use sluice_tests::gateway::{Gateway, KEY, key};
use sluice_tests::moment::{now, parse, pass};
use sluice_tests::refusal::{NO_ACCOUNT, Row, Style};
use sluice_tests::upstream::{Request, Step, stream, whole};

const NAMES: [&str; 3] = ["a", "b", "c"];
const PROVIDERS: [&str; 3] = ["openai-responses", "openai", "azure-openai"];

/// An upstream that makes responses, each with an id of its own.
pub(crate) fn making(request: &Request) -> Vec<Step> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let id = format!("resp_{}", COUNT.fetch_add(1, Ordering::SeqCst));
    let usage = r#""usage":{"input_tokens":9,"output_tokens":41,"total_tokens":50}"#;
    if !asks_stream(request) {
        return whole(200, "", &format!(r#"{{"output":[],{usage},"id":"{id}","status":"completed"}}"#));
    }
    let event = |kind: &str, number: u8, more: &str| {
        let response = format!(r#"{{"id":"{id}","output":[]{more}}}"#);
        format!(
            "event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number},\"response\":{response}}}\n\n"
        )
    };
    let text = event("response.created", 0, "") + &event("response.completed", 1, &format!(",{usage}"));
    stream("text/event-stream", &text, 17)
}

pub(crate) fn config(fleet: &Fleet, provider: &str) -> String {
    let accounts: String = NAMES.iter().map(|name| fleet.account(name, provider, "")).collect();
    format!("server.reveal_route = true\n{accounts}{}", key(""))
}

pub(crate) fn ask(gateway: &Gateway, more: &str) -> Whole {
    gateway.post("/v1/responses", &format!("{{\"model\":\"m-1\",\"input\":\"x\"{more}}}"))
}

pub(crate) fn account(answer: &Whole) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("x-sluice-account").unwrap().to_owned()
}

/// The id of a response, whole or streamed.
fn id(answer: &Whole) -> String {
    id_in(&answer.text())
}

fn id_in(text: &str) -> String {
    let (_, rest) = text.split_once("\"id\":\"").unwrap_or_else(|| panic!("{text}"));
    rest.split('"').next().unwrap().to_owned()
}

fn previous(id: &str) -> String {
    format!(",\"previous_response_id\":\"{id}\"")
}

/// A response that an account made; the account, and what continues it.
pub(crate) fn made(gateway: &Gateway, more: &str) -> (String, String) {
    let answer = ask(gateway, more);
    (account(&answer), previous(&id(&answer)))
}

#[test]
fn what_continues_a_response_goes_to_the_account_that_made_it_whole_or_streamed() {
    for provider in PROVIDERS {
        let fleet = Fleet::start(making);
        let gateway = Gateway::start(&config(&fleet, provider));
        for more in ["", ",\"stream\":true"] {
            let all: Vec<_> = (0..6).map(|_| made(&gateway, more)).collect();
            let places: std::collections::BTreeSet<_> = all.iter().map(|(account, _)| account).collect();
            assert_eq!(places.len(), 3, "{provider}: responses are made everywhere");
            for (account_of, continued) in all.iter().chain(all.iter().rev()) {
                for more in ["", ",\"stream\":true", ",\"prompt_cache_key\":\"a session of another account\""]
                {
                    let next = ask(&gateway, &format!("{continued}{more}"));
                    assert_eq!(account(&next), *account_of, "{provider} {continued}{more}");
                    // And so does what continues that.
                    assert_eq!(account(&ask(&gateway, &previous(&id(&next)))), *account_of, "{provider}");
                }
            }
        }
    }
}

#[test]
fn a_conversation_stays_on_the_account_that_first_served_it_in_both_of_its_forms() {
    let fleet = Fleet::start(making);
    let gateway = Gateway::start(&config(&fleet, "openai"));
    for (first, second) in [
        (",\"conversation\":\"conv_1\"", ",\"conversation\":{\"id\":\"conv_1\"}"),
        (",\"conversation\":{\"x\":1,\"id\":\"conv_2\"}", ",\"conversation\":\"conv_2\""),
        (",\"conversation\":\"conv_3\",\"stream\":true", ",\"conversation\":\"conv_3\""),
    ] {
        let own = account(&ask(&gateway, first));
        for _ in 0..4 {
            for more in [first, second] {
                assert_eq!(account(&ask(&gateway, more)), own, "{more}");
            }
            let _ = account(&ask(&gateway, ""));
        }
    }
}

#[test]
fn what_is_unknown_or_null_is_scheduled_as_usual() {
    let fleet = Fleet::start(making);
    let gateway = Gateway::start(&config(&fleet, "openai-responses"));
    for more in [
        previous("resp_unknown_N"),
        ",\"conversation\":\"conv_unknown_N\"".to_owned(),
        ",\"previous_response_id\":null,\"conversation\":null".to_owned(),
    ] {
        let one = |number: usize| account(&ask(&gateway, &more.replace('N', &number.to_string())));
        let places: std::collections::BTreeSet<_> = (0..3).map(one).collect();
        assert_eq!(places.len(), 3, "{more}");
    }
}

#[test]
fn what_continues_a_response_of_an_account_that_is_out_waits_for_it_and_asks_no_other() {
    thread::scope(|scope| {
        for provider in PROVIDERS {
            for more in ["", ",\"stream\":true"] {
                scope.spawn(move || waits(provider, more));
            }
        }
    });
}

fn waits(provider: &str, more: &str) {
    let fleet = Fleet::start(making);
    let gateway = Gateway::start(&config(&fleet, provider));
    let (own, continued) = made(&gateway, "");
    fleet.tell(&own, |_| whole(429, "retry-after-ms: 1200\r\n", "{}"));
    let others = || NAMES.iter().filter(|name| **name != own).map(|name| fleet.asked(name)).sum::<usize>();
    let before = (others(), fleet.asked(&own));
    // The request that finds out is told what upstream said; nobody else could have served it.
    assert_eq!(ask(&gateway, &format!("{continued}{more}")).status, 429, "{provider}");
    let view = gateway.admin("GET", &format!("/accounts/{own}"), "").json();
    let until = parse(view["models"][0]["until"].as_str().unwrap());
    let answer = ask(&gateway, &format!("{continued}{more}"));
    let after: &'static str = match answer.header("retry-after") {
        Some("2") => "2",
        _ => "1",
    };
    Row { after: Some(after), ..NO_ACCOUNT }.check(Style::Openai, &answer, provider);
    let waits = until.saturating_sub(now()) <= Duration::from_secs(after.parse().unwrap());
    assert!(waits, "{provider}: a client that waits {after} s is served");
    assert_eq!((others(), fleet.asked(&own)), (before.0, before.1 + 1), "{provider}");
    let told = gateway.record();
    assert_eq!((&told["outcome"], &told["attempts"]), (&"refused:no_account".into(), &0.into()));
    // Others are served meanwhile, elsewhere.
    assert_ne!(account(&ask(&gateway, "")), own);
    fleet.heal(&own);
    pass(until);
    assert_eq!(account(&ask(&gateway, &continued)), own, "{provider}");
}

#[test]
fn what_continues_a_response_of_an_account_that_fails_or_is_off_goes_to_no_other() {
    let fleet = Fleet::start(making);
    let gateway = Gateway::start(&config(&fleet, "openai-responses"));
    let (own, continued) = made(&gateway, "");
    let others = || NAMES.iter().filter(|name| **name != own).map(|name| fleet.asked(name)).sum::<usize>();
    let before = others();
    fleet.tell(&own, |_| whole(500, "", "{}"));
    assert_eq!(ask(&gateway, &continued).status, 500);
    fleet.tell(&own, |_| vec![Step::Close]);
    assert_eq!(ask(&gateway, &continued).status, 502);
    fleet.heal(&own);
    assert_eq!(account(&ask(&gateway, &continued)), own);
    let path = format!("/accounts/{own}");
    assert_eq!(gateway.admin("PATCH", &path, "{\"enabled\":false}").status, 200);
    let answer = ask(&gateway, &continued);
    assert_eq!((answer.status, answer.header("x-should-retry")), (503, Some("false")), "{}", answer.text());
    assert!(answer.text().contains("disabled"), "{}", answer.text());
    assert_eq!(others(), before);
}

fn check(gateway: &Gateway, all: &[(String, String)]) {
    for (own, continued) in all.iter().chain(all.iter().rev()) {
        assert_eq!(account(&ask(gateway, continued)), *own, "{continued}");
    }
}

#[test]
fn what_is_a_second_old_outlives_a_gateway_that_is_killed() {
    let fleet = Fleet::start(making);
    let config = config(&fleet, "openai-responses");
    let gateway = Gateway::start(&config);
    let mut all: Vec<_> = (0..6).map(|number| made(&gateway, [",\"stream\":true", ""][number % 2])).collect();
    let own = account(&ask(&gateway, ",\"conversation\":\"conv_1\""));
    all.push((own, ",\"conversation\":{\"id\":\"conv_1\"}".to_owned()));
    let folder = Arc::clone(&gateway.folder);
    pass(now() + Duration::from_secs(1));
    drop(gateway);
    check(&Gateway::start_in(folder, &config), &all);
}

#[test]
fn what_was_just_made_outlives_a_gateway_that_is_asked_to_end() {
    let fleet = Fleet::start(making);
    let config = config(&fleet, "openai-responses");
    let gateway = Gateway::start(&config);
    // The account that would be asked first after the start is another one.
    assert_eq!(account(&ask(&gateway, "")), "a");
    let (go, gate) = channel();
    let gate = Arc::new(Mutex::new(Some(gate)));
    for name in NAMES {
        let gate = Arc::clone(&gate);
        fleet.tell(name, move |request| {
            let mut steps = making(request);
            // After the first event, and well before the last one.
            let place = steps.len() * 2 / 3;
            steps.splice(place..place, gate.lock().unwrap().take().map(Step::Wait));
            steps
        });
    }
    let body = b"{\"model\":\"m-1\",\"input\":\"x\",\"stream\":true}";
    let mut running = begin(&gateway.address, "POST", "/v1/responses", &[("x-api-key", KEY)], body);
    let first = running.piece().unwrap().unwrap();
    gateway.signal("TERM");
    gateway.until("it drains", |gateway| gateway.log().contains("draining"));
    go.send(()).unwrap();
    let own = running.headers.iter().find(|(name, _)| name == "x-sluice-account").unwrap().1.clone();
    let folder = Arc::clone(&gateway.folder);
    let text = String::from_utf8_lossy(&first).into_owned() + &running.whole().text();
    let all = [(own, previous(&id_in(&text)))];
    assert!(gateway.wait().0.success());
    assert_ne!(all[0].0, "a");
    check(&Gateway::start_in(folder, &config), &all);
}

#[test]
fn a_key_that_may_no_longer_use_the_account_that_made_its_response_is_told_so() {
    let fleet = Fleet::start(making);
    let accounts = |bound: &str| {
        let bound = format!("accounts = [{bound}]");
        NAMES.iter().map(|name| fleet.account(name, "openai-responses", "")).collect::<String>()
            + &key(&bound)
    };
    let gateway = Gateway::start(&("server.reveal_route = true\n".to_owned() + &accounts("\"a\"")));
    let (_, continued) = made(&gateway, "");
    gateway.rewrite(&accounts("\"b\", \"c\""));
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    let before = fleet.asked_in_all();
    let answer = ask(&gateway, &continued);
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert_eq!(fleet.asked_in_all(), before);
}

/// Asks with a key of another client.
fn ask_as(gateway: &Gateway, key: &str, more: &str) -> Whole {
    let body = format!("{{\"model\":\"m-1\",\"input\":\"x\"{more}}}");
    send(&gateway.address, "POST", "/v1/responses", &[("x-api-key", key)], body.as_bytes())
}

#[test]
fn what_another_key_made_is_unknown_as_what_does_not_exist_also_after_a_restart() {
    let fleet = Fleet::start(making);
    let other = "[[keys]]\nname = \"other\"\nkey = \"other\"\n";
    let config = config(&fleet, "openai-responses") + other;
    let mut gateway = Gateway::start(&config);
    let (own, continued) = made(&gateway, "");
    let conversation = ",\"conversation\":{\"id\":\"conv_1\"}";
    let at = account(&ask(&gateway, conversation));
    for _ in 0..2 {
        let before = fleet.asked_in_all();
        for stream in ["", ",\"stream\":true"] {
            let answer = ask_as(&gateway, "other", &format!("{continued}{stream}"));
            let error = &answer.json()["error"];
            let told = ["type", "param", "code"].map(|field| error[field].as_str());
            let words = ["invalid_request_error", "previous_response_id", "previous_response_not_found"];
            assert_eq!((answer.status, told), (400, words.map(Some)), "{}", answer.text());
            let id = continued.split('"').nth(3).unwrap();
            let sentence = format!("Previous response with id '{id}' not found.");
            assert!(error["message"].as_str().unwrap().starts_with(&sentence), "{error}");
            let answer = ask_as(&gateway, "other", &format!("{conversation}{stream}"));
            let error = &answer.json()["error"];
            assert_eq!((answer.status, error["code"].as_str()), (404, None), "{}", answer.text());
            assert!(
                error["message"].as_str().unwrap().starts_with("Conversation with id 'conv_1' not found.")
            );
        }
        assert_eq!(fleet.asked_in_all(), before, "nobody was asked");
        assert_eq!(account(&ask(&gateway, &continued)), own);
        assert_eq!(account(&ask(&gateway, conversation)), at);
        // What is written within a second is known after a restart too.
        pass(now() + Duration::from_secs(1));
        let folder = Arc::clone(&gateway.folder);
        drop(gateway);
        gateway = Gateway::start_in(folder, &config);
    }
}

#[test]
fn of_two_keys_that_come_at_once_with_a_name_that_nobody_made_here_the_first_has_it() {
    let fleet = Fleet::start(making);
    let other = "[[keys]]\nname = \"other\"\nkey = \"other\"\n";
    let gateway = Gateway::start(&(config(&fleet, "openai-responses") + other));
    for (name, served) in [("conv_1", true), ("conv_2", false)] {
        let (go, gate) = channel();
        let gate = Arc::new(Mutex::new(Some(gate)));
        for account in NAMES {
            let gate = Arc::clone(&gate);
            fleet.tell(account, move |request| {
                let waits = gate.lock().unwrap().take().map(Step::Wait);
                let then = if served { making(request) } else { whole(400, "", "{}") };
                waits.into_iter().chain(then).collect()
            });
        }
        let conversation = format!(",\"conversation\":\"{name}\"");
        let before = fleet.asked_in_all();
        let first = thread::scope(|scope| {
            let first = scope.spawn(|| ask(&gateway, &conversation));
            gateway.until("the first is upstream", |_| fleet.asked_in_all() == before + 1);
            assert_eq!(ask_as(&gateway, "other", &conversation).status, 404, "{name}");
            assert_eq!(fleet.asked_in_all(), before + 1, "nobody was asked");
            go.send(()).unwrap();
            first.join().unwrap()
        });
        NAMES.iter().for_each(|account| fleet.heal(account));
        // Who was served has it; who was not leaves it to the next.
        assert_eq!(first.status, if served { 200 } else { 400 }, "{}", first.text());
        assert_eq!(ask_as(&gateway, "other", &conversation).status, if served { 404 } else { 200 });
        assert_eq!(ask(&gateway, &conversation).status, if served { 200 } else { 404 });
    }
}

#[test]
fn what_is_longer_than_any_name_is_no_reference() {
    let fleet = Fleet::start(making);
    let gateway = Gateway::start(&config(&fleet, "openai-responses"));
    let name = "n".repeat(100_000);
    for more in [previous(&name), format!(",\"conversation\":\"{name}\"")] {
        let places: std::collections::BTreeSet<_> = (0..6).map(|_| account(&ask(&gateway, &more))).collect();
        assert_eq!(places.len(), 3, "it binds nothing");
    }
    pass(now() + Duration::from_secs(1));
    let data = gateway.folder.0.join("data");
    let kept: u64 =
        std::fs::read_dir(data).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(kept < 500_000, "nothing of it is kept: {kept}");
}
