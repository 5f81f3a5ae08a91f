//! What an account is let in by, as a hash that tells new credentials from old ones.

use std::fmt;

use figment::value::{Dict, Value};
use http::HeaderMap;
use serde::Deserialize as _;
use sha2::{Digest as _, Sha256};
use sluice_api::settings::Secret;

/// Bytes of the hash that are told to other gateways.
const SHOWN: usize = 8;

/// All that decides as whom an account asks, and where: its provider's own settings and its headers. Secrets count as
/// what they are, and not as where they stand: a file may have another one now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials([u8; 32]);

impl Credentials {
    /// Those of an account of this kind.
    pub(crate) fn of(kind: &str, settings: &Dict, headers: &HeaderMap) -> Self {
        let mut hash = Sha256::new();
        let mut feed = |part: &[u8]| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        feed(kind.as_bytes());
        walk(settings, &mut feed);
        // The order of names in a map differs from one run of the program to the next.
        let mut headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value)).collect();
        headers.sort();
        for (name, value) in headers {
            feed(name.as_bytes());
            feed(value.as_bytes());
        }
        Self(hash.finalize().into())
    }
}

impl fmt::Display for Credentials {
    /// A part of the hash, by which gateways know that they mean the same ones: enough that no two are ever taken for
    /// each other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(SHOWN).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn walk(dict: &Dict, feed: &mut impl FnMut(&[u8])) {
    for (name, value) in dict {
        feed(name.as_bytes());
        one(value, feed);
    }
}

fn one(value: &Value, feed: &mut impl FnMut(&[u8])) {
    match value {
        Value::Dict(_, dict) => match Secret::deserialize(value) {
            Ok(secret) => feed(secret.expose().as_bytes()),
            Err(_) => walk(dict, feed),
        },
        Value::Array(_, values) => values.iter().for_each(|value| one(value, feed)),
        Value::String(_, text) => feed(text.as_bytes()),
        Value::Char(_, letter) => feed(letter.to_string().as_bytes()),
        Value::Bool(_, is) => feed(is.to_string().as_bytes()),
        Value::Num(_, number) => feed(format!("{number:?}").as_bytes()),
        Value::Empty(..) => feed(b""),
    }
}

#[cfg(test)]
mod tests {
    use figment::value::Dict;
    use http::HeaderMap;

    use crate::credentials::Credentials;

    fn of(toml: &str) -> Credentials {
        use figment::providers::{Format as _, Toml};
        let settings: Dict = figment::Figment::from(Toml::string(toml)).extract().unwrap();
        Credentials::of("k", &settings, &HeaderMap::new())
    }

    #[test]
    fn a_secret_counts_by_what_it_is_and_everything_else_by_its_value() {
        let path = std::env::temp_dir().join(format!("sluice-credentials-{}", std::process::id()));
        std::fs::write(&path, "one\n").unwrap();
        let from_file = || of(&format!("api_key = {{ file = {path:?} }}"));
        let first = from_file();
        assert!(first == of("api_key = \"one\"") && first == from_file());
        std::fs::write(&path, "two").unwrap();
        assert!(first != from_file(), "the file has another secret");
        std::fs::remove_file(&path).unwrap();
        let base = "base_url = \"http://u\"\noauth = { refresh_token = \"r\", expires_at = 7 }";
        assert!(of(base) == of(base));
        for (from, to) in [("\"r\"", "\"s\""), ("7", "8"), ("//u", "//v"), ("refresh", "access")] {
            assert!(of(base) != of(&base.replace(from, to)), "{from}");
        }
    }
}
