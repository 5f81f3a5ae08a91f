//! YAML as a format of figment's, by a maintained parser.

use figment::providers::Format;
use serde::de::DeserializeOwned;

/// YAML.
pub(crate) struct Yaml;

impl Format for Yaml {
    type Error = serde_norway::Error;
    const NAME: &'static str = "YAML";

    fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, serde_norway::Error> {
        serde_norway::from_str(text)
    }
}
