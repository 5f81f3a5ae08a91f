//! An object of a request, read by the table: what the other dialect has no place for is not given out, and what is left
//! at the end is left out, named or refused.

use std::borrow::Cow;

use serde::Deserialize;
use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::fields::Fate;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::{Losses, Place};
use sluice_neutral::request::Lifetime;

use crate::fields::{self, FIELDS, INNER};

/// An object.
pub(super) struct Object<'a> {
    members: Members<'a>,
    place: &'static str,
    at: At,
    toward: Api,
    taken: Vec<&'static str>,
}

impl<'a> Object<'a> {
    pub(super) fn new(members: Members<'a>, place: &'static str, at: At, losses: &Losses) -> Self {
        Self { members, place, at, toward: losses.target(), taken: Vec::new() }
    }

    pub(super) fn of(value: Raw<'a>, place: &'static str, at: At, losses: &Losses) -> Result<Self, Error> {
        Ok(Self::new(Members::of(value, at)?, place, at, losses))
    }

    /// A list of objects, each with where it stands.
    pub(super) fn all(
        value: Raw<'a>,
        at: At,
        each: impl Fn(usize) -> At,
    ) -> Result<Vec<(Members<'a>, At)>, Error> {
        // One walk over all of them, which are the most of a request; a second one only to find what is wrong.
        let all: Vec<Members<'a>> = match serde_json::from_str(value.get()) {
            Ok(all) => all,
            Err(_) => {
                let items = json::items(value, at)?.into_iter().enumerate();
                items.map(|(index, value)| Members::of(value, each(index))).collect::<Result<_, _>>()?
            }
        };
        Ok(all.into_iter().enumerate().map(|(index, members)| (members, each(index))).collect())
    }

    /// Where it stands.
    pub(super) fn at(&self) -> At {
        self.at
    }

    /// Where an object or a list of its own stands.
    pub(super) fn inside(&self, name: &'static str) -> At {
        self.at.inside(match (self.place, name) {
            (INNER, "source") => "content.source",
            (INNER, "content") => "content.content",
            (INNER, "transformations") => "content.transformations",
            (_, name) => name,
        })
    }

    /// The same where the table calls it so.
    pub(super) fn placed(&self) -> Place<'static> {
        Place::new(FIELDS, self.place, self.at)
    }

    /// A member, unless the table says that it goes no further.
    pub(super) fn get(&mut self, name: &'static str) -> Option<Raw<'a>> {
        let value = self.members.get(name)?;
        let fate = fields::of(self.place, name).map(|row| row.toward(self.toward));
        let goes = self.toward == Api::Anthropic || matches!(fate, Some(Fate::Carried | Fate::Adapted));
        goes.then(|| {
            self.taken.push(name);
            value
        })
    }

    /// A string.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<Cow<'a, str>>, Error> {
        let at = self.at.then(name);
        self.get(name).map(|value| json::text(value, at)).transpose()
    }

    /// A string that must be there.
    pub(super) fn needed(&mut self, name: &'static str) -> Result<Cow<'a, str>, Error> {
        self.text(name)?.ok_or_else(|| json::missing(self.at.then(name)))
    }

    /// A value that must be there.
    pub(super) fn must(&mut self, name: &'static str) -> Result<Raw<'a>, Error> {
        self.get(name).ok_or_else(|| json::missing(self.at.then(name)))
    }

    /// A value of a form.
    pub(super) fn parsed<T: Deserialize<'a>>(&mut self, name: &'static str) -> Result<Option<T>, Error> {
        let at = self.at.then(name);
        self.get(name).map(|value| json::parse(value, at)).transpose()
    }

    /// Its cache mark.
    pub(super) fn mark(&mut self) -> Result<Option<Lifetime>, Error> {
        #[derive(Deserialize)]
        struct Mark<'a> {
            #[serde(borrow)]
            ttl: Option<Cow<'a, str>>,
        }
        let mark: Option<Mark<'_>> = self.parsed("cache_control")?;
        let long = |mark: Mark<'_>| mark.ttl.is_some_and(|ttl| ttl == "1h");
        Ok(mark.map(|mark| if long(mark) { Lifetime::Long } else { Lifetime::Short }))
    }

    /// Leaves out, names or refuses what nobody has taken.
    pub(super) fn rest(self, losses: &mut Losses) -> Result<(), Error> {
        losses.rest(Place::new(FIELDS, self.place, self.at), &self.members, &self.taken)
    }
}
