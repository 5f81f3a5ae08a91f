//! What translated requests use, also where nothing of it reaches a client, and what bounds it before.

use serde_json::json;
use sluice_tests::client::only_send;
use sluice_tests::gateway::{Folder, Gateway, KEY, key};
use sluice_tests::upstream::{Step, Upstream, chunk, end, stream_head, whole};

use super::asked;

/// A gateway whose every model is an upstream's, which speaks this dialect.
fn of(upstream: &Upstream, provider: &str, more: &str) -> Gateway {
    let account = upstream.account("c", provider, "pools = [\"p\"]\n");
    let route = "[[routes]]\nmodel = \"*\"\npools = [\"p\"]\n[scheduler]\nfailures = 99\n";
    Gateway::start(&format!("{}{account}{route}", key(more)))
}

const USAGE: &str = "\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":5,\"total_tokens\":16}";

#[test]
fn an_answer_that_can_not_be_told_is_recorded_with_what_it_used() {
    let answer = format!("{{\"id\":\"c\",\"object\":\"chat.completion\",\"choices\":7,{USAGE}}}");
    let upstream = Upstream::start(move |_| whole(200, "", &answer));
    let gateway = of(&upstream, "openai-compatible", "");
    let body = "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"Go.\"}]}";
    let told = gateway.post("/v1/messages", body);
    assert_eq!(told.status, 502, "{}", told.text());
    let record = gateway.record();
    assert_eq!(
        (&record["outcome"], &record["usage"]["input"], &record["usage"]["output"]),
        (&json!("upstream_error"), &json!(11), &json!(5)),
        "{record}"
    );
}

#[test]
fn an_answer_whose_client_leaves_while_it_is_gathered_is_recorded_with_what_it_used() {
    let piece = format!(
        "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"Hello.\"}}}}],{USAGE}}}\n\n"
    );
    let (sent, all_sent) = std::sync::mpsc::sync_channel(0);
    let all_sent = std::sync::Mutex::new(Some(all_sent));
    let upstream = Upstream::start(move |_| {
        // More than connections hold: once it is written, what stands before it has been read.
        let much = format!(": {}\n\n", "x".repeat(1 << 20)).repeat(24);
        let all_sent = all_sent.lock().unwrap().take().unwrap();
        let head = stream_head("text/event-stream");
        vec![head, chunk(piece.as_bytes()), chunk(much.as_bytes()), Step::Wait(all_sent), Step::Hang]
    });
    let gateway = of(&upstream, "openai-compatible", "");
    let body = "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"Go.\"}]}";
    let headers = [("x-api-key", KEY), ("content-type", "application/json")];
    let link = only_send(&gateway.address, "POST", "/v1/messages", &headers, body.as_bytes());
    sent.send(()).unwrap();
    drop(link);
    gateway.until("the request is recorded", |gateway| gateway.record()["outcome"] == "client_gone");
    let record = gateway.record();
    assert_eq!((&record["usage"]["input"], &record["usage"]["output"]), (&json!(11), &json!(5)), "{record}");
}

#[test]
fn what_bounds_a_request_is_what_its_account_is_asked() {
    let folder = Folder::new();
    let path = folder.0.join("prices.toml");
    let prices = "[models.up]\ninput = \"3\"\noutput = \"15\"\nmax_input_tokens = 1000\n\
                  [models.up.service_tiers.priority]\ninput = \"300\"\noutput = \"1500\"\n";
    std::fs::write(&path, prices).unwrap();
    let upstream = Upstream::start(sluice_tests::conversation::answer);
    let accounts = [("a", "claude-console"), ("g", "gemini")].map(|(name, provider)| {
        let more = format!("pools = [\"{name}\"]\nmodel_map = {{ \"to-{name}\" = \"up\" }}\n");
        let route = format!("[[routes]]\nmodel = \"to-{name}\"\npools = [\"{name}\"]\n");
        upstream.account(name, provider, &more) + &route
    });
    let hard = key("mode = \"hard\"\nlimits = [{ per = \"day\", cost = \"0.5\" }]\n");
    let gateway = Gateway::start(&format!("[cost]\nfiles = [{path:?}]\n{}{hard}", accounts.concat()));
    let ask = |path: &str, model: &str, more: &str| {
        let user = "[{\"role\":\"user\",\"content\":\"Go.\"}]";
        let body = format!("{{\"model\":\"{model}\",\"max_tokens\":10,\"messages\":{user}{more}}}");
        gateway.post(path, &body)
    };
    // Google searches as often as it likes, whatever its client has asked for.
    let search = ",\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\",\"max_uses\":1}]";
    assert_eq!(ask("/v1/messages", "to-g", "").status, 200);
    let refused = ask("/v1/messages", "to-g", search);
    assert_eq!(refused.status, 400, "{}", refused.text());
    // And the tier that Claude is not asked for costs nothing.
    let priority = ",\"service_tier\":\"priority\"";
    let served = ask("/v1/chat/completions", "to-a", priority);
    assert_eq!(served.status, 200, "{}", served.text());
}

#[test]
fn an_event_that_is_too_long_to_be_turned_is_an_error_and_no_silence() {
    let long = "x".repeat(17 * 1024 * 1024);
    let upstream = Upstream::start(move |_| {
        let word = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n";
        let event =
            format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{long}\"}}}}]}}\n\n");
        let last =
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        vec![
            stream_head("text/event-stream"),
            chunk(word.as_bytes()),
            chunk(event.as_bytes()),
            chunk(last.as_bytes()),
            end(),
        ]
    });
    let gateway = of(&upstream, "openai-compatible", "");
    for (api, path, body, word) in asked("m") {
        if api == "openai-chat" {
            continue;
        }
        let told = gateway.post(&path, &body).text();
        assert!(told.contains(word) && told.contains("longer than can be turned"), "{api}: {told}");
        assert_eq!(gateway.record()["outcome"], "upstream_error", "{api}");
    }
}
