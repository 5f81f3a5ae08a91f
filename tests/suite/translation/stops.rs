//! Stop sequences toward an account that can't be asked for them: the answer ends there, and with it the upstream's.

use serde_json::{Value, json};
use sluice_tests::gateway::{Gateway, key};
use sluice_tests::upstream::{Step, Upstream, chunk, stream_head, whole};

use super::asked;

fn event(kind: &str, more: &str) -> String {
    format!("event: {kind}\ndata: {{\"type\":\"{kind}\",{more}}}\n\n")
}

/// The beginning of an answer, and text that has the sequence cut in two.
fn begun() -> String {
    let part = "\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0";
    let item = "\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[]}";
    let text = |text: &str| event("response.output_text.delta", &format!("{part},\"delta\":\"{text}\""));
    let response = "\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\",\"output\":[]}";
    event("response.created", response)
        + &event("response.output_item.added", item)
        + &event(
            "response.content_part.added",
            &format!("{part},\"part\":{{\"type\":\"output_text\",\"text\":\"\"}}"),
        )
        + &text("Hel")
        + &text("lo. E")
        + &text("ND of it")
}

fn asking(api: &str, body: &str) -> String {
    let (from, to) = match api {
        "anthropic" => ("\"messages\"", "\"stop_sequences\":[\"never\",\"END\"],\"messages\""),
        "gemini" => ("\"contents\"", "\"generationConfig\":{\"stopSequences\":[\"END\"]},\"contents\""),
        _ => ("\"messages\"", "\"stop\":\"END\",\"messages\""),
    };
    body.replace(from, to).replace("\"max_tokens\":9,", "\"max_tokens\":99,")
}

#[test]
fn an_answer_ends_at_the_clients_stop_sequence_and_so_does_the_upstreams() {
    let upstream =
        Upstream::start(|_| vec![stream_head("text/event-stream"), chunk(begun().as_bytes()), Step::Hang]);
    let account = upstream.account("r", "openai-responses", "pools = [\"p\"]\n");
    let route = "[[routes]]\nmodel = \"*\"\npools = [\"p\"]\n";
    let gateway = Gateway::start(&format!("{}{account}{route}", key("")));
    for (api, path, body, _) in asked("m") {
        if api == "openai-responses" {
            continue;
        }
        let answer = gateway.post(&path, &asking(api, &body));
        let told = answer.text();
        assert_eq!((answer.status, answer.header("x-sluice-dropped")), (200, None), "{api}: {told}");
        assert!(told.contains("lo. \"") && !told.contains("ND of"), "{api}: {told}");
        let ends = match api {
            "anthropic" => "\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"END\"",
            "gemini" => "\"finishReason\":\"STOP\"",
            _ => "\"finish_reason\":\"stop\"",
        };
        assert!(told.contains(ends), "{api}: {told}");
        // Who has what it asked for asks for no more.
        upstream.wait_until_open(0);
        let record = gateway.record();
        assert_eq!((&record["outcome"], &record["usage_estimated"]), (&json!("completed"), &json!(true)));
        assert!(
            record["usage"]["input"].as_u64().unwrap() > 0 && record["usage"]["output"].as_u64().unwrap() > 0
        );
    }
}

#[test]
fn a_whole_answer_ends_at_the_clients_stop_sequence() {
    let upstream = Upstream::start(|_| {
        let message = json!({"id": "msg_1", "type": "message", "role": "assistant",
            "content": [{"type": "output_text", "text": "Hello. END of it", "annotations": []}]});
        let usage = json!({"input_tokens": 5, "output_tokens": 7, "total_tokens": 12});
        let answer = json!({"id": "resp_1", "object": "response", "status": "completed",
            "output": [message], "usage": usage});
        whole(200, "", &answer.to_string())
    });
    let account = upstream.account("r", "openai-responses", "pools = [\"p\"]\n");
    let route = "[[routes]]\nmodel = \"*\"\npools = [\"p\"]\n";
    let gateway = Gateway::start(&format!("{}{account}{route}", key("")));
    let body = "{\"model\":\"m\",\"max_tokens\":99,\"stop_sequences\":[\"END\"],\"messages\":[{\"role\":\"user\",\"content\":\"Go.\"}]}";
    let told: Value = gateway.post("/v1/messages", body).json();
    assert_eq!(
        (&told["content"][0]["text"], &told["stop_reason"], &told["stop_sequence"]),
        (&json!("Hello. "), &json!("stop_sequence"), &json!("END")),
        "{told}"
    );
    assert_eq!(told["usage"]["output_tokens"], 7);
}
