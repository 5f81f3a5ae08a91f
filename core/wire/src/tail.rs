//! Errors after the first byte: what ends a stream in its own dialect, and never as if it were whole.

use bytes::Bytes;
use serde_json::json;
use sluice_api::{Api, Error, Form, Kind};

use crate::capture::Position;
use crate::meter::Seen;
use crate::render::{self, Style};

/// The end of a stream that broke. `None` for a body that is no stream, or that stands where nothing can be added: there
/// the connection is broken instead.
#[must_use]
pub fn tail(api: Api, form: Form, error: &Error, seen: &Seen, request_id: &str) -> Option<Bytes> {
    let body = render::body(Style::from(api), error, request_id);
    let text = match (form, api) {
        (Form::Whole, _) => return None,
        (Form::JsonArray, _) => {
            let before = match seen.position {
                Position::Before => "[",
                Position::ElementMayFollow => "",
                Position::CommaMayFollow => ",",
                // Half an element can't be closed so that it is still true.
                Position::Inside | Position::Closed => return None,
            };
            return Some(Bytes::from(format!("{before}\n{body}\n]")));
        }
        (Form::Sse, Api::Anthropic) => format!("event: error\ndata: {body}\n\n"),
        (Form::Sse, Api::Gemini) => format!("data: {body}\r\n\r\n"),
        (Form::Sse, Api::OpenaiResponses) => {
            let number = seen.sequence_number.map_or(0, |last| last + 1);
            let code = if error.kind() == Kind::RateLimited { "rate_limit_exceeded" } else { "server_error" };
            let usage = seen.usage.map(|usage| {
                let input = usage.input + usage.cache_read + usage.cache_write();
                json!({
                    "input_tokens": input,
                    "input_tokens_details": { "cached_tokens": usage.cache_read },
                    "output_tokens": usage.output,
                    "output_tokens_details": { "reasoning_tokens": usage.reasoning },
                    "total_tokens": input + usage.output,
                })
            });
            let event = json!({
                "type": "response.failed",
                "sequence_number": number,
                "response": {
                    "id": seen.id, "object": "response", "created_at": 0, "model": seen.model, "status": "failed",
                    "error": { "code": code, "message": error.facts().message },
                    "output": [], "parallel_tool_calls": true, "tool_choice": "auto", "tools": [], "usage": usage,
                },
            });
            format!("event: response.failed\ndata: {event}\n\n")
        }
        (Form::Sse, _) => format!("data: {body}\n\n"),
    };
    // Half an event has gone out: a blank line ends it, so that this one is read.
    let gap = if seen.open_event { "\n\n" } else { "" };
    Some(Bytes::from(format!("{gap}{text}")))
}

#[cfg(test)]
mod tests {
    use super::tail;
    use crate::capture::Position;
    use crate::meter::Seen;
    use sluice_api::{Api, Error, Form, Kind};

    fn text(api: Api, form: Form, seen: &Seen) -> Option<String> {
        let error = Error::new(Kind::Upstream, "it broke");
        tail(api, form, &error, seen, "req_1").map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn a_broken_stream_ends_in_its_own_dialect() {
        let open = Seen {
            open_event: true,
            sequence_number: Some(4),
            id: Some("resp_1".into()),
            position: Position::CommaMayFollow,
            ..Seen::default()
        };
        assert!(text(Api::Anthropic, Form::Sse, &open).unwrap().starts_with("\n\nevent: error\ndata: {"));
        let chat = text(Api::OpenaiChat, Form::Sse, &Seen::default()).unwrap();
        assert!(chat.starts_with("data: {\"error\":") && !chat.contains("[DONE]"));
        let failed = text(Api::OpenaiResponses, Form::Sse, &open).unwrap();
        assert!(failed.contains("\"sequence_number\":5") && failed.contains("resp_1"));
        assert!(text(Api::Gemini, Form::Sse, &open).unwrap().contains("data: {\"error\":"));
        assert!(text(Api::Gemini, Form::JsonArray, &open).unwrap().starts_with(",\n{\"error\""));
        assert_eq!(text(Api::OpenaiChat, Form::Whole, &open), None);
        for (position, starts) in [
            (Position::Before, Some("[\n{")),
            (Position::ElementMayFollow, Some("\n{")),
            (Position::Inside, None),
        ] {
            let seen = Seen { position, ..Seen::default() };
            let text = text(Api::Gemini, Form::JsonArray, &seen);
            assert_eq!(text.is_some(), starts.is_some());
            assert!(text.unwrap_or_default().starts_with(starts.unwrap_or_default()));
        }
    }
}
