//! An upstream's whole answer, read.

use std::borrow::Cow;

use serde::Deserialize;
use sluice_api::dialect::Api;
use sluice_api::error::{Error, Kind};
use sluice_neutral::answer::{Answer, Block, Called, Citation, End, Said, Started};
use sluice_neutral::at::At;
use sluice_neutral::dialect::Sent;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::request::Text;
use sluice_neutral::seal::{self, Seal};
use sluice_wire::refusal::Refusal;

use crate::{ids, reason};

/// Reads a body.
///
/// # Errors
///
/// When it is no message.
pub(crate) fn answer<'a>(body: &'a [u8], sent: &Sent) -> Result<Answer<'a>, Error> {
    let members = Members::body(body).map_err(|_| unread("its answer is no JSON object"))?;
    let is_message = members.get("content").is_some() || members.get("stop_reason").is_some();
    if members.get("error").is_some() || !is_message {
        let refused = Refusal::read(body).message;
        return Err(match refused.as_str() {
            "" => unread("its answer is no message"),
            message => {
                Error::new(Kind::Upstream, "the upstream answered with an error").said(message.to_owned())
            }
        });
    }
    answered(&members, sent)
}

/// Reads a message.
///
/// # Errors
///
/// When its content can't be read.
fn answered<'a>(members: &Members<'a>, sent: &Sent) -> Result<Answer<'a>, Error> {
    let text = |name: &'static str| members.text(name, At::ROOT).ok().flatten();
    let usage: Option<sluice_usage::Anthropic> = members.parsed("usage", At::ROOT).ok().flatten();
    let model = text("model");
    let usage = usage.map(|told| told.usage(model.as_deref()));
    let id = text("id");
    let mut all = Vec::new();
    match members.get("content") {
        None => {}
        Some(value) if value.get().starts_with('"') => {
            let content = json::text(value, At::ROOT).map_err(|_| unread("its text is no text"))?;
            all.push(Said::new(Block::Text, content));
        }
        Some(value) => {
            let items = json::items(value, At::ROOT).map_err(|_| unread("its content is no list"))?;
            for (index, value) in items.into_iter().enumerate() {
                let unknown = || made(id.as_deref(), index);
                all.extend(said(value, sent, &unknown)?);
            }
        }
    }
    let reason = text("stop_reason").map_or_else(Default::default, |name| reason::of(&name));
    let end = End { reason, stop_sequence: text("stop_sequence") };
    Ok(Answer { started: Started { id, model, usage }, said: all, end, usage })
}

/// The id of a call that has none.
pub(crate) fn made(answer: Option<&str>, index: usize) -> String {
    ids::allowed(&format!("toolu_{}_{index}", answer.unwrap_or("0"))).into_owned()
}

/// Reads a block of content; nothing of one that says nothing to others.
///
/// # Errors
///
/// When it is no object.
pub(crate) fn said<'a>(
    value: Raw<'a>,
    sent: &Sent,
    unknown: &dyn Fn() -> String,
) -> Result<Option<Said<'a>>, Error> {
    let block = Members::of(value, At::ROOT).map_err(|_| unread("a block of its content is no object"))?;
    let text = |name: &'static str| block.text(name, At::ROOT).ok().flatten();
    let kind = text("type").unwrap_or_default();
    Ok(Some(match &*kind {
        "text" => {
            let told = text("text").unwrap_or_default();
            let all = block.get("citations").map(|value| citations(value, told.len())).unwrap_or_default();
            Said { citations: all, ..Said::new(Block::Text, told) }
        }
        "thinking" => {
            let signature = text("signature").filter(|signature| !signature.is_empty());
            let thought = Said::new(Block::Thinking, text("thinking").unwrap_or_default());
            Said { seal: signature.map(|signature| seal(signature, sent)), ..thought }
        }
        "redacted_thinking" => {
            let Some(data) = text("data") else { return Ok(None) };
            Said { seal: Some(seal(data, sent)), ..Said::new(Block::Redacted, "") }
        }
        "tool_use" => {
            let id = text("id").filter(|id| !id.is_empty()).unwrap_or_else(|| unknown().into());
            let name = text("name").ok_or_else(|| unread("it calls a tool without a name"))?;
            Said::new(Block::Call(Called { id, name, plain: false }), input(block.get("input")))
        }
        _ => return Ok(None),
    }))
}

/// What a tool is called with, as it is written; some servers have it as text.
fn input(value: Option<Raw<'_>>) -> Text<'_> {
    let Some(value) = value else { return Cow::Borrowed("{}") };
    match json::text(value, At::ROOT) {
        Ok(text) if text.trim().is_empty() => Cow::Borrowed("{}"),
        Ok(text) => text,
        Err(_) => Cow::Borrowed(value.get()),
    }
}

/// What the maker of an answer alone can read.
pub(crate) fn seal<'a>(payload: Text<'a>, sent: &Sent) -> Seal<'a> {
    Seal { origin: Api::Anthropic, account: Some(seal::account(&sent.account)), payload }
}

/// A citation that has an address.
#[derive(Deserialize)]
struct Cited<'a> {
    #[serde(borrow)]
    url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
    #[serde(borrow)]
    title: Option<Cow<'a, str>>,
}

/// Where a text of so many bytes comes from; Anthropic's citations are about the whole of a block.
fn citations(value: Raw<'_>, length: usize) -> Vec<Citation<'_>> {
    let items = json::items(value, At::ROOT).unwrap_or_default();
    items.into_iter().filter_map(|value| cited(value, length)).collect()
}

/// Where a text comes from; nothing where that has no address.
pub(crate) fn cited(value: Raw<'_>, length: usize) -> Option<Citation<'_>> {
    let told: Cited<'_> = serde_json::from_str(value.get()).ok()?;
    let url = told.url.or(told.source)?;
    Some(Citation { url, title: told.title, span: Some((0, length)) })
}

/// An answer that can't be read.
fn unread(what: &str) -> Error {
    Error::new(Kind::Upstream, format!("the upstream's answer can't be read: {what}"))
}
