//! The whole dialect: what becomes of each field, of requests, answers and streams, and the laws of all that.

mod answers;
mod clients;
mod conversations;
mod laws;
mod requests;
mod settings;
mod table;

use std::sync::Arc;

use serde_json::Value;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::Error;
use sluice_neutral::answer::{End, Event, Failure};
use sluice_neutral::dialect::{Asked, Dialect as _, Reply, Sent, Upstream};
use sluice_neutral::loss::Losses;
use sluice_neutral::order::Ordered;
use sluice_neutral::request::Request;

use crate::Gemini;

/// A request as it is read toward a dialect, and what was named.
fn read(body: &str, toward: Api) -> Result<(Request<'_>, Vec<String>), Error> {
    read_for(body, toward, Operation::Generate)
}

fn read_for(body: &str, toward: Api, operation: Operation) -> Result<(Request<'_>, Vec<String>), Error> {
    let mut losses = Losses::toward(toward);
    let (request, _) = Gemini.read(&Asked { body: body.as_bytes(), operation }, &mut losses)?;
    Ok((request, losses.named()))
}

fn upstream(model: &str) -> Upstream<'_> {
    Upstream {
        model,
        provider: "gemini",
        account: "main",
        operation: Operation::Generate,
        form: Form::Sse,
        max_output: None,
        include_usage: true,
    }
}

/// What is written for a model, what its answer's reader is given, and what was named.
fn write(request: &Request<'_>, model: &str) -> Result<(Value, Sent, Vec<String>), Error> {
    write_to(request, &upstream(model))
}

fn write_to(request: &Request<'_>, upstream: &Upstream<'_>) -> Result<(Value, Sent, Vec<String>), Error> {
    let mut losses = Losses::toward(Api::Gemini);
    let (body, sent) = Gemini.write(request, upstream, &mut losses)?;
    let text = String::from_utf8(body).unwrap();
    Ok((serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")), sent, losses.named()))
}

fn sent() -> Sent {
    Sent { account: "main".to_owned(), ..Sent::default() }
}

fn reply() -> Reply {
    Reply { id: "r1".to_owned(), model: "asked".to_owned(), created: 0, own: None }
}

/// What a stream tells, each event in few words; an error is the last of them.
fn told(chunks: &[&str]) -> Vec<String> {
    let mut reader = Gemini.stream(&Arc::new(sent()));
    let mut told = Vec::new();
    for chunk in chunks {
        let mut tell = |event: Event<'_>| told.push(words(&event));
        if let Err(error) = reader.event("", chunk.as_bytes(), &mut tell) {
            told.push(format!("error {error}"));
            return told;
        }
    }
    reader.end(&mut |event| told.push(words(&event)));
    told
}

fn words(event: &Event<'_>) -> String {
    use sluice_neutral::answer::Piece;
    match event {
        Event::Started(started) => format!(
            "started {} {}",
            started.id.as_deref().unwrap_or("-"),
            started.model.as_deref().unwrap_or("-")
        ),
        Event::Opened(index, block) => format!("open {index} {block:?}"),
        Event::Added(index, Piece::Text(text)) => format!("{index} {text}"),
        Event::Added(index, Piece::Seal(seal)) => format!("{index} seal {}", seal.payload),
        Event::Added(index, Piece::Citation(cited)) => {
            format!("{index} cites {} {:?}", cited.url, cited.span)
        }
        Event::Added(index, Piece::Logprobs(all)) => format!("{index} logprobs {}", all.len()),
        Event::Closed(index) => format!("close {index}"),
        Event::Used(usage) => format!("used {} {} {}", usage.input, usage.output, usage.reasoning),
        Event::Ended(End { reason, .. }) => format!("end {reason:?}"),
        Event::Failed(Failure { status, class, message, .. }) => {
            format!("failed {status} {class:?} {message}")
        }
        Event::Whole => "whole".to_owned(),
    }
}

/// What a client is sent of these events, and whether it was told the end.
fn streamed<'a>(events: impl IntoIterator<Item = Event<'a>>, reply: Reply) -> (String, bool) {
    let writer = Gemini.tells(&Arc::new(reply));
    let mut ordered = Ordered::new(Arc::new(sent()), writer, "req_1".into());
    let mut out = Vec::new();
    for event in events {
        ordered.take(event, &mut out).unwrap();
    }
    let whole = ordered.ends(&mut out);
    (String::from_utf8(out).unwrap(), whole)
}

/// The documents of a stream's events, each of which must be one line of data.
fn events(stream: &str) -> Vec<&str> {
    let mut events: Vec<&str> = stream.split("\r\n\r\n").collect();
    assert_eq!(events.pop(), Some(""), "the last event is closed");
    let data = |event: &&str| !event.contains(['\n', '\r']) && event.starts_with("data: {");
    assert!(events.iter().all(data), "{events:?}");
    events.into_iter().map(|event| event.strip_prefix("data: ").unwrap()).collect()
}
