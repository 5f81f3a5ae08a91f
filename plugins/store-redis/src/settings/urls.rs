//! One URL or several, each of which may be a secret; and what is wrong with one.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use sluice_api::settings::Secret;
use utoipa::ToSchema;

/// One URL, or those of a cluster; each may hold a password.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub(super) enum Urls {
    /// One.
    One(Secret),
    /// A cluster.
    Several(Vec<Secret>),
}

impl Urls {
    /// Each of them.
    pub(super) const fn each(&self) -> &[Secret] {
        match self {
            Self::One(url) => std::slice::from_ref(url),
            Self::Several(urls) => urls.as_slice(),
        }
    }
}

/// What is wrong with a URL, in words without it.
pub(super) fn wrong(url: &str) -> Option<String> {
    if !["redis://", "rediss://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Some("the store's URL begins with redis:// or rediss://".to_owned());
    }
    let Some(url) = redis::parse_redis_url(url) else {
        return Some(
            "it is no URL: special characters in a password are written as %40 for @, %2F for /, %3A for :"
                .to_owned(),
        );
    };
    if url.host_str().is_none_or(str::is_empty) {
        return Some("the store's URL needs a host, like redis://127.0.0.1:6379".to_owned());
    }
    if url.fragment().is_some() {
        return Some(
            "nothing stands behind a `#`: a certificate is always checked, against ca where it is set"
                .to_owned(),
        );
    }
    let unknown = url.query_pairs().find(|(name, _)| name != "protocol");
    unknown.map(|(name, _)| format!("the parameter `{name}` is not known: only `protocol` is"))
}

impl<'de> Deserialize<'de> for Urls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Reads one or several, with errors that say what was wanted.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Urls;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL, or a list of URLs, each a string, { env = \"NAME\" } or { file = \"PATH\" }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Urls, E> {
        Ok(Urls::One(Secret::new(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Urls, A::Error> {
        Secret::deserialize(MapAccessDeserializer::new(map)).map(Urls::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Urls, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Urls::Several)
    }
}
