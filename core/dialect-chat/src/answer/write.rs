//! A whole answer for a client, written.

use std::borrow::Cow;

use sluice_api::dialect::Api;
use sluice_neutral::answer::{Answer, Block, Called, Citation, Reason, Said};
use sluice_neutral::dialect::Reply;
use sluice_neutral::seal::Seal;

use super::{logprobs, usage};
use crate::json::Json;
use crate::kept::Kept;

/// What ids of this dialect's answers begin with.
const ID: &str = "chatcmpl-";

/// An answer's id: its own where it is one of this dialect's, else the one that is meant for the client.
pub(crate) fn id<'a>(own: Option<&'a str>, reply: &str) -> Cow<'a, str> {
    match own.filter(|own| own.starts_with(ID)) {
        Some(own) => Cow::Borrowed(own),
        None => Cow::Owned(format!("{ID}{reply}")),
    }
}

/// Writes an answer.
pub(crate) fn answer(answer: &Answer<'_>, reply: &Reply) -> Vec<u8> {
    let legacy = reply.own::<Kept>().is_some_and(|kept| kept.legacy);
    let room: usize = answer.said.iter().map(|said| said.text.len() + 128).sum();
    let mut json = Json::with_room(room + 1024);
    json.object(|json| {
        json.key("id").text(&id(answer.started.id.as_deref(), &reply.id));
        json.key("object").text("chat.completion");
        json.key("created").raw(&reply.created.to_string());
        json.key("model").text(&reply.model);
        json.key("choices").array(|json| json.object(|json| choice(answer, legacy, json)));
        if let Some(told) = &answer.usage {
            usage::write(told, json.key("usage"));
        }
    });
    json.into_bytes()
}

fn choice(answer: &Answer<'_>, legacy: bool, json: &mut Json) {
    json.key("index").number(0);
    json.key("message").object(|json| message(answer, legacy, json));
    let likely: Vec<_> = answer.said.iter().flat_map(|said| said.logprobs.iter().cloned()).collect();
    json.key("logprobs");
    if likely.is_empty() {
        json.raw("null");
    } else {
        logprobs::write(&likely, json);
    }
    let refuses = answer.said.iter().any(|said| said.block == Block::Refusal);
    json.key("finish_reason").text(reason(answer.end.reason, refuses, legacy));
}

/// Why it ended. Who refuses in words has ended as always here.
pub(crate) const fn reason(reason: Reason, refuses: bool, legacy: bool) -> &'static str {
    match reason {
        Reason::Length | Reason::ContextFull => "length",
        Reason::Calls if legacy => "function_call",
        Reason::Calls => "tool_calls",
        Reason::Refused if !refuses => "content_filter",
        _ => "stop",
    }
}

fn message(answer: &Answer<'_>, legacy: bool, json: &mut Json) {
    let of = |block: Block<'static>| {
        let said = answer.said.iter().filter(move |said| said.block == block);
        said.map(|said| &*said.text).collect::<Vec<_>>()
    };
    let (texts, refusals, thoughts) = (of(Block::Text), of(Block::Refusal), of(Block::Thinking));
    json.key("role").text("assistant");
    texts_or_null("content", &texts, json);
    texts_or_null("refusal", &refusals, json);
    if thoughts.iter().any(|thought| !thought.is_empty()) {
        json.key("reasoning_content").texts(&thoughts);
    }
    let sealed = answer.said.iter().filter_map(|said| Some((said, foreign(said)?)));
    let sealed: Vec<(&Said<'_>, &Seal<'_>)> = sealed.collect();
    if !sealed.is_empty() {
        json.key("reasoning_details").array(|json| {
            (0..).zip(&sealed).for_each(|(index, (said, seal))| thought(index, said, seal, json));
        });
    }
    json.key("annotations").array(|json| cited(answer, json));
    pictures(answer, json);
    let calls: Vec<(&Called<'_>, &Said<'_>)> = answer
        .said
        .iter()
        .filter_map(|said| match &said.block {
            Block::Call(called) => Some((called, said)),
            _ => None,
        })
        .collect();
    match calls.first() {
        // It knows of one call at a time; the model makes the others once it has the result of this one.
        Some((called, said)) if legacy => json.key("function_call").object(|json| {
            json.key("name").text(&called.name);
            json.key("arguments").text(&said.text);
        }),
        Some(_) => json.key("tool_calls").array(|json| {
            calls.iter().for_each(|(called, said)| json.object(|json| call(called, said, json)));
        }),
        None => {}
    }
}

fn texts_or_null(name: &str, texts: &[&str], json: &mut Json) {
    json.key(name);
    if texts.is_empty() { json.raw("null") } else { json.texts(texts) }
}

/// One call; its input is what is said.
pub(crate) fn call(called: &Called<'_>, said: &Said<'_>, json: &mut Json) {
    json.key("id").text(&called.id);
    let (kind, input) = if called.plain { ("custom", "input") } else { ("function", "arguments") };
    json.key("type").text(kind);
    json.key(kind).object(|json| {
        json.key("name").text(&called.name);
        json.key(input).text(&said.text);
    });
    if let Some(seal) = &said.seal {
        sealed(seal, json);
    }
}

/// What only the maker of thoughts can read of them, where that is not one of this dialect's, which has no such thing.
pub(crate) fn foreign<'s, 'a>(said: &'s Said<'a>) -> Option<&'s Seal<'a>> {
    let thinks = matches!(said.block, Block::Thinking | Block::Redacted);
    said.seal.as_ref().filter(|seal| thinks && seal.origin != Api::OpenaiChat)
}

/// Thoughts with what only their maker can read, so that a client that says again what it got brings them back whole.
/// OpenAI has no place for it; this is OpenRouter's. All known libraries bear it where each entry has an index.
pub(crate) fn thought(index: u64, said: &Said<'_>, seal: &Seal<'_>, json: &mut Json) {
    json.object(|json| {
        json.key("index").number(index);
        if said.block == Block::Redacted {
            json.key("type").text("reasoning.encrypted");
            json.key("data").text(&seal.written(Api::OpenaiChat));
        } else {
            json.key("type").text("reasoning.text");
            json.key("text").text(&said.text);
            json.key("signature").text(&seal.written(Api::OpenaiChat));
        }
    });
}

/// What the model's maker wants back with a call, in the place where Google's own server for this dialect has it: clients
/// that say again what they got bring it back.
pub(crate) fn sealed(seal: &Seal<'_>, json: &mut Json) {
    json.key("extra_content").object(|json| {
        json.key("google").object(|json| json.key("thought_signature").text(&seal.written(Api::OpenaiChat)));
    });
}

/// Where what is said comes from, by letters of the whole text.
fn cited(answer: &Answer<'_>, json: &mut Json) {
    let mut before = 0;
    for said in answer.said.iter().filter(|said| said.block == Block::Text) {
        for citation in &said.citations {
            let span = letters(citation, &said.text);
            annotation(citation, (before + span.0, before + span.1), json);
        }
        before += said.text.chars().count();
    }
}

/// From which to which letter of a block's text a citation is: all of it where nothing is told.
pub(crate) fn letters(citation: &Citation<'_>, text: &str) -> (usize, usize) {
    let to = |byte: usize| text.char_indices().take_while(|(at, _)| *at < byte).count();
    match citation.span {
        Some((start, end)) => (to(start), to(end)),
        None => (0, text.chars().count()),
    }
}

/// One annotation.
pub(crate) fn annotation(citation: &Citation<'_>, (start, end): (usize, usize), json: &mut Json) {
    json.object(|json| {
        json.key("type").text("url_citation");
        json.key("url_citation").object(|json| {
            json.key("url").text(&citation.url);
            json.key("title").text(citation.title.as_deref().unwrap_or_default());
            json.key("start_index").raw(&start.to_string());
            json.key("end_index").raw(&end.to_string());
        });
    });
}

fn pictures(answer: &Answer<'_>, json: &mut Json) {
    let all = answer.said.iter().filter_map(|said| match &said.block {
        Block::Image { media_type } => Some((&**media_type, &*said.text)),
        _ => None,
    });
    let all: Vec<(&str, &str)> = all.collect();
    if !all.is_empty() {
        json.key("images").array(|json| {
            (0..).zip(all).for_each(|(index, (media_type, data))| picture(index, media_type, data, json));
        });
    }
}

/// An image that a model made. OpenAI has no place for it; this is OpenRouter's.
pub(crate) fn picture(index: u64, media_type: &str, data: &str, json: &mut Json) {
    json.object(|json| {
        json.key("index").number(index);
        json.key("type").text("image_url");
        json.key("image_url").object(|json| json.key("url").texts(&["data:", media_type, ";base64,", data]));
    });
}
