//! What a client of this API meets, and what an upstream of it is asked and answers.

mod clients;
mod laws;
mod streams;
mod table;
mod upstreams;

use std::sync::Arc;

use serde_json::Value;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::Error;
use sluice_neutral::answer::{Answer, Event};
use sluice_neutral::dialect::{Asked, Dialect as _, Reply, Sent, Upstream};
use sluice_neutral::loss::Losses;
use sluice_neutral::order::Ordered;
use sluice_neutral::request::Request;

use crate::Responses;

/// A client's request, read on its way into another dialect, and what is named of it. Where it says nothing, it says `x`.
fn read(body: &str, toward: Api) -> Result<(Request<'static>, Vec<String>), Error> {
    let mut losses = Losses::toward(toward);
    let asked = Asked { body: asked(body).leak().as_bytes(), operation: Operation::Generate };
    let (request, _) = Responses.read(&asked, &mut losses)?;
    Ok((request, losses.named()))
}

fn asked(body: &str) -> String {
    let whole: Value = serde_json::from_str(body).unwrap_or_default();
    match body.strip_prefix('{') {
        Some(_) if whole.get("input").is_some() => body.to_owned(),
        Some("}") => r#"{"input":"x"}"#.to_owned(),
        Some(rest) => format!("{{\"input\":\"x\",{rest}"),
        None => body.to_owned(),
    }
}

/// What an account of this API is asked, and what is named of the request.
fn written(request: &Request<'_>, model: &str) -> Result<(Value, Sent, Vec<String>), Error> {
    let mut losses = Losses::toward(Api::OpenaiResponses);
    let upstream = Upstream {
        model,
        provider: "openai",
        account: "a",
        operation: Operation::Generate,
        form: Form::Sse,
        max_output: Some(32_000),
        include_usage: true,
    };
    let (body, sent) = Responses.write(request, &upstream, &mut losses)?;
    Ok((serde_json::from_slice(&body).unwrap(), sent, losses.named()))
}

/// What a client's answer is told to be.
fn reply(body: &str) -> Arc<Reply> {
    let mut losses = Losses::toward(Api::Anthropic);
    let body = asked(body);
    let asked = Asked { body: body.as_bytes(), operation: Operation::Generate };
    let (_, own) = Responses.read(&asked, &mut losses).unwrap();
    Arc::new(Reply { id: "0199-ab".to_owned(), model: "m".to_owned(), created: 7, own })
}

/// The events of a stream that tells an answer.
fn told(answer: Answer<'static>, reply: &Arc<Reply>) -> Vec<Value> {
    let mut ordered = Ordered::new(Arc::default(), Responses.tells(reply), "req_1".into());
    let mut out = Vec::new();
    answer.events(&mut |event| ordered.take(event, &mut out).unwrap());
    events(&out)
}

/// The events of a body, each with the name that its data has.
fn events(body: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(body).unwrap();
    let whole = text.split("\n\n").filter(|event| !event.is_empty() && !event.starts_with(':'));
    let events = whole.map(|event| {
        let (name, data) = event.split_once("\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
        data
    });
    let events: Vec<Value> = events.collect();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "{event}");
    }
    events
}

/// What a stream of an upstream's tells, in short words.
fn heard(stream: &[(&str, &str)]) -> Result<String, Error> {
    let sent = Arc::new(Sent { account: "a".to_owned(), ..Sent::default() });
    let mut reader = Responses.stream(&sent);
    let mut words = Vec::new();
    for (name, data) in stream {
        reader.event(name, data.as_bytes(), &mut |event| words.push(word(&event)))?;
    }
    reader.end(&mut |event| words.push(word(&event)));
    Ok(words.join(" "))
}

fn word(event: &Event<'_>) -> String {
    use sluice_neutral::answer::{Block, Piece};
    match event {
        Event::Started(started) => format!("start:{}", started.model.as_deref().unwrap_or("-")),
        Event::Opened(index, Block::Call(called)) => {
            format!("<{index}:{}:{}{}", called.id, called.name, if called.plain { "!" } else { "" })
        }
        Event::Opened(index, block) => format!("<{index}:{block:?}"),
        Event::Added(index, Piece::Text(text)) => format!("{index}+{text}"),
        Event::Added(index, Piece::Seal(seal)) => format!("{index}~{}", seal.payload),
        Event::Added(index, Piece::Citation(citation)) => format!("{index}@{}", citation.url),
        Event::Added(index, Piece::Logprobs(told)) => format!("{index}%{}", told.len()),
        Event::Closed(index) => format!("{index}>"),
        Event::Used(usage) => format!("used:{}/{}", usage.all_input(), usage.output),
        Event::Ended(end) => format!("end:{:?}", end.reason),
        Event::Failed(failure) => format!("failed:{:?}:{}", failure.class, failure.message),
        Event::Whole => "whole".to_owned(),
    }
}
