//! OpenAI's Chat Completions, Embeddings and Images.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::Carried;
use crate::ask::{Ask, Reply};

/// A PNG of one grey pixel, in base64.
const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mOcMWPGfwAGRAL3hHxRHAAAAABJRU5ErkJggg==";

/// Numbers of an embedding, unless the request says how many.
const DIMENSIONS: u64 = 8;

/// Most numbers of an embedding that are made.
const DIMENSIONS_MAX: u64 = 4096;

/// Images made at once, at most.
const IMAGES_MAX: u64 = 10;

pub(crate) fn chat(wanted: &Carried, ask: &Ask, reply: &Reply) -> Vec<Bytes> {
    let finish = if ask.tool.is_some() { "tool_calls" } else { "stop" };
    let usage = json!({
        "prompt_tokens": ask.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": ask.input_tokens + reply.output_tokens,
        "prompt_tokens_details": { "cached_tokens": 0 },
        "completion_tokens_details": { "reasoning_tokens": 0 },
    });
    if !wanted.form.is_stream() {
        let message = match &ask.tool {
            Some(tool) => {
                json!({ "role": "assistant", "content": null, "refusal": null, "tool_calls": [call(&tool.name, &tool.arguments.to_string())] })
            }
            None => json!({ "role": "assistant", "content": reply.text(), "refusal": null }),
        };
        return vec![Bytes::from(
            json!({
                "id": "chatcmpl-simulated", "object": "chat.completion", "created": 0, "model": ask.model,
                "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish }],
                "usage": usage,
            })
            .to_string(),
        )];
    }
    let chunk = |choices: Value, usage: Value| {
        let mut chunk = json!({
            "id": "chatcmpl-simulated", "object": "chat.completion.chunk", "created": 0, "model": ask.model,
            "choices": choices,
        });
        if ask.include_usage
            && let Some(object) = chunk.as_object_mut()
        {
            object.insert("usage".to_owned(), usage);
        }
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let delta = |delta: Value, finish: Value| {
        chunk(json!([{ "index": 0, "delta": delta, "finish_reason": finish }]), Value::Null)
    };
    let mut events = vec![delta(json!({ "role": "assistant", "content": "" }), Value::Null)];
    match &ask.tool {
        Some(tool) => {
            events.push(delta(json!({ "tool_calls": [call(&tool.name, "")] }), Value::Null));
            let arguments = json!({ "tool_calls": [{ "index": 0, "function": { "arguments": tool.arguments.to_string() } }] });
            events.push(delta(arguments, Value::Null));
        }
        None => events.extend(reply.words.iter().map(|word| delta(json!({ "content": word }), Value::Null))),
    }
    events.push(delta(json!({}), json!(finish)));
    if ask.include_usage {
        events.push(chunk(json!([]), usage));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

fn call(name: &str, arguments: &str) -> Value {
    json!({ "index": 0, "id": "call_simulated", "type": "function", "function": { "name": name, "arguments": arguments } })
}

pub(crate) fn embeddings(ask: &Ask, request: &Value) -> Vec<Bytes> {
    let inputs = match request.get("input") {
        Some(Value::Array(list)) if list.first().is_some_and(|first| !first.is_number()) => list.len(),
        _ => 1,
    };
    let numbers = embedding(request.get("dimensions").and_then(Value::as_u64));
    let value = if request.get("encoding_format").and_then(Value::as_str) == Some("base64") {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        json!(base64(&bytes))
    } else {
        json!(numbers)
    };
    let data: Vec<Value> = (0..inputs)
        .map(|index| json!({ "object": "embedding", "index": index, "embedding": value }))
        .collect();
    vec![Bytes::from(
        json!({
            "object": "list", "data": data, "model": ask.model,
            "usage": { "prompt_tokens": ask.input_tokens, "total_tokens": ask.input_tokens },
        })
        .to_string(),
    )]
}

/// Numbers that are the same each time.
pub(crate) fn embedding(dimensions: Option<u64>) -> Vec<f32> {
    let count = dimensions.unwrap_or(DIMENSIONS).clamp(1, DIMENSIONS_MAX);
    (0..count).map(|at| if at % 2 == 0 { 0.25 } else { -0.25 }).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if at <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

pub(crate) fn images(request: &Value) -> Vec<Bytes> {
    let count = request.get("n").and_then(Value::as_u64).unwrap_or(1).clamp(1, IMAGES_MAX);
    let data: Vec<Value> = (0..count).map(|_| json!({ "b64_json": PIXEL })).collect();
    let usage = json!({ "input_tokens": 10, "output_tokens": 100, "total_tokens": 110,
        "input_tokens_details": { "text_tokens": 10, "image_tokens": 0 } });
    vec![Bytes::from(json!({ "created": 0, "data": data, "usage": usage }).to_string())]
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_as_rfc_4648_says() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
