//! One part of an upstream's answer, by what it holds.

use std::borrow::Cow;

use sluice_neutral::at::At;
use sluice_neutral::json::{Members, Raw};
use sluice_neutral::request::Text;

use crate::answer::chunk::{members, text};

/// What a part holds.
#[derive(Debug)]
pub(crate) enum Held<'a> {
    /// Text.
    Text(Text<'a>),
    /// What the model thinks.
    Thought(Text<'a>),
    /// A call, or a piece of one.
    Call(Call<'a>),
    /// An image.
    Image {
        /// Its media type.
        media_type: Text<'a>,
        /// Its bytes in base64.
        data: Text<'a>,
    },
    /// Nothing that is read.
    Nothing,
}

/// A call, or a piece of one.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Its id, where it has one.
    pub(crate) id: Option<Text<'a>>,
    /// The tool; empty in a later piece.
    pub(crate) name: Text<'a>,
    /// Its arguments, as JSON.
    pub(crate) args: Option<Text<'a>>,
    /// Pieces of them.
    pub(crate) pieces: Option<Raw<'a>>,
    /// Whether more of it comes.
    pub(crate) goes_on: bool,
}

/// Reads a part: what it holds, and its signature.
pub(crate) fn read<'a>(part: &Members<'a>) -> (Held<'a>, Option<Text<'a>>) {
    let signature = text(part, "thoughtSignature").filter(|text| !text.is_empty());
    let is_thought = part.get("thought").is_some_and(|thought| thought.get() == "true");
    let held = if let Some(called) = part.get("functionCall").and_then(members) {
        call(&called)
    } else if let Some(image) = part.get("inlineData").and_then(members) {
        let media_type = text(&image, "mimeType").unwrap_or_default();
        match text(&image, "data") {
            Some(data) if media_type.starts_with("image/") => Held::Image { media_type, data },
            _ => Held::Nothing,
        }
    } else {
        match text(part, "text").filter(|text| !text.is_empty()) {
            Some(text) if is_thought => Held::Thought(text),
            Some(text) => Held::Text(text),
            None => Held::Nothing,
        }
    };
    (held, signature)
}

fn call<'a>(told: &Members<'a>) -> Held<'a> {
    let args = told.get("args").map(|args| {
        // Some servers tell arguments as a text.
        let told = sluice_neutral::json::text(args, At::ROOT).ok().filter(|text| !text.trim().is_empty());
        told.unwrap_or(Cow::Borrowed(args.get()))
    });
    Held::Call(Call {
        id: text(told, "id").filter(|id| !id.is_empty()),
        name: text(told, "name").unwrap_or_default(),
        args,
        pieces: told.get("partialArgs"),
        goes_on: told.get("willContinue").is_some_and(|value| value.get() == "true"),
    })
}
