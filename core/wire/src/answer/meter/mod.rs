//! Watches an answer pass and says what it used, how far it came, and what went wrong in it.
//!
//! It only watches: it never fails, never waits, and holds no more of a body than what it is looking for.

mod anthropic;
mod calls;
mod chat;
mod items;
mod kept;
mod members;
mod output;
mod raw;
mod responses;
mod wanted;
mod whole;

use bytes::Bytes;
use http::StatusCode;
use memchr::memchr;
use serde::de::IgnoredAny;
use sluice_api::cost::Usage;
use sluice_api::dialect::{Api, Form, Operation};

use crate::refusal::Refusal;
use crate::request::items::Call;
use crate::sse::{self, Event};
use sluice_json::capture::{Capture, Position};
use sluice_usage::{Anthropic, Cited, Gemini, Unknown};

pub use items::Items;
pub use output::Output;
pub use raw::Raw;

use calls::Calls;
use wanted::{WANTED, WANTED_OF_IMAGES};

/// Bytes of text that are about one token, for estimates.
const BYTES_PER_TOKEN: u64 = 4;

/// What was seen of an answer.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What was used, as far as it was told; its output estimated at the end where it was not.
    pub usage: Option<Usage>,
    /// The model that the answer reports.
    pub model: Option<String>,
    /// The service tier that it reports.
    pub tier: Option<String>,
    /// The speed that it reports, which is no tier.
    pub speed: Option<String>,
    /// Where it reports to have been made.
    pub geo: Option<String>,
    /// The prompts that the usage is made of, where they are several.
    pub turns: Vec<Usage>,
    /// What other models used of it, by their names.
    pub others: Vec<(String, Usage)>,
    /// The usage as the upstream wrote it.
    pub raw_usage: Raw,
    /// Members of it that nobody knows.
    pub unknown_usage: Unknown,
    /// The response's id.
    pub id: Option<String>,
    /// Whether something has come that a client waits for: an event that is no ping, or a body's first byte that is no
    /// space.
    pub started: bool,
    /// Whether the end that the dialect has was seen.
    pub ended: bool,
    /// Whether the model has finished, so that the body's own end is the answer's.
    pub finishing: bool,
    /// An error that the stream itself told.
    pub error: Option<StreamError>,
    /// Bytes that have passed.
    pub bytes: u64,
    /// Bytes of text, thinking and tool arguments that have passed.
    pub output_bytes: u64,
    /// The last `sequence_number` of a Responses stream.
    pub sequence_number: Option<u64>,
    /// When a Responses stream says that its response was created.
    pub created_at: Option<serde_json::Value>,
    /// What a Responses stream has told of its output.
    pub output: Output,
    /// The ids of what a response has made.
    pub items: Items,
    /// Hashes of the names of the containers that ran code for it, whether or not others had used them before.
    pub containers: Vec<u64>,
    /// Whether bytes of an unfinished event have passed.
    pub open_event: bool,
    /// How far a JSON array has come.
    pub position: Position,
    /// Whether a JSON document has begun that has not ended.
    pub unfinished: bool,
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

/// How a body came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As its framing says.
    Clean,
    /// It broke off, or nobody waits for the rest.
    Cut,
}

/// Watches one answer.
#[derive(Debug)]
pub struct Meter {
    api: Api,
    operation: Operation,
    form: Form,
    /// A document that stands where a stream was asked for.
    stands_in: bool,
    framing: Framing,
    anthropic: Anthropic,
    /// Kept aside, as the answers of others need no room for it.
    gemini: Option<Box<Gemini>>,
    calls: Calls,
    cited: Cited,
    /// What was written to a cache was asked to be kept for the longer time.
    caches_long: bool,
    /// The output that Claude's final usage told; what stands at a message's start is provisional.
    told: Option<u64>,
    /// A whole document may be an error.
    whole_may_fail: bool,
    /// Something that the model wrote was seen, whether or not its bytes are counted.
    wrote: bool,
    /// The end was told: what was used is settled.
    finished: bool,
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
        let wanted = if api == Api::OpenaiImages { WANTED_OF_IMAGES } else { WANTED };
        let framing = match form {
            Form::Sse => Framing::Sse(sse::Scanner::default()),
            Form::Whole => Framing::Json(Capture::object(wanted)),
            Form::JsonArray => Framing::Json(Capture::array(wanted)),
        };
        Self {
            api,
            operation,
            form,
            stands_in: false,
            framing,
            anthropic: Anthropic::default(),
            gemini: None,
            calls: Calls::default(),
            cited: Cited::default(),
            caches_long: false,
            told: None,
            whole_may_fail: false,
            wrote: false,
            finished: false,
            seen: Seen::default(),
        }
    }

    /// For a whole document that stands where a stream was asked for. Like an event, it has begun only when it is whole,
    /// and it may be an error.
    #[must_use]
    pub fn stand_in(api: Api, operation: Operation) -> Self {
        Self { stands_in: true, ..Self::new(api, operation, Form::Whole) }
    }

    /// Says that a whole document, too, may be an error: nothing of it is told before it is there.
    #[must_use]
    pub fn where_a_whole_may_be_an_error(mut self) -> Self {
        self.whole_may_fail = self.form == Form::Whole;
        self
    }

    /// Says for how long the request asked to keep what is written to a cache, which not every answer tells.
    #[must_use]
    pub fn caching_long(mut self, caches_long: bool) -> Self {
        self.caches_long = caches_long;
        self
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
        self.seen.bytes += chunk.len() as u64;
        if self.api == Api::OpenaiChat {
            self.cited.feed(chunk);
        }
        let mut framing = std::mem::replace(&mut self.framing, Framing::Sse(sse::Scanner::default()));
        match &mut framing {
            Framing::Sse(scanner) => {
                scanner.feed(chunk, &mut |event| self.event(event));
                self.seen.open_event = scanner.is_open();
            }
            Framing::Json(capture) => {
                let mut rest = chunk;
                while !rest.is_empty() {
                    let taken = capture.feed_up_to_its_end(rest, &mut |caught| self.object(caught));
                    let (piece, more) = rest.split_at(taken);
                    self.read_so_far(capture, piece);
                    rest = more;
                }
            }
        }
        self.framing = framing;
    }

    /// A piece of a document has passed.
    fn read_so_far(&mut self, capture: &mut Capture, piece: &[u8]) {
        for item in capture.take_items() {
            self.item(&item);
        }
        self.seen.position = capture.position();
        self.seen.unfinished = capture.is_unfinished();
        self.ends_where(capture.is_closed());
        // What may be an error is one only when it is whole; space before a document is none of it.
        self.seen.started |= match self.awaits_events() {
            true => capture.is_closed(),
            false => piece.iter().any(|byte| !byte.is_ascii_whitespace()),
        };
    }

    /// The answer has ended, or will not go on.
    pub fn finish(&mut self, end: End) {
        let mut framing = std::mem::replace(&mut self.framing, Framing::Sse(sse::Scanner::default()));
        let mut half_an_event = false;
        if let Framing::Sse(scanner) = &mut framing {
            self.seen.open_event = scanner.is_open();
            half_an_event = scanner.is_open();
            if end == End::Clean {
                // A last event may lack its blank line; a part of one is none.
                scanner.finish(&mut |event| {
                    half_an_event = !is_whole(event.data) && !are_whole(event.data);
                    if half_an_event {
                        self.whole_lines(event);
                    } else {
                        self.event(event);
                    }
                });
            }
        }
        self.framing = framing;
        self.seen.ended |= end == End::Clean && self.seen.finishing && !half_an_event;
        self.seen.usage = self.used();
        self.finished = true;
    }

    /// What was used, were the answer to end here: what was not told is estimated, and what was called is a part of it,
    /// wherever that was told.
    #[must_use]
    pub fn used(&self) -> Option<Usage> {
        let mut used = self.seen.usage;
        if self.finished {
            return used;
        }
        self.estimate(&mut used);
        self.put_calls(&mut used);
        used
    }

    /// What was called is a part of what was used, wherever it was told.
    fn put_calls(&self, used: &mut Option<Usage>) {
        if self.calls.has_images() {
            used.get_or_insert_default();
        }
        if let Some(usage) = used {
            self.calls.put(usage);
            if self.api == Api::OpenaiChat && self.operation == Operation::Generate {
                self.cited.put(self.seen.model.as_deref(), usage);
            }
        }
    }

    /// An item of a response's output: as an event of its own tells it, or the list of all.
    fn called(&mut self, call: Option<&Call>, listed: bool) {
        if listed {
            self.calls.listed(call);
        } else {
            self.calls.item(call);
        }
        let containers = self.calls.containers();
        if containers.len() > self.seen.containers.len() {
            self.seen.containers = containers.to_vec();
        }
    }

    /// Whether what comes is taken for events, of which the first may be an error.
    fn awaits_events(&self) -> bool {
        self.stands_in || self.form.is_stream()
    }

    /// Estimates the output of a generation that did not tell it; the input is known better by whoever sent it. Beside a
    /// text, zero is not told but left out.
    fn estimate(&self, used: &mut Option<Usage>) {
        if self.operation != Operation::Generate || !self.seen.started {
            return;
        }
        let wrote = self.wrote || self.seen.output_bytes > 0;
        let told = match self.api {
            Api::Anthropic => self.told,
            _ => used.map(|usage| usage.output),
        };
        let usage = used.get_or_insert_default();
        if let Some(output) = told.filter(|output| *output > 0 || !wrote) {
            // What is billed beside the message stays.
            let beside = match self.api {
                Api::Anthropic => usage.output.saturating_sub(self.anthropic.output().unwrap_or_default()),
                _ => 0,
            };
            usage.output = output.saturating_add(beside);
            return;
        }
        let written = if self.form == Form::Whole { self.seen.bytes } else { self.seen.output_bytes };
        usage.output = usage.output.max(written.div_ceil(BYTES_PER_TOKEN));
        usage.estimated = true;
    }

    fn event(&mut self, event: Event<'_>) {
        let joined = memchr(b'\n', event.data).is_some() && !is_whole(event.data);
        if joined && lines(event.data).any(is_whole) {
            self.whole_lines(event);
        } else {
            self.one_event(event);
        }
    }

    /// Where blank lines are missing, mostly before `[DONE]`, one event holds several, each on a line of its own.
    fn whole_lines(&mut self, event: Event<'_>) {
        for data in lines(event.data).filter(|line| is_whole(line)) {
            self.one_event(Event { data, ..event });
        }
    }

    fn one_event(&mut self, event: Event<'_>) {
        match self.api {
            Api::Anthropic => self.anthropic_event(event),
            Api::OpenaiResponses => self.responses_event(event),
            Api::OpenaiImages => self.images_event(event),
            Api::Gemini => self.gemini_event(event),
            Api::OpenaiChat | Api::OpenaiEmbeddings => self.chat_event(event),
        }
    }

    /// The end that the dialect has was seen, if so. Gemini's streams have none beside an error, whatever is closed after
    /// it: their clients take an end in order for success.
    fn ends_where(&mut self, so: bool) {
        self.seen.ended |= so && (self.api != Api::Gemini || self.seen.error.is_none());
    }

    fn fail(&mut self, data: &[u8]) {
        let first = !self.seen.started || self.whole_may_fail;
        self.seen.started = true;
        self.seen.ended &= self.api != Api::Gemini;
        let status = Refusal::read(data).status_code();
        self.seen.error.get_or_insert_with(|| StreamError {
            data: Bytes::copy_from_slice(data),
            status,
            first,
        });
    }
}

impl StreamError {
    /// The error as the body of an HTTP answer; Responses tells it flat or inside a response.
    #[must_use]
    pub fn body(&self, api: Api) -> Bytes {
        if api != Api::OpenaiResponses {
            return self.data.clone();
        }
        let told = Refusal::read(&self.data);
        let body = serde_json::json!({ "error": {
            "message": told.message,
            "type": if told.kind.is_empty() || told.kind == "error" { "server_error" } else { &told.kind },
            "param": told.param,
            "code": told.codes.first(),
        }});
        Bytes::from(body.to_string())
    }
}

/// Lines of an event's data that have something in them.
fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
}

/// Whether all of an event's lines are events of their own.
fn are_whole(data: &[u8]) -> bool {
    lines(data).next().is_some() && lines(data).all(is_whole)
}

/// Whether an event's data is all there.
fn is_whole(data: &[u8]) -> bool {
    data.starts_with(b"[DONE]") || serde_json::from_slice::<IgnoredAny>(data).is_ok()
}

/// The text of a whole JSON string.
fn text_of(value: &[u8]) -> Option<String> {
    serde_json::from_slice(value).ok()
}

#[cfg(test)]
mod billed;
#[cfg(test)]
mod tests;
