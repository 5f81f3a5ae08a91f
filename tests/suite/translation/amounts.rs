//! What translated requests cost, what they take of limits, and what is kept of them.

use std::sync::Arc;

use serde_json::{Value, json};
use sluice_tests::client::begin;
use sluice_tests::conversation;
use sluice_tests::gateway::{Folder, Gateway, KEY, key};
use sluice_tests::moment::noon;
use sluice_tests::turn::{THOUGHT, USED};
use sluice_tests::upstream::{Step, Upstream, chunk, stream_head, whole};

use super::partial::said;
use super::{SPEAKS, asked};

/// Dollars for a million tokens, of the model that upstreams are asked for.
const PRICES: &str = "[models.\"up\"]\ninput = \"3\"\noutput = \"15\"\ncache_read = \"0.30\"\n";

/// Ten tokens of input, five of a cache, and twenty of output.
const COST: &str = "0.0003315";

/// A gateway with an account of each dialect at one upstream, with more of its key and of each account.
fn priced(upstream: &Upstream, of_key: &str, of_accounts: &str) -> Gateway {
    let folder = Arc::new(Folder::new());
    let file = folder.0.join("prices.toml");
    std::fs::write(&file, PRICES).unwrap();
    let mut config = noon() + &format!("[cost]\nfiles = [{file:?}]\n{}", key(of_key));
    for (api, provider) in SPEAKS {
        let more = format!("pools = [\"{api}\"]\nmodel_map = {{ \"to-{api}\" = \"up\" }}\n{of_accounts}");
        config += &upstream.account(api, provider, &more);
        config += &format!("[[routes]]\nmodel = \"to-{api}\"\npools = [\"{api}\"]\n");
    }
    Gateway::start_in(folder, &config)
}

/// Each client, and an account of each other dialect: what it asks, streamed.
fn pairs() -> Vec<(&'static str, &'static str, String, String)> {
    let each = SPEAKS.iter().flat_map(|(speaks, _)| {
        let asked = asked(&format!("to-{speaks}")).into_iter().filter(move |(client, ..)| client != speaks);
        asked.map(|(client, path, body, _)| (client, *speaks, path, body))
    });
    each.collect()
}

/// The same for a whole answer.
fn unstreamed(path: &str, body: &str) -> (String, String) {
    let path = path.replace(":streamGenerateContent?alt=sse", ":generateContent");
    (path, body.replace("\"stream\":true,", ""))
}

#[test]
fn a_translated_answer_costs_what_its_upstream_tells_whole_and_streamed_and_is_kept_under_both_names() {
    let upstream = Upstream::start(conversation::answer);
    let gateway = priced(&upstream, "", "");
    for (client, speaks, path, body) in pairs() {
        for (path, body) in [(path.clone(), body.clone()), unstreamed(&path, &body)] {
            let answer = gateway.post(&path, &body);
            assert_eq!(answer.status, 200, "{client} {speaks}: {}", answer.text());
            let record = gateway.record();
            let what = format!("{client} {speaks} {path}: {record:#}");
            assert_eq!((&record["cost"], &record["list_cost"]), (&json!(COST), &json!(COST)), "{what}");
            let names = [&record["api"], &record["account"], &record["model"], &record["upstream_model"]];
            let expected = [json!(client), json!(speaks), json!(format!("to-{speaks}")), json!("up")];
            assert_eq!(names.map(Value::clone), expected, "{what}");
            let used = ["input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens"]
                .map(|name| record[name].as_u64());
            assert_eq!(used, [USED.0, USED.1, USED.2, THOUGHT].map(Some), "{what}");
            assert_eq!(
                (&record["usage_estimated"], &record["outcome"]),
                (&json!(false), &json!("completed")),
                "{what}"
            );
        }
    }
}

#[test]
fn who_leaves_a_translated_stream_pays_for_what_came_and_gives_its_slot_back() {
    let upstream = Upstream::start(|request| {
        let api = ["/messages", "/chat/completions", "/responses", "enerateContent"]
            .iter()
            .position(|way| request.line.contains(way))
            .map(|at| SPEAKS[at].0)
            .unwrap();
        vec![stream_head("text/event-stream"), chunk(said(api).as_bytes()), Step::Hang]
    });
    // One slot each: the next client waits for what this one has given back.
    let gateway = priced(&upstream, "", "concurrency = 1\n");
    for (client, speaks, path, body) in pairs() {
        let headers = [("x-api-key", KEY), ("content-type", "application/json")];
        let mut answer = begin(&gateway.address, "POST", &path, &headers, body.as_bytes());
        assert_eq!(answer.status, 200, "{client} {speaks}");
        let mut told = String::new();
        while !told.contains("Hel") {
            told += &String::from_utf8_lossy(&answer.piece().unwrap().unwrap());
        }
        assert_eq!(gateway.in_flight(), 1, "{client} {speaks}");
        drop(answer);
        gateway.until("it is gone", |gateway| gateway.in_flight() == 0);
        gateway.until("it is kept", |gateway| gateway.record()["outcome"] == "client_gone");
        let record = gateway.record();
        let what = format!("{client} {speaks} {record:#}");
        let kept =
            [&record["api"], &record["account"], &record["upstream_model"], &record["usage_estimated"]];
        assert_eq!(
            kept.map(Value::clone),
            [json!(client), json!(speaks), json!("up"), json!(true)],
            "{what}"
        );
        // One token out for three letters, and what was asked.
        let tokens = |name: &str| record[name].as_u64().unwrap_or_default();
        let cost = 3 * tokens("input_tokens") + 15 * tokens("output_tokens");
        let told: f64 = record["cost"].as_str().unwrap().parse().unwrap();
        assert!(tokens("input_tokens") > 0 && tokens("output_tokens") == 1, "{what}");
        assert_eq!(format!("{:.7}", told), format!("{}.{:07}", 0, cost * 10), "{what}");
    }
}

/// How often a client is served before it is refused.
fn served(gateway: &Gateway, (client, path, body): (&str, &str, &str)) -> usize {
    for served in 0..9 {
        let answer = gateway.post(path, body);
        if answer.status != 200 {
            let told = answer.json();
            assert!(matches!(answer.status, 402 | 429), "{client} {told}");
            let style = match client {
                "anthropic" => told["type"] == "error",
                "gemini" => told["error"]["status"].is_string(),
                _ => told["error"]["type"].is_string() && told["error"].get("code").is_some(),
            };
            assert!(style, "{client}: {told}");
            return served;
        }
    }
    panic!("{client} is never refused")
}

#[test]
fn limits_of_requests_tokens_and_money_bind_translated_requests() {
    let upstream = Upstream::start(conversation::answer);
    // 35 tokens each, and 0.0003315 dollars: the third one finds nothing left.
    for limit in ["requests = 2", "tokens = 60", "cost = \"0.0006\""] {
        for (client, speaks, path, body) in pairs() {
            if !ring(client, speaks) {
                continue;
            }
            let gateway = priced(&upstream, &format!("limits = [{{ per = \"day\", {limit} }}]"), "");
            assert_eq!(served(&gateway, (client, &path, &body)), 2, "{client} {speaks} {limit}");
        }
    }
}

/// Each client with one account of another dialect.
fn ring(client: &str, speaks: &str) -> bool {
    let at = |api: &str| SPEAKS.iter().position(|(known, _)| *known == api).unwrap();
    (at(client) + 1) % 4 == at(speaks)
}

#[test]
fn a_hard_limit_of_money_is_never_exceeded_by_translated_requests_and_what_was_not_used_comes_back() {
    let upstream = Upstream::start(conversation::answer);
    for (client, speaks, path, body) in
        pairs().into_iter().filter(|(client, speaks, ..)| ring(client, speaks))
    {
        // At most nine tokens are asked for, and as many as the model has where nothing is said.
        let most = match client {
            "openai-chat" => body.replace("\"stream\":true", "\"stream\":true,\"max_completion_tokens\":9"),
            "openai-responses" => body.replace("\"stream\":true", "\"stream\":true,\"max_output_tokens\":9"),
            "gemini" => {
                body.replace("{\"contents\"", "{\"generationConfig\":{\"maxOutputTokens\":9},\"contents\"")
            }
            _ => body,
        };
        let gateway =
            priced(&upstream, "mode = \"hard\"\nlimits = [{ per = \"day\", cost = \"0.0045\" }]", "");
        let count = served(&gateway, (client, &path, &most));
        let usage = gateway.admin("GET", "/usage", "").json();
        let cost: f64 = usage["data"][0]["cost"].as_str().unwrap().parse().unwrap();
        assert!(count > 1 && cost <= 0.0045, "{client} {speaks}: {count} {usage:#}");
        assert_eq!(format!("{cost:.7}"), format!("{:.7}", 0.000_331_5 * count as f64), "{client} {speaks}");
    }
}

#[test]
fn counts_of_tokens_are_asked_in_the_accounts_dialect_and_cost_nothing() {
    let upstream = Upstream::start(|request| match request.line.contains("countTokens") {
        true => whole(200, "", "{\"totalTokens\":41}"),
        false => whole(200, "", "{\"input_tokens\":42}"),
    });
    let gateway = priced(&upstream, "limits = [{ per = \"day\", tokens = 5 }]", "");
    let ask = |path: &str, body: &str| {
        let answer = gateway.post(path, body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let message = "{\"model\":\"to-gemini\",\"messages\":[{\"role\":\"user\",\"content\":\"Go.\"}]}";
    assert_eq!(ask("/v1/messages/count_tokens", message)["input_tokens"], 41);
    let sent: Value = serde_json::from_slice(&upstream.last().body).unwrap();
    assert!(upstream.last().line.contains("models/up:countTokens"), "{}", upstream.last().line);
    assert!(sent.to_string().contains("Go."), "{sent}");
    let contents = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Go.\"}]}]}";
    assert_eq!(ask("/v1beta/models/to-anthropic:countTokens", contents)["totalTokens"], 42);
    let sent: Value = serde_json::from_slice(&upstream.last().body).unwrap();
    assert_eq!(sent["model"], "up");
    let record = gateway.record();
    let named = (&record["model"], &record["upstream_model"]);
    assert_eq!(named, (&json!("to-anthropic"), &json!("up")), "{record:#}");
    assert!(record["cost"].is_null() || record["cost"] == "0", "{record:#}");
}
