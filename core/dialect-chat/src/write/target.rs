//! What a request is written for: a model, and what is noted on the way.

use std::borrow::Cow;

use sluice_neutral::dialect::Sent;
use sluice_neutral::loss::Losses;
use sluice_neutral::names::Rule;
use sluice_neutral::request::Lifetime;

use crate::json::Json;
use crate::models::{Ids, Model};

/// What OpenAI allows a tool to be called.
const NAMES: Rule = Rule { longest: 64, begins_with_letter: false, also: "" };

/// The longest id of a call that OpenAI takes.
const ID_MAX: usize = 64;

/// How long an id of Mistral's is.
const ID_LENGTH: usize = 9;

/// Most marks that one request may have.
const MARKS_MAX: usize = 4;

/// Where a request goes.
pub(crate) struct Target<'t> {
    /// What the model takes.
    pub(crate) model: Model,
    /// What is needed to read the answer.
    pub(crate) sent: &'t mut Sent,
    /// What is lost.
    pub(crate) losses: &'t mut Losses,
    /// Marks that are left out, so that no more are left than may be; the last ones are worth most.
    skip: usize,
}

impl<'t> Target<'t> {
    /// A request with so many marks on it.
    pub(crate) fn new(model: Model, marks: usize, sent: &'t mut Sent, losses: &'t mut Losses) -> Self {
        Self { model, sent, losses, skip: marks.saturating_sub(MARKS_MAX) }
    }

    /// The name under which a tool goes upstream.
    pub(crate) fn name<'a>(&mut self, name: &'a str) -> Cow<'a, str> {
        self.sent.names.sent(name, NAMES)
    }

    /// Whether a mark is written here.
    pub(crate) fn is_marked(&mut self, cache: Option<Lifetime>) -> Option<Lifetime> {
        if !self.model.marks || cache.is_none() {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        cache
    }
}

/// A mark up to which the prompt is cached, as a member of a part.
pub(crate) fn mark(lifetime: Option<Lifetime>, json: &mut Json) {
    let Some(lifetime) = lifetime else { return };
    json.key("prompt_cache_breakpoint").object(|json| {
        json.key("mode").text("explicit");
        if lifetime == Lifetime::Long {
            json.key("ttl").text("12h");
        }
    });
}

/// The id of a call as the model takes it: its own where it may be, else one that is made of it.
pub(crate) fn id(id: &str, ids: Ids) -> Cow<'_, str> {
    let is_nine = || id.len() == ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match ids {
        Ids::Bounded if id.len() > ID_MAX => Cow::Owned(format!("call_{}", digest(id))),
        Ids::Nine if !is_nine() => Cow::Owned(digest(id).chars().take(ID_LENGTH).collect()),
        _ => Cow::Borrowed(id),
    }
}

/// 32 digits that stand for a text.
pub(crate) fn digest(text: &str) -> String {
    // FNV-1a twice, from two beginnings: it has to be the same on every gateway, and to keep texts apart.
    let of = |seed: u64| {
        text.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    format!("{:016x}{:016x}", of(0xcbf2_9ce4_8422_2325), of(0x6c62_272e_07bb_0142))
}
