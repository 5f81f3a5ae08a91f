//! What becomes of each field of the Responses API toward each other dialect.
//!
//! What stands below a field that is refused or left out has its parent's fate, and no row of its own.

#![expect(clippy::indexing_slicing, reason = "of constants, while they are compiled")]

mod input;
mod tools;
mod top;

use sluice_neutral::fields::{Fate, Field};
use sluice_neutral::loss::{At, Place};

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
pub(crate) static FIELDS: [Field; count()] = join(SECTIONS);

const fn count() -> usize {
    let (mut section, mut all) = (0, 0);
    while section < SECTIONS.len() {
        all += SECTIONS[section].len();
        section += 1;
    }
    all
}

/// Words apart.
macro_rules! words {
    ($($word:tt)*) => { [$(stringify!($word)),*] };
}
use words;

/// Fields of one fate.
const fn all<const COUNT: usize>(
    place: &'static str,
    names: [&'static str; COUNT],
    fate: Fate,
) -> [Field; COUNT] {
    let mut rows = [Field::new(place, "", fate); COUNT];
    let mut row = 0;
    while row < COUNT {
        rows[row].name = names[row];
        row += 1;
    }
    rows
}

/// Kinds that nobody else has.
const fn refused<const COUNT: usize>(place: &'static str, names: [&'static str; COUNT]) -> [Field; COUNT] {
    let mut rows = all(place, names, Fate::Refused);
    let mut row = 0;
    while row < COUNT {
        rows[row].is_kind = true;
        row += 1;
    }
    rows
}

/// The same rows about another place.
const fn moved<const COUNT: usize>(place: &'static str, mut rows: [Field; COUNT]) -> [Field; COUNT] {
    let mut row = 0;
    while row < COUNT {
        rows[row].place = place;
        row += 1;
    }
    rows
}

/// Rows one after another.
const fn join<const COUNT: usize>(parts: &[&[Field]]) -> [Field; COUNT] {
    let mut all = [Field::new("", "", Fate::Silent); COUNT];
    let (mut part, mut at) = (0, 0);
    while part < parts.len() {
        let mut row = 0;
        while row < parts[part].len() {
            all[at] = parts[part][row];
            (row, at) = (row + 1, at + 1);
        }
        part += 1;
    }
    assert!(at == COUNT, "the rows are counted wrong");
    all
}
