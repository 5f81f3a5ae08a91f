//! What leads to another account where requests are translated: one that can't be asked is no attempt, and a failure is one
//! in whichever form it comes.

use serde_json::{Value, json};
use sluice_tests::client::Whole;
use sluice_tests::conversation;
use sluice_tests::gateway::{Gateway, key};
use sluice_tests::upstream::{Request, Step, Upstream, whole};

const CHAT: &str = "/v1/chat/completions";

/// A gateway whose every model is these accounts'.
fn of(accounts: &[String]) -> Gateway {
    let route = "[[routes]]\nmodel = \"*\"\npools = [\"p\"]\n[scheduler]\nfailures = 99\nattempts = 2\n";
    Gateway::start(&format!("{}{}{route}", key(""), accounts.concat()))
}

/// The same, of two accounts of one provider, of which the first is asked first.
fn pair(
    provider: &str,
    first: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static,
) -> (Gateway, [Upstream; 2]) {
    let both = [Upstream::start(first), Upstream::start(conversation::answer)];
    let accounts = [("first", 1), ("second", 2)].map(|(name, priority)| {
        let more = format!("pools = [\"p\"]\npriority = {priority}\n");
        both[usize::from(priority > 1)].account(name, provider, &more)
    });
    (of(&accounts), both)
}

fn ask(api: &str, more: &str) -> String {
    let user = "[{\"role\":\"user\",\"content\":\"Go.\"}]";
    match api {
        "openai-responses" => format!("{{\"model\":\"m\",\"input\":\"Go.\"{more}}}"),
        _ => format!("{{\"model\":\"m\",\"max_tokens\":9,\"messages\":{user}{more}}}"),
    }
}

fn waits(answer: &Whole) -> u64 {
    answer.header("x-sluice-retry-after").and_then(|wait| wait.parse().ok()).unwrap_or_default()
}

#[test]
fn an_account_that_can_not_be_asked_is_no_attempt_and_hides_no_other_ones_wait() {
    let limited = r#"{"error":{"type":"rate_limit_error","message":"Slow down."}}"#;
    let own = Upstream::start(move |_| whole(429, "retry-after: 30\r\n", limited));
    let other = Upstream::start(conversation::answer);
    let gateway = of(&[
        own.account("own", "openai-compatible", "pools = [\"p\"]\n"),
        other.account("other", "claude-console", "pools = [\"p\"]\n"),
    ]);
    // Asked first, and then at rest.
    for (status, attempts, account) in [(429, 1, json!("own")), (503, 0, Value::Null)] {
        let answer = gateway.post(CHAT, &ask("openai-chat", ",\"n\":2"));
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!((20..=30).contains(&waits(&answer)), "{}", waits(&answer));
        let record = gateway.record();
        let tries = record["tries"].as_array().map_or(0, Vec::len);
        let told = (&record["attempts"], record.get("account").unwrap_or(&Value::Null), tries);
        assert_eq!(told, (&json!(attempts), &account, attempts), "{record}");
    }
    assert!(other.seen().is_empty());
}

#[test]
fn accounts_that_can_not_be_asked_take_nobodys_turn() {
    let claude = Upstream::start(conversation::answer);
    let chat = Upstream::start(conversation::answer);
    let more = |priority: u8| format!("pools = [\"p\"]\npriority = {priority}\n");
    let gateway = of(&[
        claude.account("c1", "claude-console", &more(1)),
        claude.account("c2", "claude-console", &more(1)),
        chat.account("chat", "openai-compatible", &more(2)),
    ]);
    // A sound, which Claude does not hear.
    let sound = r#"{"contents":[{"role":"user","parts":[{"text":"Go."},{"inlineData":{"mimeType":"audio/wav","data":"AAEC"}}]}]}"#;
    let answer = gateway.post("/v1beta/models/m:generateContent", sound);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let record = gateway.record();
    assert_eq!((&record["attempts"], &record["account"]), (&json!(1), &json!("chat")), "{record}");
    assert_eq!((claude.seen().len(), chat.seen().len()), (0, 1));
}

#[test]
fn a_whole_answer_that_is_an_error_or_nothing_goes_to_another_account_and_is_not_billed() {
    let error = r#"{"error":{"message":"rate limited","code":429}}"#;
    for (body, alone) in [(error, 429), ("", 502), (" \n", 502)] {
        let (gateway, both) = pair("openai-compatible", move |_| whole(200, "", body));
        let answer = gateway.post("/v1/messages", &ask("anthropic", ""));
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
        let record = gateway.record();
        let first = &record["tries"][0];
        assert_eq!((&first["account"], &first["usage"]), (&json!("first"), &Value::Null), "{body}: {record}");
        assert_eq!(both.each_ref().map(|upstream| upstream.seen().len()), [1, 1]);
        assert_eq!(gateway.admin("PATCH", "/accounts/second", "{\"enabled\":false}").status, 200);
        assert_eq!(gateway.admin("POST", "/accounts/first/recover", "").status, 200);
        let answer = gateway.post("/v1/messages", &ask("anthropic", ""));
        assert_eq!(answer.status, alone, "{body}: {}", answer.text());
        let used = gateway.record()["usage"]["input"].as_u64().unwrap_or_default();
        assert_eq!(used, 0, "{body}");
    }
}

#[test]
fn a_stream_that_fails_before_it_says_anything_is_a_failed_attempt_with_what_it_used() {
    let begun = r#"{"type":"message_start","message":{"id":"msg_0","type":"message","role":"assistant","model":"m","content":[],"usage":{"input_tokens":180000,"output_tokens":1}}}"#;
    let failed = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let events = format!("event: message_start\ndata: {begun}\n\nevent: error\ndata: {failed}\n\n");
    let (gateway, _both) =
        pair("claude-console", move |_| whole(200, "content-type: text/event-stream\r\n", &events));
    let answer = gateway.post(CHAT, &ask("openai-chat", ",\"stream\":true"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let record = gateway.record();
    let first = &record["tries"][0];
    let told = (&first["account"], &first["status"], &first["usage"]["input"]);
    assert_eq!(told, (&json!("first"), &json!(503), &json!(180_000)), "{record}");
    assert_eq!(record["tries"][1]["account"], "second", "{record}");
}

#[test]
fn a_response_that_fails_as_it_begins_is_the_rate_limit_that_it_tells() {
    let events = [
        r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_0","object":"response","model":"m","status":"in_progress","output":[]}}"#,
        r#"{"type":"response.failed","sequence_number":1,"response":{"id":"resp_0","object":"response","model":"m","status":"failed","error":{"code":"rate_limit_exceeded","message":"Slow down. Please try again in 25s."}}}"#,
    ]
    .map(|data| format!("data: {data}\n\n"))
    .concat();
    let upstream = Upstream::start(move |_| whole(200, "content-type: text/event-stream\r\n", &events));
    let gateway = of(&[upstream.account("only", "openai-responses", "pools = [\"p\"]\n")]);
    let answer = gateway.post(CHAT, &ask("openai-chat", ",\"stream\":true"));
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert!((15..=25).contains(&waits(&answer)), "{}", waits(&answer));
}

#[test]
fn what_a_refusal_has_used_is_read_as_its_account_tells_it() {
    let refused = r#"{"error":{"type":"server_error","message":"It broke."},"usage":{"prompt_tokens":11,"completion_tokens":5,"total_tokens":16}}"#;
    let (gateway, _both) = pair("openai-compatible", move |_| whole(500, "", refused));
    assert_eq!(gateway.post("/v1/messages", &ask("anthropic", "")).status, 200);
    let record = gateway.record();
    let usage = &record["tries"][0]["usage"];
    assert_eq!((&usage["input"], &usage["output"]), (&json!(11), &json!(5)), "{record}");
}

#[test]
fn an_overload_tells_anthropics_clients_the_wait() {
    let upstream =
        Upstream::start(|_| whole(503, "retry-after: 30\r\n", "{\"error\":{\"message\":\"busy\"}}"));
    let gateway = of(&[upstream.account("only", "openai-compatible", "pools = [\"p\"]\n")]);
    let answer = gateway.post("/v1/messages", &ask("anthropic", ""));
    assert_eq!(answer.status, 529, "{}", answer.text());
    assert!((20..=30).contains(&waits(&answer)), "{}", waits(&answer));
    assert_eq!(answer.header("retry-after"), answer.header("x-sluice-retry-after"));
    assert_eq!(answer.header("x-should-retry"), Some("true"));
}

#[test]
fn names_of_accounts_are_told_in_no_answer_that_is_an_error() {
    for (provider, path, body) in [
        ("claude-console", CHAT, ask("openai-chat", "")),
        ("gemini", CHAT, ask("openai-chat", "")),
        ("openai-compatible", "/v1/messages", ask("anthropic", "")),
        ("openai-responses", CHAT, ask("openai-chat", "")),
    ] {
        let error = r#"{"error":{"type":"api_error","message":"Organization org-Ab3dEfGhIjKlMnOpQrStUvWx is broken"}}"#;
        let upstream = Upstream::start(move |_| whole(200, "", error));
        let gateway = of(&[upstream.account("only", provider, "pools = [\"p\"]\n")]);
        let answer = gateway.post(path, &body);
        assert!(answer.status >= 500, "{provider}: {}", answer.text());
        assert!(!answer.text().contains("org-Ab3"), "{provider}: {}", answer.text());
    }
}
