//! One mistake in the configuration, with its place and what would be right.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// How the sentence about an unknown key begins.
const UNKNOWN_KEY: &str = "unknown key `";

/// One mistake in the configuration, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Problem {
    /// The file (or `environment`, or `default`) that the value comes from.
    pub file: String,
    /// The line of the file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The environment variable, where the value comes from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
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
            line: None,
            variable: None,
            path: path.into(),
            message: message.into(),
            found: None,
            allowed: None,
            nearest: None,
        }
    }

    /// A key that nobody knows, where `valid` are known.
    #[must_use]
    pub fn unknown_key(file: impl Into<String>, path: impl Into<String>, name: &str, valid: &[&str]) -> Self {
        let allowed = if valid.is_empty() { "no key at all".to_owned() } else { valid.join(", ") };
        Self::at(file, path, format!("{UNKNOWN_KEY}{name}`"))
            .allowed(allowed)
            .nearest(name, valid.iter().copied())
    }

    /// The key that this problem says is unknown.
    #[must_use]
    pub fn unknown(&self) -> Option<&str> {
        self.message.strip_prefix(UNKNOWN_KEY)?.strip_suffix('`')
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
        self.allowed = Some(allowed.into()).filter(|allowed| !allowed.is_empty());
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
        match (&self.variable, self.line) {
            (Some(variable), _) => write!(f, "{} variable {variable}: ", self.file)?,
            (None, Some(line)) => write!(f, "{}:{line}: ", self.file)?,
            (None, None) => write!(f, "{}: ", self.file)?,
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
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
