//! Anthropic's messages.

use bytes::Bytes;
use serde_json::{Value, json};
use sluice_api::dialect::Operation;

use crate::Carried;
use crate::ask::{Ask, Reply};

pub(crate) fn answer(wanted: &Carried, ask: &Ask, reply: &Reply) -> Vec<Bytes> {
    if wanted.operation == Operation::CountTokens {
        return vec![Bytes::from(json!({ "input_tokens": ask.input_tokens }).to_string())];
    }
    if wanted.form.is_stream() {
        return stream(ask, reply);
    }
    let content = match &ask.tool {
        Some(tool) => {
            json!([{ "type": "tool_use", "id": "toolu_simulated", "name": tool.name, "input": tool.arguments }])
        }
        None => json!([{ "type": "text", "text": reply.text() }]),
    };
    let mut message = message(ask, content);
    merge(&mut message, "stop_reason", json!(stop_reason(ask)));
    merge(&mut message, "usage", usage(ask, reply.output_tokens));
    vec![Bytes::from(message.to_string())]
}

fn stream(ask: &Ask, reply: &Reply) -> Vec<Bytes> {
    let mut start = message(ask, json!([]));
    merge(&mut start, "usage", usage(ask, 1));
    let mut events =
        vec![event(json!({ "type": "message_start", "message": start })), event(json!({ "type": "ping" }))];
    let block = match &ask.tool {
        Some(tool) => json!({ "type": "tool_use", "id": "toolu_simulated", "name": tool.name, "input": {} }),
        None => json!({ "type": "text", "text": "" }),
    };
    events.push(event(json!({ "type": "content_block_start", "index": 0, "content_block": block })));
    let delta = |delta: Value| event(json!({ "type": "content_block_delta", "index": 0, "delta": delta }));
    match &ask.tool {
        Some(tool) => {
            let text = tool.arguments.to_string();
            // Two fragments, as real ones come in many.
            let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let (one, other) = text.split_at(middle);
            events.extend(
                [one, other].map(|part| delta(json!({ "type": "input_json_delta", "partial_json": part }))),
            );
        }
        None => {
            events.extend(reply.words.iter().map(|word| delta(json!({ "type": "text_delta", "text": word }))))
        }
    }
    events.push(event(json!({ "type": "content_block_stop", "index": 0 })));
    events.push(event(json!({
        "type": "message_delta",
        "delta": { "stop_reason": stop_reason(ask), "stop_sequence": null },
        "usage": { "output_tokens": reply.output_tokens },
    })));
    events.push(event(json!({ "type": "message_stop" })));
    events
}

fn message(ask: &Ask, content: Value) -> Value {
    json!({
        "id": "msg_simulated", "type": "message", "role": "assistant", "model": ask.model, "content": content,
        "stop_reason": null, "stop_sequence": null,
    })
}

fn usage(ask: &Ask, output: u64) -> Value {
    json!({
        "input_tokens": ask.input_tokens, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "output_tokens": output, "service_tier": "standard",
    })
}

fn stop_reason(ask: &Ask) -> &'static str {
    if ask.tool.is_some() { "tool_use" } else { "end_turn" }
}

fn merge(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

fn event(data: Value) -> Bytes {
    let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}
