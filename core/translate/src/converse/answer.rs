//! Converse's whole answer as Anthropic's message.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use sluice_api::error::{Error, Kind};

use super::usage::{Tier, Usage, stop_reason};
use crate::anthropic::message::{Content, Message};
use crate::translated::Heading;

/// Translates an answer. The tools' input stays as the model wrote it.
///
/// # Errors
///
/// When it is not what Converse answers.
pub fn answer(body: &[u8], heading: &Heading) -> Result<Bytes, Error> {
    let unreadable = |error| Error::new(Kind::Upstream, format!("Converse's answer can't be read: {error}"));
    let told: Told<'_> = serde_json::from_slice(body).map_err(unreadable)?;
    let content: Vec<Content<'_>> =
        told.output.message.content.into_iter().filter_map(Block::content).collect();
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

impl<'a> Block<'a> {
    /// Anthropic's block; `None` for what it has none for.
    fn content(self) -> Option<Content<'a>> {
        if let Some(text) = self.text {
            return Some(Content::Text { text });
        }
        if let Some(call) = self.tool_use {
            return Some(Content::ToolUse { id: call.tool_use_id, name: call.name, input: call.input });
        }
        if let Some(cited) = self.citations_content {
            return Some(Content::Text { text: cited.content.into_iter().map(|part| part.text).collect() });
        }
        let reasoning = self.reasoning_content?;
        if let Some(data) = reasoning.redacted_content {
            return Some(Content::RedactedThinking { data });
        }
        let told = reasoning.reasoning_text?;
        Some(Content::Thinking { thinking: told.text, signature: told.signature })
    }
}
