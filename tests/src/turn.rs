//! One answer of a model, which thinks, says something and calls tools, in every dialect.

use serde_json::{Value, json};

use crate::script::{Request, Step, stream, whole};

/// Input tokens that were in no cache, those that were in one, and output tokens, of each answer.
pub const USED: (u64, u64, u64) = (10, 5, 20);

/// Of the output tokens, those for thinking.
pub const THOUGHT: u64 = 7;

/// A call of a tool.
#[derive(Clone, Debug)]
pub struct Call {
    number: usize,
    name: String,
    /// As they are written: their digits are to come through.
    arguments: String,
}

impl Call {
    /// One with this number among those of its conversation.
    #[must_use]
    pub fn new(number: usize, name: &str, arguments: &str) -> Self {
        Self { number, name: name.to_owned(), arguments: arguments.to_owned() }
    }

    fn id(&self) -> String {
        format!("call_{}", self.number)
    }

    /// What stands for its arguments in a tree of values, which would round their digits.
    fn placeholder(&self) -> Value {
        json!(format!("@arguments {}", self.number))
    }
}

/// What a model answers.
#[derive(Clone, Debug)]
pub struct Turn {
    /// How many came before.
    number: usize,
    says: String,
    /// Its calls.
    pub calls: Vec<Call>,
}

impl Turn {
    /// One that calls nothing yet.
    #[must_use]
    pub fn new(number: usize, says: &str) -> Self {
        Self { number, says: says.to_owned(), calls: Vec::new() }
    }

    /// It in the dialect of the path that is asked, streamed where that is asked for.
    ///
    /// # Panics
    ///
    /// On a path that no dialect has.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Vec<Step> {
        let body = String::from_utf8_lossy(&request.body).replace(' ', "");
        let path = request.line.as_str();
        let streams = body.contains("\"stream\":true") || path.contains("streamGenerateContent");
        let of = |whole_one: Value, events: Vec<String>| {
            if streams {
                stream("text/event-stream", &events.concat(), 37)
            } else {
                whole(200, "", &self.written(&whole_one))
            }
        };
        if path.contains("/chat/completions") {
            of(chat(self), chat_events(self))
        } else if path.contains("/responses") {
            of(response(self), response_events(self))
        } else if path.contains("/messages") {
            of(message(self), message_events(self))
        } else if path.contains("enerateContent") {
            of(content(self), content_events(self))
        } else {
            panic!("no dialect has {path}")
        }
    }

    fn reason<'a>(&self, done: &'a str, calls: &'a str) -> &'a str {
        if self.calls.is_empty() { done } else { calls }
    }

    /// A tree of values with the calls' arguments in their places.
    fn written(&self, tree: &Value) -> String {
        let put = |text: String, call: &Call| text.replace(&call.placeholder().to_string(), &call.arguments);
        self.calls.iter().fold(tree.to_string(), put)
    }
}

fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn data(data: &Value) -> String {
    format!("data: {data}\n\n")
}

fn pieces(text: &str) -> [&str; 2] {
    let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    text.split_at(middle).into()
}

fn message(turn: &Turn) -> Value {
    let mut content = vec![
        json!({ "type": "thinking", "thinking": "Hm.", "signature": "U0lHTkVE" }),
        json!({ "type": "text", "text": turn.says }),
    ];
    content.extend(turn.calls.iter().map(
        |call| json!({ "type": "tool_use", "id": call.id(), "name": call.name, "input": call.placeholder() }),
    ));
    json!({ "id": format!("msg_up{}", turn.number), "type": "message", "role": "assistant", "model": "up", "content": content,
        "stop_reason": turn.reason("end_turn", "tool_use"), "stop_sequence": null, "usage": message_usage() })
}

fn message_usage() -> Value {
    json!({ "input_tokens": USED.0, "cache_read_input_tokens": USED.1, "cache_creation_input_tokens": 0,
        "output_tokens": USED.2, "output_tokens_details": { "thinking_tokens": THOUGHT } })
}

fn message_events(turn: &Turn) -> Vec<String> {
    let mut start = message(turn);
    (start["content"], start["stop_reason"], start["usage"]["output_tokens"]) =
        (json!([]), Value::Null, json!(1));
    let mut events = vec![event("message_start", &json!({ "type": "message_start", "message": start }))];
    let mut block = |index: usize, opening: Value, deltas: Vec<Value>| {
        events.push(event(
            "content_block_start",
            &json!({ "type": "content_block_start", "index": index, "content_block": opening }),
        ));
        for delta in deltas {
            let delta = json!({ "type": "content_block_delta", "index": index, "delta": delta });
            events.push(event("content_block_delta", &delta));
        }
        events.push(event("content_block_stop", &json!({ "type": "content_block_stop", "index": index })));
    };
    block(
        0,
        json!({ "type": "thinking", "thinking": "", "signature": "" }),
        vec![
            json!({ "type": "thinking_delta", "thinking": "Hm." }),
            json!({ "type": "signature_delta", "signature": "U0lHTkVE" }),
        ],
    );
    let texts = pieces(&turn.says).iter().map(|text| json!({ "type": "text_delta", "text": text })).collect();
    block(1, json!({ "type": "text", "text": "" }), texts);
    for (index, call) in turn.calls.iter().enumerate() {
        let parts = pieces(&call.arguments);
        let parts =
            parts.iter().map(|part| json!({ "type": "input_json_delta", "partial_json": part })).collect();
        let opening = json!({ "type": "tool_use", "id": call.id(), "name": call.name, "input": {} });
        block(2 + index, opening, parts);
    }
    let reason = turn.reason("end_turn", "tool_use");
    let delta = json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null },
        "usage": message_usage() });
    events.push(event("message_delta", &delta));
    events.push(event("message_stop", &json!({ "type": "message_stop" })));
    events
}

fn chat_usage() -> Value {
    json!({ "prompt_tokens": USED.0 + USED.1, "completion_tokens": USED.2, "total_tokens": USED.0 + USED.1 + USED.2,
        "prompt_tokens_details": { "cached_tokens": USED.1 },
        "completion_tokens_details": { "reasoning_tokens": THOUGHT } })
}

fn chat_call(call: &Call, arguments: &str) -> Value {
    json!({ "id": call.id(), "type": "function", "function": { "name": call.name, "arguments": arguments } })
}

fn chat(turn: &Turn) -> Value {
    let mut message = json!({ "role": "assistant", "content": turn.says, "refusal": null });
    if !turn.calls.is_empty() {
        message["tool_calls"] = turn.calls.iter().map(|call| chat_call(call, &call.arguments)).collect();
    }
    let reason = turn.reason("stop", "tool_calls");
    json!({ "id": format!("chatcmpl-up{}", turn.number), "object": "chat.completion", "created": 1_790_000_000, "model": "up",
        "choices": [{ "index": 0, "message": message, "finish_reason": reason, "logprobs": null }],
        "usage": chat_usage() })
}

fn chat_events(turn: &Turn) -> Vec<String> {
    let chunk = |delta: Value, reason: Value| {
        data(&json!({ "id": format!("chatcmpl-up{}", turn.number), "object": "chat.completion.chunk",
            "created": 1_790_000_000, "model": "up",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] }))
    };
    let mut events = vec![chunk(json!({ "role": "assistant", "content": "" }), Value::Null)];
    events.extend(pieces(&turn.says).iter().map(|text| chunk(json!({ "content": text }), Value::Null)));
    for (index, call) in turn.calls.iter().enumerate() {
        let mut opening = chat_call(call, "");
        opening["index"] = json!(index);
        events.push(chunk(json!({ "tool_calls": [opening] }), Value::Null));
        let part =
            |part: &&str| json!({ "tool_calls": [{ "index": index, "function": { "arguments": part } }] });
        events.extend(pieces(&call.arguments).iter().map(|text| chunk(part(text), Value::Null)));
    }
    events.push(chunk(json!({}), json!(turn.reason("stop", "tool_calls"))));
    events
        .push(data(&json!({ "id": format!("chatcmpl-up{}", turn.number), "object": "chat.completion.chunk",
        "created": 1_790_000_000, "model": "up", "choices": [], "usage": chat_usage() })));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn response_items(turn: &Turn) -> Vec<Value> {
    let mut items = vec![
        json!({ "id": format!("rs_{}", turn.number), "type": "reasoning", "encrypted_content": "RU5DUllQVEVE",
            "summary": [{ "type": "summary_text", "text": "Hm." }] }),
        json!({ "id": format!("msg_{}", turn.number), "type": "message", "role": "assistant", "status": "completed",
            "content": [{ "type": "output_text", "text": turn.says, "annotations": [], "logprobs": [] }] }),
    ];
    items.extend(turn.calls.iter().map(|call| {
        json!({ "id": format!("fc_{}", call.number), "type": "function_call", "status": "completed",
            "call_id": call.id(), "name": call.name, "arguments": call.arguments })
    }));
    items
}

fn response(turn: &Turn) -> Value {
    json!({ "id": format!("resp_up{}", turn.number), "object": "response", "created_at": 1_790_000_000, "status": "completed",
        "model": "up", "output": response_items(turn), "parallel_tool_calls": true, "tool_choice": "auto",
        "tools": [], "error": null, "incomplete_details": null, "instructions": null, "metadata": {},
        "usage": { "input_tokens": USED.0 + USED.1, "input_tokens_details": { "cached_tokens": USED.1 },
            "output_tokens": USED.2, "output_tokens_details": { "reasoning_tokens": THOUGHT },
            "total_tokens": USED.0 + USED.1 + USED.2 } })
}

fn response_events(turn: &Turn) -> Vec<String> {
    let mut told: Vec<Value> = Vec::new();
    let mut begun = response(turn);
    (begun["output"], begun["status"], begun["usage"]) = (json!([]), json!("in_progress"), Value::Null);
    told.push(json!({ "type": "response.created", "response": begun }));
    told.push(json!({ "type": "response.in_progress", "response": begun }));
    for (index, item) in response_items(turn).into_iter().enumerate() {
        let id = item["id"].clone();
        let of = |mut event: Value| {
            (event["item_id"], event["output_index"]) = (id.clone(), json!(index));
            event
        };
        let mut opening = item.clone();
        match item["type"].as_str() {
            Some("reasoning") => opening["summary"] = json!([]),
            Some("message") => opening["content"] = json!([]),
            _ => opening["arguments"] = json!(""),
        }
        opening["status"] = json!("in_progress");
        told.push(json!({ "type": "response.output_item.added", "output_index": index, "item": opening }));
        match item["type"].as_str() {
            Some("reasoning") => {
                let part = item["summary"][0].clone();
                let empty = json!({ "type": "summary_text", "text": "" });
                told.push(of(json!({ "type": "response.reasoning_summary_part.added", "summary_index": 0, "part": empty })));
                told.push(of(json!({ "type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": "Hm." })));
                told.push(of(json!({ "type": "response.reasoning_summary_text.done", "summary_index": 0, "text": "Hm." })));
                told.push(of(json!({ "type": "response.reasoning_summary_part.done", "summary_index": 0, "part": part })));
            }
            Some("message") => {
                let part = item["content"][0].clone();
                let empty = json!({ "type": "output_text", "text": "", "annotations": [], "logprobs": [] });
                told.push(of(
                    json!({ "type": "response.content_part.added", "content_index": 0, "part": empty }),
                ));
                for piece in pieces(&turn.says) {
                    told.push(of(json!({ "type": "response.output_text.delta", "content_index": 0, "delta": piece, "logprobs": [] })));
                }
                told.push(of(json!({ "type": "response.output_text.done", "content_index": 0, "text": turn.says, "logprobs": [] })));
                told.push(of(
                    json!({ "type": "response.content_part.done", "content_index": 0, "part": part }),
                ));
            }
            _ => {
                let arguments = item["arguments"].as_str().unwrap();
                for piece in pieces(arguments) {
                    told.push(of(
                        json!({ "type": "response.function_call_arguments.delta", "delta": piece }),
                    ));
                }
                told.push(of(json!({ "type": "response.function_call_arguments.done", "name": item["name"], "arguments": arguments })));
            }
        }
        told.push(json!({ "type": "response.output_item.done", "output_index": index, "item": item }));
    }
    told.push(json!({ "type": "response.completed", "response": response(turn) }));
    let numbered = told.into_iter().enumerate().map(|(number, mut event_data)| {
        event_data["sequence_number"] = json!(number);
        event(event_data["type"].as_str().unwrap_or_default(), &event_data)
    });
    numbered.collect()
}

fn content_usage() -> Value {
    json!({ "promptTokenCount": USED.0 + USED.1, "cachedContentTokenCount": USED.1,
        "candidatesTokenCount": USED.2 - THOUGHT, "thoughtsTokenCount": THOUGHT,
        "totalTokenCount": USED.0 + USED.1 + USED.2 })
}

fn content_chunk(turn: &Turn, parts: Value, reason: Option<&str>) -> Value {
    let mut candidate = json!({ "index": 0, "content": { "role": "model", "parts": parts } });
    if let Some(reason) = reason {
        candidate["finishReason"] = json!(reason);
    }
    json!({ "candidates": [candidate], "usageMetadata": content_usage(), "modelVersion": "up",
        "responseId": format!("up{}", turn.number) })
}

fn content_calls(turn: &Turn) -> Vec<Value> {
    let calls = turn.calls.iter().enumerate().map(|(index, call)| {
        let mut part = json!({ "functionCall": { "name": call.name, "args": call.placeholder() } });
        // Of calls that are made at once the first is signed alone.
        if index == 0 {
            part["thoughtSignature"] = json!("U0lHRw==");
        }
        part
    });
    calls.collect()
}

fn content(turn: &Turn) -> Value {
    let mut parts = vec![json!({ "thought": true, "text": "Hm." }), json!({ "text": turn.says })];
    parts.extend(content_calls(turn));
    content_chunk(turn, json!(parts), Some("STOP"))
}

fn content_events(turn: &Turn) -> Vec<String> {
    let [first, second] = pieces(&turn.says);
    let mut chunks = vec![
        content_chunk(turn, json!([{ "thought": true, "text": "Hm." }]), None),
        content_chunk(turn, json!([{ "text": first }]), None),
        content_chunk(turn, json!([{ "text": second }]), None),
    ];
    if !turn.calls.is_empty() {
        chunks.push(content_chunk(turn, json!(content_calls(turn)), None));
    }
    chunks.push(content_chunk(turn, json!([{ "text": "" }]), Some("STOP")));
    let line = |chunk: &Value| format!("data: {}\r\n\r\n", turn.written(chunk));
    chunks.iter().map(line).collect()
}
