//! The request itself: what stands at its top.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::dialect::{Asked, Own};
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Length, Request, Text, Told};

use super::object::Object;
use super::turns::Turns;
use super::{options, tools};
use crate::kept::Kept;

/// Reads a request.
pub(crate) fn read<'a>(asked: &Asked<'a>, losses: &mut Losses) -> Result<(Request<'a>, Own), Error> {
    let mut top = Object::new(Members::body(asked.body)?, "", At::ROOT, losses);
    top.needed("model")?;
    // How the answer is framed is asked for with it.
    top.parsed::<bool>("stream")?;
    let mut request = Request::default();
    if let Some(value) = top.get("system") {
        options::system(value, &mut request, losses)?;
    }
    let mut turns = Turns::default();
    turns.read(top.must("messages")?, &mut request, losses)?;
    let generates = asked.operation == Operation::Generate;
    if generates {
        turns.refuse_prefill(&request, losses)?;
    }
    if let Some(value) = top.get("tools") {
        tools::read(value, &mut request, losses)?;
    }
    turns.change(&mut request, losses)?;
    tools::settle(&turns.heard.found, &mut request);
    if let Some(value) = top.get("tool_choice") {
        tools::choice(value, &mut request, losses)?;
    }
    options::thinking(&mut top, &mut request, losses)?;
    options::output(&mut top, turns.heard.effort.take(), &mut request, losses)?;
    request.length = length(&mut top, generates, losses)?;
    plain(&mut top, &mut request, losses)?;
    let kept = Kept::of(&request);
    top.rest(losses)?;
    Ok((request, kept.map(|kept| Arc::new(kept) as _)))
}

fn length(top: &mut Object<'_>, needed: bool, losses: &Losses) -> Result<Option<Told<Length>>, Error> {
    let at = At::field("max_tokens");
    match top.parsed::<u64>("max_tokens")? {
        Some(0) => Err(losses.refusal(at, "0, which fills a cache and answers nothing,")),
        Some(tokens) => Ok(Some(Told::new(Length { tokens, with_thinking: true }, at))),
        None if needed => Err(json::missing(at)),
        None => Ok(None),
    }
}

/// What is a value and no more.
fn plain<'a>(top: &mut Object<'a>, request: &mut Request<'a>, losses: &mut Losses) -> Result<(), Error> {
    let mut number = |name: &'static str| -> Result<Option<Told<Raw<'a>>>, Error> {
        let at = At::field(name);
        let Some(value) = top.get(name) else { return Ok(None) };
        json::parse::<serde_json::Number>(value, at)?;
        Ok(Some(Told::new(value, at)))
    };
    request.sampling.temperature = number("temperature")?;
    request.sampling.top_p = number("top_p")?;
    request.sampling.top_k = number("top_k")?;
    if let Some(value) = top.get("stop_sequences") {
        let at = At::field("stop_sequences");
        for stop in json::items(value, at)? {
            request.stop.push(Told::new(json::text(stop, at)?, at));
        }
    }
    let tier = top.text("service_tier")?;
    request.tier = tier.map(|tier| Told::new(tier, At::field("service_tier")));
    request.caching.automatic = top.mark()?.map(|mark| Told::new(mark, At::field("cache_control")));
    if let Some(value) = top.get("metadata") {
        let mut metadata = Object::of(value, "metadata", At::object("metadata"), losses)?;
        let user = metadata.text("user_id")?;
        request.user = user.map(|user| Told::new(opaque(user, losses), At::field("metadata.user_id")));
        metadata.rest(losses)?;
    }
    if let Some(value) = top.get("billing_policy") {
        Object::of(value, "billing_policy", At::object("billing_policy"), losses)?.rest(losses)?;
    }
    top.get("thread").map_or(Ok(()), |value| thread(value, losses))
}

fn thread(value: Raw<'_>, losses: &mut Losses) -> Result<(), Error> {
    let mut thread = Object::of(value, "thread", At::object("thread"), losses)?;
    let kind = thread.needed("type")?;
    losses.has(thread.placed(), &kind)?;
    thread.rest(losses)
}

/// Who the user is, so that nobody else can tell: Claude Code's has ids of the device, the account and the session.
fn opaque<'a>(user: Text<'a>, losses: &Losses) -> Text<'a> {
    if losses.target() == Api::Anthropic {
        return user;
    }
    let mut hash = String::with_capacity(64);
    for byte in Sha256::digest(user.as_bytes()) {
        // Writing into a string does not fail.
        let _ = write!(hash, "{byte:02x}");
    }
    Cow::Owned(hash)
}
