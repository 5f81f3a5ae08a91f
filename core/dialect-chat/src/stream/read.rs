//! An upstream's stream, read: chunks in any of the ways in which servers send them.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use sluice_api::cost::Usage;
use sluice_api::error::Error;
use sluice_neutral::answer::{Block, End, Event, Flow, Piece, Reason, Started};
use sluice_neutral::dialect::{Reader, Sent};
use sluice_neutral::json::Members;
use sluice_neutral::request::Text;

use super::calls::Calls;
use crate::answer::pieces::{self, unreadable};
use crate::answer::{logprobs, usage};
use crate::refusal;

/// What has come of an answer.
#[derive(Debug)]
pub(crate) struct Reading {
    sent: Arc<Sent>,
    /// The answer's id; empty as long as none is told.
    id: String,
    has_started: bool,
    flow: Flow,
    calls: Calls,
    /// The block that is open is one of thoughts.
    is_thinking: bool,
    /// Something was said.
    has_spoken: bool,
    /// Why it ended, as told last: some tell more after they have told that.
    reason: Option<Reason>,
    /// Usage that came before anything else.
    early: Option<Usage>,
    is_over: bool,
}

/// A chunk with more of a text and nothing else, as nearly all are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct More<'a> {
    #[serde(rename = "id")]
    _id: IgnoredAny,
    #[serde(rename = "object", default)]
    _object: IgnoredAny,
    #[serde(rename = "created", default)]
    _created: IgnoredAny,
    #[serde(rename = "model", default)]
    _model: IgnoredAny,
    #[serde(rename = "service_tier", default)]
    _tier: IgnoredAny,
    #[serde(rename = "system_fingerprint", default)]
    _system: IgnoredAny,
    #[serde(rename = "obfuscation", default)]
    _padding: IgnoredAny,
    #[serde(borrow)]
    choices: [MoreChoice<'a>; 1],
    #[serde(default)]
    usage: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoreChoice<'a> {
    index: u64,
    #[serde(borrow)]
    delta: MoreText<'a>,
    #[serde(default)]
    logprobs: Option<IgnoredAny>,
    #[serde(default)]
    finish_reason: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoreText<'a> {
    #[serde(borrow)]
    content: Text<'a>,
}

impl Reading {
    /// Nothing has come yet.
    pub(crate) fn new(sent: &Arc<Sent>) -> Self {
        Self {
            sent: Arc::clone(sent),
            id: String::new(),
            has_started: false,
            flow: Flow::default(),
            calls: Calls::default(),
            is_thinking: false,
            has_spoken: false,
            reason: None,
            early: None,
            is_over: false,
        }
    }

    fn chunk<'a>(&mut self, top: &Members<'a>, tell: &mut dyn FnMut(Event<'a>)) {
        let choice = pieces::choice(top);
        let used = usage::read(top);
        if !self.has_started {
            self.early = used.or(self.early);
            if choice.is_none() {
                return;
            }
            self.has_started = true;
            let id = pieces::text(top, "id");
            self.id = id.as_deref().unwrap_or_default().to_owned();
            tell(Event::Started(Started { id, model: pieces::text(top, "model"), usage: self.early }));
        }
        if let Some(choice) = &choice {
            self.choice(choice, tell);
        }
        if let Some(used) = used {
            tell(Event::Used(used));
            // A chunk of usage alone is the last one.
            if choice.is_none() && self.reason.is_some() {
                self.conclude(tell);
            }
        }
    }

    /// Reads what is more of a text, at once; whether it was that.
    fn more(&mut self, data: &[u8], tell: &mut dyn FnMut(Event<'_>)) -> bool {
        if !self.has_started {
            return false;
        }
        let Ok(More { choices: [choice], usage: None, .. }) = serde_json::from_slice(data) else {
            return false;
        };
        let MoreChoice { index: 0, delta, logprobs: None, finish_reason: None } = choice else {
            return false;
        };
        if !delta.content.is_empty() {
            self.say(Block::Text, Piece::Text(delta.content), tell);
        }
        true
    }

    fn choice<'a>(&mut self, choice: &Members<'a>, tell: &mut dyn FnMut(Event<'a>)) {
        if pieces::has_failed(choice) {
            let error = choice.get("error").map_or("", |error| error.get());
            tell(Event::Failed(refusal::within(error.as_bytes())));
            self.is_over = true;
            return;
        }
        // Some servers send the whole message in one chunk.
        let delta = pieces::object(choice, "delta").or_else(|| pieces::object(choice, "message"));
        if let Some(delta) = delta {
            self.delta(&delta, choice, tell);
        }
        if let Some(reason) = pieces::reason(choice) {
            self.reason = Some(reason);
            self.close(tell);
        }
    }

    fn delta<'a>(&mut self, delta: &Members<'a>, choice: &Members<'a>, tell: &mut dyn FnMut(Event<'a>)) {
        pieces::texts(delta, &mut |block, text| self.say(block, Piece::Text(text), tell));
        let likely = logprobs::read(choice);
        if !likely.is_empty() {
            self.say(Block::Text, Piece::Logprobs(likely), tell);
        }
        for citation in pieces::citations(delta, None) {
            self.say(Block::Text, Piece::Citation(citation), tell);
        }
        pieces::images(delta, &mut |block, data| {
            self.leave(tell);
            let index = self.flow.begin(tell);
            tell(Event::Opened(index, block));
            tell(Event::Added(index, Piece::Text(data)));
            tell(Event::Closed(index));
            self.has_spoken = true;
        });
        for fragment in pieces::fragments(delta) {
            self.leave(tell);
            self.has_spoken = true;
            self.calls.take(fragment, &self.id, &mut self.flow, tell);
        }
    }

    fn say<'a>(&mut self, block: Block<'static>, piece: Piece<'a>, tell: &mut dyn FnMut(Event<'a>)) {
        self.calls.close_whole(tell);
        if block != Block::Thinking {
            self.leave(tell);
        }
        self.is_thinking = block == Block::Thinking;
        self.has_spoken = true;
        self.flow.add(block, piece, tell);
    }

    /// Thoughts are over: says whose they were.
    fn leave<'a>(&mut self, tell: &mut dyn FnMut(Event<'a>)) {
        if std::mem::take(&mut self.is_thinking) {
            let seal = pieces::thought_here(&self.sent.account);
            self.flow.add(Block::Thinking, Piece::Seal(seal), tell);
        }
    }

    fn close<'a>(&mut self, tell: &mut dyn FnMut(Event<'a>)) {
        self.leave(tell);
        self.flow.close(tell);
        self.calls.close(tell);
    }

    /// The answer is whole. One that says nothing, and not why it ended, is none.
    fn conclude<'a>(&mut self, tell: &mut dyn FnMut(Event<'a>)) {
        if std::mem::replace(&mut self.is_over, true) || (self.reason.is_none() && !self.has_spoken) {
            return;
        }
        self.close(tell);
        tell(Event::Ended(End { reason: self.reason.unwrap_or_default(), stop_sequence: None }));
        tell(Event::Whole);
    }
}

impl Reading {
    /// One document, or the mark of an end.
    fn one(&mut self, name: &str, data: &[u8], tell: &mut dyn FnMut(Event<'_>)) -> Result<(), Error> {
        let data = data.trim_ascii();
        if self.is_over || data.is_empty() {
            return Ok(());
        }
        if data.starts_with(b"[DONE]") {
            self.conclude(tell);
            return Ok(());
        }
        if name.is_empty() && self.more(data, tell) {
            return Ok(());
        }
        let top = Members::body(data);
        if name == "error" || top.as_ref().is_ok_and(pieces::is_error) {
            self.is_over = true;
            tell(Event::Failed(refusal::within(data)));
            return Ok(());
        }
        let top = top.map_err(|_| unreadable("an event of it is no JSON object"))?;
        self.chunk(&top, tell);
        Ok(())
    }
}

impl Reader for Reading {
    /// Where blank lines are missing, mostly before `[DONE]`, one event holds several documents.
    fn event(&mut self, name: &str, data: &[u8], tell: &mut dyn FnMut(Event<'_>)) -> Result<(), Error> {
        let mut rest = data.trim_ascii();
        loop {
            let (document, more) = first(rest);
            self.one(name, document, tell)?;
            rest = more.trim_ascii();
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    fn end(&mut self, tell: &mut dyn FnMut(Event<'_>)) {
        if self.reason.is_some() {
            self.conclude(tell);
        }
    }
}

/// The first of the documents that stand in one event's data, and what comes behind it.
fn first(data: &[u8]) -> (&[u8], &[u8]) {
    if !data.starts_with(b"{") || !data.contains(&b'\n') {
        return (data, &[]);
    }
    let mut documents = serde_json::Deserializer::from_slice(data).into_iter::<IgnoredAny>();
    let is_one = documents.next().is_some_and(|document| document.is_ok());
    data.split_at_checked(documents.byte_offset()).filter(|_| is_one).unwrap_or((data, &[]))
}
