//! OpenAI Responses, and the streams of image generation: named events, usage in the last one.

use serde::Deserialize;

use super::{Meter, look, take};
use crate::sse::Event;
use crate::usage::Openai;

impl Meter {
    pub(super) fn responses_event(&mut self, event: Event<'_>) {
        let data = event.data;
        if data.starts_with(b"[DONE]") {
            return;
        }
        if let Some(number) = look::number(data, b"\"sequence_number\"") {
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
            _ if name.ends_with(b".delta") => {
                self.seen.output_bytes += look::text_length(data, &[b"\"delta\""]);
            }
            _ => {}
        }
        self.seen.started = true;
    }

    /// Image generation: partial images, then `image_generation.completed` with the usage.
    pub(super) fn images_event(&mut self, event: Event<'_>) {
        let data = event.data;
        let name = name_of(&event);
        if name == b"error" {
            return self.fail(data);
        }
        if name.ends_with(b".completed")
            && let Ok(completed) = serde_json::from_slice::<ImageCompleted>(data)
        {
            self.seen.ended = true;
            if let Some(usage) = completed.usage {
                self.seen.usage = Some(usage.usage());
            }
        }
        self.seen.ended |= data.starts_with(b"[DONE]");
        self.seen.started = true;
    }

    fn responses_object(&mut self, data: &[u8]) -> bool {
        let Ok(event) = serde_json::from_slice::<ResponseEvent>(data) else { return false };
        take(&mut self.seen.model, event.response.model);
        take(&mut self.seen.tier, event.response.service_tier);
        take(&mut self.seen.id, event.response.id);
        if let Some(usage) = event.response.usage {
            let mut used = usage.usage();
            used.web_searches = event.response.tool_usage.map_or(0, |tools| tools.web_searches());
            self.seen.usage = Some(used);
        }
        true
    }
}

fn name_of<'a>(event: &Event<'a>) -> &'a [u8] {
    if event.name.is_empty() { look::string(event.data, b"\"type\"").unwrap_or_default() } else { event.name }
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
struct ImageCompleted {
    usage: Option<Openai>,
}

/// What hosted tools were used for.
#[derive(Deserialize)]
pub(super) struct ToolUsage {
    web_search: Option<WebSearch>,
}

#[derive(Deserialize)]
struct WebSearch {
    num_requests: Option<u64>,
}

impl ToolUsage {
    /// Searches that are billed by the call.
    pub(super) fn web_searches(&self) -> u64 {
        self.web_search.as_ref().and_then(|search| search.num_requests).unwrap_or(0)
    }
}
