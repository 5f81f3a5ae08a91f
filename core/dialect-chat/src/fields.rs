//! What becomes of each field of a Chat Completions request toward each other dialect.

use sluice_api::dialect::Api;
use sluice_neutral::fields::Fate::{Adapted, Carried, Named, Refused, Silent};
use sluice_neutral::fields::Field;

const A: Api = Api::Anthropic;
const R: Api = Api::OpenaiResponses;
const G: Api = Api::Gemini;

const WITH_MARK: &str = "a mark up to which the prompt is cached";
const VENDORS: &str = "no field of OpenAI's, but of many who speak its dialect";

/// The table; the rows of one place stand together.
pub(crate) const FIELDS: &[Field] = &[
    Field::new("", "model", Carried).note("by the name that the account has for it"),
    Field::new("", "messages", Carried),
    Field::new("", "stream", Carried),
    Field::new("", "stream_options", Adapted),
    Field::new("", "max_completion_tokens", Carried),
    Field::new("", "max_tokens", Adapted).note("thoughts count among them"),
    Field::new("", "temperature", Carried).to(A, Adapted).note("at most 1, and of models that take it"),
    Field::new("", "top_p", Carried).to(A, Adapted).note("of models that take it"),
    Field::new("", "top_k", Carried).to(R, Named).note(VENDORS),
    Field::new("", "n", Refused).but(&["1"]).note("one answer is asked for at a time"),
    Field::new("", "stop", Carried).to(R, Adapted).note("looked for in the answer, which ends there"),
    Field::new("", "presence_penalty", Carried).to(A, Named).to(R, Named).but(&["0", "0.0"]),
    Field::new("", "frequency_penalty", Carried).to(A, Named).to(R, Named).but(&["0", "0.0"]),
    Field::new("", "logit_bias", Named).but(&["{}"]),
    Field::new("", "logprobs", Carried).to(A, Named).but(&["false"]),
    Field::new("", "top_logprobs", Carried).to(A, Named).but(&["0"]),
    Field::new("", "seed", Carried).to(A, Named).to(R, Named),
    Field::new("", "user", Adapted).to(G, Named).note("where there is no `safety_identifier`"),
    Field::new("", "safety_identifier", Adapted).to(G, Named),
    Field::new("", "prompt_cache_key", Carried).to(A, Silent).to(G, Silent),
    Field::new("", "prompt_cache_options", Silent)
        .to(R, Adapted)
        .note("whether the marks on parts alone say what is cached, which Claude's API does anyway"),
    Field::new("", "prompt_cache_retention", Adapted).to(G, Silent).note("`24h`: for an hour or more"),
    Field::new("", "reasoning_effort", Adapted).note("as a budget of tokens where a model takes that"),
    Field::new("", "reasoning", Adapted).note(VENDORS),
    Field::new("", "thinking", Adapted).note(VENDORS),
    Field::new("", "verbosity", Carried).to(A, Silent).to(G, Silent),
    Field::new("", "response_format", Adapted),
    Field::new("", "tools", Carried),
    Field::new("", "tool_choice", Adapted),
    Field::new("", "parallel_tool_calls", Carried).to(G, Named).but(&["true"]),
    Field::new("", "functions", Adapted).note(
        "as tools; the answer calls one in the old form, and one is asked for; of several that Gemini makes, which can't be \
         told so, the first is told",
    ),
    Field::new("", "function_call", Adapted),
    Field::new("", "modalities", Refused).but(&["[\"text\"]"]).note("answers are texts"),
    Field::new("", "audio", Refused).note("answers are texts"),
    Field::new("", "prediction", Named),
    Field::new("", "moderation", Named),
    Field::new("", "web_search_options", Adapted),
    Field::new("", "service_tier", Adapted).but(&["\"auto\"", "\"default\""]),
    Field::new("", "store", Silent),
    Field::new("", "metadata", Carried).to(A, Silent).to(G, Silent),
    Field::new("stream_options", "include_usage", Adapted).note("whether the answer ends with its usage"),
    Field::new("stream_options", "include_obfuscation", Silent),
    Field::new("prompt_cache_options", "mode", Silent).to(R, Carried),
    Field::new("prompt_cache_options", "ttl", Silent),
    Field::new("reasoning", "effort", Adapted),
    Field::new("reasoning", "max_tokens", Adapted),
    Field::new("reasoning", "exclude", Adapted),
    Field::new("reasoning", "enabled", Silent),
    Field::new("thinking", "type", Adapted),
    Field::new("thinking", "budget_tokens", Adapted),
    Field::kind("response_format", "text", Carried),
    Field::kind("response_format", "json_object", Adapted),
    Field::kind("response_format", "json_schema", Carried),
    Field::new("response_format", "type", Carried),
    Field::new("response_format", "json_schema", Carried),
    Field::new("response_format.json_schema", "name", Carried),
    Field::new("response_format.json_schema", "description", Carried),
    Field::new("response_format.json_schema", "schema", Carried),
    Field::new("response_format.json_schema", "strict", Carried),
    Field::new("audio", "voice", Refused),
    Field::new("audio", "format", Refused),
    Field::new("audio.voice", "id", Refused),
    Field::kind("prediction", "content", Named),
    Field::new("prediction", "type", Named),
    Field::new("prediction", "content", Named),
    Field::kind("prediction.content", "text", Named),
    Field::new("prediction.content", "type", Named),
    Field::new("prediction.content", "text", Named),
    Field::new("prediction.content", "prompt_cache_breakpoint", Named),
    Field::new("prediction.content.prompt_cache_breakpoint", "mode", Named),
    Field::new("prediction.content.prompt_cache_breakpoint", "ttl", Named),
    Field::new("moderation", "model", Named),
    Field::new("moderation", "policy", Named),
    Field::new("moderation.policy", "input", Named),
    Field::new("moderation.policy", "output", Named),
    Field::new("moderation.policy.input", "mode", Named),
    Field::new("moderation.policy.output", "mode", Named),
    Field::new("web_search_options", "search_context_size", Carried).to(A, Named).to(G, Named),
    Field::new("web_search_options", "user_location", Carried).to(G, Named),
    Field::kind("web_search_options.user_location", "approximate", Carried).to(G, Named),
    Field::new("web_search_options.user_location", "type", Carried).to(G, Named),
    Field::new("web_search_options.user_location", "approximate", Carried).to(G, Named),
    Field::new("web_search_options.user_location.approximate", "city", Carried).to(G, Named),
    Field::new("web_search_options.user_location.approximate", "country", Carried).to(G, Named),
    Field::new("web_search_options.user_location.approximate", "region", Carried).to(G, Named),
    Field::new("web_search_options.user_location.approximate", "timezone", Carried).to(G, Named),
    Field::kind("tools", "function", Carried),
    Field::kind("tools", "custom", Carried).to(A, Adapted).to(G, Adapted).note("a function of one text"),
    Field::new("tools", "type", Carried),
    Field::new("tools", "function", Carried),
    Field::new("tools", "custom", Carried),
    Field::new("tools", "cache_control", Adapted).to(G, Silent).note(VENDORS),
    Field::new("tools.function", "name", Carried),
    Field::new("tools.function", "description", Carried),
    Field::new("tools.function", "parameters", Carried),
    Field::new("tools.function", "strict", Carried),
    Field::new("tools.custom", "name", Carried),
    Field::new("tools.custom", "description", Carried),
    Field::new("tools.custom", "format", Carried).to(A, Adapted).to(G, Adapted).note("in words"),
    Field::kind("tools.custom.format", "text", Carried),
    Field::kind("tools.custom.format", "grammar", Adapted),
    Field::new("tools.custom.format", "type", Carried),
    Field::new("tools.custom.format", "grammar", Adapted),
    Field::new("tools.custom.format.grammar", "syntax", Adapted),
    Field::new("tools.custom.format.grammar", "definition", Adapted),
    Field::kind("tool_choice", "function", Carried),
    Field::kind("tool_choice", "custom", Carried),
    Field::kind("tool_choice", "allowed_tools", Adapted),
    Field::new("tool_choice", "type", Carried),
    Field::new("tool_choice", "function", Carried),
    Field::new("tool_choice", "custom", Carried),
    Field::new("tool_choice", "allowed_tools", Adapted),
    Field::new("tool_choice.function", "name", Carried),
    Field::new("tool_choice.custom", "name", Carried),
    Field::new("tool_choice.allowed_tools", "mode", Carried),
    Field::new("tool_choice.allowed_tools", "tools", Adapted),
    Field::new("functions", "name", Carried),
    Field::new("functions", "description", Carried),
    Field::new("functions", "parameters", Carried),
    Field::new("function_call", "name", Carried),
    Field::kind("messages", "system", Carried),
    Field::kind("messages", "developer", Carried),
    Field::kind("messages", "user", Carried),
    Field::kind("messages", "assistant", Carried),
    Field::kind("messages", "tool", Carried),
    Field::kind("messages", "function", Adapted).note("the result of the last call of that name"),
    Field::new("messages", "role", Carried),
    Field::new("messages", "content", Carried),
    Field::new("messages", "name", Adapted).note("before the text, where there are several speakers"),
    Field::new("messages", "refusal", Adapted).note("as text where there are no refusals"),
    Field::new("messages", "audio", Refused).note("it is kept at OpenAI"),
    Field::new("messages", "tool_calls", Carried),
    Field::new("messages", "tool_call_id", Carried),
    Field::new("messages", "function_call", Adapted),
    Field::new("messages", "reasoning_content", Adapted).note(VENDORS),
    Field::new("messages", "reasoning", Adapted).note(VENDORS),
    Field::new("messages", "reasoning_details", Adapted).note(VENDORS),
    Field::new("messages", "annotations", Silent).note("of an answer that is said again"),
    Field::new("messages.audio", "id", Refused),
    Field::kind("messages.content", "text", Carried),
    Field::kind("messages.content", "image_url", Carried),
    Field::kind("messages.content", "input_audio", Carried).to(A, Refused),
    Field::kind("messages.content", "file", Carried),
    Field::kind("messages.content", "refusal", Adapted).note("as text where there are no refusals"),
    Field::new("messages.content", "type", Carried),
    Field::new("messages.content", "text", Carried),
    Field::new("messages.content", "image_url", Carried),
    Field::new("messages.content", "input_audio", Carried).to(A, Refused),
    Field::new("messages.content", "file", Carried),
    Field::new("messages.content", "refusal", Adapted),
    Field::new("messages.content", "prompt_cache_breakpoint", Adapted).to(G, Silent).note(WITH_MARK),
    Field::new("messages.content", "cache_control", Adapted).to(G, Silent).note(VENDORS),
    Field::new("messages.content.image_url", "url", Carried),
    Field::new("messages.content.image_url", "detail", Carried).to(A, Named).but(&["\"auto\""]),
    Field::new("messages.content.input_audio", "data", Carried).to(A, Refused),
    Field::new("messages.content.input_audio", "format", Carried).to(A, Refused),
    Field::new("messages.content.file", "file_data", Carried),
    Field::new("messages.content.file", "file_id", Refused).note("it is kept at OpenAI"),
    Field::new("messages.content.file", "filename", Carried),
    Field::new("messages.content.prompt_cache_breakpoint", "mode", Silent),
    Field::new("messages.content.prompt_cache_breakpoint", "ttl", Adapted).to(G, Silent),
    Field::kind("messages.tool_calls", "function", Carried),
    Field::kind("messages.tool_calls", "custom", Carried).to(A, Adapted).to(G, Adapted),
    Field::new("messages.tool_calls", "id", Carried),
    Field::new("messages.tool_calls", "type", Carried),
    Field::new("messages.tool_calls", "function", Carried),
    Field::new("messages.tool_calls", "custom", Carried),
    Field::new("messages.tool_calls", "index", Silent).note("of an answer that is said again"),
    Field::new("messages.tool_calls", "extra_content", Adapted)
        .note("what a model's maker wants back with it"),
    Field::new("messages.tool_calls.function", "name", Carried),
    Field::new("messages.tool_calls.function", "arguments", Carried),
    Field::new("messages.tool_calls.custom", "name", Carried),
    Field::new("messages.tool_calls.custom", "input", Carried),
    Field::new("messages.function_call", "name", Carried),
    Field::new("messages.function_call", "arguments", Carried),
];

/// The rows about one place.
pub(crate) fn about(place: &str) -> &'static [Field] {
    match place {
        // Of these a request has thousands.
        "messages" => MESSAGES,
        "messages.content" => CONTENT,
        "messages.tool_calls" => CALLS,
        "messages.tool_calls.function" => CALLED,
        place => rows(place),
    }
}

const MESSAGES: &[Field] = rows("messages");
const CONTENT: &[Field] = rows("messages.content");
const CALLS: &[Field] = rows("messages.tool_calls");
const CALLED: &[Field] = rows("messages.tool_calls.function");

const fn rows(place: &str) -> &'static [Field] {
    let mut rest = FIELDS;
    while let Some((first, after)) = rest.split_first()
        && !is_same(first.place, place)
    {
        rest = after;
    }
    let (mut behind, mut count) = (rest, 0);
    while let Some((first, after)) = behind.split_first()
        && is_same(first.place, place)
    {
        behind = after;
        count += 1;
    }
    rest.split_at(count).0
}

const fn is_same(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    while let (Some((first, rest)), Some((second, others))) = (one.split_first(), other.split_first()) {
        if *first != *second {
            return false;
        }
        (one, other) = (rest, others);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{FIELDS, about};

    #[test]
    fn the_rows_of_a_place_stand_together_and_each_stands_once() {
        for field in FIELDS {
            let rows = about(field.place);
            let same = |other: &&sluice_neutral::fields::Field| {
                (other.name, other.is_kind) == (field.name, field.is_kind)
            };
            assert_eq!(rows.iter().filter(same).count(), 1, "{}.{}", field.place, field.name);
            let all = FIELDS.iter().filter(|other| other.place == field.place).count();
            assert_eq!(rows.len(), all, "{}", field.place);
        }
        assert!(about("nowhere").is_empty());
    }
}
