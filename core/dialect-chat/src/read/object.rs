//! Objects of a request, read by the table: what code takes of one must be carried by it.

use std::borrow::Cow;

use serde::Deserialize;
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::fields::{Fate, Field};
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::{Losses, Place};

use crate::fields;

/// An object, and where it stands.
pub(crate) struct Object<'a> {
    members: Members<'a>,
    rows: &'static [Field],
    place: &'static str,
    at: At,
    taken: Vec<&'static str>,
}

impl<'a> Object<'a> {
    /// An object by its members. The place is what the table calls it.
    pub(crate) fn new(members: Members<'a>, place: &'static str, at: At) -> Self {
        Self { members, rows: fields::about(place), place, at, taken: Vec::new() }
    }

    /// The same from its JSON.
    pub(crate) fn of(value: Raw<'a>, place: &'static str, at: At) -> Result<Self, Error> {
        Ok(Self::new(Members::of(value, at)?, place, at))
    }

    /// Where it stands.
    pub(crate) const fn at(&self) -> At {
        self.at
    }

    /// The rows of the table about it.
    pub(crate) const fn place(&self, at: At) -> Place<'static> {
        Place::new(self.rows, self.place, at)
    }

    /// A field, where it is carried or adapted toward the other dialect; else [`Object::rest`] sees to it.
    pub(crate) fn get(&mut self, name: &'static str, losses: &Losses) -> Option<Raw<'a>> {
        let row = self.rows.iter().find(|row| !row.is_kind && row.name == name)?;
        if !matches!(row.toward(losses.target()), Fate::Carried | Fate::Adapted) {
            return None;
        }
        self.taken.push(name);
        self.members.get(name)
    }

    /// A field as it is written, whatever becomes of it.
    pub(crate) fn look(&self, name: &str) -> Option<Raw<'a>> {
        self.members.get(name)
    }

    /// A field is dealt with, whatever the table says.
    pub(crate) fn take(&mut self, name: &'static str) {
        self.taken.push(name);
    }

    /// The same, read.
    pub(crate) fn parsed<T: Deserialize<'a>>(
        &mut self,
        name: &'static str,
        losses: &Losses,
    ) -> Result<Option<T>, Error> {
        let at = self.at.then(name);
        self.get(name, losses).map(|value| json::parse(value, at)).transpose()
    }

    /// A string.
    pub(crate) fn text(
        &mut self,
        name: &'static str,
        losses: &Losses,
    ) -> Result<Option<Cow<'a, str>>, Error> {
        let at = self.at.then(name);
        self.get(name, losses).map(|value| json::text(value, at)).transpose()
    }

    /// A string that must be there.
    pub(crate) fn needed(&mut self, name: &'static str, losses: &Losses) -> Result<Cow<'a, str>, Error> {
        self.text(name, losses)?.ok_or_else(|| json::missing(self.at.then(name)))
    }

    /// What was not taken is left out, named or refused, as the table has it.
    pub(crate) fn rest(self, losses: &mut Losses) -> Result<(), Error> {
        losses.rest(self.place(self.at), &self.members, &self.taken)
    }
}
