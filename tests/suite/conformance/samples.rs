//! A tool call in each dialect, whole and streamed, with arguments that are easily spoiled.

use serde_json::Value;

/// The arguments: escapes, an odd number, white space, a text of two UTF-16 units.
pub(super) const ARGUMENTS: &str = "{\"city\": \"Z\\u00fcrich \\\"\u{e9}\u{1f600}\\\"\",\n \"n\":1.0e+2}";

/// Where streams cut them.
const CUTS: [usize; 3] = [1, 18, 24];

/// A tool call.
pub(super) struct Tool {
    pub(super) whole: String,
    pub(super) stream: String,
}

/// A text as JSON has it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The arguments, as streams send them: in quoted pieces.
fn pieces() -> impl Iterator<Item = String> {
    let places = [&[0][..], &CUTS, &[ARGUMENTS.len()]].concat();
    places.windows(2).map(|pair| quoted(&ARGUMENTS[pair[0]..pair[1]])).collect::<Vec<_>>().into_iter()
}

fn named(events: &[String]) -> String {
    let kind = |data: &str| data.split('"').nth(3).unwrap_or_default().to_owned();
    events.iter().map(|data| format!("event: {}\ndata: {data}\n\n", kind(data))).collect()
}

fn plain(events: &[String], end: &str) -> String {
    events.iter().map(|data| format!("data: {data}\n\n")).collect::<String>() + end
}

/// The tool call of a dialect.
pub(super) fn tool(api: &str) -> Tool {
    match api {
        "anthropic" => anthropic(),
        "openai-chat" => chat(),
        "openai-responses" => responses(),
        "gemini" => gemini(),
        other => panic!("{other} has no tools"),
    }
}

fn anthropic() -> Tool {
    let whole = format!(
        r#"{{"id":"msg_1","type":"message","role":"assistant","content":[{{"type":"tool_use","id":"t1","name":"f","input":{ARGUMENTS}}}],"stop_reason":"tool_use","usage":{{"input_tokens":9,"output_tokens":41}}}}"#
    );
    let mut events = vec![
        r#"{"type":"message_start","message":{"id":"msg_1","usage":{"input_tokens":9,"output_tokens":1}}}"#.to_owned(),
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t1","name":"f","input":{}}}"#.to_owned(),
    ];
    events.extend(pieces().map(|piece| {
        format!(r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"input_json_delta","partial_json":{piece}}}}}"#)
    }));
    events.extend(
        [
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":41}}"#,
            r#"{"type":"message_stop"}"#,
        ]
        .map(ToOwned::to_owned),
    );
    Tool { whole, stream: named(&events) }
}

fn chat() -> Tool {
    let usage = r#""usage":{"prompt_tokens":9,"completion_tokens":41,"total_tokens":50}"#;
    let call = |arguments: &str| {
        format!(
            r#"{{"index":0,"id":"t1","type":"function","function":{{"name":"f","arguments":{arguments}}}}}"#
        )
    };
    let whole = format!(
        r#"{{"id":"c","choices":[{{"index":0,"message":{{"role":"assistant","content":null,"tool_calls":[{}]}},"finish_reason":"tool_calls"}}],{usage}}}"#,
        call(&quoted(ARGUMENTS))
    );
    let delta =
        |delta: &str| format!(r#"{{"id":"c","choices":[{{"index":0,"delta":{{"tool_calls":[{delta}]}}}}]}}"#);
    let mut events = vec![delta(&call("\"\""))];
    events
        .extend(pieces().map(|piece| delta(&format!(r#"{{"index":0,"function":{{"arguments":{piece}}}}}"#))));
    events.push(r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#.to_owned());
    events.push(format!(r#"{{"id":"c","choices":[],{usage}}}"#));
    Tool { whole, stream: plain(&events, "data: [DONE]\n\n") }
}

fn responses() -> Tool {
    let usage = r#""usage":{"input_tokens":9,"output_tokens":41,"total_tokens":50}"#;
    let item = format!(
        r#"{{"type":"function_call","id":"fc_1","call_id":"t1","name":"f","arguments":{}}}"#,
        quoted(ARGUMENTS)
    );
    let whole = format!(r#"{{"id":"resp_9","status":"completed","output":[{item}],{usage}}}"#);
    let mut events =
        vec![r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_9"}}"#.to_owned()];
    events.extend(pieces().map(|piece| {
        format!(r#"{{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"delta":{piece}}}"#)
    }));
    events.push(format!(r#"{{"type":"response.output_item.done","output_index":0,"item":{item}}}"#));
    events.push(format!(
        r#"{{"type":"response.completed","response":{{"id":"resp_9","output":[{item}],{usage}}}}}"#
    ));
    Tool { whole, stream: named(&events) }
}

fn gemini() -> Tool {
    let usage = r#""usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":41,"totalTokenCount":50}"#;
    let whole = format!(
        r#"{{"candidates":[{{"content":{{"role":"model","parts":[{{"functionCall":{{"name":"f","args":{ARGUMENTS}}},"thoughtSignature":"AA=="}}]}},"finishReason":"STOP"}}],{usage}}}"#
    )
    .replace('\n', " ");
    Tool { stream: format!("data: {whole}\r\n\r\n"), whole }
}

/// The arguments that a client gathers from an answer.
pub(super) fn arguments(api: &str, text: &str, streamed: bool) -> String {
    let events: Vec<Value> = match streamed {
        false => vec![serde_json::from_str(text).unwrap()],
        true => {
            let data =
                text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
            data.map(|data| serde_json::from_str(data).unwrap()).collect()
        }
    };
    let place = match (api, streamed) {
        ("anthropic", true) => "/delta/partial_json",
        ("openai-chat", false) => "/choices/0/message/tool_calls/0/function/arguments",
        ("openai-chat", true) => "/choices/0/delta/tool_calls/0/function/arguments",
        ("openai-responses", false) => "/output/0/arguments",
        ("openai-responses", true) => "/delta",
        // An object in the answer: as it is written there.
        _ => {
            let written = ARGUMENTS.replace('\n', if api == "gemini" { " " } else { "\n" });
            assert!(text.contains(&written), "{text}");
            return ARGUMENTS.to_owned();
        }
    };
    events.iter().filter_map(|event| event.pointer(place)?.as_str()).collect()
}
