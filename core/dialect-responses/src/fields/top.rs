//! Rows of the request itself, and of its options.

use sluice_api::dialect::Api::{Anthropic, Gemini, OpenaiChat};
use sluice_neutral::fields::Fate::{Adapted, Carried, Named, Refused, Silent};
use sluice_neutral::fields::Field;

pub(super) const TOP: [Field; 37] = [
    Field::new("", "model", Carried),
    Field::new("", "input", Carried),
    Field::new("", "instructions", Carried),
    Field::new("", "stream", Carried),
    Field::new("", "stream_options", Silent),
    Field::new("", "max_output_tokens", Carried),
    Field::new("", "max_tool_calls", Adapted).note(
        "the most searches of a web search toward Claude; named where a search is bound by it elsewhere",
    ),
    Field::new("", "temperature", Carried),
    Field::new("", "top_p", Carried),
    Field::new("", "top_logprobs", Carried).to(Anthropic, Named),
    Field::new("", "tools", Carried),
    Field::new("", "tool_choice", Carried),
    Field::new("", "parallel_tool_calls", Carried).to(Gemini, Named).but(&["true"]),
    Field::new("", "reasoning", Adapted).note("effort and summary, member by member"),
    Field::new("", "text", Adapted).note("format and verbosity, member by member"),
    Field::new("", "include", Adapted)
        .note("what is encrypted of the reasoning always comes; log probabilities where they are asked for")
        .to(Anthropic, Silent),
    Field::new("", "store", Silent).note("nothing is stored, and the answer says so"),
    Field::new("", "previous_response_id", Refused).note("the response is OpenAI's to know"),
    Field::new("", "conversation", Refused).note("the conversation is OpenAI's to know"),
    Field::new("", "background", Refused).but(&["false"]).note("nobody else answers later"),
    Field::new("", "background_options", Refused)
        .but(&["{}", r#"{"completion_window":"soonest"}"#])
        .note("nobody else answers later"),
    Field::new("", "truncation", Named).but(&[r#""disabled""#]),
    Field::new("", "context_management", Named).but(&["[]"]),
    Field::new("", "prompt", Refused).note("the prompt is stored at OpenAI"),
    Field::new("", "prompt_cache_key", Silent).to(OpenaiChat, Carried),
    Field::new("", "prompt_cache_options", Adapted)
        .note("how long what is marked is kept, and a prompt made ready"),
    Field::new("", "prompt_cache_retention", Adapted)
        .note("what is cached without a mark, and how long what is marked is kept")
        .to(Gemini, Silent),
    Field::new("", "service_tier", Adapted)
        .note("by its name where the account's API has one like it, else named")
        .to(OpenaiChat, Carried),
    Field::new("", "metadata", Silent)
        .to(OpenaiChat, Named)
        .but(&["{}"])
        .note("Chat takes them of what it stores, and nothing is stored"),
    Field::new("", "safety_identifier", Carried).to(Gemini, Named),
    Field::new("", "user", Carried).to(Gemini, Named),
    Field::new("", "moderation", Named),
    Field::new("", "access_programs", Named).but(&[r#"{"cyber":"standard"}"#, "{}"]),
    Field::new("", "image", Named).but(&[r#"{"context_compression":"auto"}"#, "{}"]),
    Field::new("", "client_metadata", Silent),
    Field::new("", "multi_agent", Refused)
        .but(&[r#"{"enabled":false}"#])
        .note("nobody else has agents of its own"),
    Field::new("", "personality", Named),
];

pub(super) const TEXT: [Field; 2] =
    [Field::new("text", "format", Carried), Field::new("text", "verbosity", Silent).to(OpenaiChat, Carried)];

pub(super) const FORMAT: [Field; 8] = [
    Field::kind("text.format", "text", Carried),
    Field::kind("text.format", "json_object", Adapted)
        .note("an instruction where the API has no such form")
        .to(OpenaiChat, Carried)
        .to(Gemini, Carried),
    Field::kind("text.format", "json_schema", Carried),
    Field::new("text.format", "type", Carried),
    Field::new("text.format", "name", Silent).to(OpenaiChat, Carried),
    Field::new("text.format", "description", Silent).to(OpenaiChat, Carried),
    Field::new("text.format", "schema", Carried),
    Field::new("text.format", "strict", Adapted)
        .note("where the API knows no other way, the answer fits its schema anyway")
        .to(OpenaiChat, Carried),
];

pub(super) const REASONING: [Field; 5] = [
    Field::new("reasoning", "effort", Adapted).note("the nearest that the model has, or a budget of tokens"),
    Field::new("reasoning", "summary", Adapted).note("that thoughts are shown"),
    Field::new("reasoning", "generate_summary", Adapted).note("the former name of `summary`"),
    Field::new("reasoning", "context", Named).but(&[r#""auto""#]),
    Field::new("reasoning", "mode", Named).but(&[r#""standard""#]),
];

pub(super) const CACHING: [Field; 4] = [
    Field::new("prompt_cache_options", "mode", Silent)
        .to(OpenaiChat, Carried)
        .note("Claude's API caches up to marks alone anyway"),
    Field::new("prompt_cache_options", "ttl", Adapted)
        .note("how long what is marked is kept, where the mark does not say")
        .to(Gemini, Silent),
    Field::new("prompt_cache_options", "comparison_response_id", Silent),
    Field::new("prompt_cache_options", "prewarm", Refused)
        .to(Anthropic, Adapted)
        .but(&["false"])
        .note("an answer of no tokens, which Claude's API alone has"),
];
