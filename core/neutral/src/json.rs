//! JSON as it is written: objects by the text of their members, and trees whose numbers keep their digits.

pub mod strict;
pub mod write;

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use sluice_api::error::Error;

use crate::at::At;

/// A piece of JSON as it is written.
pub type Raw<'a> = &'a RawValue;

/// An object by its members in their order; those that are null are as if they were not there.
#[derive(Clone, Debug, Default)]
pub struct Members<'a>(Vec<(Cow<'a, str>, Raw<'a>)>);

impl<'a> Members<'a> {
    /// The members of an object.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn of(value: Raw<'a>, at: At) -> Result<Self, Error> {
        if !value.get().starts_with('{') {
            return Err(wrong(at, "it must be an object"));
        }
        parse(value, at)
    }

    /// The members of a whole body.
    ///
    /// # Errors
    ///
    /// When it is no JSON object.
    pub fn body(body: &'a [u8]) -> Result<Self, Error> {
        let refused = || Error::bad_request(None, "the request body must be a JSON object");
        let text = std::str::from_utf8(body)
            .map_err(|_| Error::bad_request(None, "the request body is not UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        serde_json::from_str(text).map_err(|_| refused())
    }

    /// The same under other names: of a dialect that has two spellings of one, as `topK` and `top_k`.
    #[must_use]
    pub fn renamed(mut self, rename: impl Fn(&str) -> Option<String>) -> Self {
        for (name, _) in &mut self.0 {
            if let Some(other) = rename(name) {
                *name = Cow::Owned(other);
            }
        }
        self
    }

    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Raw<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, *value))
    }

    /// The first value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Raw<'a>> {
        self.iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The same, read.
    ///
    /// # Errors
    ///
    /// When it is of another form.
    pub fn parsed<T: Deserialize<'a>>(&self, name: &'static str, at: At) -> Result<Option<T>, Error> {
        self.get(name).map(|value| parse(value, at.then(name))).transpose()
    }

    /// A string, borrowed where nothing in it is escaped.
    ///
    /// # Errors
    ///
    /// When it is something else.
    pub fn text(&self, name: &'static str, at: At) -> Result<Option<Cow<'a, str>>, Error> {
        self.get(name).map(|value| text(value, at.then(name))).transpose()
    }

    /// The same, and nothing where it is something else: of upstreams, whose mistakes in one place are none in all.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name).and_then(|value| text(value, At::ROOT).ok())
    }

    /// A string that must be there.
    ///
    /// # Errors
    ///
    /// When it is missing, or something else.
    pub fn needed(&self, name: &'static str, at: At) -> Result<Cow<'a, str>, Error> {
        self.text(name, at)?.ok_or_else(|| missing(at.then(name)))
    }
}

impl<'a> FromIterator<(Cow<'a, str>, Raw<'a>)> for Members<'a> {
    fn from_iter<T: IntoIterator<Item = (Cow<'a, str>, Raw<'a>)>>(members: T) -> Self {
        Self(members.into_iter().filter(|(_, value)| value.get() != "null").collect())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members<'de>, M::Error> {
                let mut members = Vec::new();
                while let Some((Borrowed(name), value)) = map.next_entry::<Borrowed<'de>, Raw<'de>>()? {
                    if value.get() != "null" {
                        members.push((name, value));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// A string, borrowed where nothing in it is escaped.
#[derive(Deserialize)]
#[serde(transparent)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a value.
///
/// # Errors
///
/// When it is of another form.
pub fn parse<'a, T: Deserialize<'a>>(value: Raw<'a>, at: At) -> Result<T, Error> {
    serde_json::from_str(value.get()).map_err(|error| wrong(at, &error.to_string()))
}

/// Reads a string, borrowed where nothing in it is escaped.
///
/// # Errors
///
/// When it is none.
pub fn text(value: Raw<'_>, at: At) -> Result<Cow<'_, str>, Error> {
    match serde_json::from_str::<Borrowed<'_>>(value.get()) {
        Ok(Borrowed(text)) => Ok(text),
        Err(_) if value.get().starts_with('"') => Err(wrong(at, "it holds what is no text")),
        Err(_) => Err(wrong(at, "it must be a string")),
    }
}

/// Reads the elements of an array.
///
/// # Errors
///
/// When it is none.
pub fn items(value: Raw<'_>, at: At) -> Result<Vec<Raw<'_>>, Error> {
    if !value.get().starts_with('[') {
        return Err(wrong(at, "it must be an array"));
    }
    parse(value, at)
}

/// An object as it is written.
///
/// # Errors
///
/// When it is none.
pub fn object(value: Raw<'_>, at: At) -> Result<&str, Error> {
    let text = value.get();
    if text.starts_with('{') { Ok(text) } else { Err(wrong(at, "it must be an object")) }
}

/// A mistake at a place of the request.
#[must_use]
pub fn wrong(at: At, what: &str) -> Error {
    Error::bad_request(Some(&at.to_string()), format!("`{at}` is wrong: {what}"))
}

/// Something that a request can't do without.
#[must_use]
pub fn missing(at: At) -> Error {
    Error::bad_request(Some(&at.to_string()), format!("`{at}` is missing"))
}

/// A string as JSON.
#[must_use]
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// JSON as a tree, in the order in which it is written, its numbers as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree<'a> {
    /// `null`, `true`, `false`, or a number.
    Plain(Cow<'a, str>),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Tree<'a>>),
    /// An object.
    Object(Vec<(Cow<'a, str>, Tree<'a>)>),
}

impl<'a> Tree<'a> {
    /// Reads JSON. Its depth is bounded by the reader of JSON, which refuses what is nested deeper than 128 levels.
    ///
    /// # Errors
    ///
    /// When a string in it is no text.
    pub fn of(value: Raw<'a>, at: At) -> Result<Self, Error> {
        match value.get().as_bytes().first() {
            Some(b'"') => text(value, at).map(Self::Text),
            Some(b'[') => {
                let items = items(value, at)?.into_iter();
                items.map(|item| Self::of(item, at)).collect::<Result<_, _>>().map(Self::List)
            }
            Some(b'{') => {
                // With the nulls, which mean something here.
                let members: All<'a> = parse(value, at)?;
                let members = members.0.into_iter();
                let members = members.map(|(name, value)| Ok((name, Self::of(value, at)?)));
                members.collect::<Result<_, Error>>().map(Self::Object)
            }
            _ => Ok(Self::Plain(Cow::Borrowed(value.get()))),
        }
    }

    /// A member of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(found, _)| found == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Its text, where it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for Tree<'_> {
    /// As JSON, without spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => f.write_str(text),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (index, (name, value)) in members.iter().enumerate() {
                    write!(f, "{}{}:{value}", if index == 0 { "" } else { "," }, quoted(name))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// All members of an object, the nulls too.
struct All<'a>(Vec<(Cow<'a, str>, Raw<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for All<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = All<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<All<'de>, M::Error> {
                let mut members = Vec::new();
                while let Some((Borrowed(name), value)) = map.next_entry::<Borrowed<'de>, Raw<'de>>()? {
                    members.push((name, value));
                }
                Ok(All(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::{Members, Tree};
    use crate::at::At;
    use serde_json::value::RawValue;

    #[test]
    fn members_are_borrowed_and_nulls_are_not_there() {
        let members = Members::body(br#"{"a":1.50,"b":null,"c\n":"x"}"#).unwrap();
        let told: Vec<(&str, &str)> = members.iter().map(|(name, value)| (name, value.get())).collect();
        assert_eq!(told, [("a", "1.50"), ("c\n", "\"x\"")]);
        assert_eq!(members.text("a", At::ROOT).unwrap_err().to_string(), "`a` is wrong: it must be a string");
        assert_eq!((members.label("a"), members.label("c\n").as_deref()), (None, Some("x")));
        let members = members.renamed(|name| (name == "a").then(|| "A".to_owned()));
        assert_eq!(members.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["A", "c\n"]);
    }

    #[test]
    fn a_tree_is_written_as_it_was_read_digits_and_order_and_all() {
        let text =
            r#"{"z":[1.0e400,-0,12345678901234567890123],"a":{"é\n":null,"t":true},"z":"\ud83d\ude00"}"#;
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        assert_eq!(Tree::of(raw, At::ROOT).unwrap().to_string(), text.replace(r"\ud83d\ude00", "😀"));
    }
}
