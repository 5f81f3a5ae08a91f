//! What requests cost: by price files, over every dialect, as it was served; and what becomes of what has no price.

mod told;

use std::sync::Arc;

use serde_json::{Value, json};
use sluice_tests::client::send;

use sluice_tests::gateway::{Folder, Gateway, KEY, account, key};

use sluice_tests::upstream::{Request, Step, Upstream, whole};

/// Prices in a file of Sluice's own form.
const PRICES: &str = r#"
[models.m]
input = "3"
output = "15"
cache_read = "0.30"
cache_write_5m = "3.75"
cache_write_1h = "6"
geo.us = "1.1"
[models.w]
input = "4"
output = "20"
cache_write_5m = "5"
cache_write_1h = "10"
per_web_search = "0.01"
per_code_container = "0.03"
[models.g]
input = "0.30"
output = "2.50"
per_web_search = "0.014"
[models.i]
input = "5"
image_input = "8"
image_output = "30"
[models.t]
input = "5"
output = "30"
tiers = [{ above = 272000, input = "10", output = "45" }]
service_tiers.priority = { input = "12.5", output = "75" }
service_tiers.flex = { input = "2.5", output = "15" }
[models.e]
input = "0.02"
[models."azure/d"]
input = "1"
output = "2"
"#;

/// A gateway with these accounts, and these prices in a file of this name.
fn priced(accounts: &str, file: &str, prices: &str) -> Gateway {
    let folder = Arc::new(Folder::new());
    let path = folder.0.join(file);
    std::fs::write(&path, prices).unwrap();
    Gateway::start_in(folder, &config(accounts, &path))
}

fn config(accounts: &str, file: &std::path::Path) -> String {
    format!("{accounts}{}[cost]\nfiles = [\"{}\"]\n", key(""), file.display())
}

/// An upstream that answers with what stands in the request under `answer`.
fn mirror() -> Upstream {
    Upstream::start(|request: &Request| -> Vec<Step> {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let head = body["head"].as_str().unwrap_or_default();
        whole(200, head, &body["answer"].to_string())
    })
}

/// Cost and list cost of the newest record.
fn costs(gateway: &Gateway) -> [Value; 2] {
    let record = gateway.record();
    [record["cost"].clone(), record["list_cost"].clone()]
}

#[test]
fn usage_of_every_dialect_costs_what_the_price_file_says() {
    let upstream = mirror();
    let accounts = [
        account("a", "claude-console", &upstream.address, ""),
        account("o", "openai", &upstream.address, ""),
        account("g", "gemini", &upstream.address, ""),
    ];
    let gateway = priced(&accounts.concat(), "prices.toml", PRICES);
    let chat = |usage: Value| json!({ "choices": [], "usage": usage });
    let claude = |usage: Value| json!({ "content": [], "usage": usage });
    for (path, model, answer, cost) in [
        (
            "/v1/chat/completions",
            "m",
            chat(json!({ "prompt_tokens": 1000, "completion_tokens": 50,
                "prompt_tokens_details": { "cached_tokens": 300, "cache_write_tokens": 200 } })),
            "0.00309",
        ),
        (
            "/v1/chat/completions",
            "m",
            chat(json!({ "prompt_tokens": 1000, "completion_tokens": 10, "prompt_cache_hit_tokens": 900,
                "prompt_cache_miss_tokens": 100 })),
            "0.00072",
        ),
        (
            "/v1/messages",
            "m",
            claude(json!({ "input_tokens": 500, "output_tokens": 80, "iterations": [
                { "type": "message", "input_tokens": 500, "output_tokens": 3 },
                { "type": "fallback_message", "input_tokens": 500, "output_tokens": 80 }] })),
            "0.0027",
        ),
        (
            "/v1/messages",
            "m",
            claude(json!({ "input_tokens": 10, "output_tokens": 500, "inference_geo": "global",
                "output_tokens_details": { "thinking_tokens": 380 } })),
            "0.00753",
        ),
        (
            "/v1/messages",
            "m",
            claude(json!({ "input_tokens": 1000, "output_tokens": 0, "inference_geo": "us" })),
            "0.0033",
        ),
        (
            "/v1beta/models/g:generateContent",
            "g",
            json!({ "usageMetadata": { "promptTokenCount": 120, "toolUsePromptTokenCount": 400,
                "candidatesTokenCount": 30, "thoughtsTokenCount": 50, "totalTokenCount": 600 } }),
            "0.000356",
        ),
        (
            "/v1beta/models/g:generateContent",
            "g",
            json!({ "candidates": [{ "groundingMetadata": { "webSearchQueries": ["a", "b", "a", ""] } }],
                "usageMetadata": { "promptTokenCount": 100, "candidatesTokenCount": 100, "totalTokenCount": 200 } }),
            "0.02828",
        ),
        (
            "/v1/images/generations",
            "i",
            json!({ "data": [{}], "usage": { "input_tokens": 60, "output_tokens": 1000, "total_tokens": 1060,
                "input_tokens_details": { "text_tokens": 20, "image_tokens": 40 } } }),
            "0.03042",
        ),
        (
            "/v1/embeddings",
            "e",
            json!({ "data": [], "usage": { "prompt_tokens": 8, "total_tokens": 8 } }),
            "0.00000016",
        ),
    ] {
        let body = json!({ "model": model, "max_tokens": 1, "messages": [], "contents": [], "prompt": "p", "input": "p",
            "answer": answer });
        assert_eq!(gateway.post(path, &body.to_string()).status, 200, "{path} {model}");
        assert_eq!(costs(&gateway), [json!(cost), json!(cost)], "{path} {answer}");
    }
}

#[test]
fn the_tier_is_the_one_that_the_answer_tells_then_its_head_then_the_one_that_was_asked_for() {
    let upstream = mirror();
    let gateway = priced(&account("o", "openai", &upstream.address, ""), "prices.toml", PRICES);
    for (asked, head, told, prompt, cost) in [
        (None, "", Some("fast"), 1000, "0.02"),
        (Some("priority"), "", Some("default"), 1000, "0.008"),
        (Some("flex"), "", None, 1000, "0.004"),
        (Some("auto"), "", None, 1000, "0.008"),
        (Some("flex"), "x-gemini-service-tier: priority\r\n", None, 1000, "0.02"),
        (None, "x-amzn-bedrock-service-tier: flex\r\n", None, 1000, "0.004"),
        (None, "", None, 272_000, "1.363"),
        (None, "", None, 272_001, "2.72451"),
    ] {
        let usage =
            json!({ "prompt_tokens": prompt, "completion_tokens": 100, "total_tokens": prompt + 100 });
        let answer = json!({ "choices": [], "service_tier": told, "usage": usage });
        let body =
            json!({ "model": "t", "messages": [], "service_tier": asked, "head": head, "answer": answer });
        assert_eq!(gateway.post("/v1/chat/completions", &body.to_string()).status, 200);
        assert_eq!(costs(&gateway), [json!(cost), json!(cost)], "{asked:?} {head:?} {told:?} {prompt}");
    }
}

#[test]
fn an_account_that_charges_otherwise_has_its_multiplier_in_the_cost_and_not_in_the_list_cost() {
    let upstream = mirror();
    let accounts = account("a", "claude-console", &upstream.address, "cost_multiplier = \"0.333\"");
    let gateway = priced(&accounts, "prices.toml", PRICES);
    let answer = json!({ "content": [], "usage": { "input_tokens": 1, "output_tokens": 1 } });
    let body = json!({ "model": "m", "max_tokens": 1, "messages": [], "answer": answer });
    assert_eq!(gateway.post("/v1/messages", &body.to_string()).status, 200);
    assert_eq!(costs(&gateway), [json!("0.000005994"), json!("0.000018")]);
}

#[test]
fn a_deployment_of_azures_is_priced_as_the_model_that_it_stands_for() {
    let upstream = mirror();
    let accounts = account(
        "z",
        "azure-openai",
        &upstream.address,
        "api_version = \"v1\"\ndeployments = { d = \"ours\" }",
    );
    let gateway = priced(&accounts, "prices.toml", PRICES);
    let answer = json!({ "choices": [], "usage": { "prompt_tokens": 1000, "completion_tokens": 1000 } });
    let body = json!({ "model": "d", "messages": [], "answer": answer });
    assert_eq!(gateway.post("/v1/chat/completions", &body.to_string()).status, 200);
    assert_eq!(gateway.record()["upstream_model"], "ours");
    assert_eq!(costs(&gateway), [json!("0.003"), json!("0.003")]);
}

#[test]
fn what_has_no_price_costs_null_and_is_counted_and_so_are_fields_of_usage_that_nobody_knows() {
    let upstream = mirror();
    let gateway = priced(&account("a", "claude-console", &upstream.address, ""), "prices.toml", PRICES);
    let usage = json!({ "input_tokens": 5, "output_tokens": 5, "moonlight_tokens": 5 });
    let body = json!({ "model": "nobodys", "max_tokens": 1, "messages": [], "answer": { "content": [], "usage": usage } });
    assert_eq!(gateway.post("/v1/messages", &body.to_string()).status, 200);
    assert_eq!(costs(&gateway), [Value::Null, Value::Null]);
    let metrics = send(&gateway.address, "GET", "/metrics", &[], b"").text();
    for line in [
        "sluice_unpriced_requests_total{model=\"other\"} 1",
        "sluice_unknown_usage_fields_total{api=\"anthropic\",field=\"moonlight_tokens\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    // A count is free.
    let body = json!({ "model": "nobodys", "messages": [], "answer": { "input_tokens": 7 } });
    assert_eq!(gateway.post("/v1/messages/count_tokens", &body.to_string()).status, 200);
    assert_eq!(costs(&gateway), [json!("0"), json!("0")]);
}

#[test]
fn a_search_of_chat_completions_costs_its_fee_and_null_where_that_is_not_known() {
    let upstream = mirror();
    let gateway = priced(&account("o", "openai", &upstream.address, ""), "prices.toml", PRICES);
    let page = json!({ "type": "url_citation", "url_citation": { "url": "https://example.com" } });
    for (model, annotations, cost) in [
        ("w", json!([]), json!("0.006")),
        ("w", json!([page, page]), json!("0.016")),
        ("t", json!([page]), Value::Null),
    ] {
        let answer = json!({ "choices": [{ "message": { "content": "hi", "annotations": annotations } }],
            "usage": { "prompt_tokens": 1000, "completion_tokens": 100 } });
        let body = json!({ "model": model, "messages": [], "answer": answer });
        assert_eq!(gateway.post("/v1/chat/completions", &body.to_string()).status, 200);
        assert_eq!(costs(&gateway), [cost.clone(), cost], "{answer}");
    }
}

#[test]
fn a_container_costs_its_fee_once_however_many_responses_use_it() {
    let upstream = mirror();
    let accounts = account("o", "openai", &upstream.address, "");
    let gateway = priced(&accounts, "prices.toml", PRICES);
    let ask = |containers: &[Option<&str>]| {
        let call = |name: &Option<&str>| json!({ "type": "code_interpreter_call", "container_id": name });
        let answer = json!({ "id": "resp_1", "output": containers.iter().map(call).collect::<Vec<_>>(),
            "usage": { "input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100 } });
        let body = json!({ "model": "w", "input": "p", "answer": answer });
        assert_eq!(gateway.post("/v1/responses", &body.to_string()).status, 200);
        costs(&gateway)[0].clone()
    };
    assert_eq!(ask(&[Some("cntr_1"), Some("cntr_1")]), "0.036");
    assert_eq!(ask(&[Some("cntr_1")]), "0.006");
    assert_eq!(ask(&[Some("cntr_1"), Some("cntr_2"), Some("cntr_3")]), "0.066");
    assert_eq!(ask(&[Some("cntr_3"), Some("cntr_2")]), "0.006");
    // Of one without a name nothing can be known but that it was used.
    assert_eq!(ask(&[None, None]), "0.036");
}

#[test]
fn what_chat_completions_write_to_a_cache_costs_what_keeping_it_as_long_as_was_asked_does() {
    let upstream = mirror();
    let gateway = priced(&account("o", "openai", &upstream.address, ""), "prices.toml", PRICES);
    for (ttl, cost) in [("30m", "0.05"), ("12h", "0.1")] {
        let part = json!({ "type": "text", "text": "x", "prompt_cache_breakpoint": { "mode": "explicit", "ttl": ttl } });
        let answer = json!({ "choices": [], "usage": { "prompt_tokens": 10_000, "completion_tokens": 0,
            "total_tokens": 10_000, "prompt_tokens_details": { "cache_write_tokens": 10_000 } } });
        let body =
            json!({ "model": "w", "messages": [{ "role": "user", "content": [part] }], "answer": answer });
        assert_eq!(gateway.post("/v1/chat/completions", &body.to_string()).status, 200);
        assert_eq!(costs(&gateway), [json!(cost), json!(cost)], "{ttl}");
    }
}

#[test]
fn a_count_below_zero_is_none_and_its_record_is_flagged_and_counted() {
    let upstream = mirror();
    let gateway = priced(&account("o", "openai", &upstream.address, ""), "prices.toml", PRICES);
    for (usage, cost) in [
        (
            json!({ "prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010,
            "prompt_tokens_details": { "cached_tokens": -5 } }),
            "0.00315",
        ),
        (json!({ "prompt_tokens": 1000, "completion_tokens": -3 }), "0.003"),
    ] {
        let body = json!({ "model": "m", "messages": [], "answer": { "choices": [], "usage": usage } });
        assert_eq!(gateway.post("/v1/chat/completions", &body.to_string()).status, 200);
        assert_eq!(costs(&gateway), [json!(cost), json!(cost)], "{usage}");
        assert_eq!(gateway.record()["usage_inconsistent"], true, "{usage}");
    }
    let metrics = send(&gateway.address, "GET", "/metrics", &[], b"").text();
    let line = "sluice_inconsistent_usage_total{api=\"openai-chat\",account=\"o\"} 2";
    assert!(metrics.contains(line), "{metrics}");
    let csv = gateway.admin("GET", "/export?format=csv", "").text();
    let column = csv.lines().next().unwrap().split(',').position(|name| name == "usage_inconsistent");
    let flags = csv.lines().skip(1).map(|row| row.split(',').nth(column.unwrap()).unwrap());
    assert_eq!(flags.collect::<Vec<_>>(), ["true", "true"]);
}

#[test]
fn a_model_without_a_price_is_refused_where_the_configuration_says_so() {
    let upstream = mirror();
    let accounts = account("a", "claude-console", &upstream.address, "model_map = { mapped = \"m\" }");
    let folder = Arc::new(Folder::new());
    let file = folder.0.join("prices.toml");
    std::fs::write(&file, PRICES).unwrap();
    let config = config(&accounts, &file) + "unknown_model = \"reject\"\n";
    let gateway = Gateway::start_in(Arc::clone(&folder), &config);
    let ask = |path: &str, model: &str| {
        let answer =
            json!({ "content": [], "input_tokens": 7, "usage": { "input_tokens": 1, "output_tokens": 1 } });
        let body = json!({ "model": model, "max_tokens": 1, "messages": [], "answer": answer });
        gateway.post(path, &body.to_string())
    };
    for model in ["m", "mapped", "claude-opus-5-5"] {
        assert_eq!(ask("/v1/messages", model).status, 200, "{model}");
    }
    let refused = ask("/v1/messages", "nobodys");
    assert_eq!(refused.status, 404);
    assert!(refused.text().contains("`nobodys` has no price"), "{}", refused.text());
    assert_eq!(ask("/v1/messages/count_tokens", "nobodys").status, 200, "a count is free");
    // With a price, it is served from the next reload on.
    std::fs::write(&file, format!("{PRICES}[models.nobodys]\ninput = \"1\"\noutput = \"1\"\n")).unwrap();
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    assert_eq!(ask("/v1/messages", "nobodys").status, 200);
    assert_eq!(costs(&gateway), [json!("0.000002"), json!("0.000002")]);
}

#[test]
fn a_price_file_with_a_mistake_is_refused_with_its_place_and_the_old_list_stays() {
    let upstream = mirror();
    let folder = Arc::new(Folder::new());
    let file = folder.0.join("prices.json");
    let right = "{\n\"models\": {\n\"m\": {\n\"input\": \"1\",\n\"output\": \"1\"\n}}}";
    std::fs::write(&file, right).unwrap();
    let accounts = account("a", "claude-console", &upstream.address, "");
    let gateway = Gateway::start_in(Arc::clone(&folder), &config(&accounts, &file));
    for (wrong, line, says) in [
        (right.replace("\"input\": \"1\"", "\"input\": \"-1\""), 4, "not below zero"),
        (right.replace("\"input\": \"1\"", "\"input\": 1e-x"), 4, "no JSON"),
        (right.replace("\"input\"", "\"inptu\""), 4, "unknown key `inptu`"),
        (right.replace("\"m\": {", "\"n\": { \"input\": \"1\" }, \"n\": {"), 3, "stands here twice"),
        (right.replace("\"m\": {", "\"n\": { \"alias_of\": \"n\" }, \"m\": {"), 3, "an alias of itself"),
        (
            right.replace(
                "\"m\": {",
                "\"n\": { \"alias_of\": \"o\" }, \"o\": { \"alias_of\": \"n\" }, \"m\": {",
            ),
            3,
            "an alias of an alias",
        ),
        (right.replace("\"1\"", "\"one\""), 4, "no decimal number"),
    ] {
        std::fs::write(&file, &wrong).unwrap();
        let refused = gateway.admin("POST", "/reload", "");
        let told = refused.text();
        assert!((400..500).contains(&refused.status), "{told}");
        assert!(
            told.contains(says) && told.contains("prices.json") && told.contains(&format!("\"line\":{line}")),
            "{told}"
        );
        let usage = json!({ "input_tokens": 1_000_000, "output_tokens": 1_000_000 });
        let body = json!({ "model": "m", "max_tokens": 1, "messages": [], "answer": { "content": [], "usage": usage } });
        let answer = send(
            &gateway.address,
            "POST",
            "/v1/messages",
            &[("x-api-key", KEY)],
            body.to_string().as_bytes(),
        );
        assert_eq!(answer.status, 200);
        assert_eq!(costs(&gateway)[0], json!("2"), "the old prices");
    }
    std::fs::remove_file(&file).unwrap();
    let told = gateway.admin("POST", "/reload", "").text();
    assert!(told.contains("cost.files[0]") && told.contains("can't be read"), "{told}");
}
