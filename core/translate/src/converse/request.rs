//! A request of Claude's Messages as one of Converse's, for an answer or for a count of its tokens.

use bytes::Bytes;
use serde::Serialize;
use sluice_api::error::{Error, Kind};

use super::content::{Turns, cache_point};
use super::shape::{Block, Request};
use super::{family, fields, tools};
use crate::anthropic::content::CacheControl;
use crate::anthropic::request::{self as anthropic, parse};
use crate::translated::Translated;

/// Translates a request. `model` is the foundation model that answers it, like `amazon.nova-pro-v1:0`: some families of
/// them are told things in their own way.
///
/// # Errors
///
/// When a field is wrong or has no counterpart; the error names it.
pub fn request(body: &[u8], model: &str) -> Result<Translated, Error> {
    let asked = anthropic::Request::read(body)?;
    let (mut request, dropped) = translated(&asked, model)?;
    request.inference_config = fields::inference(&asked)?;
    written(&request, dropped)
}

/// Translates a request whose tokens are to be counted, by Bedrock's `CountTokens`: what says how it is to be answered
/// is left out.
///
/// # Errors
///
/// As [`request`]'s.
pub fn count(body: &[u8], model: &str) -> Result<Translated, Error> {
    #[derive(Serialize)]
    struct Count<'a> {
        input: Input<'a>,
    }
    #[derive(Serialize)]
    struct Input<'a> {
        converse: Request<'a>,
    }
    let asked = anthropic::Request::read(body)?;
    let (mut converse, dropped) = translated(&asked, model)?;
    converse.output_config = None;
    written(&Count { input: Input { converse } }, dropped)
}

/// The request, less length and sampling, and what was left out.
fn translated<'a>(
    asked: &'a anthropic::Request<'a>,
    model: &str,
) -> Result<(Request<'a>, Vec<String>), Error> {
    let family = family::of(model);
    let mut dropped = fields::dropped(asked)?;
    let mut turns = Turns::new(family.caches);
    let system = asked.get("system").map(|system| turns.system(system)).transpose()?.unwrap_or_default();
    let Some(messages) = asked.get("messages") else {
        return Err(Error::bad_request(Some("messages"), "`messages` is missing"));
    };
    let mut messages = turns.messages(messages)?;
    let mark = asked.get("cache_control");
    if let (Some(mark), Some(last)) = (mark.filter(|_| family.caches), messages.last_mut()) {
        let mark: CacheControl<'_> = parse(mark, "cache_control")?;
        if !matches!(last.content.last(), Some(Block::CachePoint(_))) {
            last.content.push(cache_point(mark));
        }
    }
    if turns.marks_dropped || (mark.is_some() && !family.caches) {
        dropped.push("cache_control".to_owned());
    }
    let tools = tools::tools(asked.get("tools"), asked.get("tool_choice"), turns.tools)?;
    dropped.extend(tools.dropped);
    let (additional_model_request_fields, output_config) = fields::own(asked, family, &mut dropped)?;
    let request = Request {
        messages,
        system,
        inference_config: None,
        tool_config: tools.config,
        additional_model_request_fields,
        output_config,
    };
    Ok((request, dropped))
}

fn written(request: &impl Serialize, dropped: Vec<String>) -> Result<Translated, Error> {
    let failed = |error| Error::new(Kind::Internal, format!("the request could not be written: {error}"));
    let body = serde_json::to_vec(request).map(Bytes::from).map_err(failed)?;
    Ok(Translated { body, dropped })
}
