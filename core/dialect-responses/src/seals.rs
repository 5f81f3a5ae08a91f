//! What stands in `encrypted_content`: OpenAI's own, or sealed what another dialect's model wants back.

use std::borrow::Cow;

use sluice_api::dialect::Api;
use sluice_neutral::request::{Content, Part, Text};
use sluice_neutral::seal::Seal;

/// What stands before the seal of thoughts that are not shown at all, which their maker tells apart from others.
const REDACTED: &str = "redacted.";

/// Reads what stands there, beside the id of its item, without which OpenAI does not take its own back.
pub(crate) fn read<'a>(sealed: Text<'a>, id: Option<&str>) -> (Seal<'a>, bool) {
    let (sealed, redacted) = match sealed.strip_prefix(REDACTED) {
        Some(rest) => (Cow::Owned(rest.to_owned()), true),
        None => (sealed, false),
    };
    let mut seal = Seal::read(Api::OpenaiResponses, sealed);
    if seal.origin == Api::OpenaiResponses && seal.account.is_none() {
        seal.payload = payload(id, seal.payload);
    }
    (seal, redacted)
}

/// What is put there for a client.
pub(crate) fn written(seal: &Seal<'_>, redacted: bool) -> String {
    let before = if redacted { REDACTED } else { "" };
    format!("{before}{}", seal.written(Api::OpenaiResponses))
}

/// What OpenAI wants back: what it has encrypted, and the id of the item.
pub(crate) fn payload<'a>(id: Option<&str>, encrypted: Text<'a>) -> Text<'a> {
    match id.filter(|id| id.starts_with("rs_")) {
        Some(id) => Cow::Owned(format!("{id}:{encrypted}")),
        None => encrypted,
    }
}

/// The id and what is encrypted.
pub(crate) fn parts(payload: &str) -> (Option<&str>, &str) {
    match payload.split_once(':') {
        Some((id, encrypted)) if id.starts_with("rs_") => (Some(id), encrypted),
        _ => (None, payload),
    }
}

/// Puts what Gemini's models want back with a call to that call: before a client of this API it stands as an item of its
/// own, before the call, or behind it where it came late.
pub(crate) fn attached(parts: &mut Vec<Part<'_>>) {
    let mut index = 0;
    while index < parts.len() {
        let of_call = parts.get(index).is_some_and(is_of_call);
        let Some(target) = of_call.then(|| call_for(parts, index)).flatten() else {
            index += 1;
            continue;
        };
        let Content::Thinking(thinking) = parts.remove(index).content else { continue };
        let target = if target > index { target - 1 } else { target };
        if let Some(Part { content: Content::Call(call), .. }) = parts.get_mut(target) {
            call.seal = thinking.seal;
        }
    }
}

/// Whether a part is nothing but the seal of a call.
fn is_of_call(part: &Part<'_>) -> bool {
    let Content::Thinking(thinking) = &part.content else { return false };
    let of_gemini = thinking.seal.as_ref().is_some_and(|seal| seal.origin == Api::Gemini);
    thinking.text.is_empty() && !thinking.redacted && of_gemini
}

/// The call that a seal at this place belongs to: the next part, where that is one, else the one before.
fn call_for(parts: &[Part<'_>], index: usize) -> Option<usize> {
    let is_open = |at: &usize| matches!(parts.get(*at).map(|part| &part.content), Some(Content::Call(call)) if call.seal.is_none());
    [Some(index + 1), index.checked_sub(1)].into_iter().flatten().find(is_open)
}
