//! An object of a request, read by the table: what a row does not carry is not read.

use std::borrow::Cow;

use serde::Deserialize;
use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::fields::Fate;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::Losses;

use crate::fields::Section;

/// The objects of an array, with one look at each; only where one is wrong they are looked at one by one, to tell which.
pub(super) fn each<'a>(raw: Raw<'a>, at: At, place: impl Fn(usize) -> At) -> Result<Vec<Members<'a>>, Error> {
    if raw.get().starts_with('[')
        && let Ok(all) = json::parse(raw, at)
    {
        return Ok(all);
    }
    let items = json::items(raw, at)?.into_iter().enumerate();
    items.map(|(index, raw)| Members::of(raw, place(index))).collect()
}

/// An object, and what of it was read.
#[derive(Debug)]
pub(super) struct Object<'a> {
    /// All that stands in it, for what is looked at whatever its row says.
    pub(super) members: Members<'a>,
    section: Section,
    /// Where it stands.
    pub(super) at: At,
    toward: Api,
    taken: Vec<&'static str>,
}

impl<'a> Object<'a> {
    /// An object of this section.
    pub(super) fn of(raw: Raw<'a>, section: Section, at: At, losses: &Losses) -> Result<Self, Error> {
        Ok(Self::with(Members::of(raw, at)?, section, at, losses))
    }

    /// The same, its members read.
    pub(super) fn with(members: Members<'a>, section: Section, at: At, losses: &Losses) -> Self {
        Self { members, section, at, toward: losses.target(), taken: Vec::new() }
    }

    /// A member, where its row carries it toward the other dialect, or says how it is adapted.
    pub(super) fn get(&mut self, name: &'static str) -> Option<Raw<'a>> {
        let value = self.members.get(name)?;
        let carried = self.section.find(name).is_some_and(|field| {
            let fate = field.toward(self.toward);
            matches!(fate, Fate::Carried | Fate::Adapted)
        });
        carried.then(|| self.taken.push(name))?;
        Some(value)
    }

    /// A string.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<Cow<'a, str>>, Error> {
        self.get(name).map(|value| json::text(value, self.at.then(name))).transpose()
    }

    /// A string that must be there.
    pub(super) fn needed(&mut self, name: &'static str) -> Result<Cow<'a, str>, Error> {
        self.text(name)?.ok_or_else(|| json::missing(self.at.then(name)))
    }

    /// Something else.
    pub(super) fn parsed<T: Deserialize<'a>>(&mut self, name: &'static str) -> Result<Option<T>, Error> {
        self.get(name).map(|value| json::parse(value, self.at.then(name))).transpose()
    }

    /// The elements of an array; none where there is none.
    pub(super) fn items(&mut self, name: &'static str) -> Result<Vec<Raw<'a>>, Error> {
        self.get(name).map_or(Ok(Vec::new()), |value| json::items(value, self.at.then(name)))
    }

    /// What it is, and whether the other dialect has such.
    pub(super) fn kind(
        &mut self,
        usual: &'static str,
        losses: &mut Losses,
    ) -> Result<Option<Cow<'a, str>>, Error> {
        let kind = self.text("type")?.unwrap_or(Cow::Borrowed(usual));
        Ok(losses.has(self.section.at(self.at), &kind)?.then_some(kind))
    }

    /// All of it is read: what was not is left out, named or refused by its rows.
    pub(super) fn finish(self, losses: &mut Losses) -> Result<(), Error> {
        losses.rest(self.section.at(self.at), &self.members, &self.taken)
    }
}
