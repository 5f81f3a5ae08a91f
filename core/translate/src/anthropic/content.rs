//! Turns and their blocks, borrowed.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Where an image or a document comes from.
#[derive(Deserialize)]
pub(crate) struct Source<'a> {
    /// `base64`, `text`, `content`, `url` or `file`.
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) media_type: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) data: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) content: Option<&'a RawValue>,
}

/// A cache mark.
#[derive(Deserialize)]
pub(crate) struct CacheControl<'a> {
    #[serde(borrow, default)]
    pub(crate) ttl: Cow<'a, str>,
}

/// A turn.
#[derive(Deserialize)]
pub(crate) struct Turn<'a> {
    #[serde(borrow)]
    pub(crate) role: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) content: &'a RawValue,
}

/// What every block has.
#[derive(Deserialize)]
pub(crate) struct Head<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) cache_control: Option<CacheControl<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct TextBlock<'a> {
    #[serde(borrow)]
    pub(crate) text: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(crate) struct ImageBlock<'a> {
    #[serde(borrow)]
    pub(crate) source: Source<'a>,
}

#[derive(Deserialize)]
pub(crate) struct DocumentBlock<'a> {
    #[serde(borrow)]
    pub(crate) source: Source<'a>,
    pub(crate) title: Option<String>,
    #[serde(borrow, default, deserialize_with = "or_null")]
    pub(crate) context: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) citations: Option<&'a RawValue>,
}

fn or_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| Cow::Owned(text.unwrap_or_default()))
}

#[derive(Deserialize)]
pub(crate) struct SearchResultBlock<'a> {
    #[serde(borrow)]
    pub(crate) source: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) title: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) content: Vec<TextBlock<'a>>,
    #[serde(borrow)]
    pub(crate) citations: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(crate) struct ToolUseBlock<'a> {
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) input: &'a RawValue,
}

#[derive(Deserialize)]
pub(crate) struct ToolResultBlock<'a> {
    #[serde(borrow)]
    pub(crate) tool_use_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) content: Option<&'a RawValue>,
    pub(crate) is_error: Option<bool>,
}

#[derive(Deserialize)]
pub(crate) struct ThinkingBlock<'a> {
    #[serde(borrow)]
    pub(crate) thinking: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) signature: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(crate) struct RedactedBlock<'a> {
    #[serde(borrow)]
    pub(crate) data: Cow<'a, str>,
}
