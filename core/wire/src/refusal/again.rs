//! An upstream's refusal that was turned into its client's dialect: the wait is told as the gateway's own is, in place of
//! what the upstream said of the one account.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use sluice_api::error::wait::whole_seconds;

use super::render::{SHOULD_RETRY, Style, is_told_to_wait, retry_info, should_retry, tell_wait};

/// How an upstream's words begin that say when to come again.
const AGAIN: [&str; 5] =
    ["please try again in", "please retry in", "please retry after", "try again in", "retry after"];

/// The status by which Anthropic's clients know an overload.
const OVERLOADED: u16 = 529;

/// An upstream's refusal, turned into the client's dialect, with the wait told in its body as the gateway's own have it, in
/// place of what the upstream said of the one account.
#[must_use]
pub fn with_wait(style: Style, status: StatusCode, wait: Duration, told: &Bytes) -> Bytes {
    let limited = status == StatusCode::TOO_MANY_REQUESTS;
    let waits = is_told_to_wait(status) || status.as_u16() == OVERLOADED;
    let Ok(mut body) = serde_json::from_slice::<Value>(told) else { return told.clone() };
    let (true, Some(Value::Object(error))) = (waits, body.get_mut("error")) else {
        return told.clone();
    };
    let seconds = whole_seconds(wait);
    if let Some(Value::String(message)) = error.get_mut("message") {
        *message = without_wait(message);
        if message.is_empty() {
            let unsaid =
                if limited { "the upstream limits this model's rate" } else { "the upstream is overloaded" };
            unsaid.clone_into(message);
        }
        if limited && style == Style::Openai {
            // Codex reads the wait from the sentence.
            *message = format!("{}. Please try again in {seconds}s.", message.trim_end_matches('.'));
        }
    }
    if let (Style::Gemini, Some(Value::Array(details))) = (style, error.get_mut("details")) {
        details.push(retry_info(seconds));
    }
    Bytes::from(body.to_string())
}

/// What is told without the words, up to the end of their sentence, that say when to come again.
fn without_wait(message: &str) -> String {
    let lower = message.to_ascii_lowercase();
    let found = AGAIN.iter().find_map(|words| lower.find(words));
    let Some((before, told)) = found.and_then(|at| message.split_at_checked(at)) else {
        return message.to_owned();
    };
    let mut ends = told.match_indices(['.', '!', '?', '\n']).filter_map(|(at, stop)| {
        let rest = told.split_at_checked(at + stop.len())?.1;
        // A figure's point ends no sentence.
        (rest.is_empty() || stop == "\n" || rest.starts_with(char::is_whitespace)).then_some(rest)
    });
    let after = ends.next().unwrap_or_default().trim();
    let before = before.trim_end();
    let before = [" and", " or"].iter().find_map(|word| before.strip_suffix(word)).unwrap_or(before);
    let mut kept = before.trim_end_matches([' ', ',', ';', ':', '-', '(', '\u{2013}', '\u{2014}']).to_owned();
    if !kept.is_empty() && !kept.ends_with(['.', '!', '?', '\n']) {
        kept.push('.');
    }
    if !kept.is_empty() && !after.is_empty() {
        kept.push(' ');
    }
    kept + after
}

/// Tells the wait of a refusal that was turned into Anthropic's overload, which has it as a 503 has: the upstream's own
/// answers of that status keep what they say.
pub fn tell_overload(headers: &mut HeaderMap, status: StatusCode, wait: Duration) {
    if status.as_u16() == OVERLOADED {
        tell_wait(headers, StatusCode::SERVICE_UNAVAILABLE, wait);
        headers.entry(SHOULD_RETRY).or_insert(should_retry(StatusCode::SERVICE_UNAVAILABLE, Some(wait)));
    }
}

#[cfg(test)]
mod tests {
    use super::{tell_overload, with_wait};
    use crate::refusal::render::{Style, retell_wait};
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use serde_json::Value;
    use std::time::Duration;

    #[test]
    fn a_translated_refusal_tells_its_wait_as_the_gateways_own_do() {
        let wait = Duration::from_millis(4_200);
        let told = |style, status: u16, body: &str| {
            let body = Bytes::copy_from_slice(body.as_bytes());
            let told = with_wait(style, StatusCode::from_u16(status).unwrap(), wait, &body);
            String::from_utf8(told.to_vec()).unwrap()
        };
        let slow = r#"{"error":{"code":"c","message":"Slow down. Please try again in 31s. See x."}}"#;
        let without = r#"{"error":{"code":"c","message":"Slow down. See x."}}"#;
        let with = r#"{"error":{"code":"c","message":"Slow down. See x. Please try again in 5s."}}"#;
        assert_eq!(told(Style::Openai, 429, slow), with);
        assert_eq!(told(Style::Openai, 503, slow), without);
        assert_eq!(told(Style::Anthropic, 429, slow), without);
        assert_eq!(told(Style::Anthropic, 529, slow), without);
        assert_eq!(told(Style::Openai, 400, slow), slow);
        assert_eq!(told(Style::Openai, 429, "a page"), "a page");
        let google = r#"{"error":{"code":429,"details":[],"message":"Slow"}}"#;
        let info = r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"5s"}"#;
        assert_eq!(told(Style::Gemini, 429, google), google.replace("[]", &format!("[{info}]")));
    }

    #[test]
    fn a_refusal_without_its_upstreams_wait_still_says_something() {
        let limits = "the upstream limits this model's rate";
        for (message, kept) in [
            ("Please try again in 31s", limits),
            ("Please try again in 1.5s.", limits),
            ("", limits),
            ("Slow down, please try again in 31.25s.", "Slow down."),
            ("Please wait and try again in 5 s.", "Please wait."),
            ("Slow down. Please retry in 41.3s. See x.", "Slow down. See x."),
            ("You are at 9.5 of 9. Ask for less.", "You are at 9.5 of 9. Ask for less."),
        ] {
            let body = Bytes::from(serde_json::json!({ "error": { "message": message } }).to_string());
            let told =
                with_wait(Style::Anthropic, StatusCode::TOO_MANY_REQUESTS, Duration::from_secs(4), &body);
            let told: Value = serde_json::from_slice(&told).unwrap();
            assert_eq!(told["error"]["message"], kept, "{message}");
        }
    }

    #[test]
    fn an_overload_of_anthropics_has_a_wait_where_it_is_told_in_its_words() {
        for (status, seconds, after, retry) in
            [(529, 20, Some("20"), Some("true")), (529, 700, None, Some("false")), (500, 20, None, None)]
        {
            let mut headers = HeaderMap::new();
            let wait = Duration::from_secs(seconds);
            let status = StatusCode::from_u16(status).unwrap();
            tell_overload(&mut headers, status, wait);
            retell_wait(&mut headers, status, wait);
            let told = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!((told("retry-after"), told("x-should-retry")), (after, retry), "{status} {seconds}");
        }
    }
}
