//! Settings of `[store]` with `kind = "embedded"`; those of a shared store are read, so that none is ignored.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use sluice_api::settings::{Problem, Secret, Section, Span};
use utoipa::ToSchema;

/// What the keys in a shared store begin with.
const PREFIX: &str = "sluice";

/// How long one operation of a shared store may take.
const TIMEOUT: Span = Span(Duration::from_secs(1));

/// Schemes of a shared store's URL.
const SCHEMES: [&str; 2] = ["redis://", "rediss://"];

/// Settings of the embedded store.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmbeddedSettings {
    /// Folder that holds the database; made where it is missing.
    #[serde(default = "path")]
    #[schema(value_type = String, default = json!("sluice-data"))]
    pub(crate) path: PathBuf,
    /// URL of a shared store, redis:// or rediss://; a list of them is a cluster. Not available yet.
    url: Option<Urls>,
    /// What the keys in a shared store begin with. Other than the default: not available yet.
    #[serde(default = "prefix")]
    #[schema(default = prefix)]
    prefix: String,
    /// Longest wait for one operation of a shared store. Other than the default: not available yet.
    #[serde(default = "timeout")]
    #[schema(default = timeout)]
    timeout: Span,
    /// What becomes of requests while a shared store is out of reach; "admit" is not available yet.
    #[serde(default)]
    #[schema(default = json!("reject"))]
    on_outage: OnOutage,
}

/// What becomes of requests while the store is out of reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum OnOutage {
    /// They are refused.
    #[default]
    Reject,
    /// They are served, with limits held per gateway. Not available yet.
    Admit,
}

/// One URL, or those of a cluster; each may hold a password.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
enum Urls {
    /// One.
    One(Secret),
    /// A cluster.
    Several(Vec<Secret>),
}

impl EmbeddedSettings {
    /// Reads them; what only a shared store can do is refused.
    pub(crate) fn read(section: &Section<'_>) -> Result<Self, Vec<Problem>> {
        let settings: Self = section.read()?;
        let mut problems = Vec::new();
        let mut wrong = |key: &str, message: &str| problems.extend(section.wrong(key, message));
        let urls = match &settings.url {
            None => &[],
            Some(Urls::One(url)) => std::slice::from_ref(url),
            Some(Urls::Several(urls)) => urls.as_slice(),
        };
        let valid = |url: &Secret| SCHEMES.iter().any(|scheme| url.expose().starts_with(scheme));
        if !urls.iter().all(valid) {
            wrong("url", "a shared store's URL begins with redis:// or rediss://");
        }
        if settings.path.as_os_str().is_empty() {
            wrong("path", "the store's folder needs a name");
        }
        if settings.prefix.is_empty() {
            wrong(
                "prefix",
                "without a prefix the keys of others in the same store could be taken for Sluice's",
            );
        }
        if settings.timeout.0.is_zero() {
            wrong("timeout", "it must be more than 0, or every operation fails");
        }
        for (key, usual) in [
            ("url", settings.url.is_none()),
            ("prefix", settings.prefix == PREFIX),
            ("timeout", settings.timeout == TIMEOUT),
            ("on_outage", settings.on_outage == OnOutage::Reject),
        ] {
            if !usual {
                wrong(key, "a shared store is not available yet: leave this out");
            }
        }
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }
}

impl<'de> Deserialize<'de> for Urls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(urls::Reader)
    }
}

mod urls {
    //! Reading one or several, with errors that say what was wanted.

    use std::fmt;

    use serde::Deserialize;
    use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
    use serde::de::{Error, MapAccess, SeqAccess, Visitor};
    use sluice_api::settings::Secret;

    use super::Urls;

    pub(super) struct Reader;

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
}

fn path() -> PathBuf {
    PathBuf::from("sluice-data")
}

fn prefix() -> String {
    PREFIX.to_owned()
}

fn timeout() -> Span {
    TIMEOUT
}

#[cfg(test)]
mod tests {
    use super::EmbeddedSettings;
    use sluice_api::plugin::testing::with_section;

    fn told(toml: &str) -> Vec<String> {
        let read = with_section(toml, EmbeddedSettings::read);
        let problems = read.err().unwrap_or_default();
        problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect()
    }

    #[test]
    fn defaults_of_a_shared_store_are_accepted() {
        for toml in ["", "path = \"d\"", "prefix = \"sluice\"\ntimeout = \"1s\"\non_outage = \"reject\""] {
            assert_eq!(told(toml), Vec::<String>::new(), "{toml}");
        }
    }

    #[test]
    fn what_a_shared_store_would_do_is_checked_and_refused() {
        for (toml, path, says) in [
            ("url = \"redis://:planted@h\"", "url", "not available yet"),
            ("url = [\"redis://h:1\", { file = \"/nowhere\" }]", "url", "/nowhere"),
            ("url = [\"redis://h:1\", \"rediss://:planted@h:2\"]", "url", "not available yet"),
            ("url = \"http://:planted@h\"", "url", "begins with redis://"),
            ("url = 5", "url", "wrong type"),
            ("prefix = \"other\"", "prefix", "not available yet"),
            ("prefix = \"\"", "prefix", "without a prefix"),
            ("timeout = \"2s\"", "timeout", "not available yet"),
            ("timeout = \"0\"", "timeout", "more than 0"),
            ("timeout = \"2\"", "timeout", "invalid value"),
            ("on_outage = \"admit\"", "on_outage", "not available yet"),
            ("on_outage = \"deny\"", "on_outage", "unknown value"),
            ("path = \"\"", "path", "needs a name"),
            ("pth = \"d\"", "pth", "unknown key"),
        ] {
            let told = told(toml);
            let found = told.iter().any(|problem| problem.contains(path) && problem.contains(says));
            assert!(found && !told.join("").contains("planted"), "{toml}: {told:?}");
        }
    }
}
