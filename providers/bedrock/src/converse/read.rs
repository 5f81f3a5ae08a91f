//! What Anthropic's requests have, and how it is read: borrowed, and with sentences that name the place of a mistake.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use sluice_api::Error;

/// Where an image or a document comes from.
#[derive(Deserialize)]
pub(super) struct Source<'a> {
    /// `base64`, `text`, `content`, `url` or `file`.
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) media_type: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) data: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
}

/// A cache mark.
#[derive(Deserialize)]
pub(super) struct CacheControl<'a> {
    #[serde(borrow, default)]
    pub(super) ttl: Cow<'a, str>,
}

/// A turn.
#[derive(Deserialize)]
pub(super) struct Turn<'a> {
    #[serde(borrow)]
    pub(super) role: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) content: &'a RawValue,
}

/// What every block has.
#[derive(Deserialize)]
pub(super) struct Head<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) cache_control: Option<CacheControl<'a>>,
}

#[derive(Deserialize)]
pub(super) struct TextBlock<'a> {
    #[serde(borrow)]
    pub(super) text: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct ImageBlock<'a> {
    #[serde(borrow)]
    pub(super) source: super::read::Source<'a>,
}

#[derive(Deserialize)]
pub(super) struct SearchResultBlock<'a> {
    #[serde(borrow)]
    pub(super) source: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) title: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) content: Vec<TextBlock<'a>>,
    #[serde(borrow)]
    pub(super) citations: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct ToolUseBlock<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) input: &'a RawValue,
}

#[derive(Deserialize)]
pub(super) struct ToolResultBlock<'a> {
    #[serde(borrow)]
    pub(super) tool_use_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    pub(super) is_error: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct ThinkingBlock<'a> {
    #[serde(borrow)]
    pub(super) thinking: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) signature: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct RedactedBlock<'a> {
    #[serde(borrow)]
    pub(super) data: Cow<'a, str>,
}

/// Reads a value of a request.
pub(super) fn parse<'a, T: Deserialize<'a>>(value: &'a RawValue, at: &str) -> Result<T, Error> {
    serde_json::from_str(value.get()).map_err(|error| wrong(at, &error.to_string()))
}

/// Reads a string, borrowed where nothing in it is escaped.
pub(super) fn text<'a>(value: &'a RawValue, at: &str) -> Result<Cow<'a, str>, Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
    parse::<Borrowed<'a>>(value, at).map(|text| text.0)
}

/// A mistake at a place of the request.
pub(super) fn wrong(at: &str, what: &str) -> Error {
    Error::bad_request(Some(at), format!("`{at}` is wrong: {what}"))
}

/// Something that Converse has no counterpart for.
pub(super) fn refused(at: &str, what: &str) -> Error {
    let message =
        format!("`{at}`: {what} has no counterpart in Bedrock's Converse API, which serves this model");
    Error::bad_request(Some(at), message)
}
