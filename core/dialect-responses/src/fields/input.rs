//! Rows of input items and of their parts.

use sluice_api::dialect::Api::{Anthropic, Gemini, OpenaiChat};
use sluice_neutral::fields::Fate::{Adapted, Carried, Named, Refused, Silent};
use sluice_neutral::fields::Field;

use super::rows::{all, join, moved, words};

const INPUT: &str = "input";

pub(super) const ITEMS: [Field; 84] = join(&[
    &[
        Field::kind(INPUT, "message", Carried),
        Field::kind(INPUT, "function_call", Carried),
        Field::kind(INPUT, "function_call_output", Carried),
        Field::kind(INPUT, "reasoning", Adapted)
            .note("goes back to the account whose model thought it, and nowhere else"),
        Field::kind(INPUT, "custom_tool_call", Adapted)
            .note("a call with one string")
            .to(OpenaiChat, Carried),
        Field::kind(INPUT, "custom_tool_call_output", Adapted).note("a result").to(OpenaiChat, Carried),
        Field::kind(INPUT, "tool_search_call", Adapted).note("a call of the function `tool_search`"),
        Field::kind(INPUT, "tool_search_output", Adapted)
            .note("a result, and the tools that it found are tools from there on"),
        Field::kind(INPUT, "additional_tools", Adapted).note("they stand among the tools"),
        Field::kind(INPUT, "configuration_update", Adapted).note("the last one holds for the answer"),
        Field::kind(INPUT, "web_search_call", Named),
        Field::kind(INPUT, "file_search_call", Named),
        Field::kind(INPUT, "image_generation_call", Named)
            .note("an image of the model's own can't be shown to it again"),
        Field::kind(INPUT, "item_reference", Refused).note("the item is OpenAI's to know"),
    ],
    &all(
        Field::kind(INPUT, "", Refused),
        words![
            compaction compaction_trigger program program_output code_interpreter_call computer_call
            computer_call_output local_shell_call local_shell_call_output shell_call shell_call_output
            apply_patch_call apply_patch_call_output mcp_call mcp_list_tools mcp_approval_request
            mcp_approval_response agent_message multi_agent_call multi_agent_call_output
        ],
    ),
    &all(Field::new(INPUT, "", Carried), words![type role content call_id arguments output name input]),
    &all(Field::new(INPUT, "", Silent), words![id status phase internal_chat_message_metadata_passthrough]),
    &[
        Field::new(INPUT, "namespace", Adapted).note("`namespace__tool` is the tool's name"),
        Field::new(INPUT, "summary", Adapted).note("the text of the thoughts"),
        Field::new(INPUT, "encrypted_content", Adapted)
            .note("goes back to the account whose model thought it"),
        Field::new(INPUT, "caller", Adapted).note("the model itself; a program's call is refused"),
        Field::new(INPUT, "async", Refused)
            .but(&["false"])
            .note("a result that comes in a later request is missing elsewhere"),
        Field::new(INPUT, "agent", Refused).note("nobody else has agents of its own"),
        Field::new(INPUT, "tools", Adapted).note("they stand among the tools"),
        Field::new(INPUT, "execution", Adapted)
            .note("a search by the client is a call; one by OpenAI is left out"),
        Field::new(INPUT, "reasoning", Adapted).note("the effort from there on"),
        Field::new(INPUT, "text", Adapted).note("the form of the answer from there on"),
    ],
    &all(
        Field::new(INPUT, "", Named),
        words![queries results action result size quality output_format background],
    ),
    &all(Field::new(INPUT, "", Named), words![revised_prompt svg_usage]),
    &all(
        Field::new(INPUT, "", Refused),
        words![
            acknowledged_safety_checks actions approval_request_id approve author agent_name code
            container_id environment error fingerprint max_output_length operation outputs
            pending_safety_checks reason recipient server_label
        ],
    ),
]);

const PART: &str = "input.content";

/// Of parts of messages and of results.
const ANY: [Field; 14] = join(&[
    &[
        Field::kind(PART, "input_text", Carried),
        Field::kind(PART, "output_text", Carried),
        Field::kind(PART, "input_image", Carried),
        Field::kind(PART, "input_file", Carried),
        Field::new(PART, "file_id", Refused).note("the file is OpenAI's to know"),
        Field::new(PART, "detail", Carried).to(Anthropic, Named).but(&[r#""auto""#]),
        Field::new(PART, "annotations", Silent),
        Field::new(PART, "prompt_cache_breakpoint", Adapted)
            .note("a mark of the API's own")
            .to(Gemini, Silent),
    ],
    &all(Field::new(PART, "", Carried), words![type text image_url file_url file_data filename]),
]);

pub(super) const CONTENT: [Field; 22] = join(&[
    &ANY,
    &[
        Field::kind(PART, "refusal", Adapted).note("text, elsewhere").to(OpenaiChat, Carried),
        Field::kind(PART, "input_audio", Carried).to(Anthropic, Refused).note("Claude's API takes no sound"),
        Field::kind(PART, "reasoning_text", Adapted).note("the thoughts, where there is no summary"),
        Field::kind(PART, "text", Carried),
        Field::new(PART, "refusal", Carried),
        Field::new(PART, "input_audio", Carried),
    ],
    &all(Field::new(PART, "", Silent), words![logprobs status]),
]);

pub(super) const OUTPUT: [Field; 18] = join(&[
    &moved::<14>("input.output", ANY),
    &all(Field::new("input.output", "", Refused), words![outcome stdout stderr]),
    &[Field::kind("input.output", "computer_screenshot", Refused).note("of computer use")],
]);

pub(super) const MARK: [Field; 2] = [
    Field::new("input.content.prompt_cache_breakpoint", "mode", Silent),
    Field::new("input.content.prompt_cache_breakpoint", "ttl", Adapted)
        .note("the API's own times")
        .to(Gemini, Silent),
];

pub(super) const OUTPUT_MARK: [Field; 2] = moved("input.output.prompt_cache_breakpoint", MARK);

pub(super) const SUMMARY: [Field; 3] = [
    Field::kind("input.summary", "summary_text", Adapted).note("the text of the thoughts"),
    Field::new("input.summary", "type", Carried),
    Field::new("input.summary", "text", Carried),
];

pub(super) const CALLER: [Field; 4] = [
    Field::kind("input.caller", "direct", Adapted).note("the model itself"),
    Field::kind("input.caller", "program", Refused).note("a program of OpenAI's"),
    Field::new("input.caller", "type", Carried),
    Field::new("input.caller", "caller_id", Refused).note("of a program of OpenAI's"),
];

pub(super) const REASONING: [Field; 1] = [Field::new("input.reasoning", "effort", Adapted)
    .note("the nearest that the model has, or a budget of tokens")];

pub(super) const TEXT: [Field; 2] = moved("input.text", super::top::TEXT);

pub(super) const FORMAT: [Field; 8] = moved("input.text.format", super::top::FORMAT);
