//! OpenAI Chat Completions, and what compatible servers make of it.

use memchr::memchr;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{Meter, look, take};
use crate::sse::Event;
use crate::usage::Openai;

/// Members of a delta that hold what the model wrote.
const WRITTEN: [&[u8]; 4] = [b"\"content\"", b"\"arguments\"", b"\"reasoning_content\"", b"\"refusal\""];

impl Meter {
    pub(super) fn chat_event(&mut self, event: Event<'_>) {
        let data = event.data;
        // Where blank lines are missing, mostly before [DONE], one event holds several chunks, each on a line of its own.
        if memchr(b'\n', data).is_some() && serde_json::from_slice::<IgnoredAny>(data).is_err() {
            for line in data.split(|byte| *byte == b'\n') {
                self.chat_chunk(event.name, line);
            }
        } else {
            self.chat_chunk(event.name, data);
        }
    }

    fn chat_chunk(&mut self, name: &[u8], data: &[u8]) {
        if data.starts_with(b"[DONE]") {
            self.seen.ended = true;
            self.seen.started = true;
            return;
        }
        if name == b"error" || has_error(data) {
            return self.fail(data);
        }
        self.seen.output_bytes += look::text_length(data, &WRITTEN);
        let has_usage = look::after(data, b"\"usage\"").is_some_and(|value| value.starts_with(b"{"));
        if (has_usage || !self.seen.started)
            && let Ok(chunk) = serde_json::from_slice::<ChatChunk>(data)
        {
            take(&mut self.seen.model, chunk.model);
            take(&mut self.seen.tier, chunk.service_tier);
            take(&mut self.seen.id, chunk.id);
            self.told_openai(chunk.usage);
        }
        // Some compatible servers end without [DONE]: then the end of the body is the end, once a choice has finished.
        self.seen.finishing |=
            look::string(data, b"\"finish_reason\"").is_some_and(|reason| !reason.is_empty());
        self.seen.started = true;
    }

    /// What was used, where that tells something: nobody writes a text of no tokens.
    pub(super) fn told_openai(&mut self, usage: Option<Openai>) {
        if let Some(usage) = usage.filter(Openai::tells) {
            self.seen.usage = Some(usage.usage());
        }
    }
}

/// Whether a chunk has a top-level `error` that says something: official SDKs raise on any.
fn has_error(data: &[u8]) -> bool {
    if look::after(data, b"\"error\"").is_none() {
        return false;
    }
    let error = serde_json::from_slice::<ErrorChunk<'_>>(data).ok().and_then(|chunk| chunk.error);
    error.is_some_and(|error| !matches!(error.get(), "null" | "false" | "\"\"" | "{}" | "0"))
}

#[derive(Deserialize)]
struct ErrorChunk<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ChatChunk {
    id: Option<String>,
    model: Option<String>,
    service_tier: Option<String>,
    usage: Option<Openai>,
}
