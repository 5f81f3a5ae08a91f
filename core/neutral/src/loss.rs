//! What is lost on the way into another dialect: named to the client, or refused.

use sluice_api::dialect::Api;
use sluice_api::error::Error;

use crate::at::At;
use crate::fields::{Fate, Field};
use crate::json::Members;

/// Most that is named to a client; a header has no room for more.
const NAMED_MAX: usize = 40;

/// What is lost of one request.
#[derive(Debug)]
pub struct Losses {
    toward: Api,
    named: Vec<String>,
}

impl Losses {
    /// Nothing yet, on the way into this dialect.
    #[must_use]
    pub const fn toward(toward: Api) -> Self {
        Self { toward, named: Vec::new() }
    }

    /// The dialect that the request goes into.
    #[must_use]
    pub const fn target(&self) -> Api {
        self.toward
    }

    /// Something is left out that does not change what is meant; it is named to the client.
    pub fn name(&mut self, at: At) {
        self.push(at.anywhere().to_string());
    }

    fn push(&mut self, name: String) {
        // Names of the client's own may be anything, and stand in a header then.
        let plain = name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') && name.len() <= 100;
        if plain && self.named.len() < NAMED_MAX && !self.named.contains(&name) {
            self.named.push(name);
        }
    }

    /// A refusal of what the other dialect has nothing for. `what` is the subject of a sentence: "images by URL".
    #[must_use]
    pub fn refusal(&self, at: At, what: &str) -> Error {
        self.refused(at, &format!("`{at}`: {what}"))
    }

    fn refused(&self, at: At, what: &str) -> Error {
        let toward = self.toward.title();
        let message = format!(
            "{what} can't be asked of the model's account, which speaks {toward}: leave it out, or ask for a model \
             whose account speaks your API"
        );
        Error::bad_request(Some(&at.to_string()), message)
    }

    /// What becomes of those members of an object that the code has not taken, by the table of its dialect. A field that
    /// no table knows is left out, and named.
    ///
    /// # Errors
    ///
    /// When one of them can't be left out.
    pub fn rest(&mut self, place: Place<'_>, members: &Members<'_>, taken: &[&str]) -> Result<(), Error> {
        for (name, value) in members.iter().filter(|(name, _)| !taken.contains(name)) {
            let Some(field) = place.find(name) else {
                self.push(format!("{}{name}", place.prefix()));
                continue;
            };
            let at = place.at.then(field.name);
            if field.is_harmless(value.get()) {
                continue;
            }
            match field.toward(self.toward) {
                Fate::Silent => {}
                Fate::Refused => return Err(self.refused(at, &format!("`{at}`"))),
                Fate::Named | Fate::Carried | Fate::Adapted => self.name(at),
            }
        }
        Ok(())
    }

    /// Whether what is of this kind (a part, an item, a tool) has a counterpart; else it is left out, and named where it
    /// should be.
    ///
    /// # Errors
    ///
    /// When it can't be left out, or no table knows it.
    pub fn has(&mut self, place: Place<'_>, kind: &str) -> Result<bool, Error> {
        let fate = place.kind(kind).map_or(Fate::Refused, |field| field.toward(self.toward));
        match fate {
            Fate::Carried | Fate::Adapted => return Ok(true),
            Fate::Silent => {}
            Fate::Named => self.name(place.at),
            Fate::Refused => return Err(self.refusal(place.at, &format!("`{kind}`"))),
        }
        Ok(false)
    }

    /// What was left out, to be named to the client.
    #[must_use]
    pub fn named(self) -> Vec<String> {
        self.named
    }
}

/// A place of a request, and the rows of its dialect's table that are about it.
#[derive(Clone, Copy, Debug)]
pub struct Place<'t> {
    table: &'t [Field],
    place: &'static str,
    at: At,
}

impl<'t> Place<'t> {
    /// The rows of a table about this place, as the table calls it, and where that stands in the request at hand.
    #[must_use]
    pub const fn new(table: &'t [Field], place: &'static str, at: At) -> Self {
        Self { table, place, at }
    }

    fn find(&self, name: &str) -> Option<&'t Field> {
        self.table.iter().find(|field| !field.is_kind && field.place == self.place && field.name == name)
    }

    fn kind(&self, kind: &str) -> Option<&'t Field> {
        self.table.iter().find(|field| field.is_kind && field.place == self.place && field.name == kind)
    }

    /// What stands before a field's name.
    fn prefix(&self) -> String {
        let place = self.at.anywhere().to_string();
        if place.is_empty() { place } else { format!("{place}.") }
    }
}

#[cfg(test)]
mod tests {
    use super::{At, Losses, Place};
    use crate::fields::{Fate, Field};
    use crate::json::Members;
    use sluice_api::dialect::Api;

    const TABLE: [Field; 4] = [
        Field::new("", "top_k", Fate::Named),
        Field::new("", "store", Fate::Silent),
        Field::new("", "geo", Fate::Refused).but(&["\"global\""]),
        Field::kind("messages.content", "video", Fate::Refused),
    ];

    #[test]
    fn what_is_not_taken_is_left_out_named_or_refused_by_the_table() {
        let rest = |body: &str| {
            let mut losses = Losses::toward(Api::OpenaiChat);
            let members = Members::body(body.as_bytes()).unwrap();
            losses.rest(Place::new(&TABLE, "", At::ROOT), &members, &["model"]).map(|()| losses.named())
        };
        let told = rest(r#"{"model":"m","top_k":1,"store":true,"geo":"global","new":0,"a,b":1}"#);
        assert_eq!(told.unwrap(), ["top_k", "new"]);
        let refused = rest(r#"{"geo":"us"}"#).unwrap_err();
        assert_eq!(refused.facts().param.as_deref(), Some("geo"));
        // Its name once.
        let message = &refused.facts().message;
        assert!(
            message.starts_with("`geo` can't be asked of") && message.matches("geo").count() == 1,
            "{message}"
        );
        let mut losses = Losses::toward(Api::OpenaiChat);
        let at = Place::new(&TABLE, "messages.content", At::item("messages", 0));
        assert!(losses.has(at, "video").is_err() && losses.has(at, "hologram").is_err());
    }
}
