//! Tools and settings as an upstream takes them.

use sluice_api::error::Error;
use sluice_neutral::dialect::{Sent, Upstream};
use sluice_neutral::effort::Effort;
use sluice_neutral::json::Raw;
use sluice_neutral::loss::Losses;
use sluice_neutral::order::stops;
use sluice_neutral::request::{Choice, Format, Reasoning, Request, Takes, Told, Tool};

use crate::models::{Model, NAMES, Thinks};
use crate::pen::Pen;
use crate::schema;

/// Most stop sequences that Google takes.
const STOPS_MAX: usize = 5;
/// Most tokens of which it says how likely they were.
const LOGPROBS_MAX: u32 = 20;
/// Tokens that thinking leaves for what is said, where the answer has twice as many.
const ROOM: u64 = 1_024;
/// What a tool takes whose form is free.
const WRAPPED: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#;

/// What is kept of writing: what is lost, and what the answer's reader needs.
type Notes<'n> = (&'n mut Losses, &'n mut Sent);

/// Writes all that stands beside the conversation.
pub(crate) fn settings(
    request: &Request<'_>,
    upstream: &Upstream<'_>,
    (losses, sent): Notes<'_>,
    pen: &mut Pen<'_>,
) -> Result<(), Error> {
    tools(request, (losses, sent), pen)?;
    let model = Model::of(upstream.model);
    if let Some(parallel) = request.parallel.filter(|told| !told.value && !request.tools.is_empty()) {
        losses.name(parallel.at);
    }
    if let Some(user) = &request.user {
        losses.name(user.at);
    }
    pen.key("generationConfig").open(b'{');
    sampling(request, model, losses, pen);
    length(request, upstream, losses, pen)?;
    stops(request, (losses, sent), pen);
    format(request, model, losses, pen)?;
    thinking(request, upstream, losses, pen);
    pen.close(b'}');
    if let Some(tier) = &request.tier {
        match &*tier.value {
            "flex" | "priority" => {
                pen.field("serviceTier", &tier.value);
            }
            "auto" | "default" | "standard" => {}
            _ => losses.name(tier.at),
        }
    }
    Ok(())
}

/// Writes the tools, and whether they must be called.
pub(crate) fn tools(
    request: &Request<'_>,
    (losses, sent): Notes<'_>,
    pen: &mut Pen<'_>,
) -> Result<(), Error> {
    let mut searches = false;
    if let Some(search) = &request.search {
        if !search.value.allowed.is_empty() {
            return Err(losses.refusal(search.at, "a web search of some domains alone"));
        }
        // Gemini either searches or calls functions.
        searches = request.tools.is_empty();
        let told = &search.value;
        if !searches || told.most.is_some() || !told.near.is_empty() || told.context.is_some() {
            losses.name(search.at);
        }
    }
    let fetches = request.fetch.filter(|_| request.tools.is_empty()).is_some();
    if let (Some(fetch), false) = (&request.fetch, fetches) {
        losses.name(fetch.at);
    }
    if request.tools.is_empty() && !searches && !fetches {
        return Ok(());
    }
    pen.key("tools").open(b'[');
    for (name, _) in [("googleSearch", searches), ("urlContext", fetches)].into_iter().filter(|(_, has)| *has)
    {
        pen.open(b'{').member(name, "{}").close(b'}');
    }
    if !request.tools.is_empty() {
        pen.open(b'{').key("functionDeclarations").open(b'[');
        request.tools.iter().for_each(|tool| declaration(tool, sent, pen));
        pen.close(b']').close(b'}');
    }
    pen.close(b']');
    if !request.tools.is_empty() {
        choice(request, sent, pen);
    }
    Ok(())
}

fn declaration(tool: &Tool<'_>, sent: &mut Sent, pen: &mut Pen<'_>) {
    pen.open(b'{').field("name", &sent.names.sent(&tool.name, NAMES));
    if let Some(description) = tool.description.as_ref().filter(|text| !text.is_empty()) {
        pen.field("description", description);
    }
    match &tool.takes {
        Takes::Schema(schema) => {
            if let Some(schema) = schema.as_deref().and_then(schema::for_google) {
                pen.member("parametersJsonSchema", &schema);
            }
        }
        Takes::Plain(_) => {
            sent.wrapped.push(tool.name.clone().into_owned());
            pen.member("parametersJsonSchema", WRAPPED);
        }
    }
    if let Some(says) = tool.says.and_then(|says| schema::for_google(says.get())) {
        pen.member("responseJsonSchema", &says);
    }
    pen.close(b'}');
}

fn choice(request: &Request<'_>, sent: &mut Sent, pen: &mut Pen<'_>) {
    let is_strict = request.tools.iter().all(|tool| tool.strict == Some(true));
    let (mode, names) = match request.choice.as_ref().map(|choice| &choice.value) {
        None if !is_strict => return,
        None | Some(Choice::Auto) => (if is_strict { "VALIDATED" } else { "AUTO" }, &[][..]),
        Some(Choice::Never) => ("NONE", &[][..]),
        Some(Choice::Any) => ("ANY", &[][..]),
        Some(Choice::One(name)) => ("ANY", std::slice::from_ref(name)),
        Some(Choice::Some { names, must }) => (if *must { "ANY" } else { "VALIDATED" }, &names[..]),
    };
    pen.key("toolConfig").open(b'{').key("functionCallingConfig").open(b'{').field("mode", mode);
    if !names.is_empty() {
        pen.key("allowedFunctionNames").open(b'[');
        for name in names {
            pen.text(&sent.names.sent(name, NAMES));
        }
        pen.close(b']');
    }
    pen.close(b'}').close(b'}');
}

fn sampling(request: &Request<'_>, model: Model, losses: &mut Losses, pen: &mut Pen<'_>) {
    let asked = &request.sampling;
    for (name, told) in [("temperature", asked.temperature), ("topP", asked.top_p), ("topK", asked.top_k)] {
        match told {
            Some(told) if model.samples() => {
                pen.member(name, told.value.get());
            }
            Some(told) => losses.name(told.at),
            None => {}
        }
    }
    for (name, told) in
        [("presencePenalty", asked.presence_penalty), ("frequencyPenalty", asked.frequency_penalty)]
    {
        if let Some(told) = told {
            pen.member(name, told.value.get());
        }
    }
    if let Some(seed) = asked.seed {
        // Google's seeds have 32 bits.
        let fits = |seed: &Told<Raw<'_>>| seed.value.get().parse::<i32>().is_ok();
        match Some(seed).filter(fits) {
            Some(seed) => {
                pen.member("seed", seed.value.get());
            }
            None => losses.name(seed.at),
        }
    }
    if let Some(many) = asked.logprobs {
        pen.member("responseLogprobs", "true").count("logprobs", u64::from(many.value.min(LOGPROBS_MAX)));
    }
}

fn length(
    request: &Request<'_>,
    upstream: &Upstream<'_>,
    losses: &Losses,
    pen: &mut Pen<'_>,
) -> Result<(), Error> {
    let Some(told) = request.length else { return Ok(()) };
    // Google counts thoughts among it; it is made no longer for them: what was asked for is what limits allow and reserve.
    let tokens = told.value.tokens;
    if tokens == 0 {
        return Err(losses.refusal(told.at, "an answer of no tokens"));
    }
    if upstream.max_output.is_none_or(|most| tokens < most) {
        pen.count("maxOutputTokens", tokens);
    }
    Ok(())
}

/// Where it stops: those that are more than Google takes are looked for in its answer.
fn stops(request: &Request<'_>, (losses, sent): Notes<'_>, pen: &mut Pen<'_>) {
    let asked = || request.stop.iter().filter(|stop| !stop.value.is_empty());
    if asked().next().is_none() {
        return;
    }
    pen.key("stopSequences").open(b'[');
    asked().take(STOPS_MAX).for_each(|stop| {
        pen.text(&stop.value);
    });
    pen.close(b']');
    stops::watch(asked().skip(STOPS_MAX), sent, losses);
}

fn format(request: &Request<'_>, model: Model, losses: &Losses, pen: &mut Pen<'_>) -> Result<(), Error> {
    let Some(format) = &request.format else { return Ok(()) };
    if !request.tools.is_empty() && !model.is_third() {
        return Err(losses.refusal(format.at, "a form of the answer beside tools, for this model,"));
    }
    pen.field("responseMimeType", "application/json");
    if let Format::Schema { schema, .. } = &format.value
        && let Some(schema) = schema::for_google(schema)
    {
        pen.member("responseJsonSchema", &schema);
    }
    Ok(())
}

/// How much a model is told to think.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Amount {
    Level(Effort),
    Budget(u64),
}

fn amount(asked: &Reasoning, model: Model, losses: &mut Losses) -> Option<Amount> {
    match (model.thinks(), asked.effort, asked.budget) {
        (_, None, None) => None,
        (Thinks::Never, effort, budget) => {
            let rests = effort.is_some_and(|effort| effort.value == Effort::None);
            let at = effort.map(|effort| effort.at).or(budget.map(|budget| budget.at));
            at.filter(|_| !rests).into_iter().for_each(|at| losses.name(at));
            None
        }
        (Thinks::Levels(known), Some(effort), _) => Some(Amount::Level(effort.value.nearest(known))),
        (Thinks::Levels(known), None, Some(budget)) => {
            Some(Amount::Level(Effort::of_budget(budget.value).nearest(known)))
        }
        (Thinks::Budget { .. }, _, Some(budget)) => Some(Amount::Budget(model.fitting(budget.value))),
        (Thinks::Budget { .. }, Some(effort), None) => Some(Amount::Budget(model.budget(effort.value))),
    }
}

/// As much of it as leaves room for what is said. Levels have no numbers of their own: one is lowered only where what is
/// visible was asked for by itself.
fn fitting(asked: Amount, request: &Request<'_>, upstream: &Upstream<'_>, losses: &mut Losses) -> Amount {
    let Some(length) = request.length.map(|told| told.value) else { return asked };
    let tokens = length.tokens.min(upstream.max_output.unwrap_or(u64::MAX));
    let most = tokens.saturating_sub(ROOM.min(tokens / 2));
    let model = Model::of(upstream.model);
    let fitting = match (asked, model.thinks()) {
        (Amount::Budget(budget), Thinks::Budget { least, .. }) if budget > most => {
            Amount::Budget(model.fitting(if most < least { 0 } else { most }))
        }
        (Amount::Level(level), Thinks::Levels(known)) if !length.with_thinking && level.budget() > most => {
            Amount::Level(Effort::of_budget(most).nearest(known))
        }
        _ => asked,
    };
    if fitting != asked {
        let Reasoning { effort, budget, .. } = request.reasoning;
        let at = effort.map(|told| told.at).or(budget.map(|told| told.at));
        at.into_iter().for_each(|at| losses.name(at));
    }
    fitting
}

fn thinking(request: &Request<'_>, upstream: &Upstream<'_>, losses: &mut Losses, pen: &mut Pen<'_>) {
    let model = Model::of(upstream.model);
    let amount = amount(&request.reasoning, model, losses);
    let amount = amount.map(|amount| fitting(amount, request, upstream, losses));
    // Where nothing is thought, Google refuses to be asked to show it.
    let rests = matches!(amount, Some(Amount::Budget(0))) || model.thinks() == Thinks::Never;
    let shown = request.reasoning.shown.filter(|_| !rests);
    if amount.is_none() && shown.is_none() {
        return;
    }
    pen.key("thinkingConfig").open(b'{');
    if let Some(shown) = shown {
        pen.member("includeThoughts", if shown.value { "true" } else { "false" });
    }
    match amount {
        Some(Amount::Budget(budget)) => {
            pen.count("thinkingBudget", budget);
        }
        Some(Amount::Level(effort)) => {
            pen.field("thinkingLevel", &effort.name().to_ascii_uppercase());
        }
        None => {}
    }
    pen.close(b'}');
}
