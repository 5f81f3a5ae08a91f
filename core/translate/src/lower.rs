//! Lowering how long an answer may be, where a key may not ask for so much: clients ask for 64,000 tokens unasked.

use std::ops::Range;

use bytes::Bytes;
use sluice_api::dialect::Api;

use sluice_json as json;
use sluice_wire::request::splice::{Edit, splice};

/// The least that a thinking budget can be, by Anthropic's documentation.
const LEAST_THINKING: u64 = 1_024;

/// The body with every bound on its answer that is above `most` lowered to it, and the names of those; nothing where none
/// is. A body that names no bound is left as it is.
pub fn lower(api: Api, body: &Bytes, most: u64) -> Option<(Bytes, Vec<&'static str>)> {
    let (names, within): (&[&'static str], &[&'static str]) = match api {
        Api::Anthropic => (&["max_tokens"], &[]),
        Api::OpenaiChat => (&["max_tokens", "max_completion_tokens"], &[]),
        Api::OpenaiResponses => (&["max_output_tokens"], &[]),
        Api::Gemini => {
            (&["maxOutputTokens", "max_output_tokens"], &["generationConfig", "generation_config"])
        }
        _ => return None,
    };
    let mut found: Vec<(&'static str, Range<usize>)> = Vec::new();
    let (mut inner, mut thinking) = (Vec::new(), None);
    let named = |at: Range<usize>| json::text::unescaped(body.get(at).unwrap_or_default());
    json::members(body, |member| {
        let name = named(member.name);
        if within.contains(&&*name) {
            inner.push(member.value);
        } else if within.is_empty()
            && let Some(known) = names.iter().find(|known| **known == name)
        {
            found.push((known, member.value));
        } else if api == Api::Anthropic && name == "thinking" {
            thinking = Some(member.value);
        }
    })
    .ok()?;
    for span in &inner {
        json::members_within(body, span, |member| {
            let name = named(member.name);
            if let Some(known) = names.iter().find(|known| **known == name) {
                found.push((known, member.value));
            }
        });
    }
    found.retain(|(_, at)| number(body, at).is_some_and(|asked| asked > most));
    // Thinking is part of the answer, and has to be less than all of it.
    if let Some(span) = thinking.filter(|_| !found.is_empty() && most > LEAST_THINKING) {
        json::members_within(body, &span, |member| {
            let budget = number(body, &member.value);
            if named(member.name) == "budget_tokens" && budget.is_some_and(|budget| budget >= most) {
                found.push(("thinking.budget_tokens", member.value));
            }
        });
    }
    if found.is_empty() {
        return None;
    }
    let with = |name: &str| if name.starts_with("thinking") { most - 1 } else { most };
    let edits = found.iter().map(|(name, at)| Edit { at: at.clone(), with: with(name).to_string() });
    Some((splice(body, edits.collect()), found.into_iter().map(|(name, _)| name).collect()))
}

/// A number, rounded up, as lenient upstreams read one: also with decimals, and in quotes. One that is too large for 64
/// bits is the largest.
fn number(body: &[u8], at: &Range<usize>) -> Option<u64> {
    let raw = body.get(at.clone())?;
    let text =
        if raw.first() == Some(&b'"') { json::text::unescaped(raw) } else { String::from_utf8_lossy(raw) };
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().unwrap_or(u64::MAX));
    }
    let number: f64 = text.parse().ok().filter(|number: &f64| *number > 0.0)?;
    // As text: a cast of a float would be one that loses.
    Some(format!("{:.0}", number.ceil()).parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sluice_api::dialect::Api;

    use super::lower;

    #[test]
    fn what_is_asked_above_the_bound_is_lowered_and_every_other_byte_stays() {
        for (api, body, lowered) in [
            (
                Api::Anthropic,
                r#"{ "model":"m", "max_tokens" : 64000, "messages":[{"max_tokens":64000}] }"#,
                Some(r#"{ "model":"m", "max_tokens" : 8000, "messages":[{"max_tokens":64000}] }"#),
            ),
            (Api::Anthropic, r#"{"max_tokens":8000}"#, None),
            (Api::Anthropic, r#"{"max_output_tokens":64000}"#, None),
            (Api::Anthropic, r#"{"max_\u0074okens":8001}"#, Some(r#"{"max_\u0074okens":8000}"#)),
            (
                Api::Anthropic,
                r#"{"thinking":{"type":"enabled","budget_tokens":10000},"max_tokens":99999999999999999999}"#,
                Some(r#"{"thinking":{"type":"enabled","budget_tokens":7999},"max_tokens":8000}"#),
            ),
            (
                Api::OpenaiChat,
                r#"{"max_tokens":9000,"max_completion_tokens":9001}"#,
                Some(r#"{"max_tokens":8000,"max_completion_tokens":8000}"#),
            ),
            (Api::OpenaiChat, r#"{"max_tokens":null}"#, None),
            (Api::OpenaiResponses, r#"{"max_output_tokens":9000}"#, Some(r#"{"max_output_tokens":8000}"#)),
            (
                Api::Gemini,
                r#"{"generationConfig":{"maxOutputTokens":9000},"maxOutputTokens":9000}"#,
                Some(r#"{"generationConfig":{"maxOutputTokens":8000},"maxOutputTokens":9000}"#),
            ),
            (
                Api::Gemini,
                r#"{"generation_config":{"max_output_tokens":9000}}"#,
                Some(r#"{"generation_config":{"max_output_tokens":8000}}"#),
            ),
            (
                Api::Gemini,
                r#"{"generationConfig":{"maxOutputTokens":"65536"}}"#,
                Some(r#"{"generationConfig":{"maxOutputTokens":8000}}"#),
            ),
            (
                Api::Gemini,
                r#"{"generationConfig":{"maxOutputTokens":"\u00365536"}}"#,
                Some(r#"{"generationConfig":{"maxOutputTokens":8000}}"#),
            ),
            (Api::OpenaiChat, r#"{"max_tokens":6.4e4}"#, Some(r#"{"max_tokens":8000}"#)),
            (Api::OpenaiChat, r#"{"max_tokens":64.5}"#, None),
            (Api::OpenaiImages, r#"{"max_tokens":9000}"#, None),
            (Api::OpenaiChat, r#"{"model":"m"}"#, None),
        ] {
            let found = lower(api, &Bytes::from_static(body.as_bytes()), 8_000);
            assert_eq!(found.as_ref().map(|(body, _)| &body[..]), lowered.map(str::as_bytes), "{body}");
        }
        let body = Bytes::from_static(br#"{"thinking":{"budget_tokens":9000},"max_tokens":9001}"#);
        let names = lower(Api::Anthropic, &body, 8_000).unwrap().1;
        assert_eq!(names, ["max_tokens", "thinking.budget_tokens"]);
        // Below the least that a budget can be the vendor says what is wrong.
        assert_eq!(
            &lower(Api::Anthropic, &body, 500).unwrap().0[..],
            br#"{"thinking":{"budget_tokens":9000},"max_tokens":500}"#
        );
    }
}
