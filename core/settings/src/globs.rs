//! Lists of globs over model names: `claude-*`, with `!claude-opus-*` to exclude.

use globset::{Glob, GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};
use sluice_api::limiter::ModelNames;

/// A list of globs. An empty list, or one of exclusions only, takes everything that is not excluded.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Globs {
    written: Vec<String>,
    takes: Vec<Pattern>,
    excludes: Vec<Pattern>,
}

/// A glob that can't be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the glob `{glob}` is wrong: {why}")]
pub struct WrongGlob {
    glob: String,
    why: String,
}

impl TryFrom<Vec<String>> for Globs {
    type Error = WrongGlob;
    fn try_from(texts: Vec<String>) -> Result<Self, WrongGlob> {
        Self::compile(texts.iter().map(String::as_str))
    }
}

impl ModelNames for Globs {
    fn matches(&self, model: &str) -> bool {
        Globs::matches(self, model)
    }
}

impl From<Globs> for Vec<String> {
    fn from(globs: Globs) -> Self {
        globs.written
    }
}

#[derive(Clone, Debug)]
enum Pattern {
    Exact(String),
    Prefix(String),
    Glob(GlobMatcher),
}

impl Globs {
    /// Compiles a list.
    ///
    /// # Errors
    ///
    /// The first glob that is wrong, and why.
    pub fn compile<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, WrongGlob> {
        let mut globs = Self::default();
        for text in texts {
            let (list, pattern) = match text.strip_prefix('!') {
                Some(excluded) => (&mut globs.excludes, excluded),
                None => (&mut globs.takes, text),
            };
            list.push(Pattern::compile(pattern).map_err(|why| WrongGlob { glob: text.to_owned(), why })?);
            globs.written.push(text.to_owned());
        }
        Ok(globs)
    }

    /// The list as it was written.
    #[must_use]
    pub fn written(&self) -> &[String] {
        &self.written
    }

    /// Whether a name is taken.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let taken = self.takes.is_empty() || self.takes.iter().any(|pattern| pattern.matches(name));
        taken && !self.excludes.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether every name that `other` takes is surely taken here too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let covered = |pattern: &Pattern| self.takes.iter().any(|own| own.covers(pattern));
        let all = self.takes.is_empty();
        self.excludes.is_empty() && (all || (!other.takes.is_empty() && other.takes.iter().all(covered)))
    }

    /// The names that stand in the list as they are.
    pub fn exact_names(&self) -> impl Iterator<Item = &str> {
        self.takes.iter().filter_map(|pattern| match pattern {
            Pattern::Exact(name) => Some(name.as_str()),
            Pattern::Prefix(_) | Pattern::Glob(_) => None,
        })
    }

    /// The only names that are taken, where all stand in the list as they are.
    #[must_use]
    pub fn only_names(&self) -> Option<Vec<String>> {
        let exact = self.takes.iter().all(|pattern| matches!(pattern, Pattern::Exact(_)));
        let taken = || self.exact_names().filter(|name| self.matches(name)).map(ToOwned::to_owned).collect();
        (exact && !self.takes.is_empty()).then(taken)
    }
}

impl Pattern {
    fn compile(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        let special = |byte: u8| matches!(byte, b'*' | b'?' | b'[' | b'{' | b'\\');
        if !text.bytes().any(special) {
            return Ok(Self::Exact(text.to_owned()));
        }
        if let Some(prefix) = text.strip_suffix('*')
            && !prefix.bytes().any(special)
        {
            return Ok(Self::Prefix(prefix.to_owned()));
        }
        let glob: Glob = GlobBuilder::new(text).build().map_err(|error| error.kind().to_string())?;
        Ok(Self::Glob(glob.compile_matcher()))
    }

    /// Whether every name that `other` matches is surely matched here too.
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Exact(name)) => self.matches(name),
            (Self::Exact(_), _) => false,
            (Self::Prefix(own), Self::Prefix(other)) => other.starts_with(own.as_str()),
            (Self::Prefix(own), Self::Glob(other)) => {
                let text = other.glob().glob();
                let literal = text.split(['*', '?', '[', '{', '\\']).next().unwrap_or_default();
                literal.starts_with(own.as_str())
            }
            (Self::Glob(own), Self::Glob(other)) => own.glob().glob() == other.glob().glob(),
            (Self::Glob(_), Self::Prefix(_)) => false,
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
            Self::Glob(glob) => glob.is_match(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Globs;

    #[test]
    fn one_glob_covers_another_only_where_that_is_sure() {
        for (one, other, covers) in [
            ("*", "claude-*", true),
            ("*", "?-{a,b}", true),
            ("claude-*", "claude-opus-*", true),
            ("claude-*", "claude-opus-5", true),
            ("claude-*", "claude-{opus,haiku}", true),
            ("claude-*", "c*", false),
            ("claude-opus-*", "claude-*", false),
            ("gpt-5", "gpt-5", true),
            ("gpt-5", "gpt-5*", false),
            ("gpt-?", "gpt-5", true),
            ("gpt-?", "gpt-?", true),
            ("gpt-?", "gpt-*", false),
            ("!gpt-5", "gpt-4", false),
        ] {
            let [one, other] = [one, other].map(|glob| Globs::compile([glob]).unwrap());
            assert_eq!(one.covers(&other), covers, "{one:?} {other:?}");
        }
    }

    #[test]
    fn globs_take_and_exclude() {
        for (list, name, taken) in [
            (&[][..], "x", true),
            (&["claude-*"], "claude-sonnet-5", true),
            (&["claude-*"], "gpt-5", false),
            (&["claude-*", "!claude-opus-*"], "claude-opus-5", false),
            (&["!gpt-*"], "claude", true),
            (&["gpt-5.?"], "gpt-5.5", true),
            (&["gpt-5.5"], "gpt-5x5", false),
            (&["*"], "meta/llama", true),
            (&["{a,b}-*"], "b-1", true),
        ] {
            assert_eq!(Globs::compile(list.iter().copied()).unwrap().matches(name), taken, "{list:?} {name}");
        }
        assert!(Globs::compile(["[a"]).is_err());
        assert!(Globs::compile([""]).is_err());
    }
}
