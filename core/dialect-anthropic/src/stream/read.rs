//! An upstream's stream, read.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use sluice_api::error::{Error, Kind};
use sluice_neutral::answer::{Block, Citation, End, Event, Piece, Reason, Started, owned};
use sluice_neutral::at::At;
use sluice_neutral::dialect::{Reader, Sent};
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::request::Text;
use sluice_wire::refusal::Refusal;

use crate::{answer, failure, reason};

type Tell<'t> = &'t mut dyn FnMut(Event<'_>);

/// Reads one stream.
pub(crate) struct Events {
    sent: Arc<Sent>,
    usage: sluice_usage::Anthropic,
    model: Option<String>,
    id: Option<String>,
    open: Vec<Open>,
    /// The index of the next block.
    next: u64,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Before,
    Begun,
    Ended,
    Over,
}

/// A block that is open.
struct Open {
    /// The upstream's index.
    theirs: u64,
    /// Its own; nothing of one that is told nobody.
    ours: Option<u64>,
    /// What the block was said to hold when it was opened, where more may replace it.
    input: Option<String>,
    signature: Option<String>,
    citations: Vec<Citation<'static>>,
    length: usize,
}

/// What events hold.
#[derive(Deserialize)]
struct Data<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    index: Option<u64>,
    #[serde(borrow)]
    message: Option<Raw<'a>>,
    #[serde(borrow)]
    content_block: Option<Raw<'a>>,
    #[serde(borrow)]
    delta: Option<Raw<'a>>,
    usage: Option<sluice_usage::Anthropic>,
    #[serde(borrow)]
    error: Option<Raw<'a>>,
}

/// More of a text, of thoughts or of arguments, and nothing else: as nearly all events are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct More<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    index: u64,
    #[serde(borrow)]
    delta: Delta<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delta<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow, alias = "thinking", alias = "partial_json")]
    text: Cow<'a, str>,
}

impl Events {
    pub(crate) fn new(sent: Arc<Sent>) -> Self {
        Self {
            sent,
            usage: sluice_usage::Anthropic::default(),
            model: None,
            id: None,
            open: Vec::new(),
            next: 0,
            stage: Stage::Before,
        }
    }

    fn begin(&mut self, started: Started<'_>, tell: Tell<'_>) {
        if self.stage == Stage::Before {
            self.stage = Stage::Begun;
            tell(Event::Started(started));
        }
    }

    fn started(&mut self, message: Option<Raw<'_>>, tell: Tell<'_>) {
        let members = message.and_then(|value| Members::of(value, At::ROOT).ok()).unwrap_or_default();
        let text = |name: &'static str| members.text(name, At::ROOT).ok().flatten();
        let (id, model) = (text("id"), text("model"));
        self.id = id.as_deref().map(ToOwned::to_owned);
        self.model = model.as_deref().map(ToOwned::to_owned);
        let told: Option<sluice_usage::Anthropic> = members.parsed("usage", At::ROOT).ok().flatten();
        let usage = told.map(|told| {
            self.usage.update(told);
            self.usage.usage(self.model.as_deref())
        });
        self.begin(Started { id, model, usage }, tell);
    }

    fn opened(&mut self, data: &Data<'_>, tell: Tell<'_>) -> Result<(), Error> {
        let theirs = data.index.unwrap_or(self.next);
        self.closed(Some(theirs), tell);
        let mut open =
            Open { theirs, ours: None, input: None, signature: None, citations: Vec::new(), length: 0 };
        let index = self.next;
        let unknown = || answer::made(self.id.as_deref(), usize::try_from(index).unwrap_or_default());
        let sent = Arc::clone(&self.sent);
        let said =
            data.content_block.map(|value| answer::said(value, &sent, &unknown)).transpose()?.flatten();
        if let Some(said) = said {
            self.next += 1;
            open.ours = Some(index);
            let is_call = matches!(said.block, Block::Call(_));
            let is_redacted = said.block == Block::Redacted;
            tell(Event::Opened(index, said.block));
            if is_call {
                open.input = Some(said.text.into_owned());
            } else if !said.text.is_empty() {
                open.length = said.text.len();
                tell(Event::Added(index, Piece::Text(said.text)));
            }
            match said.seal {
                Some(seal) if is_redacted => tell(Event::Added(index, Piece::Seal(seal))),
                seal => open.signature = seal.map(|seal| seal.payload.into_owned()),
            }
        }
        self.open.push(open);
        Ok(())
    }

    fn added(&mut self, data: &Data<'_>, tell: Tell<'_>) -> Result<(), Error> {
        let Some(delta) = data.delta.and_then(|value| Members::of(value, At::ROOT).ok()) else {
            return Ok(());
        };
        let text = |name: &'static str| delta.text(name, At::ROOT).ok().flatten();
        let arguments = delta.get("partial_json").map(arguments).filter(|text| !text.is_empty());
        let place = match data.index {
            Some(index) => self.open.iter().position(|open| open.theirs == index),
            None => self.open.len().checked_sub(1),
        };
        let Some(open) = place.and_then(|place| self.open.get_mut(place)) else {
            // What is lost of a call would make another call of it.
            return match arguments {
                None => Ok(()),
                Some(_) => {
                    Err(Error::new(Kind::Upstream, "the upstream goes on with a call that it had closed"))
                }
            };
        };
        let Some(index) = open.ours else { return Ok(()) };
        for said in [text("text"), text("thinking"), arguments].into_iter().flatten() {
            if !said.is_empty() {
                open.input = None;
                open.length += said.len();
                tell(Event::Added(index, Piece::Text(said)));
            }
        }
        if let Some(signature) = text("signature").filter(|signature| !signature.is_empty()) {
            open.signature = Some(signature.into_owned());
        }
        if let Some(one) = delta.get("citation").and_then(|value| answer::cited(value, 0)) {
            let Citation { url, title, span } = one;
            open.citations.push(Citation { url: owned(url), title: title.map(owned), span });
        }
        Ok(())
    }

    /// Reads what is more of a block that is open, at once; whether it was that.
    fn more(&mut self, data: &[u8], tell: Tell<'_>) -> bool {
        const KINDS: [&str; 3] = ["text_delta", "thinking_delta", "input_json_delta"];
        if self.stage != Stage::Begun {
            return false;
        }
        let Ok(more) = serde_json::from_slice::<More<'_>>(data) else { return false };
        if more.kind != "content_block_delta" || !KINDS.contains(&more.delta.kind) {
            return false;
        }
        let Some(open) = self.open.iter_mut().find(|open| open.theirs == more.index) else { return false };
        if let Some(index) = open.ours.filter(|_| !more.delta.text.is_empty()) {
            open.input = None;
            open.length += more.delta.text.len();
            tell(Event::Added(index, Piece::Text(more.delta.text)));
        }
        true
    }

    /// Closes a block, or all of them.
    fn closed(&mut self, theirs: Option<u64>, tell: Tell<'_>) {
        let sent = Arc::clone(&self.sent);
        self.open.retain_mut(|open| {
            if theirs.is_some_and(|theirs| theirs != open.theirs) {
                return true;
            }
            let Some(index) = open.ours else { return false };
            if let Some(input) = open.input.take() {
                tell(Event::Added(index, Piece::Text(input.into())));
            }
            if let Some(signature) = open.signature.take() {
                tell(Event::Added(index, Piece::Seal(answer::seal(signature.into(), &sent))));
            }
            for mut one in open.citations.drain(..) {
                one.span = Some((0, open.length));
                tell(Event::Added(index, Piece::Citation(one)));
            }
            tell(Event::Closed(index));
            false
        });
    }

    /// Usage, and why the answer ends.
    fn changed(&mut self, data: Data<'_>, tell: Tell<'_>) {
        if let Some(told) = data.usage {
            self.usage.update(told);
            tell(Event::Used(self.usage.usage(self.model.as_deref())));
        }
        let delta = data.delta.and_then(|value| Members::of(value, At::ROOT).ok()).unwrap_or_default();
        let text = |name: &'static str| delta.text(name, At::ROOT).ok().flatten();
        if let Some(name) = text("stop_reason") {
            self.ended(reason::of(&name), text("stop_sequence"), tell);
        }
    }

    fn ended(&mut self, reason: Reason, stop_sequence: Option<Text<'_>>, tell: Tell<'_>) {
        if self.stage < Stage::Ended {
            self.closed(None, tell);
            self.stage = Stage::Ended;
            tell(Event::Ended(End { reason, stop_sequence }));
        }
    }

    fn failed(&mut self, data: &[u8], tell: Tell<'_>) {
        self.stage = Stage::Over;
        let refusal = Refusal::read(data);
        let mut failure = failure::read(refusal.status_code(), data);
        if refusal.message.is_empty() && !data.starts_with(b"{") {
            failure.message = String::from_utf8_lossy(data).into_owned().into();
        }
        tell(Event::Failed(failure));
    }

    /// A whole answer where a stream was asked for.
    fn whole(&mut self, data: &[u8], tell: Tell<'_>) -> Result<(), Error> {
        let answer = answer::answer(data, &self.sent)?;
        self.stage = Stage::Over;
        answer.events(&mut |event| tell(event));
        Ok(())
    }
}

/// A fragment of arguments; some servers have them whole, as an object.
fn arguments(value: Raw<'_>) -> Text<'_> {
    json::text(value, At::ROOT).unwrap_or(Cow::Borrowed(value.get()))
}

impl Reader for Events {
    fn event(&mut self, name: &str, data: &[u8], tell: &mut dyn FnMut(Event<'_>)) -> Result<(), Error> {
        let trimmed = data.trim_ascii();
        if self.stage == Stage::Over || trimmed.is_empty() || trimmed == b"[DONE]" {
            return Ok(());
        }
        if self.more(trimmed, tell) {
            return Ok(());
        }
        let told = match serde_json::from_slice::<Data<'_>>(trimmed) {
            Ok(told) => told,
            Err(_) if name == "error" => {
                self.failed(trimmed, tell);
                return Ok(());
            }
            Err(_) => {
                return Err(Error::new(Kind::Upstream, "an event of the upstream's stream can't be read"));
            }
        };
        let kind = if told.kind.is_empty() { name } else { &told.kind };
        match kind {
            "error" => self.failed(trimmed, tell),
            _ if told.error.is_some() => self.failed(trimmed, tell),
            "message" if self.stage == Stage::Before => return self.whole(trimmed, tell),
            "message_start" => self.started(told.message, tell),
            "content_block_start" if self.stage < Stage::Ended => {
                self.begin(Started::default(), tell);
                self.opened(&told, tell)?;
            }
            "content_block_delta" if self.stage < Stage::Ended => self.added(&told, tell)?,
            "content_block_stop" => {
                let last = self.open.last().map(|open| open.theirs);
                if let Some(index) = told.index.or(last) {
                    self.closed(Some(index), tell);
                }
            }
            "message_delta" => {
                self.begin(Started::default(), tell);
                self.changed(told, tell);
            }
            "message_stop" => {
                self.begin(Started::default(), tell);
                self.ended(Reason::Done, None, tell);
                self.stage = Stage::Over;
                tell(Event::Whole);
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, tell: &mut dyn FnMut(Event<'_>)) {
        if self.stage == Stage::Ended {
            self.stage = Stage::Over;
            tell(Event::Whole);
        }
    }
}

#[cfg(test)]
mod tests;
