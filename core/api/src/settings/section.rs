//! A plugin's own part of the configuration, read into its settings type with every mistake found.

use std::fmt;

use figment::error::Kind;
use figment::value::{Dict, Value};
use http::HeaderValue;
use serde::de::DeserializeOwned;

use crate::provider::Endpoint;
use crate::settings::wording::{ONE_OF, told, value_of, wanted};
use crate::settings::{Problem, Secret, may_be_secret, type_of, without_credentials};

/// A part of the configuration: its values, where they stand, and what the engine calls the place.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Section<'a> {
    /// The operator's name for what is configured: an account's name, or the plugin kind.
    pub name: &'a str,
    /// The key path of this section, like `accounts.claude-a`.
    pub path: &'a str,
    /// Its values, without the keys that the engine reads itself.
    pub values: &'a Dict,
    /// Tells the file that a value comes from.
    pub origin: &'a dyn Origins,
}

/// Tells the file that a value of the configuration comes from.
pub trait Origins: fmt::Debug + Sync {
    /// The file's name, `environment` or `default`.
    fn of(&self, value: &Value) -> String;
}

impl<'a> Section<'a> {
    /// A section of these values.
    #[must_use]
    pub const fn new(name: &'a str, path: &'a str, values: &'a Dict, origin: &'a dyn Origins) -> Self {
        Self { name, path, values, origin }
    }

    /// The same place with other values, as where a part of them is somebody else's.
    #[must_use]
    pub const fn with(self, values: &'a Dict) -> Self {
        Self { values, ..self }
    }
}

impl Section<'_> {
    /// Reads the section into a settings type, which should carry `#[serde(deny_unknown_fields)]`.
    ///
    /// Each key is tried by itself first, so that every mistake is found and not just the first one.
    ///
    /// # Errors
    ///
    /// Every mistake, with its place, what was found, what is allowed, and the nearest valid name. What was found is
    /// told by its type alone where it may be a secret: by the key's name, or as text where a list or a table should
    /// be. A settings type that words its own errors must take the same care.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Vec<Problem>> {
        match self.read_right() {
            (Some(settings), problems) if problems.is_empty() => Ok(settings),
            (_, problems) => Err(problems),
        }
    }

    /// Reads what is right of the section, as if the keys with mistakes were not there, so that more can be checked of
    /// it; and every mistake, as [`Section::read`] tells them. Nothing where a key that is needed is missing or wrong.
    #[must_use]
    pub fn read_right<T: DeserializeOwned>(&self) -> (Option<T>, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut right = Dict::new();
        for (key, value) in self.values {
            let found = self.mistakes::<T>(key, value);
            if found.is_empty() {
                right.insert(key.clone(), value.clone());
            }
            problems.extend(found);
        }
        let wrong = right.len() < self.values.len();
        let error = match Value::from(right).deserialize::<T>() {
            Ok(settings) => return (Some(settings), problems),
            Err(error) => error,
        };
        // What the keys by themselves could not show: what is missing.
        for one in error {
            match &one.kind {
                // That of a key which is wrong is told already.
                Kind::MissingField(field) if one.path.is_empty() && self.values.contains_key(&**field) => {}
                Kind::MissingField(field) if one.path.is_empty() => {
                    problems.push(Problem::at(self.file(), self.at(field), missing(field)));
                }
                kind if !wrong => problems.push(describe(self.file(), self.path.to_owned(), kind)),
                _ => {}
            }
        }
        (None, problems)
    }

    /// What is wrong with one key; of a list, with each of its elements.
    fn mistakes<T: DeserializeOwned>(&self, key: &str, value: &Value) -> Vec<Problem> {
        let alone = |value: &Value| {
            Value::from(Dict::from([(key.to_owned(), value.clone())])).deserialize::<T>().err()
        };
        let Some(error) = alone(value) else { return Vec::new() };
        let whole = || {
            let told = error.clone().into_iter().filter_map(|one| self.explain(key, value, &one, 0));
            told.map(|problem| match problem.allowed.as_deref() {
                Some(ONE_OF) => Problem { allowed: Self::names::<T>(key).or(problem.allowed), ..problem },
                _ => problem,
            })
            .collect()
        };
        let Value::Array(tag, list) = value else { return whole() };
        let mut each = Vec::new();
        for (index, element) in list.iter().enumerate() {
            if let Some(error) = alone(&Value::Array(*tag, vec![element.clone()])) {
                each.extend(error.into_iter().filter_map(|one| self.explain(key, value, &one, index)));
            }
        }
        if each.is_empty() { whole() } else { each }
    }

    /// The names that a key's value may have, where it may only have some: those that are told to a name which is none.
    fn names<T: DeserializeOwned>(key: &str) -> Option<String> {
        let wrong = Value::from(Dict::from([(key.to_owned(), Value::from(""))])).deserialize::<T>().err()?;
        let names = wrong.into_iter().find_map(|one| match one.kind {
            Kind::UnknownVariant(_, names) => Some(names.join(", ")),
            _ => None,
        });
        names.filter(|names| !names.is_empty())
    }

    /// One problem with a key of this section.
    #[must_use]
    pub fn wrong(&self, key: &str, message: impl Into<String>) -> Vec<Problem> {
        let file = self.values.get(key).map_or_else(|| self.file(), |value| self.origin.of(value));
        vec![Problem::at(file, self.at(key), message)]
    }

    /// The same, and what was found, which must be no secret.
    #[must_use]
    pub fn wrong_value(&self, key: &str, found: &str, message: impl Into<String>) -> Vec<Problem> {
        let found = format!("{:?}", without_credentials(found));
        self.wrong(key, message).into_iter().map(|problem| problem.found(found.clone())).collect()
    }

    /// The key path of a key of this section.
    #[must_use]
    pub fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// A credential as a header's value, after a prefix like `Bearer `, marked so that it never prints.
    ///
    /// # Errors
    ///
    /// When it has characters that no header can carry.
    pub fn credential(&self, key: &str, prefix: &str, secret: &Secret) -> Result<HeaderValue, Vec<Problem>> {
        let mut value = HeaderValue::try_from(format!("{prefix}{}", secret.expose()))
            .map_err(|_| self.wrong(key, "it has characters that no HTTP header can carry"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The base URL of a key, parsed; `versions` as [`Endpoint::parse`] takes them.
    ///
    /// # Errors
    ///
    /// When it is none: with what was found, but for a user, a password or a query in it.
    pub fn endpoint(&self, key: &str, base: &str, versions: &[&str]) -> Result<Endpoint, Vec<Problem>> {
        Endpoint::parse(base, versions).map_err(|why| self.wrong_value(key, base, why))
    }

    /// The file that the section starts in.
    #[must_use]
    pub fn file(&self) -> String {
        self.values.values().next().map_or_else(|| "default".to_owned(), |value| self.origin.of(value))
    }

    /// A mistake in a key's value. `first` is what is counted as the first element, where the value is a list.
    fn explain(&self, key: &str, value: &Value, error: &figment::Error, first: usize) -> Option<Problem> {
        if matches!(&error.kind, Kind::MissingField(_)) && error.path.is_empty() {
            return None;
        }
        let mut path = self.at(key);
        for (depth, part) in error.path.iter().skip(1).enumerate() {
            // An element of a list, most likely.
            path.push_str(&match part.parse::<usize>() {
                Ok(index) => format!("[{}]", if depth == 0 { first + index } else { index }),
                Err(_) => format!(".{part}"),
            });
        }
        Some(describe(self.origin.of(value), path, &error.kind))
    }
}

/// A mistake as people are told it.
fn describe(file: String, mut path: String, kind: &Kind) -> Problem {
    let hidden = may_be_secret(&path);
    match kind {
        Kind::UnknownField(name, valid) => {
            if path != *name && !path.ends_with(&format!(".{name}")) {
                path = format!("{path}.{name}");
            }
            Problem::unknown_key(file, path, name, valid)
        }
        Kind::MissingField(field) => Problem::at(file, path, missing(field)),
        Kind::InvalidType(found, expected) => {
            let found = told(found, expected, &path);
            Problem::at(file, path, "wrong type").found(found).allowed(wanted(expected))
        }
        Kind::Unsupported(found) | Kind::UnsupportedKey(found, _) => {
            Problem::at(file, path, "wrong type").found(type_of(found))
        }
        Kind::InvalidValue(found, expected) => {
            let found = if hidden { type_of(found).to_owned() } else { value_of(found) };
            Problem::at(file, path, "invalid value").found(found).allowed(wanted(expected))
        }
        Kind::UnknownVariant(_, valid) if hidden => {
            Problem::at(file, path, "unknown value").allowed(valid.join(", "))
        }
        Kind::UnknownVariant(name, valid) => Problem::at(file, path, "unknown value")
            .found(format!("`{name}`"))
            .allowed(valid.join(", "))
            .nearest(name, valid.iter().copied()),
        other => Problem::at(file, path, other.to_string()),
    }
}

fn missing(field: &str) -> String {
    format!("`{field}` is missing")
}

#[cfg(test)]
mod tests {
    use super::Problem;
    use crate::plugin::testing::with_section;
    use crate::settings::Secret;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what is wrong with them is looked at")]
    struct Settings {
        size: Option<u8>,
        mode: Option<Mode>,
        auth: Option<Mode>,
        api_key: Option<Secret>,
        list: Option<Vec<String>>,
        needed: bool,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Fast,
    }

    fn check(toml: &str) -> Vec<Problem> {
        let needed = if toml.starts_with("needed") { "" } else { "needed = true\n" };
        with_section(&format!("{needed}{toml}"), |section| section.read::<Settings>()).unwrap_err()
    }

    #[test]
    fn what_was_found_is_told_but_never_where_it_may_be_a_secret() {
        for (toml, found) in [
            ("size = 256", Some("256")),
            ("size = \"large\"", Some("\"large\", a string")),
            ("needed = 5", Some("5, a whole number")),
            ("size = true", Some("true, a boolean")),
            ("mode = \"slow\"", Some("`slow`")),
            ("mode = [\"planted\"]", Some("a list")),
            ("auth = \"planted\"", None),
            ("api_key = [\"planted\"]", Some("a list")),
            ("api_key = 1.5", Some("a number with a fraction")),
            ("list = \"planted\"", Some("a string")),
            ("list = [1]", Some("1, a whole number")),
            ("list = { a = \"planted\" }", Some("a table")),
        ] {
            let problems = check(toml);
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].found.as_deref(), found, "{toml}");
            assert!(!format!("{problems:?}").contains("planted"), "{problems:?}");
        }
    }

    #[test]
    fn what_is_allowed_is_told_in_plain_words() {
        for (toml, allowed) in [
            ("size = -1", "a whole number from 0 to 255"),
            ("size = 1.5", "a whole number from 0 to 255"),
            ("list = 5", "a list"),
            ("list = [1]", "a string"),
            ("needed = 0", "true or false"),
            ("mode = 5", "fast"),
        ] {
            assert_eq!(check(toml)[0].allowed.as_deref(), Some(allowed), "{toml}");
        }
    }

    #[test]
    fn a_base_url_that_is_none_is_shown_without_its_password() {
        for (base, found) in [
            ("api.x.com", "\"api.x.com\""),
            ("ftp://api.x.com", "\"ftp://api.x.com\""),
            ("https://u:planted@x", "\"https://***@x\""),
            ("u:planted@x", "\"***@x\""),
            ("https://x?key=planted", "\"https://x?***\""),
        ] {
            let problems = with_section("", |section| section.endpoint("base_url", base, &[])).unwrap_err();
            assert_eq!(problems[0].found.as_deref(), Some(found));
            assert!(!problems[0].to_string().contains("planted"), "{}", problems[0]);
        }
    }

    #[test]
    fn an_unknown_key_is_told_with_the_nearest_one() {
        let problems = check("sise = 1");
        assert_eq!((problems[0].unknown(), problems[0].nearest.as_deref()), (Some("sise"), Some("size")));
        assert_eq!(problems[0].path, "accounts.account.sise");
    }
}
