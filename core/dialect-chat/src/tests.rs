//! What all tests of the dialect need, and the tests.

mod answers;
mod conversations;
mod laws;
mod models;
mod requests;
mod streams;
mod table;
mod upstreams;

use std::sync::Arc;

use serde_json::Value;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::Error;
use sluice_neutral::answer::{Answer, Block, Event, Piece, Said};
use sluice_neutral::dialect::{Asked, Dialect as _, Own, Reply, Sent, Upstream};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::Request;

use crate::Chat;
use crate::kept::Kept;

/// A request of this dialect's, read toward another; with what was left out and named.
fn read(body: &str, toward: Api) -> Result<(Request<'_>, Own, Vec<String>), Error> {
    let mut losses = Losses::toward(toward);
    let asked = Asked { body: body.as_bytes(), operation: Operation::Generate };
    let (request, own) = Chat.read(&asked, &mut losses)?;
    Ok((request, own, losses.named()))
}

fn kept(own: &Own) -> Kept {
    *own.as_deref().unwrap().downcast_ref::<Kept>().unwrap()
}

const fn upstream<'a>(model: &'a str, provider: &'a str) -> Upstream<'a> {
    Upstream {
        model,
        provider,
        account: "acc",
        operation: Operation::Generate,
        form: Form::Whole,
        max_output: None,
        include_usage: true,
    }
}

/// A request written for an upstream; with what was left out and named.
fn written(request: &Request<'_>, upstream: &Upstream<'_>) -> Result<(Value, Sent, Vec<String>), Error> {
    let mut losses = Losses::toward(Api::OpenaiChat);
    let (body, sent) = Chat.write(request, upstream, &mut losses)?;
    Ok((serde_json::from_slice(&body).unwrap(), sent, losses.named()))
}

/// A request of this dialect's, written again for a model of a provider's.
fn again(body: &str, model: &str, provider: &str) -> (Value, Vec<String>) {
    let (request, _, mut named) = read(body, Api::OpenaiChat).unwrap();
    let (body, _, more) = written(&request, &upstream(model, provider)).unwrap();
    named.extend(more);
    (body, named)
}

fn reply(kept: Kept) -> Reply {
    Reply { id: "id1".to_owned(), model: "asked".to_owned(), created: 5, own: Some(Arc::new(kept)) }
}

/// An answer put together of what a stream tells.
#[derive(Default)]
struct Gathered {
    answer: Answer<'static>,
    open: Vec<(u64, usize)>,
    failed: Option<String>,
    is_whole: bool,
}

impl Gathered {
    fn take(&mut self, event: Event<'_>) {
        let at = |open: &[(u64, usize)], index| {
            open.iter().find(|(known, _)| *known == index).unwrap_or_else(|| panic!("{index} is not open")).1
        };
        match event {
            Event::Started(started) => {
                assert!(self.answer.started.id.is_none());
                self.answer.started.id = started.id.map(sluice_neutral::answer::owned);
                self.answer.started.model = started.model.map(sluice_neutral::answer::owned);
                self.answer.usage = started.usage;
            }
            Event::Opened(index, block) => {
                assert!(self.open.iter().all(|(known, _)| *known != index));
                self.open.push((index, self.answer.said.len()));
                self.answer.said.push(Said::new(of_its_own(block), ""));
            }
            Event::Added(index, piece) => {
                let said = &mut self.answer.said[at(&self.open, index)];
                match piece {
                    Piece::Text(text) => said.text.to_mut().push_str(&text),
                    Piece::Seal(seal) => {
                        let payload = sluice_neutral::answer::owned(seal.payload);
                        said.seal = Some(sluice_neutral::seal::Seal { payload, ..seal });
                    }
                    Piece::Citation(one) => said.citations.push(sluice_neutral::answer::Citation {
                        url: sluice_neutral::answer::owned(one.url),
                        title: one.title.map(sluice_neutral::answer::owned),
                        span: one.span,
                    }),
                    Piece::Logprobs(all) => {
                        said.logprobs.extend(all.into_iter().map(|one| {
                            sluice_neutral::answer::Logprob {
                                token: sluice_neutral::answer::owned(one.token),
                                logprob: one.logprob,
                                others: one
                                    .others
                                    .into_iter()
                                    .map(|(token, logprob)| (sluice_neutral::answer::owned(token), logprob))
                                    .collect(),
                            }
                        }));
                    }
                }
            }
            Event::Closed(index) => {
                at(&self.open, index);
                self.open.retain(|(known, _)| *known != index);
            }
            Event::Used(usage) => self.answer.usage = Some(usage),
            Event::Ended(end) => {
                assert!(self.open.is_empty(), "{:?} still open at the end", self.open);
                self.answer.end.reason = end.reason;
                self.is_whole = true;
            }
            Event::Failed(failure) => self.failed = Some(format!("{} {}", failure.status, failure.message)),
            Event::Whole => assert!(self.is_whole),
        }
    }
}

fn of_its_own(block: Block<'_>) -> Block<'static> {
    use sluice_neutral::answer::{Called, owned};
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

/// What a reader makes of events' data, up to the end of the body.
fn gathered(events: &[&str]) -> Result<Gathered, Error> {
    let sent = Arc::new(Sent { account: "acc".to_owned(), ..Sent::default() });
    let mut reader = Chat.stream(&sent);
    let mut all = Gathered::default();
    for data in events {
        reader.event("", data.as_bytes(), &mut |event| all.take(event))?;
    }
    reader.end(&mut |event| all.take(event));
    Ok(all)
}

/// An answer in short words.
fn words(answer: &Answer<'_>) -> String {
    let mut words = String::new();
    for said in &answer.said {
        words += &match &said.block {
            Block::Text => format!("{} ", said.text),
            Block::Refusal => format!("no:{} ", said.text),
            Block::Thinking => format!("hm:{} ", said.text),
            Block::Redacted => "redacted ".to_owned(),
            Block::Call(called) => {
                format!("{}{}={}{} ", called.id, if called.plain { "!" } else { "" }, called.name, said.text)
            }
            Block::Image { media_type } => format!("{media_type}:{} ", said.text),
        };
    }
    let used = answer.usage.map_or(String::new(), |usage| format!(" {}/{}", usage.all_input(), usage.output));
    format!("{words}{:?}{used}", answer.end.reason)
}

/// The data of what a writer has written, event by event.
fn events(written: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    let mut scanner = sluice_wire::sse::Scanner::default();
    scanner.feed(written, &mut |event: sluice_wire::sse::Event<'_>| {
        assert!(event.name.is_empty());
        all.push(String::from_utf8(event.data.to_vec()).unwrap());
    });
    assert!(!scanner.is_open());
    all
}
