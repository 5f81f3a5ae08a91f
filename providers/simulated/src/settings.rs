//! What a simulated account is told to do.

use http::StatusCode;
use serde::{Deserialize, Deserializer, de};
use sluice_api::settings::Span;
use utoipa::ToSchema;

/// Settings of `simulated`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SimulatedSettings {
    /// What it answers.
    #[serde(default = "text")]
    pub(crate) text: String,
    /// Output tokens that it claims; unset: one for each word.
    #[serde(default)]
    pub(crate) tokens: Option<u64>,
    /// Wait before each piece of an answer.
    #[serde(default = "none")]
    pub(crate) delay: Span,
    /// A status from 400 to 599 to refuse everything with, or "cut" to break off in the middle.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "429")]
    pub(crate) fail: Option<Fail>,
}

fn text() -> String {
    "Hello from Sluice's simulated provider. Everything between you and me is the real gateway.".to_owned()
}

fn none() -> Span {
    Span(std::time::Duration::ZERO)
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fail {
    /// With this status.
    Status(StatusCode),
    /// In the middle of its answer.
    Cut,
}

impl<'de> Deserialize<'de> for Fail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u16),
            Text(String),
        }
        let wrong = || de::Error::custom("`fail` is a status from 400 to 599, or \"cut\"");
        let number = match Written::deserialize(deserializer)? {
            Written::Text(text) if text == "cut" => return Ok(Self::Cut),
            Written::Text(text) => text.parse().map_err(|_| wrong())?,
            Written::Number(number) => number,
        };
        let status =
            StatusCode::from_u16(number).ok().filter(|status| status.as_u16() >= 400 && number < 600);
        status.map(Self::Status).ok_or_else(wrong)
    }
}
