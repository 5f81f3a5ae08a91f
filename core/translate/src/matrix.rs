//! What becomes of each field toward each dialect, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;
use sluice_api::dialect::Api;
use sluice_neutral::fields::Field;

use crate::translation::dialect;

/// The dialects, in the order in which they are told.
const DIALECTS: [Api; 4] = [Api::Anthropic, Api::OpenaiChat, Api::OpenaiResponses, Api::Gemini];

/// One field, or one kind of something, of a client's request.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The client's dialect.
    pub api: Api,
    /// Where it stands: a path without positions; empty for the request itself.
    pub place: &'static str,
    /// Its name; of a kind, the value of its `type`.
    pub name: &'static str,
    /// Whether it is a kind: of a part, an item, a tool.
    pub kind: bool,
    /// What becomes of it toward each other dialect.
    pub toward: Vec<Toward>,
    /// Values, as JSON, that ask for nothing, and are left out without a word.
    pub harmless: &'static [&'static str],
    /// How it is adapted, or why it is refused.
    pub note: &'static str,
}

/// What becomes of a field toward one dialect.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Toward {
    /// The dialect.
    pub api: Api,
    /// `carried`, `adapted`, `left out`, `left out, named`, or `refused`.
    pub fate: &'static str,
}

/// Every row of every dialect's table.
#[must_use]
pub fn rows() -> Vec<Row> {
    let of = |api: Api| dialect(api).map(|dialect| dialect.fields()).unwrap_or_default();
    DIALECTS.iter().flat_map(|api| of(*api).iter().map(|field| row(*api, field))).collect()
}

fn row(api: Api, field: &Field) -> Row {
    let others = DIALECTS.iter().filter(|other| **other != api);
    let toward = others.map(|other| Toward { api: *other, fate: field.toward(*other).name() }).collect();
    let Field { place, name, is_kind: kind, harmless, note, .. } = *field;
    Row { api, place, name, kind, toward, harmless, note }
}

/// The page that people read.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# What is translated\n\n\
         Printed by `sluice plugins --matrix` from the tables that translation goes by; `--json` for programs.\n\n\
         A request whose account speaks the client's own API is relayed byte for byte, and nothing of this page concerns it. \
         Where the account speaks another, each field of the client's request is *carried* (it says the same there), \
         *adapted* (it is said in another way, as the note says), *left out* (nothing that was asked for depends on it), \
         *left out, named* (the answer's `x-sluice-dropped` names it), or *refused* (400, the field in the error). Values in \
         brackets ask for nothing, and are left out wherever the field is not carried. Fields that are not here are left \
         out and named; kinds of parts, items and tools that are not here are refused.\n",
    );
    for api in DIALECTS {
        let others: Vec<Api> = DIALECTS.into_iter().filter(|other| *other != api).collect();
        // Writing into a string does not fail.
        let _ = write!(page, "\n## From {}\n\n| field |", api.title());
        others.iter().for_each(|other| {
            let _ = write!(page, " {other} |");
        });
        page.push_str(" note |\n|---|---|---|---|---|\n");
        for row in rows().iter().filter(|row| row.api == api) {
            line(row, &mut page);
        }
    }
    page
}

fn line(row: &Row, page: &mut String) {
    let at = if row.place.is_empty() { String::new() } else { format!("{}.", row.place) };
    let name = if row.kind { format!("{}: {}", row.place, row.name) } else { format!("{at}{}", row.name) };
    let harmless = match row.harmless {
        [] => String::new(),
        values => format!(" [{}]", values.join(", ")),
    };
    let _ = write!(page, "| `{name}`{harmless} |");
    for toward in &row.toward {
        let _ = write!(page, " {} |", toward.fate);
    }
    let _ = writeln!(page, " {} |", row.note.replace('|', "\\|"));
}
