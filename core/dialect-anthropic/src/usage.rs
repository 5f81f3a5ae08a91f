//! Usage in Anthropic's convention: the input without what caches had or got of it.

use sluice_api::cost::Usage;

use sluice_neutral::json::write::Object;

/// Writes the members of `usage`.
pub(crate) fn write(usage: &Usage, mut object: Object<'_>) {
    object.number("input_tokens", usage.input);
    object.number("cache_creation_input_tokens", usage.cache_write());
    object.number("cache_read_input_tokens", usage.cache_read);
    let mut written = object.object("cache_creation");
    written.number("ephemeral_5m_input_tokens", usage.cache_write_5m);
    written.number("ephemeral_1h_input_tokens", usage.cache_write_1h);
    drop(written);
    object.number("output_tokens", usage.output);
    if usage.reasoning > 0 {
        object.object("output_tokens_details").number("thinking_tokens", usage.reasoning);
    }
    if usage.web_searches > 0 {
        object.object("server_tool_use").number("web_search_requests", usage.web_searches);
    }
}
