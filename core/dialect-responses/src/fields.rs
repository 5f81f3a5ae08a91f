//! What becomes of each field of the Responses API toward each other dialect.
//!
//! What stands below a field that is refused or left out has its parent's fate, and no row of its own.

mod input;
mod rows;
mod tools;
mod top;

use sluice_neutral::at::At;
use sluice_neutral::fields::Field;
use sluice_neutral::loss::Place;

/// The rows about one place of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    /// The place, as the table calls it.
    pub(crate) place: &'static str,
    rows: &'static [Field],
}

impl Section {
    /// Where it stands in the request at hand.
    pub(crate) const fn at(self, at: At) -> Place<'static> {
        Place::new(self.rows, self.place, at)
    }

    /// The row of a field.
    pub(crate) fn find(self, name: &str) -> Option<&'static Field> {
        self.rows.iter().find(|field| !field.is_kind && field.name == name)
    }
}

macro_rules! sections {
    ($($name:ident = $place:literal, $rows:path;)*) => {
        $(
            #[doc = concat!("Rows of `", $place, "`.")]
            pub(crate) const $name: Section = Section { place: $place, rows: &$rows };
        )*
        const SECTIONS: &[&[Field]] = &[$(&$rows,)* tools::MORE];
    };
}

sections! {
    ITEMS = "input", input::ITEMS;
    CONTENT = "input.content", input::CONTENT;
    OUTPUT = "input.output", input::OUTPUT;
    MARK = "input.content.prompt_cache_breakpoint", input::MARK;
    OUTPUT_MARK = "input.output.prompt_cache_breakpoint", input::OUTPUT_MARK;
    SUMMARY = "input.summary", input::SUMMARY;
    CALLER = "input.caller", input::CALLER;
    NEW_REASONING = "input.reasoning", input::REASONING;
    NEW_TEXT = "input.text", input::TEXT;
    NEW_FORMAT = "input.text.format", input::FORMAT;
    TOP = "", top::TOP;
    TEXT = "text", top::TEXT;
    FORMAT = "text.format", top::FORMAT;
    REASONING = "reasoning", top::REASONING;
    CACHING = "prompt_cache_options", top::CACHING;
    CHOICE = "tool_choice", tools::CHOICE;
    TOOLS = "tools", tools::TOOLS;
    GRAMMAR = "tools.format", tools::GRAMMAR;
    FILTERS = "tools.filters", tools::FILTERS;
    NEAR = "tools.user_location", tools::NEAR;
    INNER = "tools.tools", tools::INNER;
    INNER_GRAMMAR = "tools.tools.format", tools::INNER_GRAMMAR;
}

/// Every row.
pub(crate) static FIELDS: [Field; count()] = rows::join(SECTIONS);

#[expect(clippy::indexing_slicing, reason = "of constants, while they are compiled")]
const fn count() -> usize {
    let (mut section, mut all) = (0, 0);
    while section < SECTIONS.len() {
        all += SECTIONS[section].len();
        section += 1;
    }
    all
}
