//! A price list: the built-in one, and files laid over it.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sluice_api::cost::PriceEntry;
use sluice_api::settings::Problem;

use crate::hours::AtHours;
use crate::rates::Prices;
use crate::row::{Dated, Format, Row, Rows, What};
use crate::tree::{File, Value};
use crate::{community, genai, own};

/// The built-in list, by the name that it has in sentences and answers.
const BUILT_IN: (&str, &str) = ("built-in list of 2026-11-27", include_str!("built-in.toml"));

/// Prefixes that price files put before the names of models which several providers sell.
const PREFIXES: [&str; 3] = ["azure/", "gemini/", "vertex_ai/"];

/// What models cost.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// The files that it is made of, in the order in which they were laid over each other.
    sources: Vec<Source>,
    /// All entries; of aliases, those of their models.
    entries: Vec<Entry>,
    /// Where the entry of a name is.
    names: HashMap<String, usize, RandomState>,
    /// The day on which its prices were looked up: what holds from a later day on is more than a file of others knows.
    dated: Option<Timestamp>,
    /// Of the names that begin with one of [`PREFIXES`], the same by what follows it.
    prefixed: HashMap<&'static str, HashMap<String, usize, RandomState>, RandomState>,
}

/// A file of prices.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    name: Arc<str>,
    pub(crate) hash: Arc<str>,
}

impl Source {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let digits = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { name: name.into(), hash: format!("sha256:{digits}").into() }
    }
}

/// An entry of the list.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: Arc<str>,
    line: usize,
    what: Held,
    /// Of an alias, where its model is.
    model: Option<usize>,
}

/// What is held of an entry.
#[derive(Clone, Debug)]
enum Held {
    /// Prices over time, earliest first.
    Prices(Vec<Since>),
    /// It is another name of this model; the file that says so.
    Alias(String, Arc<str>),
}

/// Prices from a time on, and what records say of where they are from.
#[derive(Clone, Debug)]
pub struct Since {
    from: Option<Timestamp>,
    /// The prices.
    pub prices: Prices,
    /// Those of some hours of the day, where these have others.
    hours: Option<Box<AtHours>>,
    /// Where they are from.
    pub source: Arc<PriceEntry>,
}

impl Since {
    /// The prices that hold at a time of the day.
    #[must_use]
    pub fn at(&self, time: Timestamp) -> &Prices {
        self.hours.as_deref().filter(|at| at.hours.hold(time)).map_or(&self.prices, |at| &at.prices)
    }

    /// When they begin to hold; always, where it is not said.
    #[must_use]
    pub const fn from(&self) -> Option<Timestamp> {
        self.from
    }

    /// Those of some hours of the day.
    pub(crate) fn hours(&self) -> Option<&AtHours> {
        self.hours.as_deref()
    }
}

impl List {
    /// The built-in list.
    ///
    /// # Errors
    ///
    /// What is wrong with it, which a test rules out.
    pub fn built_in() -> Result<Self, Problem> {
        Self::default().overlaid(BUILT_IN.0, BUILT_IN.1)
    }

    /// The list with a file laid over it, in any format. What a model's tokens cost is the file's to say, from the day on
    /// from which it has prices for it; fees, multipliers by place and lengths that it does not name stay as they are, and
    /// so do, under a file of others that knows no days, prices that hold from a day on that is later than the list's own
    /// date: whenever the file is read, and whatever it says by then. Nothing is deleted.
    ///
    /// # Errors
    ///
    /// The first mistake of the file, with its line.
    pub fn overlaid(self, name: &str, text: &str) -> Result<Self, Problem> {
        self.with(read(File(name), text)?, Source::new(name, text))
    }

    /// The list with the rows of a file laid over it.
    pub(crate) fn with(mut self, rows: Rows, source: Source) -> Result<Self, Problem> {
        let scheduled = self.dated.filter(|_| rows.format != Format::Sluice);
        let laid_over = !self.sources.is_empty();
        for row in rows.rows {
            match self.names.get(&row.name).and_then(|at| self.entries.get_mut(*at)) {
                // No price takes no price away.
                Some(_) if row.what == What::Dated(Vec::new()) => {}
                Some(entry) => {
                    let before = std::mem::replace(entry, Entry::new(row, &source));
                    entry.stand_over(before.over_time(), self.dated, scheduled);
                }
                None => {
                    // What the name was found by until now, as one with a date is, is below it all the same.
                    let found = self.shortened(&row.name).filter(|_| laid_over);
                    let before = found.map(|found| self.model(found).over_time().to_vec());
                    let mut entry = Entry::new(row, &source);
                    entry.stand_over(&before.unwrap_or_default(), self.dated, scheduled);
                    self.names.insert(entry.name.to_string(), self.entries.len());
                    self.entries.push(entry);
                }
            }
        }
        self.dated = rows.date.or(self.dated);
        self.sources.push(source);
        self.resolve()?;
        self.index();
        Ok(self)
    }

    /// The entry of exactly this name.
    #[must_use]
    pub fn exact(&self, name: &str) -> Option<&Entry> {
        self.entries.get(*self.names.get(name)?)
    }

    /// The entry whose name is exactly this, behind a prefix.
    #[must_use]
    pub fn behind(&self, prefix: &str, name: &str) -> Option<&Entry> {
        self.entries.get(*self.prefixed.get(prefix)?.get(name)?)
    }

    /// The entry that an alias stands for; itself, of one that is none.
    #[must_use]
    pub fn model<'a>(&'a self, entry: &'a Entry) -> &'a Entry {
        entry.model.and_then(|at| self.entries.get(at)).unwrap_or(entry)
    }

    /// The names of all entries.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| &*entry.name)
    }

    /// Whether a model of a provider's kind has prices, at whatever time.
    #[must_use]
    pub fn knows(&self, provider: &str, model: &str) -> bool {
        let found = self.find(provider, model, None).map(|found| &self.model(found.entry).what);
        matches!(found, Some(Held::Prices(all)) if !all.is_empty())
    }

    /// Finds the models of aliases.
    fn resolve(&mut self) -> Result<(), Problem> {
        let mut found = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let Held::Alias(target, file) = &entry.what else { continue };
            let message = match self.names.get(target) {
                Some(model) if *model == at => {
                    "this is an alias of itself: name the model that it stands for"
                }
                Some(model) if self.entries.get(*model).is_some_and(Entry::is_alias) => {
                    "this is an alias of an alias: name the model that it stands for"
                }
                Some(model) => {
                    found.push((at, *model));
                    continue;
                }
                None => "there is no model of this name: an alias needs one that the list has",
            };
            return Err(File(file).wrong(entry.line, &entry.name, message).found(format!("{target:?}")));
        }
        for (at, model) in found {
            if let Some(entry) = self.entries.get_mut(at) {
                entry.model = Some(model);
            }
        }
        Ok(())
    }

    fn index(&mut self) {
        self.prefixed.clear();
        for (name, at) in &self.names {
            for prefix in PREFIXES {
                if let Some(rest) = name.strip_prefix(prefix) {
                    self.prefixed.entry(prefix).or_default().insert(rest.to_owned(), *at);
                }
            }
        }
    }
}

impl Entry {
    fn new(row: Row, source: &Source) -> Self {
        let name: Arc<str> = row.name.into();
        let (list, hash) = (Arc::clone(&source.name), Arc::clone(&source.hash));
        let what = match row.what {
            What::Alias(target) => Held::Alias(target, list),
            What::Dated(all) => {
                let source = Arc::new(PriceEntry::new(Arc::clone(&name), list, hash));
                let since = |dated: Dated| Since {
                    from: dated.from,
                    prices: dated.prices,
                    hours: dated.hours.map(Box::new),
                    source: Arc::clone(&source),
                };
                Held::Prices(all.into_iter().map(since).collect())
            }
        };
        Self { name, line: row.line, what, model: None }
    }

    fn is_alias(&self) -> bool {
        matches!(self.what, Held::Alias(..))
    }

    /// Stands over what was there of its model in a list that was `dated` then; what is `scheduled` behind that day stays.
    fn stand_over(&mut self, before: &[Since], dated: Option<Timestamp>, scheduled: Option<Timestamp>) {
        let Held::Prices(all) = &mut self.what else { return };
        for since in &mut *all {
            let at = since.from.or(dated);
            let held = |one: &&Since| at.is_none_or(|at| one.from.is_none_or(|from| from <= at));
            let Some(below) = before.iter().rev().find(held).or(before.first()) else { continue };
            since.prices.stand_over(&below.prices);
            if let Some(hours) = &mut since.hours {
                hours.prices.stand_over(&below.prices);
            }
        }
        match all.first().map(|first| first.from) {
            Some(Some(from)) => {
                let stay = before.iter().filter(|dated| dated.from.is_none_or(|begin| begin < from));
                all.splice(..0, stay.cloned().collect::<Vec<_>>());
            }
            Some(None) => {
                let last = all.last().and_then(|last| last.from);
                let later = |one: &&Since| scheduled.is_some() && one.from > scheduled.max(last);
                all.extend(before.iter().filter(later).cloned());
            }
            // It names no price.
            None => {}
        }
    }

    /// When the first prices begin to hold that do not yet at a time.
    #[must_use]
    pub fn until(&self, time: Timestamp) -> Option<Timestamp> {
        self.over_time().iter().filter_map(Since::from).find(|from| *from > time)
    }

    /// The prices over time, earliest first; none of an alias.
    pub(crate) fn over_time(&self) -> &[Since] {
        if let Held::Prices(all) = &self.what { all } else { &[] }
    }

    /// The prices that hold at a time; none before the first do.
    #[must_use]
    pub fn prices(&self, time: Timestamp) -> Option<&Since> {
        self.over_time().iter().rev().find(|dated| dated.from.is_none_or(|from| from <= time))
    }
}

/// Reads a file: its own format has `models` at its top and nothing that is a model of the community's.
pub(crate) fn read(file: File<'_>, text: &str) -> Result<Rows, Problem> {
    let tree = file.tree(text)?;
    let members = match &tree.value {
        Value::List(providers) => return genai::read(file, providers),
        Value::Table(members) => members,
        _ => return Err(file.other(&tree, "", "a table of models")),
    };
    let providers = members.iter().find(|(key, _)| key == "providers").map(|(_, node)| &node.value);
    if let Some(Value::List(providers)) = providers {
        return genai::read(file, providers);
    }
    let json = text.trim_start_matches('\u{feff}').trim_start().starts_with('{');
    if json && !members.iter().any(|(key, _)| key == "models") {
        return community::read(file, members);
    }
    own::read(file, &tree)
}
