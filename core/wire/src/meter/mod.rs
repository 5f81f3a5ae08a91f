//! Watches an answer pass and says what it used, how far it came, and what went wrong in it.
//!
//! It only watches: it never fails, never waits, and holds no more of a body than what it is looking for.

use bytes::Bytes;
use http::StatusCode;
use memchr::memmem;
use serde::Deserialize;
use sluice_api::{Api, Form, Operation, Usage};

use crate::capture::{Capture, Caught};
use crate::sse::{self, Event};
use crate::usage::{Anthropic, Gemini, Openai};

/// Bytes of text that are about one token, for estimates.
const BYTES_PER_TOKEN: u64 = 4;

/// Members of a whole body, or of a Gemini chunk, that say something.
const WANTED: &[&str] = &[
    "usage",
    "usageMetadata",
    "model",
    "modelVersion",
    "service_tier",
    "id",
    "error",
    "promptFeedback",
    "candidates",
];

/// What was seen of an answer.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What was used, as far as it was told; estimated at the end where it was not.
    pub usage: Option<Usage>,
    /// The model that the answer reports.
    pub model: Option<String>,
    /// The service tier that it reports.
    pub tier: Option<String>,
    /// The response's id.
    pub id: Option<String>,
    /// Whether something has come that a client waits for: an event that is no ping, or a body's first byte.
    pub started: bool,
    /// Whether the end that the dialect has was seen.
    pub ended: bool,
    /// An error that the stream itself told.
    pub error: Option<StreamError>,
    /// Bytes of text, thinking and tool arguments that have passed.
    pub output_bytes: u64,
    /// The last `sequence_number` of a Responses stream.
    pub sequence_number: Option<u64>,
    /// Whether bytes of an unfinished event have passed.
    pub open_event: bool,
    /// Whether elements of a JSON array have passed.
    pub elements: u64,
}

/// An error in a stream.
#[derive(Clone, Debug)]
pub struct StreamError {
    /// The event's data.
    pub data: Bytes,
    /// The status that it stands for.
    pub status: StatusCode,
    /// Whether nothing had come before it.
    pub first: bool,
}

/// Watches one answer.
#[derive(Debug)]
pub struct Meter {
    api: Api,
    generates: bool,
    form: Form,
    framing: Framing,
    anthropic: Anthropic,
    told: bool,
    seen: Seen,
}

#[derive(Debug)]
enum Framing {
    Sse(sse::Scanner),
    Json(Capture),
}

impl Meter {
    /// For an answer of this API and form.
    #[must_use]
    pub fn new(api: Api, operation: Operation, form: Form) -> Self {
        let framing = match form {
            Form::Sse => Framing::Sse(sse::Scanner::default()),
            Form::Whole => Framing::Json(Capture::object(WANTED)),
            Form::JsonArray => Framing::Json(Capture::array(WANTED)),
        };
        let generates = operation == Operation::Generate;
        Self {
            api,
            generates,
            form,
            framing,
            anthropic: Anthropic::default(),
            told: false,
            seen: Seen::default(),
        }
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Takes a chunk, cut anywhere.
    pub fn feed(&mut self, chunk: &[u8]) {
        if chunk.is_empty() {
            return;
        }
        let mut framing = std::mem::replace(&mut self.framing, Framing::Sse(sse::Scanner::default()));
        match &mut framing {
            Framing::Sse(scanner) => {
                scanner.feed(chunk, &mut |event| self.event(event));
                self.seen.open_event = scanner.is_open();
            }
            Framing::Json(capture) => {
                self.seen.started = true;
                capture.feed(chunk, &mut |caught| self.object(caught));
                self.seen.ended |= capture.is_closed();
            }
        }
        self.framing = framing;
    }

    /// The answer has ended, or will not go on.
    pub fn finish(&mut self) {
        let mut framing = std::mem::replace(&mut self.framing, Framing::Sse(sse::Scanner::default()));
        if let Framing::Sse(scanner) = &mut framing {
            self.seen.open_event = scanner.is_open();
            scanner.finish(&mut |event| self.event(event));
        }
        self.framing = framing;
        let provisional = self.api == Api::Anthropic && !self.told;
        if self.generates
            && self.seen.started
            && (self.seen.usage.is_none() || provisional)
            && self.seen.output_bytes > 0
        {
            let usage = self.seen.usage.get_or_insert_default();
            usage.output = usage.output.max(self.seen.output_bytes.div_ceil(BYTES_PER_TOKEN));
            usage.estimated = true;
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match self.api {
            Api::Anthropic => self.anthropic_event(event),
            Api::OpenaiResponses => self.responses_event(event),
            Api::Gemini => self.gemini_event(event),
            _ => self.chat_event(event),
        }
    }

    fn anthropic_event(&mut self, event: Event<'_>) {
        let data = event.data;
        let name = if event.name.is_empty() { type_of(data) } else { event.name };
        match name {
            b"ping" => return,
            b"error" => return self.fail(data),
            b"content_block_delta" => {
                self.seen.output_bytes +=
                    text_length(data, &[b"\"text\":\"", b"\"thinking\":\"", b"\"partial_json\":\""]);
            }
            b"message_start" => {
                if let Ok(start) = serde_json::from_slice::<MessageStart>(data) {
                    self.seen.model = start.message.model;
                    self.seen.id = start.message.id;
                    self.told_anthropic(start.message.usage);
                }
            }
            b"message_delta" => {
                if let Ok(delta) = serde_json::from_slice::<MessageDelta>(data) {
                    self.told = true;
                    self.told_anthropic(delta.usage);
                }
            }
            b"message_stop" => self.seen.ended = true,
            _ => {}
        }
        self.seen.started = true;
    }

    fn told_anthropic(&mut self, usage: Option<Anthropic>) {
        let Some(usage) = usage else { return };
        self.anthropic.update(usage);
        self.seen.usage = Some(self.anthropic.usage());
        self.seen.tier.clone_from(&self.anthropic.service_tier);
    }

    fn chat_event(&mut self, event: Event<'_>) {
        let data = event.data;
        if data.starts_with(b"[DONE]") {
            self.seen.ended = true;
            self.seen.started = true;
            return;
        }
        if event.name == b"error" || begins_with_error(data) {
            return self.fail(data);
        }
        self.seen.output_bytes +=
            text_length(data, &[b"\"content\":\"", b"\"arguments\":\"", b"\"reasoning_content\":\""]);
        let has_usage =
            memmem::find(data, b"\"usage\":{").is_some() || memmem::find(data, b"\"usage\": {").is_some();
        if (has_usage || !self.seen.started)
            && let Ok(chunk) = serde_json::from_slice::<ChatChunk>(data)
        {
            take(&mut self.seen.model, chunk.model);
            take(&mut self.seen.tier, chunk.service_tier);
            take(&mut self.seen.id, chunk.id);
            if let Some(usage) = chunk.usage {
                self.seen.usage = Some(usage.usage());
            }
        }
        // Some compatible servers end without [DONE].
        if memmem::find(data, b"\"finish_reason\":\"").is_some() {
            self.seen.ended = true;
        }
        self.seen.started = true;
    }

    fn responses_event(&mut self, event: Event<'_>) {
        let data = event.data;
        if data.starts_with(b"[DONE]") {
            return;
        }
        if let Some(number) = number_after(data, b"\"sequence_number\":") {
            self.seen.sequence_number = Some(number);
        }
        let name = if event.name.is_empty() { type_of(data) } else { event.name };
        match name {
            b"error" => return self.fail(data),
            b"response.failed" => {
                self.responses_object(data);
                self.fail(data);
                self.seen.ended = true;
                return;
            }
            b"response.completed" | b"response.incomplete" => {
                self.responses_object(data);
                self.seen.ended = true;
            }
            b"response.created" => self.responses_object(data),
            b"keepalive" => return,
            _ if name.ends_with(b".delta") => self.seen.output_bytes += text_length(data, &[b"\"delta\":\""]),
            _ => {}
        }
        self.seen.started = true;
    }

    fn responses_object(&mut self, data: &[u8]) {
        let Ok(event) = serde_json::from_slice::<ResponseEvent>(data) else { return };
        take(&mut self.seen.model, event.response.model);
        take(&mut self.seen.tier, event.response.service_tier);
        take(&mut self.seen.id, event.response.id);
        if let Some(usage) = event.response.usage {
            let mut used = usage.usage();
            used.web_searches =
                event.response.tool_usage.and_then(|tools| tools.web_search?.num_requests).unwrap_or(0);
            self.seen.usage = Some(used);
        }
    }

    fn gemini_event(&mut self, event: Event<'_>) {
        let mut capture = Capture::object(WANTED);
        capture.feed(event.data, &mut |caught| self.object(caught));
    }

    /// A whole body, or an element of Gemini's stream.
    fn object(&mut self, caught: &Caught) {
        let mut says_something = false;
        for (index, value) in caught {
            let name = WANTED.get(*index).copied().unwrap_or_default();
            says_something = true;
            match name {
                "model" | "modelVersion" => take(&mut self.seen.model, text_of(value)),
                "service_tier" => take(&mut self.seen.tier, text_of(value)),
                "id" => take(&mut self.seen.id, text_of(value)),
                "usage" => self.whole_usage(value),
                "usageMetadata" => {
                    if let Ok(usage) = serde_json::from_slice::<Gemini>(value) {
                        self.seen.usage = Some(usage.usage());
                    }
                }
                "error" if self.is_gemini_stream() && value.trim_ascii() != b"null" => {
                    let mut data = b"{\"error\":".to_vec();
                    data.extend_from_slice(value.trim_ascii());
                    data.push(b'}');
                    return self.fail(&data);
                }
                "promptFeedback" => self.seen.ended |= self.is_sse(),
                "candidates" => {
                    self.seen.ended |= self.is_sse() && memmem::find(value, b"\"finishReason\"").is_some();
                    self.seen.output_bytes += text_length(value, &[b"\"text\":\"", b"\"text\": \""]);
                }
                _ => {}
            }
        }
        self.seen.elements += 1;
        self.seen.started |= says_something;
    }

    fn whole_usage(&mut self, value: &[u8]) {
        if self.api == Api::Anthropic {
            if let Ok(usage) = serde_json::from_slice::<Anthropic>(value) {
                self.told = true;
                self.told_anthropic(Some(usage));
            }
        } else if let Ok(usage) = serde_json::from_slice::<Openai>(value) {
            self.seen.usage = Some(usage.usage());
        }
    }

    fn is_gemini_stream(&self) -> bool {
        self.api == Api::Gemini && self.generates
    }

    fn is_sse(&self) -> bool {
        self.form == Form::Sse
    }

    fn fail(&mut self, data: &[u8]) {
        let first = !self.seen.started;
        self.seen.started = true;
        let status = status_of(data);
        self.seen.error.get_or_insert_with(|| StreamError {
            data: Bytes::copy_from_slice(data),
            status,
            first,
        });
    }
}

#[derive(Deserialize)]
struct MessageStart {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    id: Option<String>,
    model: Option<String>,
    usage: Option<Anthropic>,
}

#[derive(Deserialize)]
struct MessageDelta {
    usage: Option<Anthropic>,
}

#[derive(Deserialize)]
struct ChatChunk {
    id: Option<String>,
    model: Option<String>,
    service_tier: Option<String>,
    usage: Option<Openai>,
}

#[derive(Deserialize)]
struct ResponseEvent {
    response: ResponseObject,
}

#[derive(Deserialize)]
struct ResponseObject {
    id: Option<String>,
    model: Option<String>,
    service_tier: Option<String>,
    usage: Option<Openai>,
    tool_usage: Option<ToolUsage>,
}

#[derive(Deserialize)]
struct ToolUsage {
    web_search: Option<WebSearch>,
}

#[derive(Deserialize)]
struct WebSearch {
    num_requests: Option<u64>,
}

/// What names of errors stand for, looked for in an error's text in this order.
const STATUSES: [(&[u8], StatusCode); 14] = [
    (b"overloaded_error", StatusCode::SERVICE_UNAVAILABLE),
    (b"rate_limit", StatusCode::TOO_MANY_REQUESTS),
    (b"insufficient_quota", StatusCode::TOO_MANY_REQUESTS),
    (b"RESOURCE_EXHAUSTED", StatusCode::TOO_MANY_REQUESTS),
    (b"authentication_error", StatusCode::UNAUTHORIZED),
    (b"invalid_api_key", StatusCode::UNAUTHORIZED),
    (b"permission", StatusCode::FORBIDDEN),
    (b"billing_error", StatusCode::PAYMENT_REQUIRED),
    (b"not_found", StatusCode::NOT_FOUND),
    (b"invalid_request", StatusCode::BAD_REQUEST),
    (b"invalid_prompt", StatusCode::BAD_REQUEST),
    (b"timeout", StatusCode::GATEWAY_TIMEOUT),
    (b"UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE),
    (b"server_error", StatusCode::INTERNAL_SERVER_ERROR),
];

/// The status that an error in a stream stands for: its own number, else by its name.
fn status_of(data: &[u8]) -> StatusCode {
    if let Some(number) = number_after(data, b"\"code\":")
        && let Some(status) = u16::try_from(number).ok().and_then(|number| StatusCode::from_u16(number).ok())
        && status.as_u16() >= 400
    {
        return status;
    }
    let named = STATUSES.iter().find(|(name, _)| memmem::find(data, name).is_some());
    named.map_or(StatusCode::BAD_GATEWAY, |(_, status)| *status)
}

fn take(slot: &mut Option<String>, found: Option<String>) {
    if found.as_ref().is_some_and(|text| !text.is_empty()) {
        *slot = found;
    }
}

fn text_of(value: &[u8]) -> Option<String> {
    serde_json::from_slice(value).ok()
}

/// The value of the first `"type":"…"`, which stands first in the events that have it.
fn type_of(data: &[u8]) -> &[u8] {
    let Some(at) = memmem::find(data, b"\"type\":") else { return &[] };
    let rest = data.get(at + 7..).unwrap_or_default().trim_ascii_start();
    let Some(rest) = rest.strip_prefix(b"\"") else { return &[] };
    let end = memchr::memchr(b'"', rest).unwrap_or(0);
    rest.get(..end).unwrap_or_default()
}

fn begins_with_error(data: &[u8]) -> bool {
    let Some(rest) = data.trim_ascii_start().strip_prefix(b"{") else { return false };
    let Some(rest) = rest.trim_ascii_start().strip_prefix(b"\"error\"") else { return false };
    let Some(rest) = rest.trim_ascii_start().strip_prefix(b":") else { return false };
    !rest.trim_ascii_start().starts_with(b"null")
}

fn number_after(data: &[u8], name: &[u8]) -> Option<u64> {
    let rest = data.get(memmem::find(data, name)? + name.len()..)?.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()
}

/// Bytes of the strings that follow these names.
fn text_length(data: &[u8], names: &[&[u8]]) -> u64 {
    let mut length = 0;
    for name in names {
        let Some(at) = memmem::find(data, name) else { continue };
        let mut rest = data.get(at + name.len()..).unwrap_or_default();
        while let Some(end) = memchr::memchr2(b'"', b'\\', rest) {
            length += end as u64;
            if rest.get(end) != Some(&b'\\') {
                break;
            }
            length += 1;
            rest = rest.get(end + 2..).unwrap_or_default();
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::{Meter, Seen};
    use sluice_api::{Api, Form, Operation};

    fn seen(api: Api, form: Form, text: &str, step: usize) -> Seen {
        let mut meter = Meter::new(api, Operation::Generate, form);
        for piece in text.as_bytes().chunks(step) {
            meter.feed(piece);
        }
        meter.finish();
        meter.seen().clone()
    }

    /// Checks that input, output and end are seen the same whatever the chunks.
    fn check(api: Api, form: Form, text: &str, used: Option<(u64, u64)>, ended: bool) {
        for step in [1, 2, 3, 7, 64, text.len()] {
            let seen = seen(api, form, text, step);
            assert_eq!(seen.usage.map(|usage| (usage.input, usage.output)), used, "{api} by {step}");
            assert_eq!(seen.ended, ended, "{api} by {step}");
        }
    }

    const CLAUDE: &str = "event: ping\ndata: {\"type\":\"ping\"}\n\nevent: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"usage\":{\"input_tokens\":9,\"cache_read_input_tokens\":4,\"output_tokens\":1}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello there\"}}\n\n";
    const CLAUDE_END: &str = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":41}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

    #[test]
    fn each_dialects_stream_tells_its_usage_and_its_end() {
        check(Api::Anthropic, Form::Sse, &format!("{CLAUDE}{CLAUDE_END}"), Some((9, 41)), true);
        check(
            Api::OpenaiChat,
            Form::Sse,
            "data: {\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":9,\"total_tokens\":29}}\n\ndata: [DONE]\n\n",
            Some((20, 9)),
            true,
        );
        check(
            Api::OpenaiResponses,
            Form::Sse,
            "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"r\",\"usage\":null}}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":1,\"response\":{\"id\":\"r\",\"usage\":{\"input_tokens\":9,\"output_tokens\":4,\"total_tokens\":13}}}\n\n",
            Some((9, 4)),
            true,
        );
        check(
            Api::Gemini,
            Form::Sse,
            "data: {\"candidates\":[{\"content\":{}}],\"usageMetadata\":{\"promptTokenCount\":3,\"totalTokenCount\":4,\"candidatesTokenCount\":1}}\r\n\r\ndata: {\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":7,\"totalTokenCount\":10}}\r\n\r\n",
            Some((3, 7)),
            true,
        );
        check(
            Api::Gemini,
            Form::JsonArray,
            "[{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":3,\"totalTokenCount\":3}}\n,\r\n{\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":7,\"totalTokenCount\":10}}\n]",
            Some((3, 7)),
            true,
        );
    }

    #[test]
    fn a_whole_body_tells_its_usage() {
        check(
            Api::Anthropic,
            Form::Whole,
            r#"{"id":"m","content":[{"text":"{\"usage\":1}"}],"usage":{"input_tokens":3,"output_tokens":2}}"#,
            Some((3, 2)),
            true,
        );
        check(
            Api::OpenaiChat,
            Form::Whole,
            r#"{"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5},"choices":[]}"#,
            Some((3, 2)),
            true,
        );
        check(
            Api::Gemini,
            Form::Whole,
            r#"{"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}}"#,
            Some((3, 2)),
            true,
        );
        check(Api::OpenaiChat, Form::Whole, r#"{"usage":{"prompt_tok"#, None, false);
    }

    #[test]
    fn a_stream_that_breaks_off_is_estimated_and_flagged() {
        let cut = seen(Api::Anthropic, Form::Sse, CLAUDE, 5);
        let usage = cut.usage.unwrap();
        assert_eq!((usage.input, usage.output, usage.estimated, cut.ended), (9, 3, true, false));
    }

    #[test]
    fn an_error_is_seen_and_whether_it_came_first() {
        let first = seen(
            Api::Anthropic,
            Form::Sse,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n",
            9,
        );
        let error = first.error.unwrap();
        assert!(error.first);
        assert_eq!(error.status.as_u16(), 503);
        let late = seen(
            Api::OpenaiChat,
            Form::Sse,
            "data: {\"choices\":[]}\n\ndata: {\"error\":{\"message\":\"x\",\"code\":429}}\n\n",
            9,
        );
        let error = late.error.unwrap();
        assert_eq!((error.first, error.status.as_u16()), (false, 429));
        let gemini = seen(
            Api::Gemini,
            Form::JsonArray,
            "[{\"error\":{\"code\":503,\"message\":\"o\",\"status\":\"UNAVAILABLE\"}}]",
            4,
        );
        assert_eq!(gemini.error.unwrap().status.as_u16(), 503);
    }

    #[test]
    fn nothing_that_comes_makes_it_panic() {
        for api in Api::ALL {
            for form in [Form::Sse, Form::Whole, Form::JsonArray] {
                for text in [
                    "",
                    "}",
                    "]]]]",
                    "\"",
                    "data:",
                    "data: {",
                    "event: message_start\ndata: 7\n\n",
                    "\u{0}\u{ff}",
                    "{\"usage\":[[[",
                    "data: \"error\"\n\n",
                ] {
                    seen(api, form, text, 1);
                }
            }
        }
    }
}
