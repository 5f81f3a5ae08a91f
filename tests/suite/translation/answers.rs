//! What comes back: streams at once, cut, silent and failing; refusals; what was left out; counts.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_tests::client::{Answer, begin};
use sluice_tests::gateway::{Gateway, KEY, key};
use sluice_tests::upstream::{Step, Upstream, chunk, end, stream_head, whole};

use super::{asked, gateway};

const CHAT_WORD: &str = "data: {\"id\":\"c\",\"model\":\"up\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hel\"}}]}\n\n";

/// An account of Chat Completions that every client's model goes to.
fn of_chat(upstream: &Upstream, more: &str) -> Gateway {
    let account = upstream.account("c", "openai-compatible", &format!("pools = [\"p\"]\n{more}"));
    let route = "[[routes]]\nmodel = \"*\"\npools = [\"p\"]\n[scheduler]\nfailures = 99\n";
    Gateway::start(&format!("{}{account}{route}", key("")))
}

/// What comes until these words are there.
fn until(answer: &mut Answer, words: &str) -> String {
    let mut told = String::new();
    while !told.contains(words) {
        let piece = answer.piece().unwrap().unwrap();
        told.push_str(&String::from_utf8_lossy(&piece));
    }
    told
}

/// What comes until the end, of whichever kind.
fn rest(answer: &mut Answer) -> String {
    let mut told = String::new();
    while let Ok(Some(piece)) = answer.piece() {
        told.push_str(&String::from_utf8_lossy(&piece));
    }
    told
}

#[test]
fn a_piece_that_comes_is_told_at_once_and_one_that_breaks_off_is_told_as_each_client_knows_it() {
    let upstream =
        Upstream::start(|_| vec![stream_head("text/event-stream"), chunk(CHAT_WORD.as_bytes()), Step::Hang]);
    let gateway = of_chat(&upstream, "");
    for (api, path, body, word) in asked("m") {
        if api == "openai-chat" {
            continue;
        }
        let headers = [("x-api-key", KEY), ("content-type", "application/json")];
        let mut answer = begin(&gateway.address, "POST", &path, &headers, body.as_bytes());
        let told = until(&mut answer, word);
        assert!(told.contains(word), "{api}: {told}");
        upstream.cut();
        let rest = rest(&mut answer);
        let failed = match api {
            "anthropic" => rest.contains("event: error") && rest.contains("\"request_id\""),
            "openai-responses" => rest.contains("event: response.failed") && rest.contains("\"error\""),
            _ => rest.contains("data: {\"error\":{"),
        };
        assert!(failed, "{api}: {rest}");
    }
    let records = gateway.admin("GET", "/requests?limit=3", "").json();
    for record in records["data"].as_array().unwrap() {
        assert_eq!(
            (&record["outcome"], &record["usage_estimated"]),
            (&json!("upstream_error"), &json!(true))
        );
    }
}

#[test]
fn an_upstreams_error_in_a_stream_is_the_clients_own() {
    let error = "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\",\"code\":null}}\n\n";
    let upstream = Upstream::start(move |_| {
        vec![stream_head("text/event-stream"), chunk(CHAT_WORD.as_bytes()), chunk(error.as_bytes()), end()]
    });
    let gateway = of_chat(&upstream, "");
    for (api, path, body, word) in asked("m") {
        let told = gateway.post(&path, &body).text();
        assert!(told.contains(word) && told.contains("boom"), "{api}: {told}");
        assert_eq!(
            told.matches("boom").count(),
            if api == "openai-responses" { 2 } else { 1 },
            "{api}: {told}"
        );
    }
}

#[test]
fn a_refusal_is_told_in_the_clients_dialect_with_the_requests_id() {
    let refused = r#"{"error":{"message":"This model's maximum context length is 10 tokens. However, your messages resulted in 12 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;
    let upstream = Upstream::start(move |_| whole(400, "", refused));
    let gateway = of_chat(&upstream, "");
    for (api, path, body, _) in asked("m") {
        let answer = gateway.post(&path, &body);
        assert_eq!(answer.status, 400, "{api}");
        let told: Value = answer.json();
        let id = answer.header("x-request-id").unwrap();
        match api {
            "anthropic" => {
                assert_eq!(
                    (&told["type"], &told["error"]["type"]),
                    (&json!("error"), &json!("invalid_request_error"))
                );
                // By these words Claude Code knows that it is to compact the conversation.
                assert!(
                    told["error"]["message"].as_str().unwrap().starts_with("prompt is too long"),
                    "{told}"
                );
                assert_eq!(told["request_id"], id);
            }
            "gemini" => {
                assert_eq!(
                    (&told["error"]["code"], &told["error"]["status"]),
                    (&json!(400), &json!("INVALID_ARGUMENT"))
                );
                assert!(told["error"]["details"].to_string().contains(id), "{told}");
            }
            _ => assert_eq!(told["error"]["code"], "context_length_exceeded", "{told}"),
        }
    }
}

#[test]
fn what_is_left_out_is_named_and_what_can_not_be_is_refused_by_its_name() {
    let (gateway, upstreams) = gateway(sluice_tests::conversation::answer);
    let body = |more: &str| {
        format!(
            "{{\"model\":\"to-anthropic\",\"messages\":[{{\"role\":\"user\",\"content\":\"Go.\"}}],{more}}}"
        )
    };
    let answer = gateway
        .post("/v1/chat/completions", &body("\"seed\":7,\"logit_bias\":{\"1\":2},\"temperature\":0.5"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-sluice-dropped"), Some("seed, logit_bias"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let sent: Value = serde_json::from_slice(&upstreams[0].1.last().body).unwrap();
    assert!(sent.get("seed").is_none() && sent["max_tokens"].is_u64(), "{sent}");
    let seen = upstreams[0].1.seen().len();
    for (more, field) in [
        ("\"n\":2", "n"),
        (
            "\"modalities\":[\"text\",\"audio\"],\"audio\":{\"voice\":\"ash\",\"format\":\"wav\"}",
            "modalities",
        ),
    ] {
        let answer = gateway.post("/v1/chat/completions", &body(more));
        let told = answer.json();
        assert_eq!((answer.status, &told["error"]["param"]), (400, &json!(field)), "{told}");
        assert_eq!(told["error"]["type"], "invalid_request_error");
    }
    assert_eq!(upstreams[0].1.seen().len(), seen, "nothing is sent of what is refused");
}

#[test]
fn an_account_of_the_clients_own_dialect_goes_first_and_serves_what_no_other_can() {
    let own = Upstream::start(sluice_tests::conversation::answer);
    let other = Upstream::start(sluice_tests::conversation::answer);
    let accounts = own.account("own", "openai-compatible", "pools = [\"p\"]\npriority = 90\n")
        + &other.account("other", "claude-console", "pools = [\"p\"]\npriority = 10\n");
    let routes = "[[routes]]\nmodel = \"*\"\npools = [\"p\"]\n";
    let gateway = Gateway::start(&format!("server.reveal_route = true\n{}{accounts}{routes}", key("")));
    let ask = |more: &str| {
        let body =
            format!("{{\"model\":\"m\",\"messages\":[{{\"role\":\"user\",\"content\":\"Go.\"}}]{more}}}");
        gateway.post("/v1/chat/completions", &body)
    };
    assert_eq!(ask("").header("x-sluice-account"), Some("own"));
    assert_eq!(gateway.admin("PATCH", "/accounts/own", "{\"enabled\":false}").status, 200);
    assert_eq!(ask("").header("x-sluice-account"), Some("other"));
    let refused = ask(",\"n\":2");
    assert_eq!((refused.status, &refused.json()["error"]["param"]), (400, &json!("n")));
    assert_eq!(gateway.admin("PATCH", "/accounts/own", "{\"enabled\":true}").status, 200);
    assert_eq!(ask(",\"n\":2").header("x-sluice-account"), Some("own"));
}

#[test]
fn gemini_without_events_is_one_array_and_counts_are_asked_or_estimated() {
    let (gateway, _upstreams) = gateway(|request| {
        if request.line.contains("count_tokens") {
            return whole(200, "", "{\"input_tokens\":42}");
        }
        sluice_tests::conversation::answer(request)
    });
    let contents = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Go.\"}]}]}";
    let told = gateway.post("/v1beta/models/to-anthropic:streamGenerateContent", contents);
    assert_eq!(told.header("content-type"), Some("application/json"));
    let elements = told.json();
    let elements = elements.as_array().unwrap();
    assert!(
        elements.len() > 3 && elements.iter().all(|one| one["candidates"][0]["content"]["parts"].is_array())
    );
    assert_eq!(elements.last().unwrap()["usageMetadata"]["promptTokenCount"], 15);

    let counted = gateway.post("/v1beta/models/to-anthropic:countTokens", contents);
    assert_eq!((counted.status, &counted.json()["totalTokens"]), (200, &json!(42)), "{}", counted.text());
    assert_eq!(counted.header("x-sluice-estimate"), None);
    let estimated = gateway.post("/v1beta/models/to-openai-chat:countTokens", contents);
    assert_eq!((estimated.status, estimated.header("x-sluice-estimate")), (200, Some("true")));
}

#[test]
fn embeddings_of_openais_clients_come_from_gemini_and_the_other_way_round() {
    let google =
        Upstream::start(|_| whole(200, "", "{\"embeddings\":[{\"values\":[0.10,-1]},{\"values\":[2]}]}"));
    let openai = Upstream::start(|_| {
        whole(
            200,
            "",
            "{\"data\":[{\"index\":0,\"embedding\":[0.50]}],\"usage\":{\"prompt_tokens\":3,\"total_tokens\":3}}",
        )
    });
    let accounts = google.account("g", "gemini", "pools = [\"g\"]\n")
        + &openai.account("o", "openai-compatible", "pools = [\"o\"]\n");
    let routes =
        "[[routes]]\nmodel = \"to-g\"\npools = [\"g\"]\n[[routes]]\nmodel = \"to-o\"\npools = [\"o\"]\n";
    let gateway = Gateway::start(&format!("{}{accounts}{routes}", key("")));
    let told = gateway.post("/v1/embeddings", "{\"model\":\"to-g\",\"input\":[\"a\",\"b\"]}");
    assert!(told.text().contains("\"embedding\":[0.10,-1]"), "{}", told.text());
    assert!(google.last().line.contains("/v1beta/models/to-g:batchEmbedContents"), "{}", google.last().line);
    let body = "{\"content\":{\"parts\":[{\"text\":\"a\"}]}}";
    let told = gateway.post("/v1beta/models/to-o:embedContent", body);
    assert_eq!(told.text(), "{\"embedding\":{\"values\":[0.50]}}");
    let usage = gateway.admin("GET", "/usage?group_by=account", "").json();
    let of =
        |name: &str| usage["data"].as_array().unwrap().iter().find(|row| row["account"] == name).cloned();
    assert_eq!(of("o").unwrap()["input_tokens"], 3, "{usage:#}");
}

#[test]
fn a_silent_upstream_keeps_its_client_by_the_clients_own_sign_of_life() {
    let upstream = Upstream::start(|_| {
        vec![
            stream_head("text/event-stream"),
            chunk(CHAT_WORD.as_bytes()),
            Step::Pause(Duration::from_secs(16)),
            Step::Close,
        ]
    });
    let gateway = of_chat(&upstream, "");
    let readers: Vec<_> = asked("m")
        .into_iter()
        .filter(|(api, ..)| *api != "openai-chat")
        .map(|(api, path, body, _)| {
            let address = gateway.address.clone();
            std::thread::spawn(move || {
                let headers = [("x-api-key", KEY), ("content-type", "application/json")];
                (api, rest(&mut begin(&address, "POST", &path, &headers, body.as_bytes())))
            })
        })
        .collect();
    for reader in readers {
        let (api, told) = reader.join().unwrap();
        let sign = match api {
            "anthropic" => "event: ping",
            "openai-responses" => ": ",
            _ => "\r\n\r\n\r\n\r\n",
        };
        assert!(told.contains(sign), "{api}: {told:?}");
    }
}
