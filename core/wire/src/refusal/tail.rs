//! Errors after the first byte: what ends a stream in its own dialect, and never as if it were whole.

use bytes::Bytes;
use serde_json::{Value, json};
use sluice_api::cost::Usage;
use sluice_api::dialect::{Api, Form};
use sluice_api::error::{Error, Kind};

use crate::answer::meter::Seen;
use crate::refusal::render::{self, Style};
use sluice_json::capture::Position;

/// How an answer that broke off is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tail {
    /// After these bytes, in order: the dialect's error says it all.
    Ends(Bytes),
    /// After these bytes, with the connection. An answer that is no stream has no other way to say it; of Gemini's
    /// clients two (LangChain JS, genkit) take an ordered end for success, whatever stands before it.
    Breaks(Bytes),
}

/// An answer that broke off.
#[derive(Clone, Copy, Debug)]
pub struct Broken<'a> {
    /// Its dialect.
    pub api: Api,
    /// How it is framed.
    pub form: Form,
    /// What its client was told of it.
    pub seen: &'a Seen,
    /// The request that it is to.
    pub request_id: &'a str,
}

/// The end of an answer that broke off. There are no bytes where the upstream has told the error itself, and where
/// nothing can be added that is still true.
#[must_use]
pub fn tail(broken: &Broken<'_>, error: &Error) -> Tail {
    if broken.form == Form::Whole {
        return Tail::Breaks(Bytes::new());
    }
    let text = if broken.seen.error.is_some() { None } else { text(broken, error) };
    let text = text.map(Bytes::from).unwrap_or_default();
    if broken.api == Api::Gemini { Tail::Breaks(text) } else { Tail::Ends(text) }
}

fn text(broken: &Broken<'_>, error: &Error) -> Option<String> {
    let Broken { api, form, seen, request_id } = *broken;
    let body = render::body(Style::from(api), error, request_id);
    let text = match (form, api) {
        (Form::JsonArray, _) => {
            let before = match seen.position {
                Position::Before => "[",
                Position::ElementMayFollow => "",
                Position::CommaMayFollow => ",",
                // Half an element can't be closed so that it is still true.
                Position::Inside | Position::Closed => return None,
            };
            return Some(format!("{before}\n{body}\n"));
        }
        (_, Api::Anthropic) => format!("event: error\ndata: {body}\n\n"),
        (_, Api::Gemini) => format!("data: {body}\r\n\r\n"),
        (_, Api::OpenaiResponses) => {
            format!("event: response.failed\ndata: {}\n\n", failed(error, &body, seen))
        }
        _ => format!("data: {body}\n\n"),
    };
    // Half an event has gone out: a blank line ends it, so that this one is read.
    let gap = if seen.open_event { "\n\n" } else { "" };
    Some(format!("{gap}{text}"))
}

/// `response.failed`, as the stream would have gone on. The error stands at the top level too: the official SDKs raise
/// only then.
fn failed(error: &Error, body: &Value, seen: &Seen) -> Value {
    let code = if error.kind() == Kind::RateLimited { "rate_limit_exceeded" } else { "server_error" };
    let mut response = json!({
        "id": seen.id, "object": "response", "created_at": seen.created_at.as_ref().unwrap_or(&json!(0)),
        "model": seen.model, "status": "failed",
        "error": { "code": code, "message": error.facts().message },
        "parallel_tool_calls": true, "tool_choice": "auto", "tools": [], "usage": seen.usage.map(usage),
    });
    // Too many items to have been kept: without the list, SDKs put together what they were sent.
    if let (Some(items), Some(response)) = (seen.output.items(), response.as_object_mut()) {
        response.insert("output".to_owned(), Value::Array(items));
    }
    json!({
        "type": "response.failed",
        "sequence_number": seen.sequence_number.map_or(0, |last| last.saturating_add(1)),
        "response": response,
        "error": body.get("error"),
    })
}

fn usage(usage: Usage) -> Value {
    let input = usage.all_input();
    json!({
        "input_tokens": input,
        "input_tokens_details": { "cached_tokens": usage.cache_read },
        "output_tokens": usage.output,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning },
        "total_tokens": usage.total(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Broken, Tail, tail};
    use crate::answer::meter::{End, Meter, Seen, StreamError};
    use bytes::Bytes;
    use http::StatusCode;
    use serde_json::{Value, json};
    use sluice_api::cost::Usage;
    use sluice_api::dialect::{Api, Form, Operation};
    use sluice_api::error::{Error, Kind};
    use sluice_json::capture::Position;

    fn ended(api: Api, form: Form, seen: &Seen) -> Tail {
        tail(&Broken { api, form, seen, request_id: "req_1" }, &Error::new(Kind::Upstream, "it broke"))
    }

    fn text(tail: Tail, breaks: bool) -> String {
        let (text, broke) = match tail {
            Tail::Ends(text) => (text, false),
            Tail::Breaks(text) => (text, true),
        };
        assert_eq!(broke, breaks, "{text:?}");
        String::from_utf8(text.to_vec()).unwrap()
    }

    #[test]
    fn a_broken_stream_ends_in_its_own_dialect() {
        let open = Seen { open_event: true, position: Position::CommaMayFollow, ..Seen::default() };
        let claude = text(ended(Api::Anthropic, Form::Sse, &open), false);
        assert!(claude.starts_with("\n\nevent: error\ndata: {"));
        let chat = text(ended(Api::OpenaiChat, Form::Sse, &Seen::default()), false);
        assert!(chat.starts_with("data: {\"error\":") && !chat.contains("[DONE]"));
        assert_eq!(text(ended(Api::OpenaiChat, Form::Whole, &open), true), "");
    }

    #[test]
    fn a_broken_stream_of_geminis_ends_in_an_error_and_never_in_order() {
        let open = Seen { open_event: true, ..Seen::default() };
        let events = text(ended(Api::Gemini, Form::Sse, &open), true);
        // What Google's own SDKs compare the text with, and an integer code, without which they fail or see nothing.
        let error = events.strip_prefix("\n\ndata: ").unwrap();
        assert!(error.starts_with("{\"error\":{"), "{events}");
        assert_eq!(serde_json::from_str::<Value>(error).unwrap()["error"]["code"], json!(502));
        for (position, starts) in [
            (Position::Before, "[\n{\"error\":{"),
            (Position::ElementMayFollow, "\n{\"error\":{"),
            (Position::CommaMayFollow, ",\n{\"error\":{"),
            (Position::Inside, ""),
        ] {
            let seen = Seen { position, ..Seen::default() };
            let text = text(ended(Api::Gemini, Form::JsonArray, &seen), true);
            assert!(text.starts_with(starts) && text.is_empty() == starts.is_empty(), "{text}");
            assert!(!text.trim_end().ends_with(']'), "{text}");
        }
    }

    #[test]
    fn what_the_upstream_has_told_is_told_once() {
        let told = StreamError { data: Bytes::new(), status: StatusCode::BAD_GATEWAY, first: false };
        let seen = Seen { error: Some(told), ..Seen::default() };
        for (api, breaks) in [(Api::Anthropic, false), (Api::OpenaiChat, false), (Api::Gemini, true)] {
            assert_eq!(text(ended(api, Form::Sse, &seen), breaks), "", "{api}");
        }
    }

    #[test]
    fn counts_of_an_upstream_may_be_as_large_as_they_like() {
        let mut usage = Usage::new(u64::MAX, 1);
        usage.cache_read = 7;
        let seen = Seen { sequence_number: Some(u64::MAX), usage: Some(usage), ..Seen::default() };
        let text = text(ended(Api::OpenaiResponses, Form::Sse, &seen), false);
        assert!(text.contains("\"total_tokens\":18446744073709551615"), "{text}");
        assert!(text.contains("\"sequence_number\":18446744073709551615"), "{text}");
    }

    #[test]
    fn a_failed_response_goes_on_where_its_stream_was() {
        let mut meter = Meter::new(Api::OpenaiResponses, Operation::Generate, Form::Sse);
        for event in [
            json!({ "type": "response.created", "sequence_number": 0,
                "response": { "id": "resp_1", "created_at": 1_790_000_000, "model": "m", "output": [] } }),
            json!({ "type": "response.output_item.added", "sequence_number": 1, "output_index": 0,
                "item": { "id": "msg_1", "type": "message", "status": "in_progress", "content": [] } }),
            json!({ "type": "response.output_text.delta", "sequence_number": 2, "delta": "Hel" }),
        ] {
            meter.feed(format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()).as_bytes());
        }
        meter.finish(End::Cut);
        let text = text(ended(Api::OpenaiResponses, Form::Sse, meter.seen()), false);
        let event: Value =
            serde_json::from_str(text.strip_prefix("event: response.failed\ndata: ").unwrap()).unwrap();
        assert_eq!((&event["sequence_number"], &event["error"]["message"]), (&json!(3), &json!("it broke")));
        assert_eq!(event["error"]["code"], json!("upstream_error"));
        let response = &event["response"];
        assert_eq!(response["error"], json!({ "code": "server_error", "message": "it broke" }));
        let told = (&response["id"], &response["created_at"], &response["model"], &response["status"]);
        assert_eq!(told, (&json!("resp_1"), &json!(1_790_000_000), &json!("m"), &json!("failed")));
        assert_eq!(response["output"][0]["content"][0]["text"], json!("Hel"));
        assert_eq!(response["usage"]["output_tokens"], json!(1));
    }
}
