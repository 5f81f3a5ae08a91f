//! Gemini's contents, as SSE and as a JSON array.

use bytes::Bytes;
use serde_json::{Value, json};
use sluice_api::dialect::{Form, Operation};

use crate::Carried;
use crate::ask::{Ask, Reply};
use crate::openai::embedding;

pub(crate) fn answer(wanted: &Carried, ask: &Ask, reply: &Reply, request: &Value) -> Vec<Bytes> {
    let dimensions = |asked: &Value| {
        let field = asked.get("outputDimensionality").or_else(|| asked.get("output_dimensionality"));
        json!({ "values": embedding(field.and_then(Value::as_u64)) })
    };
    let whole = match wanted.operation {
        Operation::CountTokens => json!({ "totalTokens": ask.input_tokens }),
        Operation::Embed => json!({ "embedding": dimensions(request) }),
        Operation::BatchEmbed => {
            let each = request.get("requests").and_then(Value::as_array).into_iter().flatten();
            json!({ "embeddings": each.map(dimensions).collect::<Vec<_>>() })
        }
        _ if wanted.form.is_stream() => return framed(wanted.form, chunks(ask, reply)),
        _ => chunk(ask, json!([part(ask, &reply.text())]), Some("STOP"), reply.output_tokens),
    };
    vec![Bytes::from(whole.to_string())]
}

fn part(ask: &Ask, text: &str) -> Value {
    match &ask.tool {
        Some(tool) => {
            json!({ "functionCall": { "id": "call_simulated", "name": tool.name, "args": tool.arguments } })
        }
        None => json!({ "text": text }),
    }
}

fn chunk(ask: &Ask, parts: Value, finish: Option<&str>, output: u64) -> Value {
    let mut candidate = json!({ "content": { "role": "model", "parts": parts }, "index": 0 });
    if let (Some(finish), Some(object)) = (finish, candidate.as_object_mut()) {
        object.insert("finishReason".to_owned(), json!(finish));
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": ask.input_tokens, "candidatesTokenCount": output,
            "totalTokenCount": ask.input_tokens + output,
        },
        "modelVersion": ask.model,
        "responseId": "simulated",
    })
}

fn chunks(ask: &Ask, reply: &Reply) -> Vec<Value> {
    if ask.tool.is_some() {
        return vec![chunk(ask, json!([part(ask, "")]), Some("STOP"), reply.output_tokens)];
    }
    let last = reply.words.len();
    let word = |(at, word): (usize, &String)| {
        let so_far =
            if at + 1 == last { reply.output_tokens } else { (at as u64 + 1).min(reply.output_tokens) };
        chunk(ask, json!([{ "text": word }]), (at + 1 == last).then_some("STOP"), so_far)
    };
    reply.words.iter().enumerate().map(word).collect()
}

fn framed(form: Form, chunks: Vec<Value>) -> Vec<Bytes> {
    if form == Form::Sse {
        return chunks.into_iter().map(|chunk| Bytes::from(format!("data: {chunk}\r\n\r\n"))).collect();
    }
    let mut pieces: Vec<Bytes> = chunks
        .into_iter()
        .enumerate()
        .map(|(at, chunk)| Bytes::from(format!("{}{chunk}\n", if at == 0 { "[" } else { ",\r\n" })))
        .collect();
    pieces.push(Bytes::from_static(b"]"));
    pieces
}
