//! What a request asks beside its conversation and its tools.

use std::borrow::Cow;

use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::effort::Effort;
use sluice_neutral::json::{self, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Format, Length, Lifetime, Request, Text, Told};

use super::object::Object;
use super::parts::lifetime;
use crate::fields::{CACHING, FORMAT, NEW_FORMAT, NEW_REASONING, NEW_TEXT, REASONING, Section, TEXT};

/// Reads them, and how long marks for caches hold that do not say.
pub(super) fn read<'a>(
    top: &mut Object<'a>,
    request: &mut Request<'a>,
    losses: &mut Losses,
) -> Result<Lifetime, Error> {
    if let Some(tokens) = top.parsed("max_output_tokens")? {
        request.length = Some(told(Length { tokens, with_thinking: true }, "max_output_tokens"));
    }
    sampling(top, request)?;
    request.parallel =
        top.parsed("parallel_tool_calls")?.map(|parallel| told(parallel, "parallel_tool_calls"));
    request.tier = top.text("service_tier")?.map(|tier| told(tier, "service_tier"));
    let former = top.text("user")?.map(|user| told(user, "user"));
    request.user = top.text("safety_identifier")?.map(|user| told(user, "safety_identifier")).or(former);
    if let Some(raw) = top.get("reasoning") {
        reasoning(raw, (REASONING, At::object("reasoning")), request, losses)?;
    }
    request.reasoning.carried = true;
    if let Some(raw) = top.get("text") {
        text(raw, (TEXT, FORMAT), ("text", "text.format"), (request, losses))?;
    }
    caching(top, request, losses)
}

fn told<T>(value: T, name: &'static str) -> Told<T> {
    Told::new(value, At::field(name))
}

fn sampling<'a>(top: &mut Object<'a>, request: &mut Request<'a>) -> Result<(), Error> {
    request.sampling.temperature = number(top, "temperature")?;
    request.sampling.top_p = number(top, "top_p")?;
    let included: Option<Vec<Text<'a>>> = top.parsed("include")?;
    let asked = included.is_some_and(|all| all.iter().any(|one| one == "message.output_text.logprobs"));
    let others: Option<u32> = top.parsed("top_logprobs")?;
    request.sampling.logprobs = match others {
        Some(others) => Some(told(others, "top_logprobs")),
        None => asked.then(|| told(0, "include")),
    };
    Ok(())
}

/// A number as it is written.
fn number<'a>(top: &mut Object<'a>, name: &'static str) -> Result<Option<Told<Raw<'a>>>, Error> {
    let Some(raw) = top.get(name) else { return Ok(None) };
    json::parse::<f64>(raw, At::field(name))?;
    Ok(Some(told(raw, name)))
}

fn reasoning<'a>(
    raw: Raw<'a>,
    (section, at): (Section, At),
    request: &mut Request<'a>,
    losses: &mut Losses,
) -> Result<(), Error> {
    let mut reasoning = Object::of(raw, section, at, losses)?;
    if let Some(name) = reasoning.text("effort")? {
        let at = at.then("effort");
        let effort = Effort::of(&name);
        let effort = effort.ok_or_else(|| json::wrong(at, "it is no level that is known"))?;
        request.reasoning.effort = Some(Told::new(effort, at));
    }
    let former = reasoning.text("generate_summary")?.map(|_| at.then("generate_summary"));
    let summary = reasoning.text("summary")?.map(|_| at.then("summary")).or(former);
    if let Some(at) = summary {
        request.reasoning.shown = Some(Told::new(true, at));
    }
    reasoning.finish(losses)
}

fn text<'a>(
    raw: Raw<'a>,
    (section, inner): (Section, Section),
    (place, below): (&'static str, &'static str),
    (request, losses): (&mut Request<'a>, &mut Losses),
) -> Result<(), Error> {
    let mut text = Object::of(raw, section, At::object(place), losses)?;
    if let Some(verbosity) = text.text("verbosity")? {
        request.verbosity = Some(Told::new(verbosity, At::object(place).then("verbosity")));
    }
    if let Some(raw) = text.get("format") {
        let at = At::object(below);
        let mut format = Object::of(raw, inner, at, losses)?;
        if let Some(kind) = format.kind("text", losses)? {
            request.format = form(&mut format, &kind)?.map(|form| Told::new(form, At::field(below)));
        }
        format.finish(losses)?;
    }
    text.finish(losses)
}

fn form<'a>(format: &mut Object<'a>, kind: &str) -> Result<Option<Format<'a>>, Error> {
    Ok(match kind {
        "json_object" => Some(Format::Object),
        "json_schema" => {
            let schema = format.get("schema").ok_or_else(|| json::missing(format.at.then("schema")))?;
            Some(Format::Schema {
                name: format.text("name")?,
                description: format.text("description")?,
                schema: Cow::Borrowed(json::object(schema, format.at.then("schema"))?),
                strict: format.parsed("strict")?,
            })
        }
        _ => None,
    })
}

/// What an item changes from there on: for the answer, the last one holds.
pub(super) fn updated<'a>(
    item: &mut Object<'a>,
    request: &mut Request<'a>,
    losses: &mut Losses,
) -> Result<(), Error> {
    if let Some(raw) = item.get("reasoning") {
        reasoning(raw, (NEW_REASONING, item.at.inside("reasoning")), request, losses)?;
    }
    if let Some(raw) = item.get("text") {
        text(raw, (NEW_TEXT, NEW_FORMAT), ("input.text", "input.text.format"), (request, losses))?;
    }
    Ok(())
}

fn caching<'a>(
    top: &mut Object<'a>,
    request: &mut Request<'a>,
    losses: &mut Losses,
) -> Result<Lifetime, Error> {
    request.caching.key = top.text("prompt_cache_key")?.map(|key| told(key, "prompt_cache_key"));
    let mut kept = top.text("prompt_cache_retention")?.map(|kept| lifetime(&kept));
    let is_long = kept == Some(Lifetime::Long);
    request.caching.automatic = is_long.then(|| told(Lifetime::Long, "prompt_cache_retention"));
    if let Some(raw) = top.get("prompt_cache_options") {
        let at = At::object("prompt_cache_options");
        let mut caching = Object::of(raw, CACHING, at, losses)?;
        kept = caching.text("ttl")?.map(|ttl| lifetime(&ttl)).or(kept);
        request.caching.marked_alone = caching.text("mode")?.is_some_and(|mode| mode == "explicit");
        let prewarm: Option<bool> = caching.parsed("prewarm")?;
        if prewarm == Some(true) {
            request.length = Some(Told::new(Length { tokens: 0, with_thinking: true }, at.then("prewarm")));
        }
        caching.finish(losses)?;
    }
    Ok(kept.unwrap_or(Lifetime::Short))
}

/// The most calls of tools that the provider runs: there is none but the search.
pub(super) fn most_searches(
    top: &mut Object<'_>,
    request: &mut Request<'_>,
    losses: &mut Losses,
) -> Result<(), Error> {
    let most: Option<u64> = top.parsed("max_tool_calls")?;
    let (Some(most), Some(search)) = (most, &mut request.search) else { return Ok(()) };
    if losses.target() == Api::Anthropic {
        search.value.most = Some(most);
    } else {
        losses.name(At::field("max_tool_calls"));
    }
    Ok(())
}
