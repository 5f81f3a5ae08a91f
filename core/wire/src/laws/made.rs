//! Documents and streams put together from bytes: any bytes give some, and bytes that differ little give ones that
//! differ little.

/// Choices that bytes make, one after the other; the first of each where there are none left, so that what is made
/// has an end.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// A number below this one, which is at most 256.
    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    fn of<T: Copy + Default>(&mut self, all: &[T]) -> T {
        all.get(self.below(all.len())).copied().unwrap_or_default()
    }
}

/// Letters that JSON is made of.
const LETTERS: &[u8] = br#"[]{}:,"a\un0-19.eE+ tfrls"#;

/// Text in the letters of JSON, which is seldom JSON.
pub(super) fn letters(bytes: &[u8]) -> Vec<u8> {
    let letter = |byte: &u8| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().unwrap_or_default();
    bytes.iter().map(letter).collect()
}

/// Names that decide something somewhere, as they are, escaped, and in another case; and some that decide nothing.
const NAMES: &[&str] = &[
    "x",
    "model",
    "stream",
    "stream_options",
    "include_usage",
    "max_tokens",
    "n",
    "messages",
    "input",
    "contents",
    "metadata",
    "user_id",
    "session_id",
    "requests",
    "generateContentRequest",
    "system",
    "role",
    "content",
    "parts",
    "text",
    "id",
    "type",
    "previous_response_id",
    "conversation",
    "prompt_cache_key",
    "mod\\u0065l",
    "Model",
    "\\u0049d",
    "max_to\u{212a}en\u{17f}",
    "é",
    "a\\\"b",
    "\\ud800",
    "error",
    "code",
    "data",
    "models",
    "name",
    "encrypted_content",
    "result",
    "details",
    "status",
    "cache_control",
];

/// Values without anything inside, at some edge each.
const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "7",
    "-1.5e+3",
    "1e999",
    "18446744073709551615",
    "0.10000000000000000555",
    r#""""#,
    r#""user""#,
    r#""assistant""#,
    r#""m\u002d1""#,
    r#""models/e""#,
    r#""item_reference""#,
    r#""reasoning""#,
    r#""message""#,
    r#""é\ud83d\ude00""#,
    r#""\ud800""#,
    r#""\\\"\/\b\f\n\r\t""#,
    r#""{\"session_id\":\"s\"}""#,
    r#""user_1_account__session_s""#,
    "[]",
    "{}",
    "[ ]",
    "{ }",
    "999",
    "503",
];

const SPACES: &[&str] = &["", "", "", " ", "\n", "\t\r\n "];

/// How deep a document is.
const DEPTH_MAX: usize = 5;

/// Documents of which one is another's name's value, so that everything with a meaning is met together.
const KINDS: &[&str] =
    &["", "", "\"model\":\"m\",", "\"stream_options\":{},", "\"messages\":[],", "\"input\":[],"];

/// A document: an object, mostly, and JSON, mostly.
pub(super) fn document(bytes: &[u8]) -> Vec<u8> {
    let mut choices = Choices(bytes);
    let changes = choices.below(8).saturating_sub(5);
    let mut text = choices.of(SPACES).to_owned();
    if choices.below(8) == 7 {
        value(&mut choices, 0, &mut text);
    } else {
        let first = choices.of(KINDS);
        text.push('{');
        text.push_str(first);
        let end = text.len();
        members(&mut choices, 0, &mut text);
        if text.len() == end && text.ends_with(',') {
            text.pop();
        }
        text.push('}');
    }
    text.push_str(choices.of(SPACES));
    changed(&mut choices, changes, text.into_bytes())
}

fn members(choices: &mut Choices<'_>, depth: usize, out: &mut String) {
    for at in 0..choices.below(6) {
        if at > 0 {
            out.push(',');
        }
        let (before, name, between) = (choices.of(SPACES), choices.of(NAMES), choices.of(SPACES));
        out.extend([before, "\"", name, "\"", between, ":"]);
        value(choices, depth + 1, out);
    }
}

fn value(choices: &mut Choices<'_>, depth: usize, out: &mut String) {
    out.push_str(choices.of(SPACES));
    match choices.below(4) {
        1 if depth < DEPTH_MAX => {
            out.push('{');
            members(choices, depth, out);
            out.push('}');
        }
        2 if depth < DEPTH_MAX => {
            out.push('[');
            for at in 0..choices.below(5) {
                if at > 0 {
                    out.push(',');
                }
                value(choices, depth + 1, out);
            }
            out.push(']');
        }
        _ => out.push_str(choices.of(VALUES)),
    }
    out.push_str(choices.of(SPACES));
}

/// Events and elements of each dialect, as vendors send them, and at some edge each.
const EVENTS: &[&[&str]] = &[
    &[
        r#"{"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello\u00e9 \"there\""}}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":41}}"#,
        r#"{"type":"message_delta","delta":{},"usage":{"input_tokens":18446744073709551615,"cache_read_input_tokens":18446744073709551615,"output_tokens":"7"}}"#,
        r#"{"type":"message_stop"}"#,
        r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#,
    ],
    &[
        r#"{"id":"x","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"hi"}}],"usage":null}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"error\":1}"}}]}}]}"#,
        r#"{"choices":[{"delta":{"reasoning":"a","reasoning_content":"a"}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"","tool_calls":[]},"finish_reason":null}],"usage":{"prompt_tokens":1}}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":20,"completion_tokens":9,"total_tokens":29}}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":18446744073709551615,"completion_tokens":18446744073709551615,"prompt_tokens_details":{"cached_tokens":7}}}"#,
        r#"{"error":{"message":"x","code":429}}"#,
        "[DONE]",
    ],
    &[
        r#"{"type":"response.created","sequence_number":0,"response":{"id":"r","created_at":1790000000,"model":"m","store":false,"usage":null}}"#,
        r#"{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"msg_1","type":"message","content":[]}}"#,
        r#"{"type":"response.output_text.delta","sequence_number":2,"output_index":0,"content_index":0,"delta":"Hel\u00e9"}"#,
        r#"{"type":"response.function_call_arguments.delta","sequence_number":18446744073709551615,"delta":"{\"a\""}"#,
        r#"{"type":"response.output_item.done","sequence_number":3,"output_index":0,"item":{"id":"msg_1","type":"message","content":[{"text":"Hel"}]}}"#,
        r#"{"type":"keepalive","sequence_number":4}"#,
        r#"{"type":"response.completed","sequence_number":5,"response":{"id":"r","output":[{"id":"msg_2"}],"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":18446744073709551615},"output_tokens":4},"tool_usage":{"web_search":{"num_requests":2}}}}"#,
        r#"{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"x"}}}"#,
        r#"{"type":"image_generation.completed","usage":{"input_tokens":3,"output_tokens":7}}"#,
    ],
    &[
        r#"{"candidates":[{"content":{"parts":[{"text":"a"},{"functionCall":{"name":"f","args":{}}}]}}],"usageMetadata":{"promptTokenCount":3,"totalTokenCount":4,"candidatesTokenCount":1}}"#,
        r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":"3","candidatesTokenCount":7,"thoughtsTokenCount":18446744073709551615,"totalTokenCount":10},"modelVersion":"g","responseId":"r"}"#,
        r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#,
        r#"{"error":{"code":503,"message":"o","status":"UNAVAILABLE"}}"#,
        r#"{"id":"w","store":true,"output":[{"id":"msg_1","content":[{"id":"no"}]},{"id":"fc_1"}],"usage":{"output_tokens":2}}"#,
        r#"{"content":[{"type":"text","text":"hi"}],"usage":{"input_tokens":3,"output_tokens":2},"model":"m"}"#,
        "{}",
    ],
];

/// What a line of server-sent events begins with before its data.
const HEADS: &[&str] =
    &["data: ", "data: ", "data:", "event: message_delta\ndata: ", "id: 1\nevent:error\r\ndata:", ""];

/// What stands between events, and some of what should not.
const GAPS: &[&str] =
    &["\n\n", "\n\n", "\r\n\r\n", "\n", "\r\r", "\r\r\n", "\n: keepalive\n\n", ",", "\n,\r\n", "]", "\"", ""];

/// A stream of server-sent events, of a JSON array's elements, or of neither.
pub(super) fn stream(bytes: &[u8]) -> Vec<u8> {
    let mut choices = Choices(bytes);
    let changes = choices.below(8).saturating_sub(5);
    let own: &[&str] = choices.of(EVENTS);
    let (head, gap) = (choices.of(HEADS), choices.of(GAPS));
    let mut text = choices.of(&["", "", "", "[", "\u{feff}", "\r\n"]).to_owned();
    for _ in 0..choices.below(9) {
        let odd = choices.byte();
        let events = if odd & 7 == 7 { choices.of(EVENTS) } else { own };
        text.push_str(if odd & 24 == 24 { choices.of(HEADS) } else { head });
        text.push_str(choices.of(events));
        text.push_str(if odd & 96 == 96 { choices.of(GAPS) } else { gap });
    }
    text.push_str(choices.of(&["", "", "]", "data: [DONE]", "data: [DONE]\n\n", "data: {\"cho"]));
    changed(&mut choices, changes, text.into_bytes())
}

/// Some of its bytes changed.
fn changed(choices: &mut Choices<'_>, changes: usize, mut text: Vec<u8>) -> Vec<u8> {
    for _ in 0..changes {
        let at = usize::from(u16::from_be_bytes([choices.byte(), choices.byte()])) % text.len().max(1);
        let with = choices.byte();
        if let Some(byte) = text.get_mut(at) {
            *byte = if with & 1 == 0 { with } else { *byte ^ with };
        }
    }
    text
}
