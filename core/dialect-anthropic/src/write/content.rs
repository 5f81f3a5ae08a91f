//! Parts of turns, written as blocks.

use sluice_neutral::loss::Losses;
use sluice_neutral::names::Names;
use sluice_neutral::request::{Call, Content, Input, Outcome, Part, Thinking};

use super::conversation::Piece;
use super::marks::Marks;
use super::media;
use super::tools::RULE;
use sluice_neutral::json::write::{List, Object};

/// What a tool said that was never heard of again.
const NO_RESULT: &str = "[no result provided]";

/// Writes a piece of a message.
pub(super) fn piece(piece: &Piece<'_>, list: &mut List<'_>, (names, marks): (&mut Names, &mut Marks)) {
    let mut block = list.object();
    match piece {
        Piece::Part(part) => self::part(part, &mut block),
        Piece::Text(text, _) => {
            block.with("type", "text").with("text", text);
        }
        Piece::Thought(text, signature) => {
            block.with("type", "thinking").with("thinking", text).with("signature", signature);
        }
        Piece::Call(call, id, _) => self::call(call, id, &mut block, names),
        Piece::Outcome(outcome, id, _) => self::outcome(outcome, id, &mut block),
        Piece::Missing(id) => {
            block.with("type", "tool_result").with("tool_use_id", id).with("content", NO_RESULT);
            block.raw("is_error", "true");
        }
    }
    marks.write(piece.mark(), &mut block);
}

fn part(part: &Part<'_>, block: &mut Object<'_>) {
    match &part.content {
        Content::Text(text) | Content::Refusal(text) => {
            block.with("type", "text").with("text", text);
        }
        Content::Image(media) => media::write_image(media, block),
        Content::Document(media) => media::write_document(media, block),
        Content::Thinking(thinking) => self::thinking(thinking, block),
        // They are pieces of their own, or refused.
        Content::Call(_) | Content::Outcome(_) | Content::Audio(_) => {}
    }
}

fn thinking(thinking: &Thinking<'_>, block: &mut Object<'_>) {
    let payload = thinking.seal.as_ref().map_or("", |seal| &seal.payload);
    if thinking.redacted {
        block.with("type", "redacted_thinking").with("data", payload);
    } else {
        block.with("type", "thinking").with("thinking", &thinking.text).with("signature", payload);
    }
}

fn call(call: &Call<'_>, id: &str, block: &mut Object<'_>, names: &mut Names) {
    block.with("type", "tool_use").with("id", id).with("name", &names.sent(&call.name, RULE));
    match &call.input {
        Input::Plain(text) => {
            block.object("input").with("input", text);
        }
        Input::Json(text) if text.trim().is_empty() => {
            block.raw("input", "{}");
        }
        Input::Json(text) if is_object(text) => {
            block.raw("input", text.trim());
        }
        // A mistake of the model's, in a place that holds objects alone.
        Input::Json(text) => {
            block.object("input").with("_raw", text);
        }
    }
}

/// Whether a text is a JSON object.
pub(super) fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn outcome(outcome: &Outcome<'_>, id: &str, block: &mut Object<'_>) {
    block.with("type", "tool_result").with("tool_use_id", id);
    let mut parts = outcome.parts.iter().filter(|part| match &part.content {
        Content::Text(text) => !text.trim().is_empty(),
        Content::Image(_) | Content::Document(_) => true,
        _ => false,
    });
    match (parts.next(), parts.clone().next()) {
        (None, _) => {}
        (Some(Part { content: Content::Text(text), cache: None, .. }), None) => {
            block.with("content", text);
        }
        (Some(first), _) => {
            let mut list = block.list("content");
            std::iter::once(first).chain(parts).for_each(|part| self::part(part, &mut list.object()));
        }
    }
    if outcome.failed {
        block.raw("is_error", "true");
    }
}

/// Names what of calls can't be said as it is.
pub(super) fn name_raw(parts: &[Part<'_>], losses: &mut Losses) {
    for part in parts {
        if let Content::Call(Call { input: Input::Json(text), .. }) = &part.content
            && !text.trim().is_empty()
            && !is_object(text)
        {
            losses.name(part.at);
        }
    }
}
