//! What is asked beside conversation and tools.

use std::borrow::Cow;

use sluice_api::dialect::Operation;
use sluice_api::error::Error;
use sluice_neutral::dialect::Upstream;
use sluice_neutral::effort::Effort;
use sluice_neutral::json::strict::strict as held_to;
use sluice_neutral::json::{Raw, quoted};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Format, Length, Lifetime, Request, Told};

use super::pairs;
use crate::models::Traits;
use sluice_neutral::json::write::Object;

/// OpenAI refuses to be asked for fewer tokens.
const LENGTH_MIN: u64 = 16;
/// Most labels, and the longest name and value of one.
const LABELS: (usize, usize, usize) = (16, 64, 512);
/// The longest name of an end user, and of a cache.
const NAME_MAX: usize = 64;
/// Most other tokens that are told beside one.
const LOGPROBS_MAX: u32 = 20;
/// Tiers by their names in any dialect.
const TIERS: [(&str, &str); 10] = [
    ("auto", "auto"),
    ("default", "default"),
    ("standard", "default"),
    ("standard_only", "default"),
    ("flex", "flex"),
    ("priority", "priority"),
    ("scale", "scale"),
    ("fast", "fast"),
    ("ultrafast", "ultrafast"),
    ("unspecified", "auto"),
];

/// Writes it. A count is asked about the prompt alone.
pub(super) fn write(
    request: &Request<'_>,
    upstream: &Upstream<'_>,
    (traits, top): (Traits, &mut Object<'_>),
    losses: &mut Losses,
) -> Result<(), Error> {
    reasoning(request, traits, top, losses);
    text(request, traits, top, losses);
    if upstream.operation == Operation::CountTokens {
        return Ok(());
    }
    if let Some(length) = &request.length {
        most(length, upstream.max_output, top, losses)?;
    }
    let logprobs = sampling(request, traits, top, losses);
    // Nothing is kept there, so what the model remembers of its thoughts must come along. One that has none refuses that.
    let thoughts = traits.thinks != Some(false);
    let included = [("reasoning.encrypted_content", thoughts), ("message.output_text.logprobs", logprobs)];
    if thoughts || logprobs {
        let mut include = top.list("include");
        included.iter().filter(|(_, wanted)| *wanted).for_each(|(name, _)| include.text(name));
    }
    top.flag("store", false);
    if upstream.form.is_stream() {
        top.flag("stream", true);
    }
    who(request, (traits, top), losses);
    labels(request, top, losses);
    Ok(())
}

fn reasoning(request: &Request<'_>, traits: Traits, top: &mut Object<'_>, losses: &mut Losses) {
    let asked = &request.reasoning;
    let budget = asked.budget.map(|told| Told::new(Effort::of_budget(told.value), told.at));
    let effort = asked.effort.or(budget);
    let shown = asked.shown.is_some_and(|told| told.value);
    if traits.thinks == Some(false) {
        if let Some(told) = effort.filter(|told| told.value != Effort::None) {
            losses.name(told.at);
        }
        return;
    }
    if effort.is_none() && !shown {
        return;
    }
    let mut reasoning = top.object("reasoning");
    if let Some(told) = effort {
        reasoning.text("effort", told.value.at_least_some(traits.efforts).name());
    }
    if shown {
        reasoning.text("summary", "auto");
    }
}

fn text(request: &Request<'_>, traits: Traits, top: &mut Object<'_>, losses: &mut Losses) {
    let verbosity = request.verbosity.as_ref().filter(|_| traits.thinks != Some(false));
    if request.format.is_none() && verbosity.is_none() {
        return;
    }
    let mut text = top.object("text");
    if let Some(told) = &request.format {
        let mut format = text.object("format");
        form(told, &mut format, losses);
    }
    text.some("verbosity", verbosity.map(|told| &*told.value));
}

fn form(told: &Told<Format<'_>>, format: &mut Object<'_>, losses: &mut Losses) {
    let Format::Schema { name, description, schema, strict } = &told.value else {
        return format.text("type", "json_object");
    };
    format.text("type", "json_schema");
    format.text("name", &schema_name(name.as_deref()));
    format.some("description", description.as_deref());
    // A form that is left open is held to where it can be as it is written.
    let held = held_to(schema).filter(|held| match strict {
        Some(asked) => *asked,
        None => matches!(held, Cow::Borrowed(_)),
    });
    if *strict == Some(true) && held.is_none() {
        losses.name(told.at);
    }
    format.raw("schema", held.as_deref().unwrap_or(schema).as_bytes());
    format.flag("strict", held.is_some());
}

/// The name of a form, of the letters that OpenAI takes.
fn schema_name(name: Option<&str>) -> String {
    let is_known = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let letters = name.unwrap_or_default().chars().take(NAME_MAX);
    let name: String = letters.map(|letter| if is_known(letter) { letter } else { '_' }).collect();
    if name.is_empty() { "response".to_owned() } else { name }
}

/// The most output tokens; as many as the model has are not asked for.
fn most(
    told: &Told<Length>,
    max_output: Option<u64>,
    top: &mut Object<'_>,
    losses: &mut Losses,
) -> Result<(), Error> {
    let tokens = told.value.tokens;
    if tokens == 0 {
        return Err(losses.refusal(told.at, "an answer of no tokens"));
    }
    if max_output.is_some_and(|max| tokens >= max) {
        return Ok(());
    }
    if tokens < LENGTH_MIN {
        losses.name(told.at);
    }
    top.number("max_output_tokens", tokens.max(LENGTH_MIN));
    Ok(())
}

/// Whether log probabilities are asked for.
fn sampling(request: &Request<'_>, traits: Traits, top: &mut Object<'_>, losses: &mut Losses) -> bool {
    let asked = &request.sampling;
    let thinks = traits.thinks == Some(true);
    for (name, told) in [("temperature", &asked.temperature), ("top_p", &asked.top_p)] {
        let Some(told) = told else { continue };
        if !thinks {
            top.raw(name, told.value.get());
        } else if !is(told, 1.0) {
            // A model that thinks takes nothing but what is usual.
            losses.name(told.at);
        }
    }
    let penalties = [&asked.presence_penalty, &asked.frequency_penalty].into_iter().flatten();
    let penalties = penalties.filter(|told| !is(told, 0.0));
    for told in penalties.chain([&asked.top_k, &asked.seed].into_iter().flatten()) {
        losses.name(told.at);
    }
    let Some(told) = &asked.logprobs else { return false };
    if thinks {
        losses.name(told.at);
        return false;
    }
    top.number("top_logprobs", u64::from(told.value.min(LOGPROBS_MAX)));
    true
}

/// Whether a number is this one.
fn is(told: &Told<Raw<'_>>, number: f64) -> bool {
    told.value.get().parse::<f64>().is_ok_and(|value| (value - number).abs() < f64::EPSILON)
}

/// On whose behalf it is asked, and how it is served.
fn who(request: &Request<'_>, (traits, top): (Traits, &mut Object<'_>), losses: &mut Losses) {
    if let Some(told) = &request.user {
        // What is long or an object tells more than who it is.
        if told.value.len() > NAME_MAX || told.value.starts_with('{') {
            top.text("safety_identifier", &format!("user_{}", pairs::letters(&told.value)));
        } else {
            top.text("safety_identifier", &told.value);
        }
    }
    if let Some(told) = &request.tier {
        match TIERS.iter().find(|(name, _)| told.value.eq_ignore_ascii_case(name)) {
            Some((_, tier)) => top.text("service_tier", tier),
            None => losses.name(told.at),
        }
    }
    match &request.caching.key {
        Some(key) if key.value.len() > NAME_MAX => {
            top.text("prompt_cache_key", &pairs::letters(&key.value));
        }
        Some(key) => top.text("prompt_cache_key", &key.value),
        None => {}
    }
    if request.caching.marked_alone && traits.has_marks {
        top.object("prompt_cache_options").text("mode", "explicit");
    }
    // What is not known may not take it, and what is kept for a while is kept by itself.
    let is_long = request.caching.automatic.is_some_and(|told| told.value == Lifetime::Long);
    if is_long && traits.thinks.is_some() {
        top.text("prompt_cache_retention", "24h");
    }
}

fn labels(request: &Request<'_>, top: &mut Object<'_>, losses: &mut Losses) {
    let Some(told) = &request.labels else { return };
    let (most, longest_name, longest) = LABELS;
    let mut labels = top.object("metadata");
    let mut written = 0;
    for (name, value) in &told.value {
        let fits = name.chars().count() <= longest_name && value.chars().count() <= longest;
        if !fits || written == most {
            losses.name(told.at);
            continue;
        }
        written += 1;
        // A member's name is written as it is.
        let quoted = quoted(name);
        let name = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        labels.text(name.unwrap_or_default(), value);
    }
}
