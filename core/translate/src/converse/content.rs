//! Turns and their blocks.

use std::borrow::Cow;

use serde_json::value::RawValue;
use sluice_api::error::Error;

use super::documents::Documents;
use super::refused::refused;
use super::shape::{
    Block, CachePoint, Image, Message, Reasoning, SearchResult, Source, Text, ToolResult, ToolUse,
};
use crate::anthropic::content::{
    CacheControl, Head, ImageBlock, RedactedBlock, SearchResultBlock, TextBlock, ThinkingBlock,
    ToolResultBlock, ToolUseBlock, Turn,
};
use crate::anthropic::request::{parse, text, wrong};

/// A block of the system's text that Claude Code puts first, for Anthropic's own bills.
const BILLING: &str = "x-anthropic-billing-header:";

/// Media types of images begin so.
const IMAGE: &str = "image/";

/// Images that Converse takes.
const FORMATS: [&str; 4] = ["png", "jpeg", "gif", "webp"];

/// Translates turns; knows what came before.
pub(super) struct Turns {
    /// Whether cache marks have a counterpart.
    caches: bool,
    documents: Documents,
    /// Whether a tool was called or answered.
    pub(super) tools: bool,
    /// Whether cache marks were left out that have no counterpart.
    pub(super) marks_dropped: bool,
}

impl Turns {
    pub(super) fn new(caches: bool) -> Self {
        Self { caches, documents: Documents::default(), tools: false, marks_dropped: false }
    }

    /// The system's text: a string or blocks.
    pub(super) fn system<'a>(&mut self, told: &'a RawValue) -> Result<Vec<Block<'a>>, Error> {
        let mut blocks = Vec::new();
        for (block, at) in self.blocks(told, "system")? {
            match block {
                Block::Text(text) if text.starts_with(BILLING) => {}
                Block::CachePoint(_) if blocks.is_empty() => {}
                Block::Text(_) | Block::CachePoint(_) => blocks.push(block),
                _ => return Err(wrong(&at, "the system's text has text blocks alone")),
            }
        }
        Ok(blocks)
    }

    /// The turns, neighbours of one role as one. What is empty, which Converse refuses, is left out.
    pub(super) fn messages<'a>(&mut self, told: &'a RawValue) -> Result<Vec<Message<'a>>, Error> {
        let turns: Vec<Turn<'a>> = parse(told, "messages")?;
        let mut messages: Vec<Message<'a>> = Vec::new();
        for (index, turn) in turns.into_iter().enumerate() {
            if !matches!(turn.role.as_ref(), "user" | "assistant" | "system") {
                return Err(wrong(&format!("messages.{index}.role"), "it is user, assistant or system"));
            }
            let blocks = self.blocks(turn.content, &format!("messages.{index}.content"))?;
            let content = blocks.into_iter().map(|(block, _)| block).collect::<Vec<_>>();
            match messages.last_mut() {
                _ if content.is_empty() => {}
                Some(last) if last.role == turn.role => last.content.extend(content),
                _ => messages.push(Message { role: turn.role, content }),
            }
        }
        Ok(messages)
    }

    /// Blocks, each with its place, and a cache point after each that has a mark.
    fn blocks<'a>(&mut self, told: &'a RawValue, at: &str) -> Result<Vec<(Block<'a>, String)>, Error> {
        let mut blocks = Vec::new();
        if told.get().starts_with('"') {
            let text = text(told, at)?;
            if !text.is_empty() {
                blocks.push((Block::Text(text), at.to_owned()));
            }
            return Ok(blocks);
        }
        let listed: Vec<&'a RawValue> = parse(told, at)?;
        for (index, block) in listed.into_iter().enumerate() {
            let at = format!("{at}.{index}");
            let head: Head<'a> = parse(block, &at)?;
            if let Some(translated) = self.block(&head.kind, block, &at)? {
                blocks.push((translated, at.clone()));
            }
            // Nothing can be cached before the first block, and nothing more right after a point.
            let follows = blocks.last().is_some_and(|(last, _)| !matches!(last, Block::CachePoint(_)));
            let Some(mark) = head.cache_control else { continue };
            self.marks_dropped |= !self.caches;
            if self.caches && follows {
                blocks.push((cache_point(mark), at));
            }
        }
        Ok(blocks)
    }

    fn block<'a>(&mut self, kind: &str, block: &'a RawValue, at: &str) -> Result<Option<Block<'a>>, Error> {
        Ok(Some(match kind {
            "text" => {
                let text: TextBlock<'a> = parse(block, at)?;
                if text.text.is_empty() {
                    return Ok(None);
                }
                Block::Text(text.text)
            }
            "image" => Block::Image(image(block, at)?),
            "document" => Block::Document(self.documents.document(block, at)?),
            "search_result" => Block::SearchResult(search_result(block, at)?),
            "tool_use" => {
                let call: ToolUseBlock<'a> = parse(block, at)?;
                self.tools = true;
                Block::ToolUse(ToolUse { tool_use_id: call.id, name: call.name, input: call.input })
            }
            "tool_result" => Block::ToolResult(self.tool_result(block, at)?),
            "thinking" => {
                let thinking: ThinkingBlock<'a> = parse(block, at)?;
                // What has no signature is from a model that has none, and wants none back.
                if thinking.signature.is_empty() {
                    return Ok(None);
                }
                Block::ReasoningContent(Reasoning::ReasoningText {
                    text: thinking.thinking,
                    signature: thinking.signature,
                })
            }
            "redacted_thinking" => {
                let thinking: RedactedBlock<'a> = parse(block, at)?;
                Block::ReasoningContent(Reasoning::RedactedContent(thinking.data))
            }
            other => return Err(refused(at, &format!("a block of the type `{other}`"))),
        }))
    }

    fn tool_result<'a>(&mut self, block: &'a RawValue, at: &str) -> Result<ToolResult<'a>, Error> {
        let result: ToolResultBlock<'a> = parse(block, at)?;
        self.tools = true;
        let mut content = Vec::new();
        if let Some(told) = result.content {
            for (block, at) in self.blocks(told, &format!("{at}.content"))? {
                match block {
                    Block::Text(_) | Block::Image(_) | Block::Document(_) | Block::SearchResult(_) => {
                        content.push(block);
                    }
                    // A mark inside a result: Converse has points between blocks of a turn alone.
                    Block::CachePoint(_) => self.marks_dropped = true,
                    _ => return Err(refused(&at, "a block of this type in a tool's result")),
                }
            }
        }
        let status = (result.is_error == Some(true)).then_some("error");
        Ok(ToolResult { tool_use_id: result.tool_use_id, content, status })
    }
}

/// The point that stands for a mark.
pub(super) fn cache_point(mark: CacheControl<'_>) -> Block<'_> {
    Block::CachePoint(CachePoint { kind: "default", ttl: mark.ttl })
}

fn image<'a>(block: &'a RawValue, at: &str) -> Result<Image<'a>, Error> {
    let image: ImageBlock<'a> = parse(block, at)?;
    let source = image.source;
    if source.kind != "base64" {
        return Err(refused(&format!("{at}.source"), &format!("an image by `{}`", source.kind)));
    }
    let format = source.media_type.strip_prefix(IMAGE).filter(|format| FORMATS.contains(format));
    let Some(format) = format.map(ToOwned::to_owned) else {
        let message = format!("it is one of {IMAGE}{}", FORMATS.join(&format!(", {IMAGE}")));
        return Err(wrong(&format!("{at}.source.media_type"), &message));
    };
    Ok(Image { format: Cow::Owned(format), source: Source::Bytes(source.data) })
}

fn search_result<'a>(block: &'a RawValue, at: &str) -> Result<SearchResult<'a>, Error> {
    let found: SearchResultBlock<'a> = parse(block, at)?;
    let content = found.content.into_iter().map(|block| Text { text: block.text }).collect();
    Ok(SearchResult { source: found.source, title: found.title, content, citations: found.citations })
}
