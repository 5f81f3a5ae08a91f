//! An upstream's stream, read.

mod item;

use std::sync::Arc;

use sluice_api::error::{Error, Kind};
use sluice_neutral::answer::{Block, End, Event, Piece, Started};
use sluice_neutral::at::At;
use sluice_neutral::dialect::{Reader, Sent};
use sluice_neutral::json::{self, Members};

use crate::answer::{self, Place};
use crate::{refusal, usage};
use item::{Item, Part};

/// Tells what was read.
type Tell<'t> = &'t mut dyn FnMut(Event<'_>);

/// A stream as far as it is read.
#[derive(Debug)]
pub(crate) struct Stream {
    sent: Arc<Sent>,
    id: String,
    started: bool,
    ended: bool,
    /// The next block's index.
    next: u64,
    items: Vec<Item>,
    searches: u64,
}

impl Stream {
    /// Nothing has come yet.
    pub(crate) fn new(sent: &Arc<Sent>) -> Self {
        let (sent, id, items) = (Arc::clone(sent), String::new(), Vec::new());
        Self { sent, id, started: false, ended: false, next: 0, items, searches: 0 }
    }

    fn start(&mut self, told: Started<'_>, tell: Tell<'_>) {
        if !self.started {
            self.started = true;
            self.id = told.id.as_deref().unwrap_or_default().to_owned();
            tell(Event::Started(told));
        }
    }

    /// The item that an event is about: by its place, else by its id (which some servers make anew for each event), else
    /// the last one. One that was not told to begin begins here.
    fn find(&mut self, event: &Members<'_>) -> usize {
        let (place, id) = (place(event), event.label("item_id"));
        let found = match (place, id) {
            (Some(_), _) => self.items.iter().rposition(|item| item.place == place),
            (None, Some(id)) => self.items.iter().rposition(|item| item.id == id),
            (None, None) => self.items.len().checked_sub(1),
        };
        found.unwrap_or_else(|| {
            let id = event.label("item_id").unwrap_or_default().into_owned();
            self.items.push(Item::new(place, id));
            self.items.len() - 1
        })
    }

    fn added(&mut self, event: &Members<'_>, tell: Tell<'_>) {
        let Some(told) = inner(event, "item") else { return };
        let id = told.label("id").unwrap_or_default().into_owned();
        self.items.push(Item::new(place(event), id));
        self.called(self.items.len() - 1, &told, tell);
    }

    /// A call begins, as soon as its tool is known and its id.
    fn called(&mut self, at: usize, told: &Members<'_>, tell: Tell<'_>) {
        let place = Place { sent: &self.sent, answer: &self.id, index: at };
        let Some(item) = self.items.get_mut(at).filter(|item| item.parts.is_empty()) else { return };
        let plain = match told.label("type").as_deref() {
            Some("function_call") => false,
            Some("custom_tool_call") => true,
            _ => return,
        };
        if told.label("call_id").is_none_or(|id| id.is_empty()) && !item.done {
            return;
        }
        if let Some(called) = answer::called(told, plain, place) {
            item.parts.push(Part::new(0, self.next));
            tell(Event::Opened(self.next, Block::Call(called)));
            self.next += 1;
        }
    }

    /// More of a text, of a refusal, of thoughts or of arguments.
    fn delta(&mut self, event: &Members<'_>, kind: &str, tell: Tell<'_>) {
        let Some(delta) = event.label("delta").filter(|delta| !delta.is_empty()) else {
            return self.likely(event, kind, tell);
        };
        let at = self.find(event);
        let Some((block, before)) = self.part(at, event, kind, tell) else { return };
        if let Some(before) = before {
            tell(Event::Added(block, Piece::Text(before.into())));
        }
        tell(Event::Added(block, Piece::Text(delta)));
        self.likely(event, kind, tell);
    }

    fn likely(&mut self, event: &Members<'_>, kind: &str, tell: Tell<'_>) {
        if kind != "response.output_text.delta" {
            return;
        }
        let logprobs = answer::logprobs(event);
        if logprobs.is_empty() {
            return;
        }
        let at = self.find(event);
        if let Some((block, _)) = self.part(at, event, kind, tell) {
            tell(Event::Added(block, Piece::Logprobs(logprobs)));
            if let Some(part) = self.items.get_mut(at).and_then(Item::last) {
                part.likely = true;
            }
        }
    }

    /// The block that an event adds to, and what stands between it and what was told before. Nothing where it can't be
    /// told.
    fn part(
        &mut self,
        at: usize,
        event: &Members<'_>,
        kind: &str,
        tell: Tell<'_>,
    ) -> Option<(u64, Option<&'static str>)> {
        let item = self.items.get_mut(at)?;
        let index = number(event, "content_index").unwrap_or_default();
        let (block, content) = match kind {
            "response.output_text.delta" => (Block::Text, index),
            "response.refusal.delta" => (Block::Refusal, index),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => (Block::Thinking, 0),
            // A call that has not begun can't go on; all of it comes with its end.
            _ => return item.take().map(|block| (block, None)),
        };
        let before = if block == Block::Thinking { item.thought(kind, event)? } else { None };
        let known = item.parts.iter_mut().find(|part| part.content == content);
        if let Some(part) = known {
            if !part.open {
                return None;
            }
            part.told = true;
            return Some((part.block, before));
        }
        let opened = self.next;
        self.next += 1;
        item.parts.push(Part { told: true, ..Part::new(content, opened) });
        tell(Event::Opened(opened, block));
        Some((opened, before))
    }

    /// All arguments have come, where they did not come in pieces.
    fn arguments(&mut self, event: &Members<'_>, tell: Tell<'_>) {
        let whole = event.label("arguments").or_else(|| event.label("input")).filter(|text| !text.is_empty());
        let at = self.find(event);
        let Some(part) = self.items.get_mut(at).and_then(Item::last).filter(|part| !part.told) else {
            return;
        };
        if let Some(whole) = whole {
            part.told = true;
            tell(Event::Added(part.block, Piece::Text(whole)));
        }
    }

    /// An item is whole: what was not told of it is told now; citations too, whose places only the whole text tells.
    fn done(&mut self, at: usize, told: &Members<'_>, tell: Tell<'_>) {
        let Some(item) = self.items.get_mut(at).filter(|item| !item.done) else { return };
        item.done = true;
        self.searches += u64::from(usage::is_search(told));
        self.called(at, told, tell);
        let sent = Arc::clone(&self.sent);
        let place = Place { sent: &sent, answer: &self.id, index: at };
        let said = answer::of_item(told, place);
        let Some(item) = self.items.get_mut(at) else { return };
        for (content, said) in said {
            if !item.parts.iter().any(|part| part.content == content) {
                item.parts.push(Part::new(content, self.next));
                tell(Event::Opened(self.next, said.block.clone()));
                self.next += 1;
            }
            let known = item.parts.iter_mut().find(|part| part.content == content);
            if let Some(part) = known.filter(|part| part.open) {
                part.rest(said, tell);
            }
        }
        item.close(tell);
    }

    fn completed(&mut self, response: &Members<'_>, tell: Tell<'_>) {
        self.start(answer::started(response), tell);
        let output = response.get("output").and_then(|raw| json::items(raw, At::ROOT).ok());
        let output: Vec<Members<'_>> = output
            .unwrap_or_default()
            .into_iter()
            .filter_map(|raw| Members::of(raw, At::ROOT).ok())
            .collect();
        for (index, told) in (0_u64..).zip(&output) {
            self.missed(index, told, tell);
        }
        for item in &mut self.items {
            item.close(tell);
        }
        if let Some(used) = usage::read(response, self.searches) {
            tell(Event::Used(used));
        }
        self.ended = true;
        tell(Event::Ended(End { reason: answer::reason(response), stop_sequence: None }));
        tell(Event::Whole);
    }

    /// What no event has told of an item that stands in the whole answer.
    fn missed(&mut self, index: u64, told: &Members<'_>, tell: Tell<'_>) {
        let id = told.label("id").filter(|id| !id.is_empty());
        let known = self
            .items
            .iter()
            .position(|item| item.place == Some(index) || id.as_deref().is_some_and(|id| item.id == id));
        // Where events tell neither place nor id, they told of the items in their order.
        let known = known.or_else(|| {
            let index = usize::try_from(index).ok()?;
            self.items.get(index).filter(|item| item.place.is_none()).map(|_| index)
        });
        let at = known.unwrap_or_else(|| {
            self.items.push(Item::new(Some(index), id.unwrap_or_default().into_owned()));
            self.items.len() - 1
        });
        self.done(at, told, tell);
    }
}

impl Reader for Stream {
    fn event(&mut self, name: &str, data: &[u8], tell: &mut dyn FnMut(Event<'_>)) -> Result<(), Error> {
        if data.trim_ascii() == b"[DONE]" || self.ended {
            return Ok(());
        }
        let event = Members::body(data)
            .map_err(|_| Error::new(Kind::Upstream, "an event of the upstream's stream can't be read"))?;
        let kind = event.label("type").unwrap_or_else(|| name.into());
        let has_error = event.get("error").is_some();
        match &*kind {
            "response.failed" | "response.cancelled" | "error" => {
                self.ended = true;
                tell(Event::Failed(refusal::read(http::StatusCode::OK, data)));
            }
            "response.completed" | "response.incomplete" => match inner(&event, "response") {
                Some(response) => self.completed(&response, tell),
                None => return Err(Error::new(Kind::Upstream, "the upstream's last event has no response")),
            },
            _ if has_error => {
                self.ended = true;
                tell(Event::Failed(refusal::read(http::StatusCode::OK, data)));
            }
            // A whole answer where a stream was due.
            _ if event.label("object").as_deref() == Some("response") => self.completed(&event, tell),
            kind => self.goes_on(&event, kind, tell),
        }
        Ok(())
    }

    fn end(&mut self, _tell: &mut dyn FnMut(Event<'_>)) {}
}

impl Stream {
    fn goes_on(&mut self, event: &Members<'_>, kind: &str, tell: Tell<'_>) {
        if !kind.starts_with("response.") {
            return;
        }
        let response = inner(event, "response");
        let started = response.as_ref().map(answer::started).unwrap_or_default();
        self.start(started, tell);
        match kind {
            "response.output_item.added" => self.added(event, tell),
            "response.output_text.delta"
            | "response.refusal.delta"
            | "response.reasoning_summary_text.delta"
            | "response.reasoning_text.delta"
            | "response.function_call_arguments.delta"
            | "response.custom_tool_call_input.delta" => self.delta(event, kind, tell),
            "response.function_call_arguments.done" | "response.custom_tool_call_input.done" => {
                self.arguments(event, tell);
            }
            "response.output_item.done" => {
                let Some(told) = inner(event, "item") else { return };
                let id = told.label("id").unwrap_or_default();
                let place = place(event);
                let known = self.items.iter().rposition(|item| {
                    !item.done && (if place.is_some() { item.place == place } else { item.id == id })
                });
                let at = known.unwrap_or_else(|| {
                    self.items.push(Item::new(place, id.into_owned()));
                    self.items.len() - 1
                });
                self.done(at, &told, tell);
            }
            _ => {}
        }
    }
}

fn inner<'a>(event: &Members<'a>, name: &str) -> Option<Members<'a>> {
    Members::of(event.get(name)?, At::ROOT).ok()
}

fn number(event: &Members<'_>, name: &str) -> Option<u64> {
    event.get(name)?.get().parse().ok()
}

fn place(event: &Members<'_>) -> Option<u64> {
    number(event, "output_index")
}
