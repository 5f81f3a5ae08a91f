//! OpenAI Chat Completions, and what compatible servers make of it.

use serde::Deserialize;
use serde_json::value::RawValue;
use sluice_api::dialect::Api;

use super::kept::take;
use super::{Meter, members};
use crate::sse::Event;
use sluice_usage::Openai;

/// What is looked for in a chunk. The members of a delta hold what the model wrote; the last two are names of its thinking.
const TOLD: [&[u8]; 8] = [
    b"\"error\"",
    b"\"usage\"",
    b"\"finish_reason\"",
    b"\"content\"",
    b"\"arguments\"",
    b"\"refusal\"",
    b"\"reasoning_content\"",
    b"\"reasoning\"",
];

impl Meter {
    pub(super) fn chat_event(&mut self, event: Event<'_>) {
        let Event { name, data, .. } = event;
        if data.starts_with(b"[DONE]") {
            self.seen.ended = true;
            self.seen.started = true;
            return;
        }
        let [error, usage, finish_reason, written @ ..] = members::firsts(data, &TOLD);
        if name == b"error" || error.is_some() && is_error(data) {
            return self.fail(data);
        }
        let [content, arguments, refusal, thought, also] = written.map(members::length);
        // Some servers give the same thinking under both names.
        self.seen.output_bytes += content + arguments + refusal + thought.max(also);
        let has_usage = usage.is_some_and(|value| value.starts_with(b"{"));
        if (has_usage || !self.seen.started)
            && let Ok(chunk) = serde_json::from_slice::<ChatChunk<'_>>(data)
        {
            take(&mut self.seen.model, chunk.model);
            take(&mut self.seen.tier, chunk.service_tier);
            take(&mut self.seen.id, chunk.id);
            self.told_openai(chunk.usage.map(|told| told.get().as_bytes()));
        }
        // Some compatible servers end without [DONE]: then the end of the body is the end, once a choice has finished.
        self.seen.finishing |=
            finish_reason.and_then(members::inner).is_some_and(|reason| !reason.is_empty());
        self.seen.started = true;
    }

    /// What was used, where that tells something: nobody writes a text of no tokens.
    pub(super) fn told_openai(&mut self, told: Option<&[u8]>) {
        let Some(told) = told else { return };
        if let Some(usage) = serde_json::from_slice::<Openai>(told).ok().filter(Openai::tells) {
            self.seen.raw_usage.told(told);
            usage.unknown(&mut self.seen.unknown_usage);
            let images = self.api == Api::OpenaiImages;
            let mut used = if images { usage.usage_of_images() } else { usage.usage() };
            if self.caches_long && !usage.splits_writes() {
                used.cache_write_1h = used.cache_write();
                used.cache_write_5m = 0;
            }
            self.seen.usage = Some(used);
        }
    }
}

/// Whether a chunk has a top-level `error` that says something: official SDKs raise on any.
pub(super) fn is_error(data: &[u8]) -> bool {
    let error = serde_json::from_slice::<ErrorChunk<'_>>(data).ok().and_then(|chunk| chunk.error);
    error.is_some_and(|error| !matches!(error.get(), "null" | "false" | "\"\"" | "{}" | "0"))
}

#[derive(Deserialize)]
struct ErrorChunk<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ChatChunk<'a> {
    id: Option<String>,
    model: Option<String>,
    service_tier: Option<String>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}
