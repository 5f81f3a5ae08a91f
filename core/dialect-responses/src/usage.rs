//! Usage, as OpenAI tells it.

use sluice_api::cost::Usage;
use sluice_neutral::at::At;
use sluice_neutral::json::Members;
use sluice_usage::Openai;

use sluice_neutral::json::write::Object;

/// What a response tells of its usage; nothing where it tells none.
pub(crate) fn read(response: &Members<'_>, searches: u64) -> Option<Usage> {
    let told: Openai = serde_json::from_str(response.get("usage")?.get()).ok()?;
    let mut usage = told.tells().then(|| told.usage())?;
    usage.web_searches = billed(response).unwrap_or(searches);
    Some(usage)
}

/// Searches as the response itself counts them.
fn billed(response: &Members<'_>) -> Option<u64> {
    let tools = Members::of(response.get("tool_usage")?, At::ROOT).ok()?;
    let search = Members::of(tools.get("web_search")?, At::ROOT).ok()?;
    search.get("num_requests")?.get().parse().ok()
}

/// Whether an item is a search that is billed: what was found is looked at for nothing.
pub(crate) fn is_search(item: &Members<'_>) -> bool {
    if item.label("type").as_deref() != Some("web_search_call") {
        return false;
    }
    let action = item.get("action").and_then(|action| Members::of(action, At::ROOT).ok());
    action.and_then(|action| action.label("type")).is_none_or(|kind| kind == "search")
}

/// Writes it.
pub(crate) fn write(usage: &Usage, response: &mut Object<'_>) {
    let mut told = response.object("usage");
    told.number("input_tokens", usage.all_input());
    let mut details = told.object("input_tokens_details");
    details.number("cached_tokens", usage.cache_read);
    details.number("cache_write_tokens", usage.cache_write());
    if usage.cache_write() > 0 {
        let mut writes = details.object("cache_write_tokens_details");
        writes.number("ttl_30m_tokens", usage.cache_write_5m);
        writes.number("ttl_12h_tokens", usage.cache_write_1h);
    }
    drop(details);
    told.number("output_tokens", usage.output);
    told.object("output_tokens_details").number("reasoning_tokens", usage.reasoning);
    told.number("total_tokens", usage.total());
    drop(told);
    if usage.web_searches > 0 {
        let mut tools = response.object("tool_usage");
        tools.object("web_search").number("num_requests", usage.web_searches);
    }
}
