//! How an answer is asked for: its form, its length, how it is sampled, how much the model thinks.

use std::borrow::Cow;

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::effort::Effort;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Caching, Format, Length, Lifetime, Reasoning, Sampling, Search, Text, Told};

use super::object::Object;

/// `response_format`.
pub(crate) fn format<'a>(value: Raw<'a>, losses: &mut Losses) -> Result<Option<Format<'a>>, Error> {
    let at = At::object("response_format");
    let mut format = Object::of(value, "response_format", at)?;
    let kind = format.needed("type", losses)?;
    losses.has(format.place(at.then("type")), &kind)?;
    let inner = format.get("json_schema", losses);
    format.rest(losses)?;
    match &*kind {
        "text" => return Ok(None),
        "json_object" => return Ok(Some(Format::Object)),
        _ => {}
    }
    let inner = inner.ok_or_else(|| json::missing(at.then("json_schema")))?;
    let at = at.inside("json_schema");
    let mut inner = Object::of(inner, "response_format.json_schema", at)?;
    let name = inner.text("name", losses)?;
    let description = inner.text("description", losses)?;
    let schema = inner.get("schema", losses).map(|schema| Cow::Borrowed(schema.get()));
    if schema.as_ref().is_some_and(|schema: &Cow<'_, str>| !schema.starts_with('{')) {
        return Err(json::wrong(at.then("schema"), "it must be an object"));
    }
    let strict = inner.parsed("strict", losses)?;
    inner.rest(losses)?;
    // Without a schema it is any object.
    Ok(Some(match schema {
        Some(schema) => Format::Schema { name, description, schema, strict },
        None => Format::Object,
    }))
}

/// `max_completion_tokens`, else `max_tokens`.
pub(crate) fn length(top: &mut Object<'_>, losses: &Losses) -> Result<Option<Told<Length>>, Error> {
    let with_thinking: Option<u64> = top.parsed("max_completion_tokens", losses)?;
    let without: Option<u64> = top.parsed("max_tokens", losses)?;
    let told = |tokens, with_thinking, name| Told::new(Length { tokens, with_thinking }, At::field(name));
    let with_thinking = with_thinking.map(|tokens| told(tokens, true, "max_completion_tokens"));
    Ok(with_thinking.or_else(|| without.map(|tokens| told(tokens, false, "max_tokens"))))
}

/// `reasoning_effort`, and what others call it.
pub(crate) fn reasoning(top: &mut Object<'_>, losses: &mut Losses) -> Result<Reasoning, Error> {
    let mut reasoning = Reasoning::default();
    if let Some(name) = top.text("reasoning_effort", losses)? {
        reasoning.effort = Some(effort(&name, At::field("reasoning_effort"))?);
    }
    if let Some(value) = top.get("reasoning", losses) {
        let mut inner = Object::of(value, "reasoning", At::object("reasoning"))?;
        let at = inner.at();
        if let Some(name) = inner.text("effort", losses)? {
            reasoning.effort = Some(effort(&name, at.then("effort"))?);
        }
        let budget: Option<u64> = inner.parsed("max_tokens", losses)?;
        reasoning.budget = budget.map(|budget| Told::new(budget, at.then("max_tokens")));
        let exclude: Option<bool> = inner.parsed("exclude", losses)?;
        reasoning.shown = exclude.map(|exclude| Told::new(!exclude, at.then("exclude")));
        inner.rest(losses)?;
    }
    if let Some(value) = top.get("thinking", losses) {
        let mut inner = Object::of(value, "thinking", At::object("thinking"))?;
        let at = inner.at();
        let kind = inner.needed("type", losses)?;
        let budget: Option<u64> = inner.parsed("budget_tokens", losses)?;
        match (&*kind, budget) {
            ("disabled", _) => reasoning.effort = Some(Told::new(Effort::None, at.then("type"))),
            (_, Some(budget)) => reasoning.budget = Some(Told::new(budget, at.then("budget_tokens"))),
            (_, None) => reasoning.adaptive = true,
        }
        inner.rest(losses)?;
    }
    Ok(reasoning)
}

fn effort(name: &str, at: At) -> Result<Told<Effort>, Error> {
    let effort = Effort::of(name).ok_or_else(|| {
        json::wrong(at, "it must be `none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`")
    })?;
    Ok(Told::new(effort, at))
}

/// How it is sampled.
pub(crate) fn sampling<'a>(top: &mut Object<'a>, losses: &Losses) -> Result<Sampling<'a>, Error> {
    let logprobs: Option<bool> = top.parsed("logprobs", losses)?;
    let others: Option<u32> = top.parsed("top_logprobs", losses)?;
    let logprobs = logprobs.unwrap_or_default();
    let mut number = |name| number(top, name, losses);
    Ok(Sampling {
        temperature: number("temperature")?,
        top_p: number("top_p")?,
        top_k: number("top_k")?,
        presence_penalty: number("presence_penalty")?,
        frequency_penalty: number("frequency_penalty")?,
        seed: number("seed")?,
        logprobs: logprobs.then(|| Told::new(others.unwrap_or_default(), At::field("logprobs"))),
    })
}

fn number<'a>(
    top: &mut Object<'a>,
    name: &'static str,
    losses: &Losses,
) -> Result<Option<Told<Raw<'a>>>, Error> {
    let Some(value) = top.get(name, losses) else { return Ok(None) };
    let at = At::field(name);
    if !value.get().starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Err(json::wrong(at, "it must be a number"));
    }
    Ok(Some(Told::new(value, at)))
}

/// Where it stops: one text, or several.
pub(crate) fn stop<'a>(value: Raw<'a>) -> Result<Vec<Told<Text<'a>>>, Error> {
    let at = At::field("stop");
    let texts = if value.get().starts_with('"') { vec![value] } else { json::items(value, at)? };
    texts.into_iter().map(|text| Ok(Told::new(json::text(text, at)?, at))).collect()
}

/// `web_search_options`.
pub(crate) fn search<'a>(value: Raw<'a>, losses: &mut Losses) -> Result<Search<'a>, Error> {
    let at = At::object("web_search_options");
    let mut options = Object::of(value, "web_search_options", at)?;
    let mut search = Search { context: options.text("search_context_size", losses)?, ..Search::default() };
    let near = options.get("user_location", losses);
    options.rest(losses)?;
    let Some(near) = near else { return Ok(search) };
    let at = at.inside("user_location");
    let mut near = Object::of(near, "web_search_options.user_location", at)?;
    if let Some(kind) = near.text("type", losses)? {
        losses.has(near.place(at.then("type")), &kind)?;
    }
    let inner = near.get("approximate", losses);
    near.rest(losses)?;
    let Some(inner) = inner else { return Ok(search) };
    let at = at.inside("user_location.approximate");
    let mut inner = Object::of(inner, "web_search_options.user_location.approximate", at)?;
    for name in ["city", "country", "region", "timezone"] {
        search.near.extend(inner.text(name, losses)?.map(|text| (name, text)));
    }
    inner.rest(losses)?;
    Ok(search)
}

/// How prompts are cached.
pub(crate) fn caching<'a>(top: &mut Object<'a>, losses: &mut Losses) -> Result<Caching<'a>, Error> {
    let key = top.text("prompt_cache_key", losses)?;
    let retention = top.text("prompt_cache_retention", losses)?;
    let long = retention.is_some_and(|retention| retention == "24h");
    let mut marked_alone = false;
    if let Some(value) = top.get("prompt_cache_options", losses) {
        let mut options = Object::of(value, "prompt_cache_options", At::object("prompt_cache_options"))?;
        marked_alone = options.text("mode", losses)?.is_some_and(|mode| mode == "explicit");
        options.rest(losses)?;
    }
    Ok(Caching {
        key: key.map(|key| Told::new(key, At::field("prompt_cache_key"))),
        automatic: long.then(|| Told::new(Lifetime::Long, At::field("prompt_cache_retention"))),
        marked_alone,
    })
}

/// `metadata`.
pub(crate) fn labels<'a>(value: Raw<'a>) -> Result<Told<Vec<(Text<'a>, Text<'a>)>>, Error> {
    let at = At::field("metadata");
    let members = Members::of(value, at)?;
    let labels =
        members.iter().map(|(name, value)| Ok((Cow::Owned(name.to_owned()), json::text(value, at)?)));
    Ok(Told::new(labels.collect::<Result<_, Error>>()?, at))
}
