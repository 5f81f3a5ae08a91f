//! What a long conversation takes in memory on its way into another dialect.

use peak_alloc::PeakAlloc;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_translate::{Asking, Translation, Upstream};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bytes of a conversation, about.
const SIZE: usize = 1_000_000;

const DIALECTS: [(Api, &str, &str); 4] = [
    (Api::Anthropic, "claude-console", "claude-sonnet-4-5"),
    (Api::OpenaiChat, "openai", "gpt-5.5"),
    (Api::OpenaiResponses, "openai-responses", "gpt-5.5"),
    (Api::Gemini, "gemini", "gemini-3.8-flash"),
];

/// A round of a conversation, in which a tool is called.
fn round(api: Api, number: usize, text: &str) -> String {
    match api {
        Api::Anthropic => format!(
            r#"{{"role":"user","content":"{text}"}},{{"role":"assistant","content":[{{"type":"text","text":"{text}"}},{{"type":"tool_use","id":"c{number}","name":"f","input":{{"a":"{text}","n":1.50}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"c{number}","content":"{text}"}}]}},{{"role":"assistant","content":"{text}"}}"#
        ),
        Api::OpenaiChat => format!(
            r#"{{"role":"user","content":"{text}"}},{{"role":"assistant","content":"{text}","tool_calls":[{{"id":"c{number}","type":"function","function":{{"name":"f","arguments":"{{\"a\":\"{text}\",\"n\":1.50}}"}}}}]}},{{"role":"tool","tool_call_id":"c{number}","content":"{text}"}},{{"role":"assistant","content":"{text}"}}"#
        ),
        Api::OpenaiResponses => format!(
            r#"{{"role":"user","content":"{text}"}},{{"role":"assistant","content":"{text}"}},{{"type":"function_call","call_id":"c{number}","name":"f","arguments":"{{\"a\":\"{text}\",\"n\":1.50}}"}},{{"type":"function_call_output","call_id":"c{number}","output":"{text}"}},{{"role":"assistant","content":"{text}"}}"#
        ),
        _ => format!(
            r#"{{"role":"user","parts":[{{"text":"{text}"}}]}},{{"role":"model","parts":[{{"text":"{text}"}},{{"functionCall":{{"id":"c{number}","name":"f","args":{{"a":"{text}","n":1.50}}}}}}]}},{{"role":"user","parts":[{{"functionResponse":{{"id":"c{number}","name":"f","response":{{"output":"{text}"}}}}}}]}},{{"role":"model","parts":[{{"text":"{text}"}}]}}"#
        ),
    }
}

/// A conversation; its texts are like prose, or have much that is escaped.
fn conversation(api: Api, text: &str) -> String {
    let mut turns = Vec::new();
    let mut size = 0;
    while size < SIZE {
        let round = round(api, turns.len(), text);
        size += round.len();
        turns.push(round);
    }
    let turns = turns.join(",");
    match api {
        Api::Gemini => format!(r#"{{"contents":[{turns},{{"role":"user","parts":[{{"text":"Go on."}}]}}]}}"#),
        Api::OpenaiResponses => {
            format!(r#"{{"model":"m","input":[{turns},{{"role":"user","content":"Go on."}}]}}"#)
        }
        _ => format!(
            r#"{{"model":"m","max_tokens":9,"messages":[{turns},{{"role":"user","content":"Go on."}}]}}"#
        ),
    }
}

#[test]
fn a_long_conversation_takes_less_than_three_times_its_size() {
    let prose =
        "The gateway reads what it is sent and says it in other words, and nothing is lost. ".repeat(20);
    let code = r"if x {\n\treturn é;\n}\n".repeat(60);
    // A text with anything escaped in it is there twice, as it came and as it is: here each is such a text.
    for (what, text, within) in [("prose", &prose, 3.0), ("code", &code, 3.5)] {
        for (client, ..) in DIALECTS {
            let body = conversation(client, text);
            for (speaks, provider, model) in DIALECTS.into_iter().filter(|(speaks, ..)| *speaks != client) {
                let operation = Operation::Generate;
                let (account, form) = ("acc", Form::Sse);
                let max_output = Some(64_000);
                let upstream =
                    Upstream { model, provider, account, operation, form, max_output, include_usage: true };
                let before = MEMORY.current_usage();
                MEMORY.reset_peak_usage();
                let made = Translation::of(&Asking { client, body: body.as_bytes(), speaks, upstream });
                // What the client has sent is in memory all the while.
                let most = MEMORY.peak_usage() - before + body.len();
                let (translated, _) = made.unwrap();
                assert!(translated.body.len() > body.len() / 2);
                let times = most as f64 / body.len() as f64;
                assert!(times < within, "{what} {client:?} {speaks:?}: {times:.2} times its size");
            }
        }
    }
}
