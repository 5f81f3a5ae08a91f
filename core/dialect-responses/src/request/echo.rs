//! What a response tells of what was asked.

use sluice_neutral::json::Members;

use sluice_neutral::json::write::line;

/// Members of a response that are the request's own, and what stands there where the request has none. What is not told
/// where it was not asked stands in the second list.
const ALWAYS: [(&str, &str); 15] = [
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("temperature", "null"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", r#""auto""#),
    ("tools", "[]"),
    ("top_p", "null"),
    ("truncation", r#""disabled""#),
    ("user", "null"),
    ("background", "false"),
];

const IF_ASKED: &str = "top_logprobs safety_identifier prompt_cache_key prompt_cache_retention \
    prompt_cache_options";

/// The members, as JSON without braces. Nothing is stored, whatever was asked; and by which tier it is served is not known
/// here.
pub(super) fn of(members: &Members<'_>) -> String {
    let mut echo = String::from(r#""store":false"#);
    let asked = |name: &str| members.get(name).map(|raw| line(raw.get()));
    let always =
        ALWAYS.iter().map(|(name, usual)| (*name, asked(name).or_else(|| Some((*usual).to_owned()))));
    for (name, value) in always.chain(IF_ASKED.split(' ').map(|name| (name, asked(name)))) {
        let Some(value) = value else { continue };
        for piece in [",\"", name, "\":", &value] {
            echo.push_str(piece);
        }
    }
    echo
}
