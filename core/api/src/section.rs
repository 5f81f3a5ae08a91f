//! A plugin's own part of the configuration, read into its settings type with every mistake found.

use std::fmt;

use figment::value::{Dict, Value};
use http::HeaderValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::secret::Secret;

/// One mistake in the configuration, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// The file (or `environment`, or `default`) that the value comes from.
    pub file: String,
    /// The key path, like `accounts.claude-a.base_url`.
    pub path: String,
    /// What is wrong, as a sentence.
    pub message: String,
    /// What was found; never a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What is allowed here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
    /// The valid name nearest to the one found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

impl Problem {
    /// A problem at a place that is known by its key path alone.
    #[must_use]
    pub fn at(file: impl Into<String>, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            path: path.into(),
            message: message.into(),
            found: None,
            allowed: None,
            nearest: None,
        }
    }

    /// Says what was found.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    /// Says what is allowed.
    #[must_use]
    pub fn allowed(mut self, allowed: impl Into<String>) -> Self {
        self.allowed = Some(allowed.into());
        self
    }

    /// Names the nearest of the valid names, where one is near enough.
    #[must_use]
    pub fn nearest<'a>(mut self, found: &str, valid: impl IntoIterator<Item = &'a str>) -> Self {
        self.nearest = nearest(found, valid);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.path, self.message)?;
        if let Some(found) = &self.found {
            write!(f, "; found {found}")?;
        }
        if let Some(allowed) = &self.allowed {
            write!(f, "; allowed: {allowed}")?;
        }
        if let Some(nearest) = &self.nearest {
            write!(f, "; did you mean `{nearest}`?")?;
        }
        Ok(())
    }
}

/// The valid name that the found one is most like, if any is like it at all.
#[must_use]
pub fn nearest<'a>(found: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<String> {
    valid
        .into_iter()
        .map(|name| (strsim::jaro_winkler(found, name), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.to_owned())
}

/// A part of the configuration: its values, where they stand, and what the engine calls the place.
#[derive(Clone, Debug)]
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

impl Section<'_> {
    /// Reads the section into a settings type, which should carry `#[serde(deny_unknown_fields)]`.
    ///
    /// Each key is tried by itself first, so that every mistake is found and not just the first one.
    ///
    /// # Errors
    ///
    /// Every mistake, with its place, what was found, what is allowed, and the nearest valid name.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Vec<Problem>> {
        let mut problems = Vec::new();
        for (key, value) in self.values {
            let alone = Dict::from([(key.clone(), value.clone())]);
            if let Err(error) = Value::from(alone).deserialize::<T>() {
                problems.extend(error.into_iter().filter_map(|one| self.explain(key, Some(value), &one)));
            }
        }
        let whole = Value::from(self.values.clone()).deserialize::<T>();
        match whole {
            Ok(settings) if problems.is_empty() => Ok(settings),
            Ok(_) => Err(problems),
            Err(error) => {
                // What the keys by themselves could not show: what is missing.
                for one in error {
                    if let figment::error::Kind::MissingField(field) = &one.kind
                        && one.path.is_empty()
                    {
                        let message = format!("`{field}` is missing");
                        problems.push(Problem::at(self.file(), format!("{}.{field}", self.path), message));
                    } else if problems.is_empty() {
                        problems.push(Problem::at(self.file(), self.path, one.kind.to_string()));
                    }
                }
                Err(problems)
            }
        }
    }

    /// One problem with a key of this section.
    #[must_use]
    pub fn wrong(&self, key: &str, message: impl Into<String>) -> Vec<Problem> {
        let file = self.values.get(key).map_or_else(|| self.file(), |value| self.origin.of(value));
        vec![Problem::at(file, format!("{}.{key}", self.path), message)]
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

    /// The file that the section starts in.
    #[must_use]
    pub fn file(&self) -> String {
        self.values.values().next().map_or_else(|| "default".to_owned(), |value| self.origin.of(value))
    }

    fn explain(&self, key: &str, value: Option<&Value>, error: &figment::Error) -> Option<Problem> {
        use figment::error::Kind;
        if matches!(&error.kind, Kind::MissingField(_)) && error.path.is_empty() {
            return None;
        }
        let mut path = format!("{}.{key}", self.path);
        for part in error.path.iter().skip(1) {
            path.push('.');
            path.push_str(part);
        }
        let file = value.map_or_else(|| self.file(), |value| self.origin.of(value));
        Some(match &error.kind {
            Kind::UnknownField(name, valid) => {
                if !path.ends_with(&format!(".{name}")) {
                    path = format!("{path}.{name}");
                }
                Problem::at(file, path, format!("unknown key `{name}`"))
                    .allowed(valid.join(", "))
                    .nearest(name, valid.iter().copied())
            }
            Kind::InvalidType(found, wanted) => {
                Problem::at(file, path, "wrong type").found(found.to_string()).allowed(wanted.clone())
            }
            Kind::InvalidValue(found, wanted) => {
                Problem::at(file, path, "invalid value").found(found.to_string()).allowed(wanted.clone())
            }
            Kind::UnknownVariant(name, valid) => Problem::at(file, path, "unknown value")
                .found(format!("`{name}`"))
                .allowed(valid.join(", "))
                .nearest(name, valid.iter().copied()),
            other => Problem::at(file, path, other.to_string()),
        })
    }
}
