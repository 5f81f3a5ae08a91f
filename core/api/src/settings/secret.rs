//! Secrets that never print.

use std::fs;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A secret: written inline, as `{ env = "NAME" }` or as `{ file = "PATH" }`.
///
/// It has no `Debug` that shows it, no `Display` and no `Serialize`; [`Secret::expose`] is the only way to it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Box<str>);

impl Secret {
    /// A secret from its text.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// What examples have in place of secrets. Whoever copies one must not admit, or send upstream, what everybody knows.
pub const PLACEHOLDERS: [&str; 8] = [
    "replace-me",
    "write { env = \"name\" } or { file = \"path\" } here",
    "changeme",
    "change-me",
    "your-api-key",
    "your_api_key",
    "your-api-key-here",
    "<your-api-key>",
];

fn is_placeholder(text: &str) -> bool {
    PLACEHOLDERS.iter().any(|placeholder| placeholder.eq_ignore_ascii_case(text))
}

/// Ends of words in a key's name which say that its value may be a secret.
const TELLING: [&str; 13] = [
    "key",
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "credential",
    "credentials",
    "auth",
    "authorization",
    "cookie",
    "headers",
    "proxy",
];

/// Whether the value at a key path may be a secret, going by names alone: `api_key`, `oauth.refresh_token`.
///
/// It is for what no settings type has read yet, and hides too much rather than too little.
#[must_use]
pub fn may_be_secret(path: &str) -> bool {
    let words = path.split(|letter: char| !letter.is_alphanumeric());
    words.map(str::to_lowercase).any(|word| TELLING.iter().any(|telling| word.ends_with(telling)))
}

/// Text that may be a URL, without what it may hold of credentials: user, password and query.
#[must_use]
pub fn without_credentials(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    // The last one, as a password that is not encoded may hold what ends a host.
    let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("***@", rest));
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?***"));
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{user}{rest}{query}")
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a secret: a string, { env = \"NAME\" } or { file = \"PATH\" }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        usable(text, "the secret")
    }

    // figment's environment layer gives `12345` a number's type; a secret is text all the same.
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Secret, E> {
        Ok(Secret::new(number.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Secret, E> {
        Ok(Secret::new(number.to_string()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        let Some((place, name)) = map.next_entry::<String, String>()? else {
            return Err(de::Error::custom("a secret needs `env` or `file`"));
        };
        if map.next_key::<String>()?.is_some() {
            return Err(de::Error::custom("a secret has either `env` or `file`, one of them"));
        }
        match place.as_str() {
            "env" => from_env(&name),
            "file" => from_file(&name),
            _ => Err(de::Error::unknown_field(&place, &["env", "file"])),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a secret's place is the one thing that is read from the environment by name"
)]
fn from_env<E: de::Error>(name: &str) -> Result<Secret, E> {
    match std::env::var(name) {
        Ok(text) => usable(&text, &format!("the environment variable {name}")),
        Err(_) => Err(E::custom(format!("the environment variable {name} is not set"))),
    }
}

fn from_file<E: de::Error>(path: &str) -> Result<Secret, E> {
    match fs::read_to_string(path) {
        Ok(text) => usable(&text, &format!("the file {path}")),
        Err(error) => Err(E::custom(format!("the file {path} can't be read: {error}"))),
    }
}

/// A secret that is one; `what` is its text's name at the start of a sentence.
fn usable<E: de::Error>(text: &str, what: &str) -> Result<Secret, E> {
    let text = text.trim();
    if text.is_empty() {
        return Err(E::custom(format!("{what} is empty")));
    }
    if is_placeholder(text) {
        let message = format!("{what} is still the placeholder `{text}` of an example: write the real one");
        return Err(E::custom(message));
    }
    Ok(Secret::new(text))
}

impl PartialSchema for Secret {
    fn schema() -> RefOr<Schema> {
        let place = |name: &str, what: &str| {
            ObjectBuilder::new()
                .property(name, ObjectBuilder::new().schema_type(Type::String).description(Some(what)))
                .required(name)
        };
        OneOfBuilder::new()
            .description(Some("A secret: inline, from an environment variable, or from a file."))
            // The mark by which whoever shows settings knows a secret, also where this schema stands inline.
            .item(
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password))),
            )
            .item(place("env", "name of an environment variable"))
            .item(place("file", "path of a file"))
            .into()
    }
}

impl ToSchema for Secret {}

#[cfg(test)]
mod tests {
    use super::{Secret, may_be_secret};
    use crate::plugin::testing::with_section;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Settings {
        secret: Secret,
    }

    #[test]
    fn a_placeholder_is_no_secret() {
        let read = |text: &str| {
            let toml = format!("secret = {text:?}");
            let read = with_section(&toml, |section| section.read::<Settings>());
            read.map(|read| read.secret.expose().to_owned()).map_err(|problems| problems[0].message.clone())
        };
        for text in
            ["REPLACE-ME", " replace-me", "write { env = \"NAME\" } or { file = \"PATH\" } here", "changeme"]
        {
            let message = read(text).unwrap_err();
            assert!(message.contains("placeholder"), "{message}");
        }
        assert_eq!(read("replace-me-not").as_deref(), Ok("replace-me-not"));
    }

    #[test]
    fn a_name_that_tells_of_a_secret_is_heard() {
        for path in
            ["accounts.a.api_key", "oauth.refresh_token", "x-api-key", "apiKey", "headers.x", "auth", "proxy"]
        {
            assert!(may_be_secret(path), "{path}");
        }
        for path in ["server.listen", "accounts.a.tokens", "keys.ci.concurrency", "max_tokens", "base_url"] {
            assert!(!may_be_secret(path), "{path}");
        }
    }
}
