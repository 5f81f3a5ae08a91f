//! Sessions: a conversation stays on its account, however it is told, and only its own.

mod moves;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use sluice_tests::client::{PATIENCE, Whole, send};
use sluice_tests::fleet::{Fleet, sample};
use sluice_tests::gateway::{Gateway, KEY, key};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// A provider for each client API, which its three accounts are of.
const APIS: [(&str, &str, &str); 4] = [
    ("anthropic", "claude-console", "/v1/messages"),
    ("openai-chat", "openai", "/v1/chat/completions"),
    ("openai-responses", "openai-responses", "/v1/responses"),
    ("gemini", "gemini", "/v1beta/models/m-1:generateContent"),
];

/// Three accounts that serve an API, and a gateway before them.
fn three(fleet: &Fleet, api: &str, account: &str, more: &str) -> Gateway {
    let (_, provider, _) = APIS.iter().find(|(name, ..)| *name == api).unwrap();
    let accounts: String = NAMES.iter().map(|name| fleet.account(name, provider, account)).collect();
    Gateway::start(&format!("server.reveal_route = true\n{accounts}{}{more}", key("")))
}

/// A request with a session, told in one way or another.
struct Told {
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// Sends it; gives the account that served it.
fn served(gateway: &Gateway, api: &str, told: &Told, key: &str) -> String {
    let (_, _, path) = APIS.iter().find(|(name, ..)| *name == api).unwrap();
    let mut headers: Vec<(&str, &str)> =
        told.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.push(("x-api-key", key));
    account(&send(&gateway.address, "POST", path, &headers, told.body.as_bytes()))
}

fn account(answer: &Whole) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("x-sluice-account").unwrap().to_owned()
}

/// A body of an API whose first turn says this, with more members; from the second turn on, or a first turn.
fn body(api: &str, says: &str, turns: usize, more: &str) -> String {
    let role = if api == "gemini" { "model" } else { "assistant" };
    let turn = |role: &str, says: &str| match api {
        "gemini" => format!("{{\"role\":\"{role}\",\"parts\":[{{\"text\":\"{says}\"}}]}}"),
        _ => format!("{{\"role\":\"{role}\",\"content\":\"{says}\"}}"),
    };
    let mut all = vec![turn("user", says)];
    for number in 1..turns {
        all.extend([turn(role, &format!("answer {number}")), turn("user", &format!("more {number}"))]);
    }
    let all = all.join(",");
    match api {
        "anthropic" => format!("{{\"model\":\"m-1\",\"max_tokens\":9,\"messages\":[{all}]{more}}}"),
        "openai-chat" => format!("{{\"model\":\"m-1\",\"messages\":[{all}]{more}}}"),
        "openai-responses" => format!("{{\"model\":\"m-1\",\"input\":[{all}]{more}}}"),
        _ => format!("{{\"contents\":[{all}]{more}}}"),
    }
}

/// Makes the request of a session and a turn.
type Tells = dyn Fn(&str, usize) -> Told;

/// A way in which a session is told.
struct Source {
    what: String,
    told: Box<Tells>,
    /// Whether the name in the record is the client's own.
    named: bool,
}

/// Every way in which a session is told through an API.
fn sources(api: &'static str) -> Vec<Source> {
    let mut all = Vec::new();
    let mut add = |what: &str, told: Box<Tells>, named: bool| {
        all.push(Source { what: what.to_owned(), told, named });
    };
    for header in ["x-session-id", "x-claude-code-session-id", "session-id", "session_id", "conversation_id"]
    {
        let told = move |session: &str, turn: usize| Told {
            headers: vec![(header, session.to_owned())],
            body: body(api, &format!("turn {turn}"), 1, ""),
        };
        add(header, Box::new(told), true);
    }
    let member = |text: fn(&str) -> String| {
        move |session: &str, turn: usize| Told {
            headers: Vec::new(),
            body: body(api, &format!("turn {turn}"), 1, &text(session)),
        }
    };
    if api == "anthropic" {
        let old =
            |session: &str| format!(",\"metadata\":{{\"user_id\":\"user_0a_account_7f_session_{session}\"}}");
        let new = |session: &str| {
            format!(
                ",\"metadata\":{{\"user_id\":\"{{\\\"device_id\\\":\\\"d\\\",\\\"account_uuid\\\":\\\"\\\",\\\"session_id\\\":\\\"{session}\\\"}}\"}}"
            )
        };
        add("the older user_id", Box::new(member(old)), true);
        add("the newer user_id", Box::new(member(new)), true);
        let whole = |session: &str| format!(",\"metadata\":{{\"user_id\":\"{session}\"}}");
        add("another user_id", Box::new(member(whole)), true);
    }
    if api.starts_with("openai") {
        let cached = |session: &str| format!(",\"prompt_cache_key\":\"{session}\"");
        add("prompt_cache_key", Box::new(member(cached)), true);
    }
    let grown = move |session: &str, turn: usize| Told {
        headers: Vec::new(),
        body: body(api, session, turn + 2, ""),
    };
    add("the conversation itself", Box::new(grown), false);
    all
}

#[test]
fn a_session_stays_on_one_account_however_it_is_told_while_others_spread() {
    for (api, ..) in APIS {
        let fleet = Fleet::start(sample);
        let gateway = three(&fleet, api, "", "");
        for Source { what: source, told, named } in sources(api) {
            let mut on = BTreeMap::new();
            for turn in 0..3 {
                for session in ["s-1", "s-2", "s-3"].map(|name| format!("{name} {source}")) {
                    let account = served(&gateway, api, &told(&session, turn), KEY);
                    let first = on.entry(session.clone()).or_insert_with(|| account.clone());
                    assert_eq!(*first, account, "{api}, {source}, turn {turn} of {session}");
                    let record = gateway.record();
                    let name =
                        record["session"].as_str().unwrap_or_else(|| panic!("{api}, {source}: {record}"));
                    match named {
                        true => assert_eq!(name, session, "{api}, {source}"),
                        false => assert!(name.starts_with("hash:"), "{api}, {source}: {name}"),
                    }
                }
            }
            let accounts: BTreeSet<&String> = on.values().collect();
            assert_eq!(accounts.len(), 3, "{api}, {source}: {on:?}");
        }
        // What names no session goes round, and so does what names the session of another API's clients alone.
        let none = Told { headers: Vec::new(), body: body(api, "hello", 1, "") };
        let spread: BTreeSet<String> = (0..3).map(|_| served(&gateway, api, &none, KEY)).collect();
        assert_eq!(spread.len(), 3, "{api}");
    }
}

#[test]
fn of_two_sources_the_first_counts() {
    let fleet = Fleet::start(sample);
    let gateway = three(&fleet, "anthropic", "", "");
    let old = ",\"metadata\":{\"user_id\":\"user_0a_account__session_in-the-body\"}";
    let headers = ["x-session-id", "x-claude-code-session-id", "session-id", "session_id", "conversation_id"];
    for first in 0..headers.len() {
        let told = Told {
            headers: headers[first..].iter().rev().map(|name| (*name, format!("by-{name}"))).collect(),
            body: body("anthropic", "hello", 2, old),
        };
        let _ = served(&gateway, "anthropic", &told, KEY);
        assert_eq!(gateway.record()["session"], format!("by-{}", headers[first]));
    }
    let told = Told { headers: Vec::new(), body: body("anthropic", "hello", 2, old) };
    let _ = served(&gateway, "anthropic", &told, KEY);
    assert_eq!(gateway.record()["session"], "in-the-body");
}

#[test]
fn a_conversation_is_known_from_its_second_turn_by_its_beginning() {
    for (api, ..) in APIS {
        let fleet = Fleet::start(sample);
        let gateway = three(&fleet, api, "", "");
        let turn = |says: &str, turns: usize| {
            let told = Told { headers: Vec::new(), body: body(api, says, turns, "") };
            served(&gateway, api, &told, KEY)
        };
        let first = turn("mine", 1);
        // Others pass by in between, so that the turn of this account would not be next.
        let others: BTreeSet<String> = [turn("other", 1), turn("another", 1), turn("one more", 1)].into();
        assert_eq!(others.len(), 3, "{api}");
        for turns in 2..6 {
            assert_eq!(turn("mine", turns), first, "{api}, turn {turns}");
        }
    }
}

/// Clients mark the end of what is to be cached, and write what was a text as a list of blocks then; the next turn has it
/// plain again.
#[test]
fn a_conversation_keeps_its_account_whatever_form_its_first_message_has() {
    for (api, ..) in APIS {
        let fleet = Fleet::start(sample);
        let gateway = three(&fleet, api, "", "");
        let mark = "\"cache_control\" : {\"type\":\"ephemeral\"}";
        for conversation in 0..6 {
            let says = format!("conversation {conversation}");
            let plain = |turns: usize| body(api, &says, turns, "");
            let other = |turns: usize| match api {
                "gemini" => plain(turns).replacen("\"role\":\"user\",", "", 1).replacen(
                    "[{\"text\"",
                    "[ {  \"text\"",
                    1,
                ),
                _ => plain(turns).replacen(
                    &format!("\"role\":\"user\",\"content\":\"{says}\""),
                    &format!(
                        "\"content\":[{{\"text\":\"{says}\", {mark},\"type\":\"text\"}}], \"role\":\"user\""
                    ),
                    1,
                ),
            };
            let ask = |body: String| served(&gateway, api, &Told { headers: Vec::new(), body }, KEY);
            let first = ask(plain(1));
            assert_ne!(plain(2), other(2), "{api}");
            for turns in 2..5 {
                assert_eq!(ask(other(turns)), first, "{api}, turn {turns} of {conversation}");
                assert_eq!(ask(plain(turns)), first, "{api}, turn {turns} of {conversation}");
            }
        }
    }
}

#[test]
fn a_session_is_its_keys_own_and_its_pools_own() {
    let fleet = Fleet::start(sample);
    let pools = "pools = [\"one\", \"two\"]";
    let more = "[[keys]]\nname = \"second\"\nkey = \"second-key\"\n\
        [[routes]]\nmodel = \"m-1\"\npools = [\"one\"]\n[[routes]]\nmodel = \"m-2\"\npools = [\"two\"]\n";
    let gateway = three(&fleet, "anthropic", pools, more);
    let ask = |key: &str, model: &str| {
        let told = Told {
            headers: vec![("x-session-id", "s".to_owned())],
            body: body("anthropic", "hello", 1, "").replace("m-1", model),
        };
        served(&gateway, "anthropic", &told, key)
    };
    let on = [ask(KEY, "m-1"), ask("second-key", "m-1"), ask(KEY, "m-2")];
    assert_eq!(on.iter().collect::<BTreeSet<_>>().len(), 3, "each goes where it is least loaded: {on:?}");
    for _ in 0..3 {
        assert_eq!([ask(KEY, "m-1"), ask("second-key", "m-1"), ask(KEY, "m-2")], on);
    }
}

#[test]
fn a_burst_of_first_turns_that_are_all_the_same_spreads_over_all_accounts() {
    const BURST: usize = 30;
    for (api, ..) in APIS {
        let together = Arc::new((Mutex::new(0), Condvar::new()));
        let here = Arc::clone(&together);
        // Nobody is answered before all are there: what is in flight is what decides.
        let fleet = Fleet::start(move |request| {
            let (count, all) = &*here;
            let mut count = count.lock().unwrap();
            *count += 1;
            all.notify_all();
            drop(all.wait_timeout_while(count, PATIENCE, |count| *count < BURST).unwrap());
            sample(request)
        });
        let gateway = three(&fleet, api, "", "");
        thread::scope(|scope| {
            for _ in 0..BURST {
                let told = Told { headers: Vec::new(), body: body(api, "hello", 1, "") };
                let gateway = &gateway;
                scope.spawn(move || served(gateway, api, &told, KEY));
            }
        });
        assert_eq!(NAMES.map(|name| fleet.asked(name)), [BURST / 3; 3], "{api}");
    }
}
