//! The request itself.

use sluice_api::dialect::Operation;
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::dialect::{Sent, Upstream};
use sluice_neutral::json::{self, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::order::stops;
use sluice_neutral::request::room;
use sluice_neutral::request::{Content, Format, Lifetime, Part, Request, Role, Told};

use super::content;
use super::conversation::{self, Message, Piece, Target};
use super::marks::Marks;
use super::plan::{Facts, Plan, Thinking};
use super::schema;
use super::tools::{self, Tools};
use crate::models::{self, Family};
use sluice_neutral::json::write::Object;

/// Writes a request.
pub(crate) fn write(
    request: &Request<'_>,
    upstream: &Upstream<'_>,
    losses: &mut Losses,
) -> Result<(Vec<u8>, Sent), Error> {
    let family = models::of(upstream.model);
    let generates = upstream.operation == Operation::Generate;
    let target = Target { account: upstream.account, system_turns: family.system_turns };
    let messages = conversation::messages(request, target, losses)?;
    request.turns.iter().for_each(|turn| content::name_raw(&turn.parts, losses));
    let goes_on = generates.then(|| prefill(&messages)).flatten();
    if let Some(at) = goes_on.filter(|_| !family.prefill) {
        return Err(json::wrong(
            at,
            "this model does not go on with a turn of its own: the last is the user's",
        ));
    }
    // Anthropic would fill its cache and answer nothing.
    if let Some(none) = request.length.filter(|length| length.value.tokens == 0) {
        return Err(json::wrong(none.at, "it must be at least 1"));
    }
    let facts = Facts {
        family,
        longest: upstream.max_output,
        streams: upstream.form.is_stream(),
        lost: goes_on.is_some() || is_lost(&messages),
    };
    let plan = Plan::of(request, facts, losses);
    let mut out = Vec::with_capacity(room::of(request));
    let mut sent = Sent { account: upstream.account.to_owned(), ..Sent::default() };
    let mut body = Object::new(&mut out);
    body.with("model", upstream.model);
    if generates {
        body.number("max_tokens", plan.max_tokens);
        if upstream.form.is_stream() {
            body.raw("stream", "true");
        }
        options(request, family, &plan, (&mut body, losses));
        // Claude's API takes none of white space alone.
        let blank = request.stop.iter().filter(|stop| stop.value.trim().is_empty());
        stops::watch(blank, &mut sent, losses);
    }
    thinking(&plan, &mut body);
    let instruction = output(request, family, &plan, (&mut body, losses))?;
    let says = [instruction, plan.urged.clone()];
    let tools = Tools::of(request, family, losses);
    let mut marks = Marks::of(asked(request, &tools, &messages));
    tools.write(&mut body, &mut sent, &mut marks)?;
    if !tools.is_empty() {
        tools::choice(request, plan.urged.is_some(), &mut body, &mut sent);
    }
    system(request, says, (&mut body, &mut marks));
    written(&messages, goes_on.is_some(), &mut body, (&mut sent, &mut marks));
    marks.write(request.caching.automatic.as_ref().map(|told| told.value), &mut body);
    unsaid(request, losses);
    drop(body);
    Ok((out, sent))
}

/// Where a last turn of the model's is, which it is to go on with.
fn prefill(messages: &[Message<'_>]) -> Option<At> {
    let last = messages.iter().rev().find(|message| message.role != Role::System)?;
    (last.role == Role::Assistant).then_some(last.at)
}

/// Whether the turn that the results at the end belong to does not begin with what the model thought.
fn is_lost(messages: &[Message<'_>]) -> bool {
    let mut last = messages.iter().rev().filter(|message| message.role != Role::System);
    let answers = last.next().is_some_and(|message| !message.results.is_empty());
    let turn = last.next().and_then(|message| message.pieces.first());
    answers && !turn.is_some_and(Piece::is_thought)
}

/// How many cache marks are asked for.
fn asked(request: &Request<'_>, tools: &Tools<'_>, messages: &[Message<'_>]) -> usize {
    let pieces = messages.iter().flat_map(|message| message.results.iter().chain(&message.pieces));
    let system = request.system.iter().filter(|part| part.cache.is_some() && text(part).is_some());
    let automatic = usize::from(request.caching.automatic.is_some());
    tools.marks() + system.count() + pieces.filter_map(Piece::mark).count() + automatic
}

fn thinking(plan: &Plan, body: &mut Object<'_>) {
    let kind = match plan.thinking {
        Thinking::Unsaid => return,
        Thinking::Off => "disabled",
        Thinking::Adaptive => "adaptive",
        Thinking::Budget(_) => "enabled",
    };
    let mut object = body.object("thinking");
    object.with("type", kind);
    if let Thinking::Budget(tokens) = plan.thinking {
        object.number("budget_tokens", tokens);
    }
    if let Some(shown) = plan.shown {
        object.with("display", if shown { "summarized" } else { "omitted" });
    }
}

/// Writes `output_config`; gives what of the form of the answer has to be asked for in words.
fn output(
    request: &Request<'_>,
    family: &Family,
    plan: &Plan,
    (body, losses): (&mut Object<'_>, &mut Losses),
) -> Result<Option<String>, Error> {
    let mut instruction = None;
    let mut bound = None;
    if let Some(Told { value, at }) = &request.format {
        match value {
            Format::Object => instruction = Some("Reply with one JSON object only.".to_owned()),
            Format::Schema { schema, .. } if family.schemas => bound = Some(schema::cleaned(schema, *at)?),
            Format::Schema { schema, .. } => {
                instruction = Some(format!("Reply only with JSON that fits this JSON Schema:\n{schema}"));
            }
        }
        if instruction.is_some() {
            losses.name(*at);
        }
    }
    if plan.effort.is_some() || bound.is_some() {
        let mut config = body.object("output_config");
        if let Some(effort) = plan.effort {
            config.with("effort", effort.name());
        }
        if let Some(schema) = bound {
            config.object("format").with("type", "json_schema").raw("schema", &*schema);
        }
    }
    Ok(instruction)
}

/// Writes what is a value and no more.
fn options(
    request: &Request<'_>,
    family: &Family,
    plan: &Plan,
    (body, losses): (&mut Object<'_>, &mut Losses),
) {
    let sampling = &request.sampling;
    let numbers =
        [("temperature", sampling.temperature), ("top_p", sampling.top_p), ("top_k", sampling.top_k)];
    let mut warm = false;
    for (name, told) in numbers {
        let Some(Told { value, at }) = told else { continue };
        // Newer models take one of the two alone.
        let second = name == "top_p" && warm;
        if !family.sampling || plan.thinks() || second {
            losses.name(at);
            continue;
        }
        warm |= name == "temperature";
        body.raw(name, number(name, value, (at, losses)));
    }
    let stops = request.stop.iter().filter(|stop| !stop.value.trim().is_empty());
    if stops.clone().next().is_some() {
        let mut list = body.list("stop_sequences");
        stops.for_each(|stop| list.text(&stop.value));
    }
    if let Some(Told { value, at }) = &request.tier {
        match value.to_ascii_lowercase().as_str() {
            "auto" => body.text("service_tier", "auto"),
            "default" | "standard" | "standard_only" => body.text("service_tier", "standard_only"),
            "fast" if family.fast => body.text("speed", "fast"),
            _ => losses.name(*at),
        }
    }
    if let Some(user) = &request.user {
        body.object("metadata").with("user_id", &user.value);
    }
}

/// A number as it is written, unless it is one that Anthropic refuses.
fn number(name: &str, value: Raw<'_>, (at, losses): (At, &mut Losses)) -> String {
    let text = value.get();
    match (name, text.parse::<f64>()) {
        ("temperature", Ok(told)) if told > 1.0 => {
            losses.name(at);
            "1".to_owned()
        }
        // Python's SDK of Gemini has whole numbers as 40.0.
        ("top_k", Ok(told)) if told.fract() == 0.0 && (0.0..1e15).contains(&told) => format!("{told:.0}"),
        _ => text.to_owned(),
    }
}

/// A part of the system's that says something.
fn text<'r>(part: &'r Part<'_>) -> Option<&'r str> {
    match &part.content {
        Content::Text(text) if !text.trim().is_empty() => Some(text),
        _ => None,
    }
}

fn system(request: &Request<'_>, says: [Option<String>; 2], (body, marks): (&mut Object<'_>, &mut Marks)) {
    let own = says.iter().flatten().map(|told| (told.as_str(), None));
    let told = request.system.iter().filter_map(|part| Some((text(part)?, part.cache)));
    let all: Vec<(&str, Option<Lifetime>)> = told.chain(own).collect();
    match all.as_slice() {
        [] => {}
        [(alone, None)] => body.text("system", alone),
        all => {
            let mut list = body.list("system");
            for (text, mark) in all {
                let mut block = list.object();
                block.with("type", "text").with("text", text);
                marks.write(*mark, &mut block);
            }
        }
    }
}

fn written(
    messages: &[Message<'_>],
    goes_on: bool,
    body: &mut Object<'_>,
    (sent, marks): (&mut Sent, &mut Marks),
) {
    let mut list = body.list("messages");
    for (index, message) in messages.iter().enumerate() {
        let mut object = list.object();
        object.with(
            "role",
            match message.role {
                Role::User => "user",
                Role::Assistant => "assistant",
                Role::System => "system",
            },
        );
        let mut content = object.list("content");
        let last = goes_on && index + 1 == messages.len();
        for (place, piece) in message.results.iter().chain(&message.pieces).enumerate() {
            let trimmed = last && place + 1 == message.pieces.len();
            match piece {
                // What the model goes on with may not end in white space.
                Piece::Part(Part { content: Content::Text(text), cache, .. }) if trimmed => {
                    let piece = Piece::Text(text.trim_end().into(), *cache);
                    content::piece(&piece, &mut content, (&mut sent.names, marks));
                }
                piece => content::piece(piece, &mut content, (&mut sent.names, marks)),
            }
        }
    }
}

/// Names what nothing stands for here.
fn unsaid(request: &Request<'_>, losses: &mut Losses) {
    let sampling = &request.sampling;
    let numbers = [sampling.presence_penalty, sampling.frequency_penalty, sampling.seed];
    let numbers = numbers.into_iter().flatten().map(|told| told.at);
    let others = [sampling.logprobs.map(|told| told.at)];
    for at in numbers.chain(others.into_iter().flatten()) {
        losses.name(at);
    }
}
