//! Whole bodies of every dialect, and Gemini's chunks, which are whole answers themselves.

use memchr::memmem;

use super::calls::ToolUsage;
use super::kept::take;
use super::wanted::{WANTED, WANTED_OF_IMAGES};
use super::{Meter, members, text_of};
use crate::request::items::Call;
use crate::sse::Event;
use sluice_api::dialect::{Api, Form};
use sluice_json::capture::{Capture, Caught, CaughtItem};
use sluice_usage::Gemini;

/// Names of what a model wrote in whole bodies.
const WRITTEN: [&[u8]; 7] = [
    b"\"text\"",
    b"\"thinking\"",
    b"\"content\"",
    b"\"reasoning_content\"",
    b"\"reasoning\"",
    b"\"refusal\"",
    b"\"arguments\"",
];

/// What a call of a tool is called in Claude's answers, where its arguments are no text.
const CALL: &[u8] = b"\"tool_use\"";

/// Names of what Gemini writes beside text, as objects.
const CALLS: [&[u8]; 2] = [b"\"functionCall\"", b"\"executableCode\""];

/// An image or a sound in Gemini's answers, of which the bytes say nothing of its tokens.
const BLOB: &[u8] = b"\"inlineData\"";

impl Meter {
    pub(super) fn gemini_event(&mut self, event: Event<'_>) {
        let mut capture = Capture::object(WANTED);
        capture.feed(event.data, &mut |caught| self.object(caught));
    }

    /// A whole body, or an element of Gemini's stream.
    pub(super) fn object(&mut self, caught: &Caught) {
        for (index, value) in caught {
            let name = WANTED_OF_IMAGES.get(*index).map_or("", |wanted| wanted.name);
            match name {
                "model" | "modelVersion" => take(&mut self.seen.model, text_of(value)),
                "service_tier" => take(&mut self.seen.tier, text_of(value)),
                "id" | "responseId" => take(&mut self.seen.id, text_of(value)),
                "store" => self.seen.items.are_kept(value.trim_ascii() != b"false"),
                "usage" => self.whole_usage(value),
                "usageMetadata" => {
                    if let Ok(usage) = serde_json::from_slice::<Gemini>(value) {
                        self.seen.raw_usage.told(value);
                        usage.unknown(&mut self.seen.unknown_usage);
                        let told = self.gemini.get_or_insert_default();
                        told.update(usage);
                        self.seen.usage = Some(told.usage());
                        take(&mut self.seen.tier, told.tier().map(ToOwned::to_owned));
                    }
                }
                "tool_usage" => {
                    if let Ok(told) = serde_json::from_slice::<ToolUsage>(value) {
                        self.calls.told(&told);
                    }
                }
                "error" if (self.awaits_events() || self.whole_may_fail) && value.trim_ascii() != b"null" => {
                    let mut data = b"{\"error\":".to_vec();
                    data.extend_from_slice(value.trim_ascii());
                    data.push(b'}');
                    return self.fail(&data);
                }
                // A blocked prompt has no candidates: this is all that comes.
                "promptFeedback" => {
                    let blocked = members::after(value, b"\"blockReason\"").is_some();
                    self.ends_where(self.form == Form::Sse && blocked);
                }
                "candidates" => {
                    let finished = memmem::find(value, b"\"finishReason\"").is_some();
                    self.ends_where(self.form == Form::Sse && finished);
                    self.seen.output_bytes +=
                        members::text_length(value, &[b"\"text\""]) + members::objects_length(value, &CALLS);
                    self.wrote |= memmem::find(value, BLOB).is_some();
                    self.calls.candidates(value);
                }
                "content" | "choices" | "output" => {
                    self.wrote |= members::has_text(value, &WRITTEN) || memmem::find(value, CALL).is_some();
                }
                _ => {}
            }
        }
        let mut used = self.seen.usage;
        self.put_calls(&mut used);
        self.seen.usage = used;
        self.seen.started |= !caught.is_empty();
    }

    fn whole_usage(&mut self, value: &[u8]) {
        if self.api == Api::Anthropic {
            self.told_anthropic_finally(value);
        } else {
            self.told_openai(Some(value));
        }
    }

    /// An object of a list: of a response's output or of its tools, or an image.
    pub(super) fn item(&mut self, item: &CaughtItem) {
        let [id, kind, action, container] = &item.members;
        match WANTED_OF_IMAGES.get(item.list).map_or("", |wanted| wanted.name) {
            "output" => {
                self.seen.items.made(text_of(id));
                if let Some(kind) = text_of(kind) {
                    let action = members::string(action, b"\"type\"");
                    let action = action.map(|action| String::from_utf8_lossy(action).into_owned());
                    let call = Call { kind, action, container: text_of(container) };
                    self.called(Some(&call), true);
                }
            }
            "tools" => self.calls.tools(kind),
            _ => self.calls.image(),
        }
    }
}
