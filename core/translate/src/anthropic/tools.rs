//! Tools that a request declares, and the choice among them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A tool.
#[derive(Deserialize)]
pub(crate) struct Tool<'a> {
    /// `custom`, or one of Anthropic's own.
    #[serde(rename = "type", borrow, default = "custom")]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) description: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) input_schema: Option<&'a RawValue>,
    pub(crate) strict: Option<bool>,
}

fn custom() -> Cow<'static, str> {
    Cow::Borrowed("custom")
}

/// The choice among tools.
#[derive(Deserialize)]
pub(crate) struct ToolChoice<'a> {
    /// `auto`, `any`, `tool` or `none`.
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
    /// The tool, where it is one.
    #[serde(borrow, default)]
    pub(crate) name: Cow<'a, str>,
    #[serde(default)]
    pub(crate) disable_parallel_tool_use: bool,
}
