//! OpenAI Responses, and the streams of image generation: named events, usage in the last one.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::calls::ToolUsage;
use super::chat::is_error;
use super::kept::take;
use super::{Meter, members};
use crate::request::items;
use crate::sse::Event;

impl Meter {
    pub(super) fn responses_event(&mut self, event: Event<'_>) {
        let data = event.data;
        if data.starts_with(b"[DONE]") {
            return;
        }
        if let Some(number) = members::number(data, b"\"sequence_number\"") {
            self.seen.sequence_number = Some(number);
        }
        let name = name_of(&event);
        match name {
            b"error" => return self.fail(data),
            b"response.failed" => {
                self.responses_object(data);
                self.fail(data);
                self.seen.ended = true;
                return;
            }
            b"response.completed" | b"response.incomplete" => {
                // A terminal event that can't be read is none.
                self.seen.ended |= self.responses_object(data);
            }
            b"response.created" => {
                self.responses_object(data);
            }
            b"keepalive" => return,
            b"response.output_item.added" => {
                self.seen.items.made(items::told(data));
                self.seen.output.begins(data);
            }
            b"response.output_item.done" => {
                self.seen.items.made(items::told(data));
                self.called(items::ended(data).as_ref(), false);
                self.seen.output.is_done(data);
            }
            _ if name.ends_with(b".delta") => {
                let delta = members::written(data, b"\"delta\"").unwrap_or_default();
                self.seen.output_bytes += delta.len() as u64;
                if name == b"response.output_text.delta" {
                    self.seen.output.goes_on(data, delta);
                }
            }
            _ => {}
        }
        self.seen.started = true;
    }

    /// Image generation: partial images, then `image_generation.completed` with the usage.
    pub(super) fn images_event(&mut self, event: Event<'_>) {
        let data = event.data;
        let name = name_of(&event);
        if name == b"error" || is_error(data) {
            return self.fail(data);
        }
        if name.ends_with(b".completed")
            && let Ok(completed) = serde_json::from_slice::<ImageCompleted<'_>>(data)
        {
            self.seen.ended = true;
            self.calls.image();
            self.told_openai(completed.usage.map(|told| told.get().as_bytes()));
        }
        self.seen.ended |= data.starts_with(b"[DONE]");
        self.seen.started = true;
    }

    fn responses_object(&mut self, data: &[u8]) -> bool {
        let Ok(event) = serde_json::from_slice::<ResponseEvent<'_>>(data) else { return false };
        take(&mut self.seen.model, event.response.model);
        take(&mut self.seen.tier, event.response.service_tier);
        take(&mut self.seen.id, event.response.id);
        if let Some(store) = event.response.store {
            self.seen.items.are_kept(store != Value::Bool(false));
        }
        // Where no event of their own has told of the items.
        if let Some(output) = event.response.output {
            let unknown = self.seen.items.are_unknown();
            items::made(output.get().as_bytes(), |id, call| {
                self.seen.items.made(id.filter(|_| unknown));
                self.called(call.as_ref(), true);
            });
        }
        self.seen.created_at = event.response.created_at.or(self.seen.created_at.take());
        self.told_openai(event.response.usage.map(|told| told.get().as_bytes()));
        if let Some(tools) = event.response.tools {
            self.calls.tools(tools.get().as_bytes());
        }
        if let Some(told) = event.response.tool_usage {
            self.calls.told(&told);
        }
        let mut used = self.seen.usage;
        self.put_calls(&mut used);
        self.seen.usage = used;
        true
    }
}

fn name_of<'a>(event: &Event<'a>) -> &'a [u8] {
    if event.name.is_empty() {
        members::string(event.data, b"\"type\"").unwrap_or_default()
    } else {
        event.name
    }
}

#[derive(Deserialize)]
struct ResponseEvent<'a> {
    #[serde(borrow)]
    response: ResponseObject<'a>,
}

#[derive(Deserialize)]
struct ResponseObject<'a> {
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    store: Option<Value>,
    id: Option<String>,
    created_at: Option<Value>,
    model: Option<String>,
    service_tier: Option<String>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    tool_usage: Option<ToolUsage>,
}

#[derive(Deserialize)]
struct ImageCompleted<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}
