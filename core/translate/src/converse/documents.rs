//! Documents, which have names that a model reads, each its own.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use sluice_api::error::Error;

use super::refused::refused;
use super::shape::{Block, Document, Source};
use crate::anthropic::content::DocumentBlock;
use crate::anthropic::request::{parse, text, wrong};

/// The longest name that Converse takes.
const NAME_MAX: usize = 200;

/// What a document without a title is called.
const NAMELESS: &str = "document";

/// The names so far.
#[derive(Default)]
pub(super) struct Documents {
    names: Vec<String>,
}

impl Documents {
    pub(super) fn document<'a>(&mut self, block: &'a RawValue, at: &str) -> Result<Document<'a>, Error> {
        let told: DocumentBlock<'a> = parse(block, at)?;
        let place = format!("{at}.source");
        let source = told.source;
        let (format, source) = match (source.kind.as_ref(), source.media_type.as_ref()) {
            ("base64", "application/pdf") => (Some("pdf"), Source::Bytes(source.data)),
            ("base64", other) => return Err(wrong(&place, &format!("`{other}` is no type of documents"))),
            ("text", _) => (Some("txt"), Source::Bytes(Cow::Owned(STANDARD.encode(source.data.as_bytes())))),
            ("content", _) => (None, Source::Content(texts(source.content, &place)?)),
            (other, _) => return Err(refused(&place, &format!("a document by `{other}`"))),
        };
        let name = self.name(told.title.as_deref().unwrap_or_default());
        Ok(Document { format, name, source, context: told.context, citations: told.citations })
    }

    /// A name of the letters that Converse takes, which no other document of the request has.
    fn name(&mut self, title: &str) -> String {
        let letters = title.chars().map(|letter| match letter {
            letter if letter.is_ascii_alphanumeric() => letter,
            '-' | '(' | ')' | '[' | ']' => letter,
            _ => ' ',
        });
        let words: String = letters.take(NAME_MAX).collect();
        let words: Vec<&str> = words.split_whitespace().collect();
        let own = if words.is_empty() { NAMELESS.to_owned() } else { words.join(" ") };
        let mut name = own.clone();
        let mut number = 1;
        while self.names.contains(&name) {
            number += 1;
            let end = format!(" ({number})");
            let most = own.len().min(NAME_MAX - end.len());
            name = format!("{}{end}", own.get(..most).unwrap_or(&own).trim_end());
        }
        self.names.push(name.clone());
        name
    }
}

/// A document of texts: a string, or text blocks.
fn texts<'a>(content: Option<&'a RawValue>, at: &str) -> Result<Vec<Block<'a>>, Error> {
    #[derive(Deserialize)]
    struct Part<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
        #[serde(borrow, default)]
        text: Cow<'a, str>,
    }
    let at = format!("{at}.content");
    let content = content.ok_or_else(|| wrong(&at, "it is missing"))?;
    if content.get().starts_with('"') {
        return Ok(vec![Block::Text(text(content, &at)?)]);
    }
    let parts: Vec<Part<'a>> = parse(content, &at)?;
    let blocks = parts.into_iter().enumerate().map(|(index, part)| {
        if part.kind == "text" {
            return Ok(Block::Text(part.text));
        }
        Err(refused(&format!("{at}.{index}"), &format!("a document's part of the type `{}`", part.kind)))
    });
    blocks.collect()
}

#[cfg(test)]
mod tests {
    use super::{Documents, NAME_MAX};

    #[test]
    fn names_have_letters_that_converse_takes_and_come_once() {
        let mut documents = Documents::default();
        for (title, name) in [
            ("", "document"),
            ("", "document (2)"),
            ("Q3_report: \"final\"  (v2).pdf", "Q3 report final (v2) pdf"),
            ("é", "document (3)"),
            ("document (2)", "document (2) (2)"),
        ] {
            assert_eq!(documents.name(title), name);
        }
        let long = "a".repeat(NAME_MAX + 50);
        assert_eq!(documents.name(&long).len(), NAME_MAX);
        assert_eq!(documents.name(&long).len(), NAME_MAX);
    }
}
