//! What every form of file is read as: rows of named texts, each of a stretch of time.

use std::collections::BTreeMap;

use crate::class::{Class, Values};
use crate::decimal;
use crate::told::{Covered, DAY, Part, Stated, Told, Vendor};

/// What was read of a file.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// Whose form it has; none where nothing shows it.
    pub(super) vendor: Option<Vendor>,
    /// Rows, and stretches without any.
    pub(super) entries: Vec<Entry>,
    /// How many pages they were on.
    pub(super) pages: usize,
    /// The page that follows the last one, where the vendor says that there is one.
    pub(super) next: Option<String>,
}

/// A row; or a stretch of time in which there was nothing.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) covered: Covered,
    /// Which report it is of, where its file shows that apart from its fields.
    pub(super) report: Report,
    pub(super) fields: Option<Fields>,
}

/// What shows which report a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    Usage,
    Costs,
}

/// The named texts of a row; what is nested has a name with dots, and what is null or empty is left out.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) texts: BTreeMap<String, String>,
    /// Where it stands, as in `data[3].results[0]` or `line 7`.
    pub(super) place: String,
}

impl Fields {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// A count; none where it is not told.
    pub(super) fn count(&self, name: &str) -> Result<Option<i128>, String> {
        self.get(name).map(decimal::count).transpose().map_err(|wrong| self.at(name, &wrong))
    }

    /// A count that has to be there.
    pub(super) fn needed(&self, name: &str) -> Result<i128, String> {
        self.count(name)?.ok_or_else(|| self.at(name, "it is missing"))
    }

    /// Dollars, from a text in units of 10^-`places` dollars.
    pub(super) fn money(&self, name: &str, places: u32) -> Result<i128, String> {
        let text = self.get(name).ok_or_else(|| self.at(name, "it is missing"))?;
        decimal::money(text, places).map_err(|wrong| self.at(name, &wrong))
    }

    /// Refuses what is not in US dollars.
    pub(super) fn in_dollars(&self, name: &str) -> Result<(), String> {
        match self.get(name) {
            Some(currency) if !currency.eq_ignore_ascii_case("usd") => {
                Err(self.at(name, &format!("the ledger is in USD, and this is in {currency}")))
            }
            _ => Ok(()),
        }
    }

    /// What is wrong with a field.
    pub(super) fn at(&self, name: &str, wrong: &str) -> String {
        format!("`{name}` of {}: {wrong}", self.place)
    }
}

impl Told {
    /// Notes that a part is told in a stretch of time.
    pub(super) fn covers(&mut self, part: Part, covered: Covered, classes: &[Class]) {
        let sheet = self.sheets.entry(part).or_default();
        // Rows of one stretch follow each other.
        if sheet.covered.last() != Some(&covered) {
            sheet.covered.push(covered);
        }
        sheet.classes.extend(classes);
    }

    /// Adds what was used of a model in a stretch of time.
    pub(super) fn states(
        &mut self,
        part: Part,
        covered: Covered,
        model: Option<String>,
        values: &Values,
    ) -> &mut Stated {
        let sheet = self.sheets.entry(part).or_default();
        let stated = sheet.stated.entry((covered.from.div_euclid(DAY), model)).or_default();
        stated.values.add_all(values);
        stated
    }
}
