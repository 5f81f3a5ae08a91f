//! Claude's requests, and Converse's answers and events, put together from bytes: any bytes give some, and bytes that
//! differ little give ones that differ little.

/// Choices that bytes make, one after the other; the first of each where there are none left, so that what is made
/// has an end.
pub(in crate::laws) struct Choices<'a>(pub(in crate::laws) &'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// A number below this one, which is at most 256.
    pub(in crate::laws) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    pub(in crate::laws) fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all.get(self.below(all.len())).copied().unwrap_or_default()
    }
}

/// What letters in forms stand for.
pub(in crate::laws) type Parts<'p> = &'p [(char, &'p [&'p str])];

/// What a letter after a `%` in a form stands for: one of these, whose own letters are filled in then. The first of each
/// has none.
const PARTS: Parts<'static> = &[
    // Any value.
    (
        'v',
        &["null", "true", "0", "1.0e+2", "12345678901234567890123", "%t", "[]", "{}", "[%v,%v]", "{%t:%v}"],
    ),
    // A text.
    (
        't',
        &[
            r#""a""#,
            r#""""#,
            r#""é\n\"""#,
            r#""\u00e9""#,
            r#""\ud800""#,
            r#""user""#,
            r#""assistant""#,
            r#""system""#,
            r#""base64""#,
            r#""text""#,
            r#""image/png""#,
            r#""application/pdf""#,
            r#""x-anthropic-billing-header: x""#,
        ],
    ),
    // A text, seldom something else.
    ('s', &[r#""a""#, "%t", "%t", "%t", "%t", "%t", "%t", "%v"]),
    // A role.
    ('r', &[r#""user""#, r#""assistant""#, r#""user""#, r#""assistant""#, r#""system""#, "%s"]),
    // Content: a text, or blocks.
    ('c', &[r#""a""#, "[]", "[%b]", "[%b,%b]", "[%b,%b,%b]", "%v"]),
    // A cache mark, mostly none.
    ('m', &["", "", "", r#","cache_control":{"type":"ephemeral"}"#, r#","cache_control":{"ttl":%s}"#]),
    // A block.
    (
        'b',
        &[
            r#"{"type":"text","text":"a"}"#,
            r#"{"type":"text","text":%s%m}"#,
            r#"{"type":"image","source":%d%m}"#,
            r#"{"type":"document","title":%s,"context":%v,"source":%d%m}"#,
            r#"{"type":"search_result","source":%s,"title":%s,"content":[{"text":%s}]%m}"#,
            r#"{"type":"tool_use","id":%s,"name":%s,"input":%v%m}"#,
            r#"{"type":"tool_result","tool_use_id":%s,"content":%c,"is_error":true%m}"#,
            r#"{"type":"thinking","thinking":%s,"signature":%s}"#,
            r#"{"type":"redacted_thinking","data":%s}"#,
            r#"{"type":%s}"#,
            "%v",
        ],
    ),
    // Where an image or a document comes from.
    (
        'd',
        &[
            r#"{"type":"base64","media_type":"image/png","data":"AA=="}"#,
            r#"{"type":"base64","media_type":"application/pdf","data":%s}"#,
            r#"{"type":"text","media_type":"text/plain","data":%s}"#,
            r#"{"type":"content","content":%c}"#,
            r#"{"type":%s,"media_type":%s}"#,
            "%v",
        ],
    ),
    // A field of a request.
    (
        'f',
        &[
            r#""model":"m""#,
            r#""messages":[{"role":%r,"content":%c},{"role":%r,"content":%c},{"role":%r,"content":%c}]"#,
            r#""messages":[{"role":%r,"content":%c}]"#,
            r#""system":%c"#,
            r#""tools":[{"name":%s,"input_schema":%v%m}]"#,
            r#""tools":[%v]"#,
            r#""tool_choice":{"type":"any"}"#,
            r#""tool_choice":{"type":"none"}"#,
            r#""tool_choice":%v"#,
            r#""thinking":{"type":%s,"budget_tokens":5000}"#,
            r#""thinking":%v"#,
            r#""output_config":{"effort":"low","format":{"type":"json_schema","schema":%v}}"#,
            r#""output_config":%v"#,
            r#""cache_control":{"type":"ephemeral"}"#,
            r#""top_k":%v"#,
            r#""max_tokens":%v"#,
            r#""container":%v"#,
            r#""fallbacks":%v"#,
            r#""seed":%v"#,
            "%t:%v",
        ],
    ),
    // A count of tokens.
    ('n', &["0", "7", "18446744073709551615", "%v"]),
    // Usage.
    (
        'u',
        &[
            r#""usage":{}"#,
            r#""usage":{"inputTokens":%n,"outputTokens":%n,"cacheWriteInputTokens":%n,"cacheDetails":[{"ttl":"1h","inputTokens":%n},{"ttl":"1h","inputTokens":%n}]}"#,
            r#""usage":{"inputTokens":1},"serviceTier":{"type":%s}"#,
        ],
    ),
    // A block of an answer.
    (
        'a',
        &[
            r#"{"text":%s}"#,
            r#"{"toolUse":{"toolUseId":%s,"name":%s,"input":%v}}"#,
            r#"{"reasoningContent":{"reasoningText":{"text":%s,"signature":%s}}}"#,
            r#"{"reasoningContent":{"redactedContent":%s}}"#,
            r#"{"citationsContent":{"content":[{"text":%s}]}}"#,
            "%v",
        ],
    ),
    // A piece of a streamed block.
    (
        'p',
        &[
            r#"{"text":%s}"#,
            r#"{"toolUse":{"input":%s}}"#,
            r#"{"reasoningContent":{"text":%s}}"#,
            r#"{"reasoningContent":{"signature":%s}}"#,
            r#"{"reasoningContent":{"redactedContent":%s}}"#,
            "%v",
        ],
    ),
    // Where a streamed block stands.
    ('i', &["0", "1", "2"]),
];

/// Events of Converse's and their payloads.
const EVENTS: &[(&str, &str)] = &[
    ("messageStart", r#"{"role":"assistant"}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":%i,"delta":%p}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":%i,"delta":{"text":"a"}}"#),
    ("contentBlockStart", r#"{"contentBlockIndex":%i,"start":{"toolUse":{"toolUseId":%s,"name":%s}}}"#),
    ("contentBlockStop", r#"{"contentBlockIndex":%i}"#),
    ("messageStop", r#"{"stopReason":"end_turn"}"#),
    ("messageStop", r#"{"stopReason":%s}"#),
    ("metadata", "{%u}"),
    ("later", "%v"),
];

/// A form with its letters filled in.
fn filled(parts: Parts<'_>, form: &str, choices: &mut Choices<'_>, text: &mut String) {
    let mut pieces = form.split('%');
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let mut letters = piece.chars();
        let letter = letters.next();
        let found = parts.iter().find(|(known, _)| Some(*known) == letter);
        filled(parts, choices.of(found.map_or(&[], |(_, forms)| forms)), choices, text);
        text.push_str(letters.as_str());
    }
}

fn made(form: &str, choices: &mut Choices<'_>) -> String {
    by(PARTS, form, choices)
}

/// A form with its letters filled in by a table.
pub(in crate::laws) fn by(parts: Parts<'_>, form: &str, choices: &mut Choices<'_>) -> String {
    let mut text = String::new();
    filled(parts, form, choices, &mut text);
    text
}

/// A request.
pub(super) fn request(bytes: &[u8]) -> String {
    let mut choices = Choices(bytes);
    let fields: Vec<String> = (0..choices.below(6)).map(|_| made("%f", &mut choices)).collect();
    let messages =
        made(r#""messages":[{"role":"user","content":%c},{"role":%r,"content":%c}]"#, &mut choices);
    format!(
        "{{{messages},{}}}",
        if fields.is_empty() { r#""model":"m""#.to_owned() } else { fields.join(",") }
    )
}

/// A whole answer.
pub(super) fn answer(bytes: &[u8]) -> String {
    let form = r#"{"output":{"message":{"content":[%a,%a,%a]}},"stopReason":%s,%u}"#;
    made(form, &mut Choices(bytes))
}

/// Events with their payloads.
pub(super) fn events(bytes: &[u8]) -> Vec<(&'static str, String)> {
    let mut choices = Choices(bytes);
    let mut events = Vec::new();
    while !choices.0.is_empty() {
        let (name, form) = EVENTS.get(choices.below(EVENTS.len())).copied().unwrap_or_default();
        events.push((name, made(form, &mut choices)));
    }
    events
}
