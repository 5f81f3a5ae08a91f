//! Hard mode: the worst case is set aside, and no limit is ever exceeded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::upstream::{Upstream, whole};

use super::{answering, at_once, body, count, message, priced, start};

/// Asks for up to a thousand tokens.
fn ask(gateway: &Gateway) -> u16 {
    gateway.post("/v1/messages", &body("m", 1_000)).status
}

#[test]
fn no_budget_is_exceeded_however_many_ask_at_once_and_what_was_not_used_comes_back() {
    let (_folder, prices) = priced();
    // Every request may cost 0.0186 dollars or so (1,090 tokens in, 1,000 out), and costs what it used.
    let spent = Arc::new(AtomicU64::new(0));
    let upstream = Upstream::start({
        let spent = Arc::clone(&spent);
        move |_| {
            // Ten-millionths of a dollar: 15 dollars for a million tokens out, 3 for as many in.
            let before = spent.load(Ordering::SeqCst);
            let used = 1 + (before * 7_919) % 1_000;
            spent.fetch_add(used * 150 + 10 * 30, Ordering::SeqCst);
            whole(200, "content-type: application/json\r\n", &message(10, used))
        }
    });
    let config = prices
        + &account("a", "claude-console", &upstream.address, "")
        + &key("mode = \"hard\"\nlimits = [{ per = \"day\", cost = \"0.25\" }]");
    let gateway = Arc::new(start(&config));
    let mut served = 0;
    for _ in 0..4 {
        let statuses = at_once(&gateway, 60, ask);
        let others = count(&statuses, 200) + count(&statuses, 429) + count(&statuses, 402);
        assert_eq!(others, 60, "{statuses:?}");
        served += count(&statuses, 200);
        let spent = spent.load(Ordering::SeqCst);
        assert!(spent <= 2_500_000, "{spent} ten-millionths of a dollar are more than 0.25");
    }
    assert!(served > 13, "more than could ever run at once: {served}");
    let cost = gateway.admin("GET", "/usage", "").json()["data"][0]["cost"].as_str().unwrap().to_owned();
    let billed = spent.load(Ordering::SeqCst);
    let (dollars, rest) = cost.split_once('.').unwrap();
    let recorded: u64 = format!("{dollars}{rest:0<7}").parse().unwrap();
    assert_eq!(recorded, billed, "the ledger says what was billed");
}

#[test]
fn a_request_that_could_never_fit_is_told_the_most_that_would() {
    let (_folder, prices) = priced();
    let upstream = answering(1, 1);
    let accounts = ["claude-console", "openai"]
        .map(|kind| account(kind, kind, &upstream.address, "models = [\"m\"]"))
        .concat();
    let config = prices + &accounts + &key("mode = \"hard\"\nlimits = [{ per = \"day\", cost = \"0.05\" }]");
    let gateway = start(&config);
    let large = body("m", 64_000);
    let refused = gateway.post("/v1/messages", &large);
    let told = refused.json()["error"].clone();
    assert_eq!((refused.status, told["type"].as_str()), (400, Some("invalid_request_error")), "{told}");
    let text = told["message"].as_str().unwrap();
    let most: u64 = text.split("at most ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    // 0.05 dollars less those of the prompt, at 15 dollars a million.
    let right = (50_000 - 3 * (large.len() as u64 + 1_000)) / 15;
    assert_eq!(most, right, "{text}");
    assert_eq!(gateway.post("/v1/messages", &body("m", most)).status, 200, "so much fits");
    assert_eq!(upstream.seen().len(), 1);

    let chat =
        r#"{"model":"m","n":4,"max_completion_tokens":2000,"messages":[{"role":"user","content":"hi"}]}"#;
    let refused = gateway.post("/v1/chat/completions", chat);
    let told = refused.json()["error"].clone();
    assert_eq!(
        (refused.status, told["code"].as_str(), told["param"].as_str()),
        (400, Some("max_tokens_too_large"), Some("max_tokens")),
        "four answers of 2,000 tokens: {told}"
    );
}

#[test]
fn a_request_that_could_never_fit_is_told_so_in_its_own_dialect_by_the_field_that_it_has_there() {
    let (_folder, prices) = priced();
    let upstream = answering(1, 1);
    let accounts = ["openai-responses", "gemini"]
        .map(|kind| account(kind, kind, &upstream.address, "models = [\"m\"]"))
        .concat();
    let config = prices + &accounts + &key("mode = \"hard\"\nlimits = [{ per = \"day\", cost = \"0.05\" }]");
    let gateway = start(&config);
    let most = |text: &str| -> u64 {
        text.split("at most ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
    };
    let responses = |tokens: u64| format!(r#"{{"model":"m","max_output_tokens":{tokens},"input":"hi"}}"#);
    let refused = gateway.post("/v1/responses", &responses(64_000));
    let told = refused.json()["error"].clone();
    assert_eq!(
        (refused.status, told["type"].as_str(), told["code"].as_str(), told["param"].as_str()),
        (400, Some("invalid_request_error"), Some("max_tokens_too_large"), Some("max_output_tokens")),
        "{told}"
    );
    let text = told["message"].as_str().unwrap();
    assert!(text.contains("tokens with max_output_tokens"), "{text}");
    assert_ne!(gateway.post("/v1/responses", &responses(most(text))).status, 400, "so much fits");

    let gemini = |tokens: u64| {
        format!(
            r#"{{"contents":[{{"parts":[{{"text":"hi"}}]}}],"generationConfig":{{"maxOutputTokens":{tokens}}}}}"#
        )
    };
    let before = upstream.seen().len();
    let refused = gateway.post("/v1beta/models/m:generateContent", &gemini(64_000));
    let told = refused.json()["error"].clone();
    assert_eq!(
        (refused.status, told["code"].as_u64(), told["status"].as_str()),
        (400, Some(400), Some("INVALID_ARGUMENT")),
        "{told}"
    );
    let text = told["message"].as_str().unwrap();
    assert!(text.contains("tokens with maxOutputTokens"), "{text}");
    assert_eq!(upstream.seen().len(), before);
    assert_ne!(
        gateway.post("/v1beta/models/m:generateContent", &gemini(most(text))).status,
        400,
        "so much fits"
    );
}

#[test]
fn a_speed_that_costs_more_is_set_aside_at_its_own_price() {
    let (_folder, prices) = priced();
    let upstream = answering(1, 1);
    let config = prices
        + &account("a", "claude-console", &upstream.address, "")
        + &key("mode = \"hard\"\nlimits = [{ per = \"day\", cost = \"0.025\" }]");
    let gateway = start(&config);
    // A thousand tokens out and as many around the prompt: 0.0183 dollars, and twice that.
    let ask = |more: &str| {
        let body = format!(r#"{{"model":"n","max_tokens":1000,"messages":[]{more}}}"#);
        gateway.post("/v1/messages", &body).status
    };
    assert_eq!(ask(r#","speed":"fast""#), 400);
    assert_eq!(ask(""), 200);
}

#[test]
fn what_nothing_bounds_is_refused_before_it_is_sent() {
    let (_folder, prices) = priced();
    let upstream = answering(1, 1);
    let accounts = ["claude-console", "openai", "openai-responses"]
        .map(|kind| account(kind, kind, &upstream.address, "models = [\"m\", \"unpriced\"]"))
        .concat();
    let config = prices + &accounts + &key("mode = \"hard\"\nlimits = [{ per = \"day\", cost = \"100\" }]");
    let gateway = start(&config);
    let claude = "/v1/messages";
    for (path, body) in [
        (claude, super::body("unpriced", 10)),
        (claude, r#"{"model":"m","max_tokens":10,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://a.b/c"}}]}]}"#.to_owned()),
        (claude, r#"{"model":"m","max_tokens":10,"messages":[],"tools":[{"type":"web_search_20250305","name":"web_search"}]}"#.to_owned()),
        ("/v1/chat/completions", r#"{"model":"m","messages":[]}"#.to_owned()),
        ("/v1/responses", r#"{"model":"m","max_output_tokens":9,"input":"hi","tools":[{"type":"web_search"}]}"#.to_owned()),
    ] {
        let refused = gateway.post(path, &body);
        let text = refused.text();
        assert_eq!(refused.status, 400, "{path} {body}: {text}");
        assert!(!text.contains("rate limit"), "{text}");
    }
    assert_eq!(upstream.seen().len(), 0);
}

#[test]
fn what_others_have_set_aside_is_waited_for_and_not_used_up() {
    let (_folder, prices) = priced();
    let (go, gate) = std::sync::mpsc::channel();
    let gate = std::sync::Mutex::new(Some(gate));
    let upstream = Upstream::start(move |_| {
        let waits = gate.lock().unwrap().take().map(sluice_tests::upstream::Step::Wait);
        let answer = whole(200, "content-type: application/json\r\n", &message(10, 10));
        waits.into_iter().chain(answer).collect()
    });
    let config = prices
        + &account("a", "claude-console", &upstream.address, "")
        + &key("mode = \"hard\"\nlimits = [{ per = \"day\", cost = \"0.03\" }]");
    let gateway = Arc::new(start(&config));
    let first = std::thread::spawn({
        let gateway = Arc::clone(&gateway);
        move || ask(&gateway)
    });
    gateway.until("the first runs", |_| upstream.seen().len() == 1);
    let refused = gateway.post("/v1/messages", &body("m", 1_000));
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")), "{}", refused.text());
    go.send(()).unwrap();
    assert_eq!(first.join().unwrap(), 200);
    gateway.until("it is settled", |gateway| gateway.in_flight() == 0);
    assert_eq!(ask(&gateway), 200);
}

#[test]
fn a_key_may_ask_for_so_much_output_and_no_more() {
    let upstream = answering(1, 1);
    let config = account("a", "claude-console", &upstream.address, "")
        + &account("b", "openai", &upstream.address, "include_usage = false")
        + "[[routes]]\nmodel = \"*\"\napi = [\"openai-chat\"]\npools = [\"openai\"]\nmax_output_tokens = 700\n"
        + "[[groups]]\nname = \"g\"\nmax_output_tokens = 9000\n"
        + &key("group = \"g\"\nmax_output_tokens = 8000");
    let gateway = start(&config);
    let answer = gateway.post("/v1/messages", &body("m", 64_000));
    assert_eq!((answer.status, answer.header("x-sluice-dropped")), (200, Some("max_tokens")));
    let sent: Value = serde_json::from_slice(&upstream.last().body).unwrap();
    assert_eq!(sent["max_tokens"], 8000);
    let chat = r#"{"model":"m","max_completion_tokens":9000}"#;
    let answer = gateway.post("/v1/chat/completions", chat);
    assert_eq!((answer.status, answer.header("x-sluice-dropped")), (200, Some("max_completion_tokens")));
    assert_eq!(upstream.last().body, br#"{"model":"m","max_completion_tokens":700}"#, "by its route");
    let within = body("m", 8_000);
    let answer = gateway.post("/v1/messages", &within);
    assert_eq!((answer.status, answer.header("x-sluice-dropped")), (200, None));
    assert_eq!(String::from_utf8_lossy(&upstream.last().body), within, "byte for byte");
}
