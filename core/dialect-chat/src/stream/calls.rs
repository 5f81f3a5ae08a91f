//! The calls in an upstream's stream, whose fragments come by index, by id, or one after another.

use sluice_neutral::answer::{Block, Called, Event, Flow, Piece};
use sluice_neutral::order::arguments::Arguments;

use crate::answer::pieces::{self, Fragment};

/// The calls of one answer.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug)]
struct Call {
    /// The upstream's number for it, where there is one.
    key: Option<u64>,
    /// The upstream's id for it; empty where there is none.
    id: String,
    /// The block that it is; nothing as long as the tool is not known.
    block: Option<u64>,
    /// Arguments that came before the name.
    held: String,
    written: Arguments,
    closed: bool,
}

impl Calls {
    /// Takes a fragment of a call. `answer` is the answer's id.
    pub(super) fn take<'a>(
        &mut self,
        mut fragment: Fragment<'a>,
        answer: &str,
        flow: &mut Flow,
        tell: &mut dyn FnMut(Event<'a>),
    ) {
        let at = self.place(&fragment).unwrap_or_else(|| {
            self.close_whole(tell);
            self.0.push(Call::new(fragment.index));
            self.0.len().saturating_sub(1)
        });
        // Where two have one id, their results could not be told apart: the second gets one of its own.
        let is_anothers =
            |id: &str| self.0.iter().enumerate().any(|(other, call)| other != at && call.id == id);
        fragment.id = fragment.id.filter(|id| !is_anothers(id));
        if let Some(call) = self.0.get_mut(at).filter(|call| !call.closed) {
            call.take(fragment, || pieces::minted(answer, at), flow, tell);
        }
    }

    /// Which call a fragment is of; nothing where it begins another.
    fn place(&self, fragment: &Fragment<'_>) -> Option<usize> {
        let at = match fragment.index {
            Some(index) => self.0.iter().rposition(|call| call.key == Some(index))?,
            None => self.0.len().checked_sub(1)?,
        };
        (!self.0.get(at)?.is_over_with(fragment)).then_some(at)
    }

    /// Closes the calls whose arguments are whole: others may follow before the answer ends.
    pub(super) fn close_whole<'a>(&mut self, tell: &mut dyn FnMut(Event<'a>)) {
        self.0.iter_mut().filter(|call| call.written.are_whole()).for_each(|call| call.close(tell));
    }

    /// Closes all.
    pub(super) fn close<'a>(&mut self, tell: &mut dyn FnMut(Event<'a>)) {
        self.0.iter_mut().for_each(|call| call.close(tell));
    }
}

impl Call {
    fn new(key: Option<u64>) -> Self {
        let (id, held) = (String::new(), String::new());
        Self { key, id, block: None, held, written: Arguments::default(), closed: false }
    }

    /// Whether a fragment under the same number is of another call: servers that do not number them have an id for each, or
    /// send each whole.
    fn is_over_with(&self, fragment: &Fragment<'_>) -> bool {
        if fragment.name.is_none() {
            return false;
        }
        let is_another = |id: &str| !self.id.is_empty() && id != self.id;
        let begins = |text: &str| text.trim_start().starts_with('{');
        fragment.id.as_deref().is_some_and(is_another)
            || (self.written.are_whole() && fragment.arguments.as_deref().is_some_and(begins))
    }

    fn take<'a>(
        &mut self,
        fragment: Fragment<'a>,
        minted: impl FnOnce() -> String,
        flow: &mut Flow,
        tell: &mut dyn FnMut(Event<'a>),
    ) {
        if let (Some(id), true) = (fragment.id, self.id.is_empty()) {
            self.id = id.into_owned();
        }
        if let (Some(name), None) = (fragment.name, self.block) {
            let block = flow.begin(tell);
            self.block = Some(block);
            let id = if self.id.is_empty() { minted() } else { self.id.clone() };
            let called = Called { id: id.into(), name, plain: fragment.plain };
            tell(Event::Opened(block, Block::Call(called)));
            let held = std::mem::take(&mut self.held);
            if !held.is_empty() {
                tell(Event::Added(block, Piece::Text(held.into())));
            }
        }
        let text = fragment.arguments.unwrap_or_default();
        self.written.feed(&text);
        match self.block {
            Some(block) => {
                if let Some(seal) = fragment.seal {
                    tell(Event::Added(block, Piece::Seal(seal)));
                }
                if !text.is_empty() {
                    tell(Event::Added(block, Piece::Text(text)));
                }
            }
            None => self.held.push_str(&text),
        }
    }

    fn close<'a>(&mut self, tell: &mut dyn FnMut(Event<'a>)) {
        if let Some(block) = self.block.filter(|_| !self.closed) {
            tell(Event::Closed(block));
        }
        self.closed = true;
    }
}
