//! An item of a stream, as far as it is told.

use sluice_neutral::answer::{Event, Piece, Said};
use sluice_neutral::json::Members;

/// An item.
#[derive(Debug)]
pub(super) struct Item {
    /// Its place, where it was told.
    pub(super) place: Option<u64>,
    /// Its id, where it was told.
    pub(super) id: String,
    /// Its parts: one, but for messages.
    pub(super) parts: Vec<Part>,
    /// All of it has come.
    pub(super) done: bool,
    /// Of thoughts: the events that tell them, and the summary that is being told.
    source: Option<(bool, Option<String>)>,
}

/// A part of an item, which is a block of the answer.
#[derive(Debug)]
pub(super) struct Part {
    /// Its place in the item.
    pub(super) content: u64,
    /// The block's index.
    pub(super) block: u64,
    /// Whether anything was told of its text.
    pub(super) told: bool,
    /// Whether it was told how likely its tokens were.
    pub(super) likely: bool,
    /// Whether more may be told.
    pub(super) open: bool,
}

impl Part {
    /// A part of which nothing is told.
    pub(super) const fn new(content: u64, block: u64) -> Self {
        Self { content, block, told: false, likely: false, open: true }
    }

    /// Tells what was not told of it.
    pub(super) fn rest<'a>(&mut self, said: Said<'a>, tell: &mut dyn FnMut(Event<'a>)) {
        if !self.told && !said.text.is_empty() {
            tell(Event::Added(self.block, Piece::Text(said.text)));
        }
        if let Some(seal) = said.seal {
            tell(Event::Added(self.block, Piece::Seal(seal)));
        }
        if !self.likely && !said.logprobs.is_empty() {
            tell(Event::Added(self.block, Piece::Logprobs(said.logprobs)));
        }
        said.citations.into_iter().for_each(|one| tell(Event::Added(self.block, Piece::Citation(one))));
    }
}

impl Item {
    /// An item of which nothing is told.
    pub(super) const fn new(place: Option<u64>, id: String) -> Self {
        Self { place, id, parts: Vec::new(), done: false, source: None }
    }

    /// Its last part.
    pub(super) fn last(&mut self) -> Option<&mut Part> {
        self.parts.last_mut()
    }

    /// The block of a call, more of whose arguments come.
    pub(super) fn take(&mut self) -> Option<u64> {
        let part = self.last().filter(|part| part.open)?;
        part.told = true;
        Some(part.block)
    }

    /// What stands between thoughts that were told and those that come; nothing at all where they are told twice, once as
    /// a summary and once as they are.
    pub(super) fn thought(&mut self, kind: &str, event: &Members<'_>) -> Option<Option<&'static str>> {
        let as_summary = kind == "response.reasoning_summary_text.delta";
        let name = if as_summary { "summary_index" } else { "content_index" };
        let index = event.get(name).map(|raw| raw.get().to_owned());
        let before = match &self.source {
            Some((other, _)) if *other != as_summary => return None,
            Some((_, last)) if *last != index => Some("\n\n"),
            _ => None,
        };
        self.source = Some((as_summary, index));
        Some(before)
    }

    /// Nothing more is told of it.
    pub(super) fn close(&mut self, tell: &mut dyn FnMut(Event<'_>)) {
        self.done = true;
        for part in self.parts.iter_mut().filter(|part| part.open) {
            part.open = false;
            tell(Event::Closed(part.block));
        }
    }
}
