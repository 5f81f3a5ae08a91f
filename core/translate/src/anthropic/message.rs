//! A whole answer.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// An answer.
#[derive(Serialize)]
pub(crate) struct Message<'a> {
    pub(crate) id: &'a str,
    /// `message`.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// `assistant`.
    pub(crate) role: &'static str,
    pub(crate) model: &'a str,
    pub(crate) content: Vec<Content<'a>>,
    pub(crate) stop_reason: &'a str,
    pub(crate) stop_sequence: Option<&'a str>,
    pub(crate) usage: Value,
}

/// A block of it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Content<'a> {
    Text { text: String },
    Thinking { thinking: String, signature: String },
    RedactedThinking { data: String },
    ToolUse { id: String, name: String, input: &'a RawValue },
}
