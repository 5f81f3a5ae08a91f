//! OpenAI's Responses.

use bytes::Bytes;
use serde_json::{Value, json};
use sluice_api::dialect::Operation;

use crate::Carried;
use crate::ask::{Ask, Reply};

pub(crate) fn answer(wanted: &Carried, ask: &Ask, reply: &Reply) -> Vec<Bytes> {
    let whole = match wanted.operation {
        Operation::CountTokens => {
            json!({ "object": "response.input_tokens", "input_tokens": ask.input_tokens })
        }
        Operation::Compact => json!({
            "id": "resp_simulated", "object": "response.compaction", "created_at": 0,
            "output": [{ "type": "compaction", "id": "cmp_simulated", "encrypted_content": "simulated" }],
            "usage": usage(ask, reply),
        }),
        _ if wanted.form.is_stream() => return stream(ask, reply),
        _ => response(ask, "completed", json!([item(ask, reply)]), usage(ask, reply)),
    };
    vec![Bytes::from(whole.to_string())]
}

fn response(ask: &Ask, status: &str, output: Value, usage: Value) -> Value {
    json!({
        "id": "resp_simulated", "object": "response", "created_at": 0, "status": status, "model": ask.model,
        "output": output, "error": null, "incomplete_details": null, "instructions": null, "metadata": {},
        "parallel_tool_calls": true, "temperature": 1.0, "top_p": 1.0, "tool_choice": "auto", "tools": [],
        "store": false, "usage": usage,
    })
}

fn usage(ask: &Ask, reply: &Reply) -> Value {
    json!({
        "input_tokens": ask.input_tokens, "input_tokens_details": { "cached_tokens": 0, "cache_write_tokens": 0 },
        "output_tokens": reply.output_tokens, "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": ask.input_tokens + reply.output_tokens,
    })
}

fn item(ask: &Ask, reply: &Reply) -> Value {
    match &ask.tool {
        Some(tool) => json!({
            "type": "function_call", "id": "fc_simulated", "call_id": "call_simulated", "name": tool.name,
            "arguments": tool.arguments.to_string(), "status": "completed",
        }),
        None => json!({
            "type": "message", "id": "msg_simulated", "role": "assistant", "status": "completed",
            "content": [{ "type": "output_text", "text": reply.text(), "annotations": [], "logprobs": [] }],
        }),
    }
}

fn stream(ask: &Ask, reply: &Reply) -> Vec<Bytes> {
    let begun = response(ask, "in_progress", json!([]), Value::Null);
    let mut events = vec![
        json!({ "type": "response.created", "response": begun }),
        json!({ "type": "response.in_progress", "response": begun }),
    ];
    match &ask.tool {
        Some(tool) => {
            let text = tool.arguments.to_string();
            events.push(json!({ "type": "response.output_item.added", "output_index": 0, "item": {
                "type": "function_call", "id": "fc_simulated", "call_id": "call_simulated", "name": tool.name,
                "arguments": "", "status": "in_progress",
            }}));
            let place = |kind: &str, name: &str| json!({ "type": kind, "item_id": "fc_simulated", "output_index": 0, name: text });
            events.push(place("response.function_call_arguments.delta", "delta"));
            events.push(place("response.function_call_arguments.done", "arguments"));
        }
        None => {
            events.push(json!({ "type": "response.output_item.added", "output_index": 0, "item": {
                "type": "message", "id": "msg_simulated", "role": "assistant", "status": "in_progress", "content": [],
            }}));
            let part = |kind: &str, text: &str| {
                json!({
                    "type": kind, "item_id": "msg_simulated", "output_index": 0, "content_index": 0,
                    "part": { "type": "output_text", "text": text, "annotations": [] },
                })
            };
            events.push(part("response.content_part.added", ""));
            events.extend(reply.words.iter().map(|word| {
                json!({
                    "type": "response.output_text.delta", "item_id": "msg_simulated", "output_index": 0,
                    "content_index": 0, "delta": word, "logprobs": [],
                })
            }));
            events.push(json!({
                "type": "response.output_text.done", "item_id": "msg_simulated", "output_index": 0,
                "content_index": 0, "text": reply.text(), "logprobs": [],
            }));
            events.push(part("response.content_part.done", &reply.text()));
        }
    }
    events.push(json!({ "type": "response.output_item.done", "output_index": 0, "item": item(ask, reply) }));
    let done = response(ask, "completed", json!([item(ask, reply)]), usage(ask, reply));
    events.push(json!({ "type": "response.completed", "response": done }));
    events.into_iter().enumerate().map(numbered).collect()
}

fn numbered((number, mut event): (usize, Value)) -> Bytes {
    if let Some(object) = event.as_object_mut() {
        object.insert("sequence_number".to_owned(), json!(number));
    }
    let name = event.get("type").and_then(Value::as_str).unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {event}\n\n"))
}
