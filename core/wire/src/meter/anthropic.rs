//! The Claude Messages API: usage at the start, cumulative usage at the end, each event named.

use serde::Deserialize;

use super::kept::bounded;
use super::{Meter, members};
use crate::sse::Event;
use crate::usage::Anthropic;

/// Members of a delta that hold what the model wrote.
const WRITTEN: [&[u8]; 3] = [b"\"text\"", b"\"thinking\"", b"\"partial_json\""];

/// Members of a block that hold what it begins with; a call of a tool begins with its name.
const BEGUN: [&[u8]; 3] = [b"\"text\"", b"\"thinking\"", b"\"name\""];

impl Meter {
    pub(super) fn anthropic_event(&mut self, event: Event<'_>) {
        let data = event.data;
        let name = if event.name.is_empty() {
            members::string(data, b"\"type\"").unwrap_or_default()
        } else {
            event.name
        };
        match name {
            b"ping" => return,
            b"error" => return self.fail(data),
            b"content_block_delta" => self.seen.output_bytes += members::text_length(data, &WRITTEN),
            b"content_block_start" => self.seen.output_bytes += members::text_length(data, &BEGUN),
            b"message_start" => {
                if let Ok(start) = serde_json::from_slice::<MessageStart>(data) {
                    self.seen.model = bounded(start.message.model);
                    self.seen.id = bounded(start.message.id);
                    self.told_anthropic(start.message.usage);
                }
            }
            b"message_delta" => {
                if let Ok(delta) = serde_json::from_slice::<MessageDelta>(data) {
                    self.told_anthropic_finally(delta.usage);
                }
            }
            b"message_stop" => self.seen.ended = true,
            _ => {}
        }
        self.seen.started = true;
    }

    /// What counts in the end: a zero takes nothing back, but is believed where nothing was written.
    pub(super) fn told_anthropic_finally(&mut self, usage: Option<Anthropic>) {
        let output = usage.as_ref().and_then(Anthropic::output);
        self.told = self.told.max(output);
        self.told_anthropic(usage);
    }

    fn told_anthropic(&mut self, usage: Option<Anthropic>) {
        let Some(usage) = usage else { return };
        self.anthropic.update(usage);
        self.seen.usage = Some(self.anthropic.usage());
        self.seen.tier.clone_from(&self.anthropic.service_tier);
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
