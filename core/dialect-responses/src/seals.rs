//! What stands in `encrypted_content`: OpenAI's own, or sealed what another dialect's model wants back.

use std::borrow::Cow;

use sluice_api::dialect::Api;
use sluice_neutral::request::Text;
use sluice_neutral::seal::Seal;

/// What is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// Thoughts.
    Thoughts,
    /// Thoughts that are not shown at all, which their maker tells apart from others.
    Hidden,
    /// What is wanted back with the call that comes next: here it can't stand in a call.
    Next,
    /// The same of the call before it, where it came late.
    Last,
}

/// What stands before a seal.
const MARKS: [(Of, &str); 3] = [(Of::Hidden, "redacted."), (Of::Next, "next."), (Of::Last, "last.")];

/// Reads what stands there, beside the id of its item, without which OpenAI does not take its own back.
pub(crate) fn read<'a>(sealed: Text<'a>, id: Option<&str>) -> (Seal<'a>, Of) {
    let marked = MARKS.iter().find_map(|(of, mark)| Some((*of, sealed.strip_prefix(mark)?.to_owned())));
    let (of, sealed) = marked.map_or((Of::Thoughts, sealed), |(of, rest)| (of, Cow::Owned(rest)));
    let mut seal = Seal::read(Api::OpenaiResponses, sealed);
    if seal.origin == Api::OpenaiResponses && seal.account.is_none() {
        seal.payload = payload(id, seal.payload);
    }
    (seal, of)
}

/// What is put there for a client.
pub(crate) fn written(seal: &Seal<'_>, of: Of) -> String {
    let mark = MARKS.iter().find(|(known, _)| *known == of).map_or("", |(_, mark)| *mark);
    format!("{mark}{}", seal.written(Api::OpenaiResponses))
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
