//! A request by the text of its fields, and sentences that name the place of a mistake.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use sluice_api::error::Error;
use sluice_json::object::Object;

/// A request's fields by their text; those that are null are as if they were not there.
pub(crate) struct Request<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Request<'a> {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// When it is no JSON object.
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Error> {
        let body = std::str::from_utf8(body)
            .map_err(|_| Error::bad_request(None, "the request body is not UTF-8"))?;
        let object = || Error::bad_request(None, "the request body must be a JSON object");
        let members = Object::of(body.as_bytes()).ok_or_else(object)?;
        let mut fields = Vec::new();
        for (name, at) in members.iter() {
            let value: &RawValue =
                serde_json::from_str(body.get(at.clone()).unwrap_or_default()).map_err(|_| object())?;
            if value.get() != "null" {
                fields.push((name.to_owned(), value));
            }
        }
        Ok(Self(fields))
    }

    /// Names and values in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// The first value of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The same, read.
    pub(crate) fn parsed<T: Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, Error> {
        self.get(name).map(|value| parse(value, name)).transpose()
    }
}

/// Reads a value of a request.
pub(crate) fn parse<'a, T: Deserialize<'a>>(value: &'a RawValue, at: &str) -> Result<T, Error> {
    serde_json::from_str(value.get()).map_err(|error| wrong(at, &error.to_string()))
}

/// Reads a string, borrowed where nothing in it is escaped.
pub(crate) fn text<'a>(value: &'a RawValue, at: &str) -> Result<Cow<'a, str>, Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
    parse::<Borrowed<'a>>(value, at).map(|text| text.0)
}

/// A mistake at a place of the request.
pub(crate) fn wrong(at: &str, what: &str) -> Error {
    Error::bad_request(Some(at), format!("`{at}` is wrong: {what}"))
}
