//! An upstream of any dialect that has a conversation with a tool: it thinks, says a word, calls the tool three times, and is
//! done. What it says is the same in every dialect.

use serde_json::{Value, json};

use crate::script::{Request, Step, stream, whole};

/// Calls of the tool before it is done.
pub const ROUNDS: usize = 3;

/// The tool that it calls.
pub const TOOL: &str = "look_up";

/// Input tokens that were in no cache, those that were in one, and output tokens, of each answer.
pub const USED: (u64, u64, u64) = (10, 5, 20);

/// Of the output tokens, those for thinking.
pub const THOUGHT: u64 = 7;

/// The arguments of a call, as they are written: their digits are to come through.
#[must_use]
pub fn arguments(round: usize) -> String {
    format!("{{\"place\":\"Z\\u00fcrich\",\"round\":{round},\"amount\":100.50}}")
}

/// How many results of its calls a request has; that of the last round is what it says in the end.
#[must_use]
pub fn results(body: &str) -> usize {
    let marks = ["\"tool_result\"", "\"role\":\"tool\"", "\"function_call_output\"", "\"functionResponse\""];
    marks.iter().map(|mark| body.replace("\": ", "\":").matches(mark).count()).max().unwrap_or_default()
}

/// The next answer, in the dialect of the path that is asked, streamed where that is asked for.
///
/// # Panics
///
/// On a path that no dialect has.
#[must_use]
pub fn answer(request: &Request) -> Vec<Step> {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let round = results(&body);
    let streams = body.replace(' ', "").contains("\"stream\":true");
    let path = request.line.as_str();
    let of = |whole_one: Value, events: Vec<String>| {
        if streams || path.contains("streamGenerateContent") {
            stream("text/event-stream", &events.concat(), 37)
        } else {
            // Arguments are written into it, as a tree of values would round them.
            whole(200, "", &whole_one.to_string().replace("\"@arguments\"", &arguments(round)))
        }
    };
    let calls = round < ROUNDS;
    if path.contains("/chat/completions") {
        of(chat(round, calls), chat_events(round, calls))
    } else if path.contains("/responses") {
        of(response(round, calls), response_events(round, calls))
    } else if path.contains("/messages") {
        of(message(round, calls), message_events(round, calls))
    } else if path.contains("enerateContent") {
        of(content(round, calls), content_events(round, calls))
    } else {
        panic!("no dialect has {path}")
    }
}

/// What it says.
#[must_use]
pub fn words(round: usize) -> String {
    if round < ROUNDS { format!("Looking {round}.") } else { "Done: \u{fc}n\u{ef}code.".to_owned() }
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

fn message(round: usize, calls: bool) -> Value {
    let mut content = vec![
        json!({ "type": "thinking", "thinking": "Hm.", "signature": "U0lHTkVE" }),
        json!({ "type": "text", "text": words(round) }),
    ];
    if calls {
        content.push(json!({ "type": "tool_use", "id": format!("toolu_{round}"), "name": TOOL, "input": "@arguments" }));
    }
    json!({ "id": format!("msg_up{round}"), "type": "message", "role": "assistant", "model": "up", "content": content,
        "stop_reason": if calls { "tool_use" } else { "end_turn" }, "stop_sequence": null, "usage": message_usage() })
}

fn message_usage() -> Value {
    json!({ "input_tokens": USED.0, "cache_read_input_tokens": USED.1, "cache_creation_input_tokens": 0,
        "output_tokens": USED.2, "output_tokens_details": { "thinking_tokens": THOUGHT } })
}

fn message_events(round: usize, calls: bool) -> Vec<String> {
    let mut start = message(round, calls);
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
    let text = words(round);
    let texts = pieces(&text).iter().map(|text| json!({ "type": "text_delta", "text": text })).collect();
    block(1, json!({ "type": "text", "text": "" }), texts);
    if calls {
        let arguments = arguments(round);
        let parts = pieces(&arguments);
        let parts =
            parts.iter().map(|part| json!({ "type": "input_json_delta", "partial_json": part })).collect();
        let call = json!({ "type": "tool_use", "id": format!("toolu_{round}"), "name": TOOL, "input": {} });
        block(2, call, parts);
    }
    let reason = if calls { "tool_use" } else { "end_turn" };
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

fn chat_call(round: usize, arguments: &str) -> Value {
    json!({ "id": format!("call_{round}"), "type": "function", "function": { "name": TOOL, "arguments": arguments } })
}

fn chat(round: usize, calls: bool) -> Value {
    let mut message = json!({ "role": "assistant", "content": words(round), "refusal": null });
    if calls {
        message["tool_calls"] = json!([chat_call(round, &arguments(round))]);
    }
    let reason = if calls { "tool_calls" } else { "stop" };
    json!({ "id": format!("chatcmpl-up{round}"), "object": "chat.completion", "created": 1_790_000_000, "model": "up",
        "choices": [{ "index": 0, "message": message, "finish_reason": reason, "logprobs": null }],
        "usage": chat_usage() })
}

fn chat_events(round: usize, calls: bool) -> Vec<String> {
    let chunk = |delta: Value, reason: Value| {
        data(&json!({ "id": format!("chatcmpl-up{round}"), "object": "chat.completion.chunk",
            "created": 1_790_000_000, "model": "up",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] }))
    };
    let mut events = vec![chunk(json!({ "role": "assistant", "content": "" }), Value::Null)];
    let text = words(round);
    events.extend(pieces(&text).iter().map(|text| chunk(json!({ "content": text }), Value::Null)));
    if calls {
        let mut call = chat_call(round, "");
        call["index"] = json!(0);
        events.push(chunk(json!({ "tool_calls": [call] }), Value::Null));
        let arguments = arguments(round);
        let part = |part: &&str| json!({ "tool_calls": [{ "index": 0, "function": { "arguments": part } }] });
        events.extend(pieces(&arguments).iter().map(|text| chunk(part(text), Value::Null)));
    }
    events.push(chunk(json!({}), json!(if calls { "tool_calls" } else { "stop" })));
    events.push(data(&json!({ "id": format!("chatcmpl-up{round}"), "object": "chat.completion.chunk",
        "created": 1_790_000_000, "model": "up", "choices": [], "usage": chat_usage() })));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn response_items(round: usize, calls: bool) -> Vec<Value> {
    let mut items = vec![
        json!({ "id": format!("rs_{round}"), "type": "reasoning", "encrypted_content": "RU5DUllQVEVE",
            "summary": [{ "type": "summary_text", "text": "Hm." }] }),
        json!({ "id": format!("msg_{round}"), "type": "message", "role": "assistant", "status": "completed",
            "content": [{ "type": "output_text", "text": words(round), "annotations": [], "logprobs": [] }] }),
    ];
    if calls {
        items.push(json!({ "id": format!("fc_{round}"), "type": "function_call", "status": "completed",
            "call_id": format!("call_{round}"), "name": TOOL, "arguments": arguments(round) }));
    }
    items
}

fn response(round: usize, calls: bool) -> Value {
    json!({ "id": format!("resp_up{round}"), "object": "response", "created_at": 1_790_000_000, "status": "completed",
        "model": "up", "output": response_items(round, calls), "parallel_tool_calls": true, "tool_choice": "auto",
        "tools": [], "error": null, "incomplete_details": null, "instructions": null, "metadata": {},
        "usage": { "input_tokens": USED.0 + USED.1, "input_tokens_details": { "cached_tokens": USED.1 },
            "output_tokens": USED.2, "output_tokens_details": { "reasoning_tokens": THOUGHT },
            "total_tokens": USED.0 + USED.1 + USED.2 } })
}

fn response_events(round: usize, calls: bool) -> Vec<String> {
    let mut told: Vec<Value> = Vec::new();
    let mut begun = response(round, calls);
    (begun["output"], begun["status"], begun["usage"]) = (json!([]), json!("in_progress"), Value::Null);
    told.push(json!({ "type": "response.created", "response": begun }));
    told.push(json!({ "type": "response.in_progress", "response": begun }));
    for (index, item) in response_items(round, calls).into_iter().enumerate() {
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
                let text = words(round);
                for piece in pieces(&text) {
                    told.push(of(json!({ "type": "response.output_text.delta", "content_index": 0, "delta": piece, "logprobs": [] })));
                }
                told.push(of(json!({ "type": "response.output_text.done", "content_index": 0, "text": text, "logprobs": [] })));
                told.push(of(
                    json!({ "type": "response.content_part.done", "content_index": 0, "part": part }),
                ));
            }
            _ => {
                let arguments = arguments(round);
                for piece in pieces(&arguments) {
                    told.push(of(
                        json!({ "type": "response.function_call_arguments.delta", "delta": piece }),
                    ));
                }
                told.push(of(json!({ "type": "response.function_call_arguments.done", "name": TOOL, "arguments": arguments })));
            }
        }
        told.push(json!({ "type": "response.output_item.done", "output_index": index, "item": item }));
    }
    told.push(json!({ "type": "response.completed", "response": response(round, calls) }));
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

fn content_chunk(round: usize, parts: Value, reason: Option<&str>) -> Value {
    let mut candidate = json!({ "index": 0, "content": { "role": "model", "parts": parts } });
    if let Some(reason) = reason {
        candidate["finishReason"] = json!(reason);
    }
    json!({ "candidates": [candidate], "usageMetadata": content_usage(), "modelVersion": "up",
        "responseId": format!("up{round}") })
}

fn content_call(arguments: Value) -> Value {
    json!({ "functionCall": { "name": TOOL, "args": arguments }, "thoughtSignature": "U0lHRw==" })
}

fn content(round: usize, calls: bool) -> Value {
    let mut parts = vec![json!({ "thought": true, "text": "Hm." }), json!({ "text": words(round) })];
    if calls {
        parts.push(content_call(json!("@arguments")));
    }
    content_chunk(round, json!(parts), Some("STOP"))
}

fn content_events(round: usize, calls: bool) -> Vec<String> {
    let text = words(round);
    let [first, second] = pieces(&text);
    let mut chunks = vec![
        content_chunk(round, json!([{ "thought": true, "text": "Hm." }]), None),
        content_chunk(round, json!([{ "text": first }]), None),
        content_chunk(round, json!([{ "text": second }]), None),
    ];
    if calls {
        chunks.push(content_chunk(round, json!([content_call(json!("@arguments"))]), None));
    }
    chunks.push(content_chunk(round, json!([{ "text": "" }]), Some("STOP")));
    let line = |chunk: &Value| {
        format!("data: {}\r\n\r\n", chunk.to_string().replace("\"@arguments\"", &arguments(round)))
    };
    chunks.iter().map(line).collect()
}
