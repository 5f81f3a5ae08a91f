//! Converse's whole answer as Anthropic's message.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use sluice_api::{Error, Kind};

use super::Heading;
use super::usage::{Tier, Usage, stop_reason};

/// Translates an answer. The tools' input stays as the model wrote it.
///
/// # Errors
///
/// When it is not what Converse answers.
pub(crate) fn answer(body: &[u8], heading: &Heading) -> Result<Bytes, Error> {
    let unreadable = |error| Error::new(Kind::Upstream, format!("Converse's answer can't be read: {error}"));
    let told: Told<'_> = serde_json::from_slice(body).map_err(unreadable)?;
    let content: Vec<Content<'_>> = told.output.message.content.into_iter().filter_map(Content::of).collect();
    let called = content.iter().any(|block| matches!(block, Content::ToolUse { .. }));
    let message = Message {
        id: &heading.id,
        kind: "message",
        role: "assistant",
        model: &heading.model,
        stop_reason: stop_reason(&told.stop_reason, called),
        stop_sequence: None,
        usage: told.usage.told(told.service_tier.as_ref()),
        content,
    };
    serde_json::to_vec(&message).map(Bytes::from).map_err(unreadable)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(borrow)]
    output: Output<'a>,
    stop_reason: String,
    #[serde(default)]
    usage: Usage,
    service_tier: Option<Tier>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    message: ToldMessage<'a>,
}

#[derive(Deserialize)]
struct ToldMessage<'a> {
    #[serde(borrow)]
    content: Vec<Block<'a>>,
}

/// One of these is there. Gaps: images, audio, and what system tools have answered, which Anthropic has no block for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block<'a> {
    text: Option<String>,
    #[serde(borrow)]
    tool_use: Option<ToolUse<'a>>,
    reasoning_content: Option<Reasoning>,
    citations_content: Option<Cited>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse<'a> {
    tool_use_id: String,
    name: String,
    #[serde(borrow)]
    input: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reasoning {
    reasoning_text: Option<ReasoningText>,
    redacted_content: Option<String>,
}

#[derive(Deserialize)]
struct ReasoningText {
    text: String,
    #[serde(default)]
    signature: String,
}

/// Text with citations, which have other forms than Anthropic's and are left out.
#[derive(Deserialize)]
struct Cited {
    #[serde(default)]
    content: Vec<CitedText>,
}

#[derive(Deserialize)]
struct CitedText {
    #[serde(default)]
    text: String,
}

#[derive(Serialize)]
struct Message<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<Content<'a>>,
    stop_reason: &'a str,
    stop_sequence: Option<&'a str>,
    usage: Value,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'a> {
    Text { text: String },
    Thinking { thinking: String, signature: String },
    RedactedThinking { data: String },
    ToolUse { id: String, name: String, input: &'a RawValue },
}

impl<'a> Content<'a> {
    fn of(block: Block<'a>) -> Option<Self> {
        if let Some(text) = block.text {
            return Some(Self::Text { text });
        }
        if let Some(call) = block.tool_use {
            return Some(Self::ToolUse { id: call.tool_use_id, name: call.name, input: call.input });
        }
        if let Some(cited) = block.citations_content {
            return Some(Self::Text { text: cited.content.into_iter().map(|part| part.text).collect() });
        }
        let reasoning = block.reasoning_content?;
        if let Some(data) = reasoning.redacted_content {
            return Some(Self::RedactedThinking { data });
        }
        let told = reasoning.reasoning_text?;
        Some(Self::Thinking { thinking: told.text, signature: told.signature })
    }
}
