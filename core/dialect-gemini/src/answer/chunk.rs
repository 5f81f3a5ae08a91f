//! An answer of an upstream, or a chunk of one, by its members.

use sluice_api::error::{Error, Kind};
use sluice_neutral::at::At;
use sluice_neutral::json::{Members, Raw};
use sluice_neutral::request::Text;

use crate::casing;

/// What an answer, or a chunk of one, holds.
#[derive(Debug, Default)]
pub(crate) struct Chunk<'a> {
    /// Its id.
    pub(crate) id: Option<Text<'a>>,
    /// The model.
    pub(crate) model: Option<Text<'a>>,
    /// What was used so far.
    pub(crate) usage: Option<Raw<'a>>,
    /// The first answer of those that are told.
    pub(crate) candidate: Option<Candidate<'a>>,
    /// Why the prompt is not answered.
    pub(crate) blocked: Option<Text<'a>>,
    /// That it failed.
    pub(crate) error: Option<Raw<'a>>,
}

/// An answer.
#[derive(Debug, Default)]
pub(crate) struct Candidate<'a> {
    /// What it says.
    pub(crate) parts: Vec<Members<'a>>,
    /// Why it ended.
    pub(crate) finish: Option<Text<'a>>,
    /// The same in a sentence.
    pub(crate) message: Option<Text<'a>>,
    /// Where it has searched.
    pub(crate) grounding: Option<Raw<'a>>,
    /// What it quotes.
    pub(crate) citations: Option<Raw<'a>>,
    /// How likely its tokens were.
    pub(crate) logprobs: Option<Raw<'a>>,
}

/// The members of an object, in either spelling; nothing where it is none.
pub(crate) fn members(value: Raw<'_>) -> Option<Members<'_>> {
    casing::fields(value, At::ROOT).ok()
}

/// A member that is a string; nothing where it is something else.
pub(crate) fn text<'a>(members: &Members<'a>, name: &'static str) -> Option<Text<'a>> {
    members.text(name, At::ROOT).ok().flatten()
}

/// The objects of a list.
pub(crate) fn objects<'a>(members: &Members<'a>, name: &str) -> Vec<Members<'a>> {
    let list = members.get(name).and_then(|list| casing::list(list, At::ROOT).ok()).unwrap_or_default();
    list.into_iter().filter_map(self::members).collect()
}

/// A body or an event that is nobody's answer.
pub(crate) fn unreadable() -> Error {
    Error::new(Kind::Upstream, "the upstream's answer is not what the Gemini API answers")
}

/// Whether a body is one document, and no list or stream of them, which may be cut between two.
pub(crate) fn is_one(body: &[u8]) -> bool {
    let text = std::str::from_utf8(body).unwrap_or_default();
    text.trim_start_matches('\u{feff}').trim_start().starts_with('{')
}

/// The chunks of a body: one, or a list of them. Nothing where there is no JSON at all.
pub(crate) fn chunks(body: &[u8]) -> Result<Vec<Chunk<'_>>, Error> {
    let text = std::str::from_utf8(body).map_err(|_| unreadable())?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() || text == "[DONE]" {
        return Ok(Vec::new());
    }
    if text.starts_with('[') {
        let list: Vec<Members<'_>> = serde_json::from_str(text).map_err(|_| unreadable())?;
        return Ok(list.into_iter().map(Chunk::of).collect());
    }
    if text.starts_with("data:") {
        // Events where a whole answer was due.
        let events = text.lines().filter_map(|line| line.strip_prefix("data:"));
        let chunks = events.map(str::trim).filter(|data| !data.is_empty() && *data != "[DONE]").map(one);
        return chunks.collect();
    }
    Ok(vec![one(text)?])
}

fn one(text: &str) -> Result<Chunk<'_>, Error> {
    serde_json::from_str::<Members<'_>>(text).map(Chunk::of).map_err(|_| unreadable())
}

impl<'a> Chunk<'a> {
    fn of(told: Members<'a>) -> Self {
        let told = told.renamed(casing::camel);
        let blocked =
            told.get("promptFeedback").and_then(members).and_then(|told| text(&told, "blockReason"));
        let index = |one: &Members<'_>| one.get("index").and_then(|index| casing::number(index.get()));
        let first = objects(&told, "candidates").into_iter().find(|one| index(one).unwrap_or(0) == 0);
        Self {
            id: text(&told, "responseId").filter(|id| !id.is_empty()),
            model: text(&told, "modelVersion").filter(|model| !model.is_empty()),
            usage: told.get("usageMetadata"),
            candidate: first.map(|one| Candidate::of(&one)),
            blocked: blocked.filter(|reason| !matches!(&**reason, "" | "BLOCK_REASON_UNSPECIFIED")),
            error: told.get("error"),
        }
    }
}

impl<'a> Candidate<'a> {
    fn of(told: &Members<'a>) -> Self {
        let content = told.get("content").and_then(members);
        Self {
            parts: content.map(|content| objects(&content, "parts")).unwrap_or_default(),
            finish: text(told, "finishReason"),
            message: text(told, "finishMessage"),
            grounding: told.get("groundingMetadata"),
            citations: told.get("citationMetadata"),
            logprobs: told.get("logprobsResult"),
        }
    }
}
