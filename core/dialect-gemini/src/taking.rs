//! An object of a request, from which the code takes what the table says has a counterpart.

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::fields::Fate;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::{Losses, Place};
use sluice_neutral::request::Text;

use crate::casing;
use crate::fields::{FIELDS, find};

/// An object whose rest is left out, named, or refused by the table.
pub(crate) struct Taking<'a> {
    members: Members<'a>,
    place: &'static str,
    at: At,
    taken: Vec<&'static str>,
}

impl<'a> Taking<'a> {
    /// An object at a place of the request.
    pub(crate) fn of(value: Raw<'a>, place: &'static str, at: At) -> Result<Self, Error> {
        casing::fields(value, at).map(|members| Self::new(members, place, at))
    }

    /// Members at a place of the request.
    pub(crate) const fn new(members: Members<'a>, place: &'static str, at: At) -> Self {
        Self { members, place, at, taken: Vec::new() }
    }

    /// A field's value, where it is there and has a counterpart.
    pub(crate) fn take(&mut self, name: &'static str, losses: &Losses) -> Option<Raw<'a>> {
        let value = self.members.get(name)?;
        let fate = find(self.place, name).map(|field| field.toward(losses.target()));
        if !matches!(fate, Some(Fate::Carried | Fate::Adapted)) {
            return None;
        }
        self.taken.push(name);
        Some(value)
    }

    /// The value of a field that every other dialect has something for: the table is not asked, as there are many of these.
    pub(crate) fn have(&mut self, name: &'static str) -> Option<Raw<'a>> {
        self.taken.push(name);
        self.members.get(name)
    }

    /// The same, where it is a string.
    pub(crate) fn have_text(&mut self, name: &'static str) -> Result<Option<Text<'a>>, Error> {
        self.have(name).map(|value| json::text(value, self.at(name))).transpose()
    }

    /// A field's value where it has a counterpart, and is a string.
    pub(crate) fn text(&mut self, name: &'static str, losses: &Losses) -> Result<Option<Text<'a>>, Error> {
        self.take(name, losses).map(|value| json::text(value, self.at(name))).transpose()
    }

    /// Where a field stands.
    pub(crate) const fn at(&self, name: &'static str) -> At {
        self.at.then(name)
    }

    /// What becomes of the rest.
    pub(crate) fn rest(self, losses: &mut Losses) -> Result<(), Error> {
        losses.rest(Place::new(FIELDS, self.place, self.at), &self.members, &self.taken)
    }
}
