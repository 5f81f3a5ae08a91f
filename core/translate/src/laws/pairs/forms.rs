//! What upstreams may stream, answer and refuse with, as forms that bytes fill: right, odd, and wrong.

use sluice_api::dialect::Api;

use crate::laws::made::{Choices, Parts, by};

/// What the letters stand for; the first of each has no letters.
const PARTS: Parts<'static> = &[
    ('v', &["null", "true", "0", "1.0e+2", "12345678901234567890123", "%t", "[]", "{}", "[%v]", "{%t:%v}"]),
    (
        't',
        &[
            r#""a""#,
            r#""""#,
            r#""é\n\"""#,
            r#""\u00e9""#,
            r#""\ud800""#,
            r#""stop""#,
            r#""text""#,
            r#""error""#,
        ],
    ),
    // A text, seldom something else.
    ('s', &[r#""a""#, r#""b\n""#, r#""é""#, "%t", "%v"]),
    // Where something stands.
    ('i', &["0", "0", "1", "2", "%v"]),
    // A piece of arguments.
    ('g', &[r#""{\"a\":1.50}""#, r#""{""#, r#""\"b\":""#, r#""\"}\"""#, r#""}""#, r#""""#, "%v"]),
    // Arguments whole.
    ('j', &[r#"{"n":1.50}"#, "{}", r#"{"s":"é\n"}"#, "%v"]),
    // A count.
    ('n', &["7", "0", "100", "18446744073709551615", "-1", "%v"]),
    // A reason, of any dialect.
    (
        'r',
        &[
            r#""stop""#,
            r#""end_turn""#,
            r#""tool_use""#,
            r#""tool_calls""#,
            r#""length""#,
            r#""max_tokens""#,
            r#""STOP""#,
            r#""MAX_TOKENS""#,
            r#""SAFETY""#,
            r#""OTHER""#,
            r#""MALFORMED_FUNCTION_CALL""#,
            "null",
            "%s",
        ],
    ),
    // A part of Gemini's.
    (
        'p',
        &[
            r#"{"text":"a"}"#,
            r#"{"text":%s}"#,
            r#"{"text":%s,"thought":true}"#,
            r#"{"functionCall":{"name":"f","args":%j}}"#,
            r#"{"functionCall":{"name":%s,"args":%j,"id":%s},"thoughtSignature":"QUJD"}"#,
            r#"{"functionCall":{"name":"f","willContinue":true}}"#,
            r#"{"functionCall":{"partialArgs":[{"jsonPath":"$.a","stringValue":%s,"willContinue":%v}],"willContinue":%v}}"#,
            r#"{"text":"","thoughtSignature":%s}"#,
            r#"{"inlineData":{"mimeType":"image/png","data":"AAEC"}}"#,
            "%v",
        ],
    ),
    // A block of Anthropic's.
    (
        'b',
        &[
            r#"{"type":"text","text":""}"#,
            r#"{"type":"text","text":%s}"#,
            r#"{"type":"thinking","thinking":%s,"signature":%s}"#,
            r#"{"type":"redacted_thinking","data":%s}"#,
            r#"{"type":"tool_use","id":"toolu_1","name":"f","input":{}}"#,
            r#"{"type":"tool_use","id":%s,"name":%s,"input":%j}"#,
            r#"{"type":"server_tool_use","id":%s,"name":"web_search","input":{}}"#,
            "%v",
        ],
    ),
    // An item of Responses'.
    (
        'm',
        &[
            r#"{"type":"message","id":"m1","role":"assistant","content":[]}"#,
            r#"{"type":"message","id":%s,"role":"assistant","content":[{"type":"output_text","text":%s,"annotations":[]}]}"#,
            r#"{"type":"message","content":[{"type":"refusal","refusal":%s}]}"#,
            r#"{"type":"function_call","id":"f1","call_id":"c1","name":"f","arguments":%g}"#,
            r#"{"type":"function_call","id":%s,"call_id":%s,"name":%s,"arguments":%g}"#,
            r#"{"type":"custom_tool_call","id":%s,"call_id":"c2","name":"p","input":%s}"#,
            r#"{"type":"reasoning","id":"r1","summary":[]}"#,
            r#"{"type":"reasoning","id":"r1","summary":[{"type":"summary_text","text":%s}],"encrypted_content":%s}"#,
            r#"{"type":"web_search_call","id":"w1","status":"completed"}"#,
            "%v",
        ],
    ),
    // Usage, in each dialect's names.
    (
        'u',
        &[
            r#"{"input_tokens":%n,"output_tokens":%n}"#,
            r#"{"prompt_tokens":%n,"completion_tokens":%n,"total_tokens":%n}"#,
            r#"{"promptTokenCount":%n,"candidatesTokenCount":%n,"thoughtsTokenCount":%n,"totalTokenCount":%n}"#,
            "null",
            "%v",
        ],
    ),
    // An error.
    (
        'e',
        &[
            r#"{"message":%s,"type":"server_error","code":null,"param":null}"#,
            r#"{"type":"overloaded_error","message":%s}"#,
            r#"{"code":%n,"status":"UNAVAILABLE","message":%s}"#,
            r#"{"message":"This model's maximum context length is 10 tokens.","code":"context_length_exceeded"}"#,
            "%v",
        ],
    ),
    // Pieces of a call of Chat's.
    (
        'c',
        &[
            r#"{"index":%i,"id":"c0","type":"function","function":{"name":"f","arguments":""}}"#,
            r#"{"index":%i,"function":{"arguments":%g}}"#,
            r#"{"id":%s,"type":"function","function":{"name":%s,"arguments":%g}}"#,
            r#"{"index":%i,"id":%s,"function":{"name":%s,"arguments":%j}}"#,
            "%v",
        ],
    ),
];

const ANTHROPIC: &[(&str, &str)] = &[
    (
        "message_start",
        r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"usage":{"input_tokens":7,"output_tokens":1}}}"#,
    ),
    ("content_block_start", r#"{"type":"content_block_start","index":%i,"content_block":%b}"#),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":%i,"delta":{"type":"text_delta","text":%s}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":%i,"delta":{"type":"input_json_delta","partial_json":%g}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":%i,"delta":{"type":"thinking_delta","thinking":%s}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":%i,"delta":{"type":"signature_delta","signature":%s}}"#,
    ),
    ("content_block_stop", r#"{"type":"content_block_stop","index":%i}"#),
    ("message_delta", r#"{"type":"message_delta","delta":{"stop_reason":%r,"stop_sequence":%v},"usage":%u}"#),
    ("message_stop", r#"{"type":"message_stop"}"#),
    ("ping", r#"{"type":"ping"}"#),
    ("error", r#"{"type":"error","error":%e}"#),
    ("error", r#"{"type":"error","message":%e}"#),
    ("later", "%v"),
];

const CHAT: &[(&str, &str)] = &[
    (
        "",
        r#"{"id":"c","model":"m","created":1,"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
    ),
    ("", r#"{"id":"c","choices":[{"index":0,"delta":{"content":%s}}]}"#),
    ("", r#"{"choices":[{"index":0,"delta":{"reasoning_content":%s}}]}"#),
    ("", r#"{"choices":[{"delta":{"refusal":%s}}]}"#),
    ("", r#"{"choices":[{"index":0,"delta":{"tool_calls":[%c]}}]}"#),
    ("", r#"{"choices":[{"index":0,"delta":{"tool_calls":[%c,%c]}}]}"#),
    ("", r#"{"choices":[{"index":0,"delta":{"function_call":{"name":"f","arguments":%g}}}]}"#),
    ("", r#"{"choices":[{"index":0,"delta":%v,"finish_reason":%r}],"usage":%u}"#),
    ("", r#"{"choices":[{"index":0,"delta":{},"finish_reason":%r}]}"#),
    ("", r#"{"choices":[],"usage":%u}"#),
    (
        "",
        r#"{"choices":[{"index":%i,"message":{"role":"assistant","content":%s,"tool_calls":[%c]},"finish_reason":%r}]}"#,
    ),
    ("", r#"{"error":%e}"#),
    ("", "[DONE]"),
    ("", "%v"),
];

const RESPONSES: &[(&str, &str)] = &[
    (
        "response.created",
        r#"{"type":"response.created","response":{"id":"resp_1","model":"m","status":"in_progress","output":[]}}"#,
    ),
    ("response.output_item.added", r#"{"type":"response.output_item.added","output_index":%i,"item":%m}"#),
    ("response.output_item.done", r#"{"type":"response.output_item.done","output_index":%i,"item":%m}"#),
    (
        "response.content_part.added",
        r#"{"type":"response.content_part.added","output_index":%i,"content_index":%i,"part":{"type":"output_text","text":""}}"#,
    ),
    (
        "response.output_text.delta",
        r#"{"type":"response.output_text.delta","item_id":"m1","output_index":%i,"content_index":0,"delta":%s}"#,
    ),
    ("response.output_text.delta", r#"{"type":"response.output_text.delta","delta":%s}"#),
    (
        "response.output_text.done",
        r#"{"type":"response.output_text.done","output_index":%i,"content_index":0,"text":%s}"#,
    ),
    (
        "response.refusal.delta",
        r#"{"type":"response.refusal.delta","output_index":%i,"content_index":0,"delta":%s}"#,
    ),
    (
        "response.reasoning_summary_text.delta",
        r#"{"type":"response.reasoning_summary_text.delta","output_index":%i,"summary_index":%i,"delta":%s}"#,
    ),
    (
        "response.function_call_arguments.delta",
        r#"{"type":"response.function_call_arguments.delta","item_id":"f1","output_index":%i,"delta":%g}"#,
    ),
    (
        "response.function_call_arguments.done",
        r#"{"type":"response.function_call_arguments.done","output_index":%i,"arguments":%g}"#,
    ),
    (
        "response.completed",
        r#"{"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[%m],"usage":%u}}"#,
    ),
    (
        "response.incomplete",
        r#"{"type":"response.incomplete","response":{"id":"resp_1","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[%m,%m],"usage":%u}}"#,
    ),
    (
        "response.failed",
        r#"{"type":"response.failed","response":{"id":"resp_1","status":"failed","error":%e}}"#,
    ),
    ("error", r#"{"type":"error","error":%e}"#),
    ("later", "%v"),
];

const GEMINI: &[(&str, &str)] = &[
    (
        "",
        r#"{"candidates":[{"content":{"role":"model","parts":[%p]}}],"modelVersion":"m","responseId":"r1"}"#,
    ),
    ("", r#"{"candidates":[{"content":{"role":"model","parts":[%p,%p]},"index":%i}],"usageMetadata":%u}"#),
    ("", r#"{"candidates":[{"content":{"parts":[%p]},"finishReason":%r,"index":0}],"usageMetadata":%u}"#),
    ("", r#"{"candidates":[{"finishReason":%r}]}"#),
    ("", r#"{"usageMetadata":%u}"#),
    ("", r#"{"promptFeedback":{"blockReason":%s}}"#),
    ("", r#"{"error":%e}"#),
    ("", r#"[{"candidates":[{"content":{"parts":[%p]}}]}]"#),
    ("", "%v"),
];

/// Whole answers.
const DOCUMENTS: &[&str] = &[
    r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[%b,%b],"stop_reason":%r,"usage":%u}"#,
    r#"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":%s,"tool_calls":[%c]},"finish_reason":%r}],"usage":%u}"#,
    r#"{"id":"resp_1","object":"response","status":"completed","model":"m","output":[%m,%m],"usage":%u}"#,
    r#"{"candidates":[{"content":{"parts":[%p,%p]},"finishReason":%r}],"usageMetadata":%u}"#,
    r#"{"error":%e}"#,
    r#"{"type":"error","error":%e}"#,
    "%v",
];

const fn events(api: Api) -> &'static [(&'static str, &'static str)] {
    match api {
        Api::Anthropic => ANTHROPIC,
        Api::OpenaiChat => CHAT,
        Api::OpenaiResponses => RESPONSES,
        _ => GEMINI,
    }
}

/// A stream of a dialect's, more or less. It begins as streams do.
pub(super) fn stream(api: Api, bytes: &[u8]) -> String {
    let (mut choices, forms) = (Choices(bytes), events(api));
    let mut stream = String::new();
    let mut next = 0;
    loop {
        let (name, form) = forms.get(next).copied().unwrap_or_default();
        if !name.is_empty() {
            stream += &format!("event: {name}\n");
        }
        stream += &format!("data: {}\n\n", by(PARTS, form, &mut choices));
        if choices.0.is_empty() {
            return stream;
        }
        next = choices.below(forms.len());
    }
}

/// A whole answer, or a refusal, of any dialect's.
pub(super) fn document(bytes: &[u8]) -> String {
    let mut choices = Choices(bytes);
    let form = choices.of(DOCUMENTS);
    by(PARTS, form, &mut choices)
}
