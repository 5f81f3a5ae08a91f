//! How a request wants to be answered: thinking, and the form of the output.

use serde::Deserialize;
use serde_json::value::RawValue;

/// `thinking`.
#[derive(Debug, Deserialize)]
pub(crate) struct Thinking {
    #[serde(rename = "type")]
    kind: String,
    pub(crate) budget_tokens: Option<u64>,
}

impl Thinking {
    /// Whether it asks to think.
    pub(crate) fn is_on(&self) -> bool {
        self.kind != "disabled"
    }
}

/// `output_config`.
#[derive(Default, Deserialize)]
pub(crate) struct OutputConfig {
    pub(crate) effort: Option<String>,
    pub(crate) format: Option<Format>,
    pub(crate) task_budget: Option<serde::de::IgnoredAny>,
}

/// The form of the output: `output_config.format`, before that `output_format`.
#[derive(Deserialize)]
pub(crate) struct Format {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) schema: Option<Box<RawValue>>,
}
