//! Converse's stream as Anthropic's events.

use serde::Deserialize;
use sluice_api::error::{Error, Kind};

use super::usage::{Tier, Usage, stop_reason};
use crate::anthropic::blocks::Piece;
use crate::anthropic::stream;
use crate::translated::Heading;

/// Translates one answer's events.
#[derive(Debug)]
pub struct Stream {
    written: stream::Stream,
    progress: Progress,
}

/// How far an answer has come.
#[derive(Debug)]
enum Progress {
    Open,
    /// The model has stopped, for this reason; it is held until the usage is there, which comes after it.
    Stopped(String),
    /// All is told; nothing that comes counts.
    Whole,
}

impl Stream {
    /// A stream that has not begun.
    #[must_use]
    pub fn new(heading: Heading) -> Self {
        Self { written: stream::Stream::new(heading), progress: Progress::Open }
    }

    /// Takes one of Converse's events, and writes the server-sent events that it completes.
    ///
    /// # Errors
    ///
    /// When it can't be read, or blocks are mixed that are too long to be held; the stream can't go on then.
    pub fn event(&mut self, name: &str, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        match &self.progress {
            Progress::Open => self.open(name, payload, out),
            Progress::Stopped(reason) if name == "metadata" => {
                let told: Metadata = parse(name, payload)?;
                let reason = stop_reason(reason, self.written.called());
                self.written.finish(reason, &told.usage.told(told.service_tier.as_ref()), out);
                self.progress = Progress::Whole;
                Ok(())
            }
            Progress::Stopped(_) | Progress::Whole => Ok(()),
        }
    }

    fn open(&mut self, name: &str, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        match name {
            "messageStart" => self.written.start(out),
            "contentBlockStart" => {
                let told: BlockStart = parse(name, payload)?;
                if let Some(call) = told.start.tool_use {
                    let piece = Piece::Call { id: call.tool_use_id, name: call.name };
                    self.written.add(told.content_block_index, piece, out)?;
                }
            }
            "contentBlockDelta" => {
                let told: BlockDelta = parse(name, payload)?;
                if let Some(piece) = told.delta.piece() {
                    self.written.add(told.content_block_index, piece, out)?;
                }
            }
            "contentBlockStop" => {
                let told: BlockStop = parse(name, payload)?;
                self.written.stop(told.content_block_index, out);
            }
            "messageStop" => {
                let told: MessageStop = parse(name, payload)?;
                self.written.stop_all(out);
                self.progress = Progress::Stopped(told.stop_reason);
            }
            // A kind of event that is not known yet, or usage before the end.
            _ => {}
        }
        Ok(())
    }
}

fn parse<'a, T: Deserialize<'a>>(name: &str, payload: &'a [u8]) -> Result<T, Error> {
    let unreadable =
        |error| Error::new(Kind::Upstream, format!("Converse's `{name}` can't be read: {error}"));
    serde_json::from_slice(payload).map_err(unreadable)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockStart {
    content_block_index: u64,
    start: Start,
}

/// Gaps: images, and results of system tools, which Anthropic has no block for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    tool_use: Option<ToolUse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse {
    tool_use_id: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockDelta {
    content_block_index: u64,
    delta: Delta,
}

/// One of these is there. Gaps: those of [`Start`], and citations, which have other forms than Anthropic's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delta {
    text: Option<String>,
    tool_use: Option<Arguments>,
    reasoning_content: Option<Reasoning>,
}

#[derive(Deserialize)]
struct Arguments {
    #[serde(default)]
    input: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reasoning {
    text: Option<String>,
    signature: Option<String>,
    redacted_content: Option<String>,
}

impl Delta {
    fn piece(self) -> Option<Piece> {
        if let Some(text) = self.text {
            return Some(Piece::Text(text));
        }
        if let Some(arguments) = self.tool_use {
            return Some(Piece::Arguments(arguments.input));
        }
        let reasoning = self.reasoning_content?;
        let text = reasoning.text.map(Piece::Thinking);
        let signature = || reasoning.signature.map(Piece::Signature);
        text.or_else(signature).or_else(|| reasoning.redacted_content.map(Piece::Redacted))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockStop {
    content_block_index: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageStop {
    stop_reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    usage: Usage,
    service_tier: Option<Tier>,
}
