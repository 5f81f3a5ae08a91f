//! The Claude Messages API: usage at the start, cumulative usage at the end, each event named.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::kept::bounded;
use super::{Meter, members};
use crate::sse::Event;
use sluice_usage::Anthropic;

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
                if let Ok(start) = serde_json::from_slice::<MessageStart<'_>>(data) {
                    self.seen.model = bounded(start.message.model);
                    self.seen.id = bounded(start.message.id);
                    if let Some(told) = start.message.usage {
                        self.seen.raw_usage.starts(told.get().as_bytes());
                        self.told_anthropic(serde_json::from_str(told.get()).ok());
                    }
                }
            }
            b"message_delta" => {
                if let Ok(delta) = serde_json::from_slice::<MessageDelta<'_>>(data)
                    && let Some(told) = delta.usage
                {
                    self.told_anthropic_finally(told.get().as_bytes());
                }
            }
            b"message_stop" => self.seen.ended = true,
            _ => {}
        }
        self.seen.started = true;
    }

    /// What counts in the end: a zero takes nothing back, but is believed where nothing was written.
    pub(super) fn told_anthropic_finally(&mut self, told: &[u8]) {
        let usage = serde_json::from_slice::<Anthropic>(told).ok();
        self.seen.raw_usage.told(told);
        let output = usage.as_ref().and_then(Anthropic::output);
        self.told = self.told.max(output);
        self.told_anthropic(usage);
    }

    fn told_anthropic(&mut self, usage: Option<Anthropic>) {
        let Some(usage) = usage else { return };
        usage.unknown(&mut self.seen.unknown_usage);
        self.anthropic.update(usage);
        let (told, model) = (&self.anthropic, self.seen.model.as_deref());
        self.seen.usage = Some(told.usage(model));
        self.seen.turns = told.turns(model);
        self.seen.others = told.others(model);
        self.seen.tier = told.tier().map(ToOwned::to_owned);
        self.seen.speed = told.speed().map(ToOwned::to_owned);
        self.seen.geo = told.geo().map(ToOwned::to_owned);
    }
}

#[derive(Deserialize)]
struct MessageStart<'a> {
    #[serde(borrow)]
    message: Message<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    id: Option<String>,
    model: Option<String>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct MessageDelta<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}
