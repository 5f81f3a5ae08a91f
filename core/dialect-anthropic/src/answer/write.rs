//! A whole answer for a client, written.

use sluice_api::dialect::Api;
use sluice_neutral::answer::{Answer, Block, Citation, End, Said, Started};
use sluice_neutral::dialect::Reply;

use crate::kept::Kept;
use crate::{reason, usage};
use sluice_neutral::json::write::{List, Object};

/// What stands for an image that the model has made.
const IMAGE: &str = "[image]";

/// Writes an answer.
pub(crate) fn write(answer: &Answer<'_>, reply: &Reply) -> Vec<u8> {
    let length: usize = answer.said.iter().map(|said| said.text.len() + 128).sum();
    let mut out = Vec::with_capacity(length + 512);
    let mut body = Object::new(&mut out);
    head(&answer.started, reply, &mut body);
    let mut content = body.list("content");
    for said in &answer.said {
        block(said, &mut content);
    }
    if let Some(kept) = reply.own::<Kept>() {
        let all: Vec<&Citation<'_>> = answer.said.iter().flat_map(|said| &said.citations).collect();
        if !all.is_empty() {
            searched(kept, reply, &all, |block| content.element().extend_from_slice(&block));
        }
    }
    drop(content);
    stop(&answer.end, &mut body);
    usage::write(&answer.usage.or(answer.started.usage).unwrap_or_default(), body.object("usage"));
    drop(body);
    out
}

/// Writes what a message begins with.
pub(crate) fn head(started: &Started<'_>, reply: &Reply, body: &mut Object<'_>) {
    let own = started.id.as_deref().filter(|id| id.starts_with("msg_"));
    match own {
        Some(id) => body.text("id", id),
        None => body.text("id", &format!("msg_{}", reply.id)),
    };
    body.with("type", "message").with("role", "assistant").with("model", &reply.model);
}

/// Writes why it ended.
pub(crate) fn stop(end: &End<'_>, object: &mut Object<'_>) {
    object.with("stop_reason", reason::name(end.reason));
    match &end.stop_sequence {
        Some(stop) => object.text("stop_sequence", stop),
        None => object.raw("stop_sequence", "null"),
    };
}

fn block(said: &Said<'_>, content: &mut List<'_>) {
    let seal = said.seal.as_ref().map(|seal| seal.written(Api::Anthropic));
    let seal = seal.as_deref().unwrap_or_default();
    match &said.block {
        Block::Text | Block::Refusal => {
            if !said.text.is_empty() {
                content.object().with("type", "text").with("text", &said.text);
            }
            sealed(seal, content);
        }
        Block::Thinking if said.text.is_empty() && seal.is_empty() => {}
        Block::Thinking => {
            let mut block = content.object();
            block.with("type", "thinking").with("thinking", &said.text).with("signature", seal);
        }
        Block::Redacted if seal.is_empty() => {}
        Block::Redacted => content.object().with("type", "redacted_thinking").text("data", seal),
        Block::Call(called) => {
            sealed(seal, content);
            let mut block = content.object();
            block.with("type", "tool_use").with("id", &called.id).with("name", &called.name);
            input(&said.text, called.plain, &mut block);
        }
        Block::Image { .. } => content.object().with("type", "text").text("text", IMAGE),
    }
}

/// What comes back with a call or a text, as thoughts without words.
fn sealed(seal: &str, content: &mut List<'_>) {
    if !seal.is_empty() {
        content.object().with("type", "thinking").with("thinking", "").with("signature", seal);
    }
}

/// Writes what a tool is called with. What is no object stands as a text in one.
fn input(text: &str, plain: bool, block: &mut Object<'_>) {
    let is_object =
        text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if plain {
        block.object("input").with("input", text);
    } else if is_object {
        block.raw("input", text.trim());
    } else {
        block.object("input").with("_raw", text);
    }
}

/// What was found, as an answer of Anthropic's own would have it: the call of the search, and its results.
pub(crate) fn searched(kept: &Kept, reply: &Reply, found: &[&Citation<'_>], mut write: impl FnMut(Vec<u8>)) {
    let id = format!("srvtoolu_{}", reply.id);
    let mut call = Vec::new();
    let mut block = Object::new(&mut call);
    block.with("type", "server_tool_use").with("id", &id).with("name", "web_search");
    block.object("input").with("query", &kept.question);
    drop(block);
    write(call);
    let mut result = Vec::new();
    let mut block = Object::new(&mut result);
    block.with("type", "web_search_tool_result").with("tool_use_id", &id);
    let mut list = block.list("content");
    let mut told: Vec<&str> = Vec::new();
    for one in found {
        if told.contains(&&*one.url) {
            continue;
        }
        told.push(&one.url);
        let mut item = list.object();
        item.with("type", "web_search_result").with("url", &one.url);
        item.with("title", one.title.as_deref().unwrap_or(&one.url));
        item.with("encrypted_content", "").raw("page_age", "null");
    }
    drop(list);
    drop(block);
    write(result);
}
