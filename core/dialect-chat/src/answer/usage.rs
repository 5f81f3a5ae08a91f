//! Usage: read of an upstream's answer, and written in this dialect's convention, in which input has the caches in it.

use sluice_api::cost::Usage;
use sluice_neutral::json::Members;
use sluice_usage::Openai;

use super::pieces;
use crate::json::Json;

/// What an answer or a chunk tells; zeros alone tell nothing.
pub(crate) fn read(top: &Members<'_>) -> Option<Usage> {
    let told: Openai = serde_json::from_str(pieces::told(top, "usage")?.get()).ok()?;
    told.tells().then(|| told.usage())
}

/// The object.
pub(crate) fn write(usage: &Usage, json: &mut Json) {
    json.object(|json| {
        json.key("prompt_tokens").number(usage.all_input());
        json.key("completion_tokens").number(usage.output);
        json.key("total_tokens").number(usage.total());
        json.key("prompt_tokens_details").object(|json| {
            json.key("cached_tokens").number(usage.cache_read);
            json.key("cache_write_tokens").number(usage.cache_write());
            json.key("audio_tokens").number(usage.audio_input.saturating_add(usage.audio_cache_read));
        });
        json.key("completion_tokens_details").object(|json| {
            json.key("reasoning_tokens").number(usage.reasoning);
            json.key("audio_tokens").number(usage.audio_output);
            json.key("accepted_prediction_tokens").number(0);
            json.key("rejected_prediction_tokens").number(0);
        });
    });
}
