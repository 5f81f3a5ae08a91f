//! Rows of tools, and of which of them must be called.

use sluice_api::dialect::Api::{Anthropic, Gemini, OpenaiChat};
use sluice_neutral::fields::Fate::{Adapted, Carried, Named, Refused, Silent};
use sluice_neutral::fields::Field;

use super::rows::{all, join, moved, words};

const SEARCH: &str = "the API's own search";

/// Of tools of the client's own.
const OWN: [Field; 12] = join(&[
    &[
        Field::kind("tools", "function", Carried),
        Field::kind("tools", "custom", Adapted).note("a tool that takes one string").to(OpenaiChat, Carried),
        Field::new("tools", "format", Adapted)
            .note("a grammar is told in words where the API has none")
            .to(OpenaiChat, Carried),
        Field::new("tools", "defer_loading", Adapted).note("what was not found by a search is not shown yet"),
        Field::new("tools", "allowed_callers", Adapted)
            .note("a tool that the model itself may not call is left out, and named"),
        Field::new("tools", "output_schema", Silent).to(Gemini, Carried),
        Field::new("tools", "async", Refused)
            .but(&["false"])
            .note("a result that comes in a later request is missing elsewhere"),
    ],
    &all(Field::new("tools", "", Carried), words![type name description parameters strict]),
]);

pub(super) const TOOLS: [Field; 66] = join(&[
    &OWN,
    &[
        Field::kind("tools", "namespace", Adapted).note("its tools are called `namespace__tool`"),
        Field::kind("tools", "tool_search", Adapted)
            .note("run by the client it is a function; run by OpenAI it is named, and all tools are shown"),
        Field::kind("tools", "web_search", Adapted).note(SEARCH),
        Field::kind("tools", "web_search_2025_08_26", Adapted).note(SEARCH),
        Field::kind("tools", "web_search_preview", Adapted).note(SEARCH),
        Field::kind("tools", "web_search_preview_2025_03_11", Adapted).note(SEARCH),
    ],
    &all(
        Field::kind("tools", "", Refused),
        words![
            file_search code_interpreter image_generation mcp computer computer_use_preview local_shell
            shell apply_patch programmatic_tool_calling
        ],
    ),
    &[
        Field::new("tools", "tools", Adapted).note("they are called `namespace__tool`"),
        Field::new("tools", "execution", Adapted).note("who searches for tools"),
        Field::new("tools", "external_web_access", Adapted)
            .note("a search that must not leave OpenAI's cache is left out, and named"),
        Field::new("tools", "filters", Refused)
            .but(&["{}", r#"{"allowed_domains":[]}"#])
            .to(Anthropic, Adapted)
            .note("without its list of domains a search would be wider than is allowed"),
        Field::new("tools", "user_location", Adapted).note("in the API's own form").to(Gemini, Named),
        Field::new("tools", "search_context_size", Named).to(OpenaiChat, Carried),
        Field::new("tools", "search_content_types", Named),
    ],
    &all(
        Field::new("tools", "", Refused),
        words![
            action allowed_tools authorization background complexity connector_id container
            display_height display_width environment frame_count frame_duration_ms headers input_fidelity
            input_image_mask max_num_results model moderation output_compression output_format
            partial_images quality ranking_options require_approval server_description server_label
            server_url size svg tunnel_id vector_store_ids
        ],
    ),
]);

pub(super) const GRAMMAR: [Field; 5] = [
    Field::kind("tools.format", "text", Carried),
    Field::kind("tools.format", "grammar", Adapted).note("told in words").to(OpenaiChat, Carried),
    Field::new("tools.format", "type", Carried),
    Field::new("tools.format", "syntax", Adapted).note("told in words").to(OpenaiChat, Carried),
    Field::new("tools.format", "definition", Adapted).note("told in words").to(OpenaiChat, Carried),
];

pub(super) const FILTERS: [Field; 5] = join(&[
    &[Field::new("tools.filters", "allowed_domains", Refused)
        .to(Anthropic, Carried)
        .but(&["[]"])
        .note("without them a search would be wider than is allowed")],
    &all(Field::new("tools.filters", "", Refused), words![type key value filters]),
]);

pub(super) const NEAR: [Field; 5] =
    all(Field::new("tools.user_location", "", Carried), words![type city country region timezone]);

pub(super) const INNER: [Field; 12] = moved("tools.tools", OWN);
pub(super) const INNER_GRAMMAR: [Field; 5] = moved("tools.tools.format", GRAMMAR);
/// Tools that stand in the input.
pub(super) const MORE: &[Field] = &MORE_ROWS;

const MORE_ROWS: [Field; 98] = join(&[
    &moved::<66>("input.tools", TOOLS),
    &moved::<5>("input.tools.format", GRAMMAR),
    &moved::<5>("input.tools.filters", FILTERS),
    &moved::<5>("input.tools.user_location", NEAR),
    &moved::<12>("input.tools.tools", INNER),
    &moved::<5>("input.tools.tools.format", GRAMMAR),
]);

pub(super) const CHOICE: [Field; 22] = join(&[
    &[
        Field::kind("tool_choice", "function", Carried),
        Field::kind("tool_choice", "custom", Carried),
        Field::kind("tool_choice", "allowed_tools", Carried),
    ],
    &all(
        Field::kind("tool_choice", "", Refused),
        words![
            file_search web_search_preview web_search_preview_2025_03_11 web_search computer computer_use
            computer_use_preview code_interpreter image_generation mcp shell apply_patch
            programmatic_tool_calling
        ],
    ),
    &all(Field::new("tool_choice", "", Carried), words![type name mode tools]),
    &all(Field::new("tool_choice", "", Adapted), ["namespace"]),
    &all(Field::new("tool_choice", "", Refused), ["server_label"]),
]);
