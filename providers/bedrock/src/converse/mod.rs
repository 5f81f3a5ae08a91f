//! Any model but Claude, by Converse: Anthropic's requests in Bedrock's own form, and its answers back in Anthropic's.

mod answer;
mod blocks;
mod content;
mod documents;
mod family;
mod fields;
mod read;
mod shape;
mod stream;
#[cfg(test)]
mod tests;
mod tools;
mod usage;

use bytes::Bytes;
use serde::Serialize;
use sluice_api::{Error, Kind};

pub(crate) use answer::answer;
pub(crate) use stream::Stream;

use crate::invoke::For;
use crate::names::foundation;
use content::Turns;
use fields::Asked;
use shape::{Block, Request};

/// What an answer is told to be: Converse says neither.
#[derive(Clone, Debug)]
pub(crate) struct Heading {
    /// Its id.
    pub(crate) id: String,
    /// The model that was asked.
    pub(crate) model: String,
}

/// A request in Converse's form.
#[derive(Debug)]
pub(crate) struct Translated {
    /// Its body.
    pub(crate) body: Bytes,
    /// Fields of the client's that were left out, to be named to it.
    pub(crate) dropped: Vec<String>,
}

/// Translates a request for a model.
///
/// # Errors
///
/// When a field is wrong or has no counterpart; the error names it.
pub(crate) fn request(body: &Bytes, model: &str, purpose: For) -> Result<Translated, Error> {
    let text =
        std::str::from_utf8(body).map_err(|_| Error::bad_request(None, "the request body is not UTF-8"))?;
    let family = family::of(foundation(model).unwrap_or(model));
    let asked = Asked::read(text)?;
    let mut dropped = asked.dropped()?;
    let mut turns = Turns::new(family.caches);
    let system = asked.get("system").map(|system| turns.system(system)).transpose()?.unwrap_or_default();
    let Some(messages) = asked.get("messages") else {
        return Err(Error::bad_request(Some("messages"), "`messages` is missing"));
    };
    let mut messages = turns.messages(messages)?;
    let mark = asked.get("cache_control");
    if let (Some(mark), Some(last)) = (mark.filter(|_| family.caches), messages.last_mut()) {
        let mark: read::CacheControl<'_> = read::parse(mark, "cache_control")?;
        if !matches!(last.content.last(), Some(Block::CachePoint(_))) {
            last.content.push(Block::CachePoint(mark.point()));
        }
    }
    if turns.marks_dropped || (mark.is_some() && !family.caches) {
        dropped.push("cache_control".to_owned());
    }
    let tools = tools::tools(asked.get("tools"), asked.get("tool_choice"), turns.tools)?;
    dropped.extend(tools.dropped);
    let (additional_model_request_fields, output_config) = asked.own(family, &mut dropped)?;
    let request = Request {
        messages,
        system,
        inference_config: if purpose == For::Count { None } else { asked.inference()? },
        tool_config: tools.config,
        additional_model_request_fields,
        output_config: output_config.filter(|_| purpose == For::Generate),
    };
    Ok(Translated { body: written(&request, purpose)?, dropped })
}

fn written(request: &Request<'_>, purpose: For) -> Result<Bytes, Error> {
    #[derive(Serialize)]
    struct Count<'a> {
        input: Input<'a>,
    }
    #[derive(Serialize)]
    struct Input<'a> {
        converse: &'a Request<'a>,
    }
    let written = match purpose {
        For::Generate => serde_json::to_vec(request),
        For::Count => serde_json::to_vec(&Count { input: Input { converse: request } }),
    };
    let failed = |error| Error::new(Kind::Internal, format!("the request could not be written: {error}"));
    written.map(Bytes::from).map_err(failed)
}
