//! An answer that comes as events although a whole one was due: some servers know no other way.

use std::sync::Arc;

use sluice_api::error::Error;
use sluice_neutral::answer::{
    Answer, Block, Called, Citation, End, Event, Failure, Logprob, Piece, Said, owned,
};
use sluice_neutral::dialect::{Reader as _, Sent};
use sluice_neutral::seal::Seal;
use sluice_wire::sse::Scanner;

use super::read::Reading;
use crate::answer::pieces::unreadable;
use crate::refusal;

/// Whether a body is one of events.
pub(crate) fn is_one(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    [&b"data:"[..], b"event:", b":"].iter().any(|begins| body.starts_with(begins))
}

/// What is gathered of an answer.
#[derive(Default)]
struct Gathered {
    answer: Answer<'static>,
    /// The index of each block, as it was opened.
    indexes: Vec<u64>,
    failure: Option<Failure<'static>>,
    is_whole: bool,
}

/// Reads it.
pub(crate) fn answer(body: &[u8], sent: &Sent) -> Result<Answer<'static>, Error> {
    let mut reader = Reading::new(&Arc::new(sent.clone()));
    let mut gathered = Gathered::default();
    let mut done = Ok(());
    let mut scanner = Scanner::default();
    let mut take = |event: sluice_wire::sse::Event<'_>| {
        if done.is_ok() {
            let name = std::str::from_utf8(event.name).unwrap_or_default();
            done = reader.event(name, event.data, &mut |event| gathered.take(event));
        }
    };
    scanner.feed(body, &mut take);
    // Some leave out the blank line behind the last one.
    scanner.feed(b"\n\n", &mut take);
    done?;
    reader.end(&mut |event| gathered.take(event));
    match gathered.failure {
        Some(failure) => Err(refusal::told(failure)),
        None if gathered.is_whole => Ok(gathered.answer),
        None => Err(unreadable("it ends before it is whole")),
    }
}

impl Gathered {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Started(started) => {
                self.answer.started.id = started.id.map(owned);
                self.answer.started.model = started.model.map(owned);
                self.answer.usage = started.usage;
            }
            Event::Opened(index, block) => {
                self.indexes.push(index);
                self.answer.said.push(Said::new(of_its_own(block), ""));
            }
            Event::Added(index, piece) => {
                let at = self.indexes.iter().position(|known| *known == index);
                if let Some(said) = at.and_then(|at| self.answer.said.get_mut(at)) {
                    add(said, piece);
                }
            }
            Event::Used(usage) => self.answer.usage = Some(usage),
            Event::Ended(End { reason, stop_sequence }) => {
                self.answer.end = End { reason, stop_sequence: stop_sequence.map(owned) };
                self.is_whole = true;
            }
            Event::Failed(Failure { status, class, message, param }) => {
                let (message, param) = (owned(message), param.map(owned));
                self.failure = Some(Failure { status, class, message, param });
            }
            Event::Closed(_) | Event::Whole => {}
        }
    }
}

fn add(said: &mut Said<'static>, piece: Piece<'_>) {
    match piece {
        Piece::Text(text) => said.text.to_mut().push_str(&text),
        Piece::Seal(Seal { origin, account, payload }) => {
            said.seal = Some(Seal { origin, account, payload: owned(payload) });
        }
        Piece::Citation(Citation { url, title, span }) => {
            said.citations.push(Citation { url: owned(url), title: title.map(owned), span });
        }
        Piece::Logprobs(all) => {
            said.logprobs.extend(all.into_iter().map(|Logprob { token, logprob, others }| {
                let others = others.into_iter().map(|(token, logprob)| (owned(token), logprob)).collect();
                Logprob { token: owned(token), logprob, others }
            }))
        }
    }
}

fn of_its_own(block: Block<'_>) -> Block<'static> {
    match block {
        Block::Text => Block::Text,
        Block::Refusal => Block::Refusal,
        Block::Thinking => Block::Thinking,
        Block::Redacted => Block::Redacted,
        Block::Call(Called { id, name, plain }) => {
            Block::Call(Called { id: owned(id), name: owned(name), plain })
        }
        Block::Image { media_type } => Block::Image { media_type: owned(media_type) },
    }
}
