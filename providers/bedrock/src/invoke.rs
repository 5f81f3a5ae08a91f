//! Claude's body on InvokeModel: the client's bytes less `model` and `stream`, with what Bedrock wants in it.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use sluice_api::error::Error;
use sluice_json::object::Object;
use sluice_wire::request::splice::{Edit, splice};

use crate::betas::Betas;

/// The version that every Claude model on Bedrock takes. What a client's own `anthropic-version` forbids beyond it, a
/// client of that version does not send.
const VERSION: &str = "\"anthropic_version\":\"bedrock-2023-05-31\"";

/// What a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// An answer.
    Generate,
    /// A count of tokens: Bedrock wants a body that could be answered, so `max_tokens` is put in.
    Count,
}

/// Members that are looked at.
const MODEL: &str = "model";
const STREAM: &str = "stream";
const ANTHROPIC_VERSION: &str = "anthropic_version";
const ANTHROPIC_BETA: &str = "anthropic_beta";
const MAX_TOKENS: &str = "max_tokens";
const THINKING: &str = "thinking";

/// The body to send: every byte is the client's own but for the members that change.
///
/// # Errors
///
/// When the body is no object, or a member that decides something is in it twice.
pub(crate) fn body(body: &Bytes, headers: &HeaderMap, betas: &Betas, purpose: For) -> Result<Bytes, Error> {
    let members = read(body)?;
    let text = |at: &Range<usize>| body.get(at.clone()).unwrap_or_default();
    let cut = members.without(goes).into_iter();
    let mut edits: Vec<Edit> = cut.map(|at| Edit { at, with: String::new() }).collect();
    let mut added = Vec::new();
    if members.value(ANTHROPIC_VERSION).is_none() {
        added.push(VERSION.to_owned());
    }
    let flags = betas.of(headers);
    match members.value(ANTHROPIC_BETA) {
        None if flags.is_empty() => {}
        None => added.push(format!("\"{ANTHROPIC_BETA}\":{}", listed(&flags))),
        Some(at) => {
            edits.extend(joined(text(at), &flags, betas)?.map(|with| Edit { at: at.clone(), with }));
        }
    }
    if purpose == For::Count && members.value(MAX_TOKENS).is_none() {
        let thinking = members.value(THINKING).map(text).unwrap_or_default();
        added.push(format!("\"{MAX_TOKENS}\":{}", least_tokens(thinking)));
    }
    if !added.is_empty() {
        let comma = if members.iter().all(|(name, _)| goes(name)) { "" } else { "," };
        // Before what is cut: both may begin at one byte.
        edits.insert(
            0,
            Edit { at: members.start..members.start, with: format!("{}{comma}", added.join(",")) },
        );
    }
    Ok(splice(body, edits))
}

/// The body of a count: Claude's own, wrapped.
pub(crate) fn count(own: &Bytes) -> Bytes {
    Bytes::from(format!("{{\"input\":{{\"invokeModel\":{{\"body\":\"{}\"}}}}}}", STANDARD.encode(own)))
}

fn goes(name: &str) -> bool {
    matches!(name, MODEL | STREAM)
}

fn read(body: &[u8]) -> Result<Object, Error> {
    let members =
        Object::of(body).ok_or_else(|| Error::bad_request(None, "the request body must be a JSON object"))?;
    for name in [ANTHROPIC_VERSION, ANTHROPIC_BETA] {
        if members.count(name) > 1 {
            let message = format!("`{name}` is in the request body twice: send it once");
            return Err(Error::bad_request(Some(name), message));
        }
    }
    Ok(members)
}

/// The smallest `max_tokens` that a body allows: it must be above the budget of its thinking.
fn least_tokens(thinking: &[u8]) -> u64 {
    #[derive(Deserialize)]
    struct Thinking {
        budget_tokens: Option<u64>,
    }
    let budget =
        serde_json::from_slice::<Thinking>(thinking).ok().and_then(|thinking| thinking.budget_tokens);
    budget.unwrap_or(0).saturating_add(1)
}

/// The flags of a body with those of the headers; `None` where the body's own list is to stay as it is.
fn joined(told: &[u8], flags: &[String], betas: &Betas) -> Result<Option<String>, Error> {
    let own: Vec<String> = serde_json::from_slice(told).map_err(|_| {
        let message = format!("`{ANTHROPIC_BETA}` must be a list of strings");
        Error::bad_request(Some(ANTHROPIC_BETA), message)
    })?;
    let mut all: Vec<&String> = own.iter().filter(|flag| betas.sends(flag)).collect();
    for flag in flags {
        if !all.contains(&flag) {
            all.push(flag);
        }
    }
    let same = all.len() == own.len() && all.iter().zip(&own).all(|(one, other)| *one == other);
    Ok((!same).then(|| listed(&all)))
}

fn listed(flags: &[impl serde::Serialize]) -> String {
    // Strings always serialize.
    serde_json::to_string(flags).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{For, body, count};
    use crate::betas::{BETA, Betas};
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    fn sent(text: &str, flags: &'static str, purpose: For) -> String {
        let mut headers = HeaderMap::new();
        if !flags.is_empty() {
            headers.insert(BETA, HeaderValue::from_static(flags));
        }
        let betas = Betas::without(vec!["drop-*".to_owned()]);
        let sent = body(&Bytes::copy_from_slice(text.as_bytes()), &headers, &betas, purpose).unwrap();
        String::from_utf8(sent.to_vec()).unwrap()
    }

    #[test]
    fn only_the_envelope_changes() {
        let version = r#""anthropic_version":"bedrock-2023-05-31""#;
        for (text, flags, expected) in [
            (r#"{"model":"m"}"#, "", format!("{{{version}}}")),
            (r#"{"model":"m","stream":true}"#, "", format!("{{{version}}}")),
            (r#"{"stream":true,"model":"m","a":1}"#, "", format!(r#"{{{version},"a":1}}"#)),
            (r#"{"a":1,"model":"m","stream":false}"#, "", format!(r#"{{{version},"a":1}}"#)),
            (r#"{"a":1,"model":"m","b":2,"stream":false}"#, "", format!(r#"{{{version},"a":1,"b":2}}"#)),
            (
                " {\"model\" : \"m\",\"max_tokens\":1.0e+2, \"x\":0.10000000000000000555 ,\n\"stream\" : true\t,\"big\":12345678901234567890123,\"m\":\"\\u00e9 \\/ \\ud83d\\ude00\"} ",
                "",
                format!(
                    " {{{version},\"max_tokens\":1.0e+2, \"x\":0.10000000000000000555 ,\n\"big\":12345678901234567890123,\"m\":\"\\u00e9 \\/ \\ud83d\\ude00\"}} "
                ),
            ),
            (r#"{ "mo\u0064el":"m", "a":1 }"#, "", format!(r#"{{{version}, "a":1 }}"#)),
            // One that the client says itself stays.
            (r#"{"anthropic_version":"x","model":"m"}"#, "", r#"{"anthropic_version":"x"}"#.to_owned()),
            (r#"{"model":"m","a":1}"#, "b, drop-1", format!(r#"{{{version},"anthropic_beta":["b"],"a":1}}"#)),
            (r#"{"model":"m","a":1}"#, "drop-1", format!(r#"{{{version},"a":1}}"#)),
            (
                r#"{"anthropic_beta": [ "a","b" ],"model":"m"}"#,
                "b",
                format!(r#"{{{version},"anthropic_beta": [ "a","b" ]}}"#),
            ),
            (
                r#"{"anthropic_beta":["a","drop-2"],"model":"m"}"#,
                "c",
                format!(r#"{{{version},"anthropic_beta":["a","c"]}}"#),
            ),
        ] {
            assert_eq!(sent(text, flags, For::Generate), expected, "{text}");
        }
    }

    #[test]
    fn a_count_is_of_a_body_that_could_be_answered() {
        let version = r#""anthropic_version":"bedrock-2023-05-31""#;
        for (text, expected) in [
            (r#"{"model":"m","messages":[]}"#, format!(r#"{{{version},"max_tokens":1,"messages":[]}}"#)),
            (r#"{"model":"m","max_tokens":7}"#, format!(r#"{{{version},"max_tokens":7}}"#)),
            (
                r#"{"thinking":{"type":"enabled","budget_tokens":2048}}"#,
                format!(
                    r#"{{{version},"max_tokens":2049,"thinking":{{"type":"enabled","budget_tokens":2048}}}}"#
                ),
            ),
        ] {
            assert_eq!(sent(text, "", For::Count), expected);
        }
        assert_eq!(count(&Bytes::from_static(b"{}")), r#"{"input":{"invokeModel":{"body":"e30="}}}"#);
    }

    #[test]
    fn what_decides_something_is_said_once() {
        let betas = Betas::without(Vec::new());
        for (text, says) in [
            (r#"{"anthropic_beta":[],"anthropic_beta":[]}"#, "twice"),
            (r#"{"anthropic_version":"a","anthropic_version":"b"}"#, "twice"),
            (r#"{"anthropic_beta":"a"}"#, "list"),
            ("[]", "object"),
        ] {
            let text = Bytes::copy_from_slice(text.as_bytes());
            let error = body(&text, &HeaderMap::new(), &betas, For::Generate).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
