//! How the answer is to be, written: what the model does not take is left out, and named.

use sluice_neutral::at::At;
use sluice_neutral::effort::Effort;
use sluice_neutral::json::Raw;
use sluice_neutral::order::stops;
use sluice_neutral::request::{Content, Format, Lifetime, Request, Search, Told};

use super::target::{self, Target};
use super::tools;
use crate::json::Json;

/// The name of a schema that has none; OpenAI wants one.
const UNNAMED: &str = "response";

/// Most texts at which an answer may stop.
const STOPS_MAX: usize = 4;

/// The longest name of an end user that OpenAI takes.
const USER_MAX: usize = 64;

/// The form of the answer.
pub(crate) fn format(request: &Request<'_>, target: &mut Target<'_>, json: &mut Json) {
    let Some(Told { value, at }) = &request.format else { return };
    json.key("response_format").object(|json| match value {
        Format::Object => json.key("type").text("json_object"),
        Format::Schema { name, description, schema, strict } => {
            json.key("type").text("json_schema");
            let wanted = strict.unwrap_or_default();
            let held = if wanted { tools::held(schema, *at, target) } else { None };
            json.key("json_schema").object(|json| {
                let name = target.name(name.as_deref().unwrap_or(UNNAMED)).into_owned();
                json.key("name").text(&name);
                if let Some(description) = description {
                    json.key("description").text(description);
                }
                json.key("schema").raw(held.as_deref().unwrap_or(schema));
                json.key("strict").raw(if held.is_some() { "true" } else { "false" });
            });
        }
    });
}

/// Where JSON is asked for without the word, which OpenAI refuses.
pub(crate) fn lacks_word(request: &Request<'_>, target: &Target<'_>) -> Option<At> {
    let Some(Told { value: Format::Object, at }) = request.format else { return None };
    let turns = request.turns.iter().flat_map(|turn| &turn.parts);
    let says = |content: &Content<'_>| match content {
        Content::Text(text) => text.as_bytes().windows(4).any(|four| four.eq_ignore_ascii_case(b"json")),
        _ => false,
    };
    let is_said = request.system.iter().chain(turns).any(|part| says(&part.content));
    (target.model.is_openai && !is_said).then_some(at)
}

/// The most output tokens, by the name that the provider knows.
pub(crate) fn length(request: &Request<'_>, most: Option<u64>, target: &Target<'_>, json: &mut Json) {
    let Some(length) = request.length else { return };
    let tokens = length.value.tokens;
    let is_all = most.is_some_and(|most| tokens >= most);
    if !target.model.is_openai {
        // Some servers have a default that is far below what the model can.
        json.key("max_tokens").number(most.map_or(tokens, |most| tokens.min(most)));
    } else if !is_all {
        json.key("max_completion_tokens").number(tokens);
    }
}

/// How much the model thinks; the level that was asked for, as far as it has it.
pub(crate) fn effort(request: &Request<'_>, target: &mut Target<'_>, json: &mut Json) -> Option<Effort> {
    let reasoning = &request.reasoning;
    let budget = reasoning.budget.map(|budget| Told::new(Effort::of_budget(budget.value), budget.at));
    let Told { value, at } = reasoning.effort.or(budget)?;
    if target.model.efforts.is_empty() {
        // A model that does not think does as it is told by not thinking.
        if value != Effort::None {
            target.losses.name(at);
        }
        return None;
    }
    let effort = value.at_least_some(target.model.efforts);
    json.key("reasoning_effort").text(effort.name());
    Some(effort)
}

type Number<'a> = Option<Told<Raw<'a>>>;

/// How the output is sampled, at this level of thought.
pub(crate) fn sampling(
    request: &Request<'_>,
    effort: Option<Effort>,
    target: &mut Target<'_>,
    json: &mut Json,
) {
    let sampling = &request.sampling;
    let samples = target.model.samples(effort);
    let numbers: [(&str, Number<'_>, &[&str]); 4] = [
        ("temperature", sampling.temperature, &["1", "1.0"]),
        ("top_p", sampling.top_p, &["1", "1.0"]),
        ("presence_penalty", sampling.presence_penalty, &["0", "0.0"]),
        ("frequency_penalty", sampling.frequency_penalty, &["0", "0.0"]),
    ];
    for (name, told, usual) in numbers {
        match told {
            Some(told) if samples => json.key(name).raw(told.value.get()),
            Some(told) if !usual.contains(&told.value.get()) => target.losses.name(told.at),
            _ => {}
        }
    }
    if let Some(seed) = sampling.seed {
        json.key("seed").raw(seed.value.get());
    }
    if let Some(top_k) = sampling.top_k {
        target.losses.name(top_k.at);
    }
    match sampling.logprobs {
        Some(logprobs) if samples => {
            json.key("logprobs").raw("true");
            if logprobs.value > 0 {
                json.key("top_logprobs").number(logprobs.value.min(20).into());
            }
        }
        Some(logprobs) => target.losses.name(logprobs.at),
        None => {}
    }
    stop(request, samples, target, json);
}

/// Where it stops: what a model can't be asked for is looked for in its answer.
fn stop(request: &Request<'_>, samples: bool, target: &mut Target<'_>, json: &mut Json) {
    let kept = if samples { STOPS_MAX } else { 0 };
    stops::watch(request.stop.iter().skip(kept), target.sent, target.losses);
    if samples && !request.stop.is_empty() {
        json.key("stop").array(|json| {
            request.stop.iter().take(kept).for_each(|stop| json.text(&stop.value));
        });
    }
}

/// What is said to OpenAI about who asks, how prompts are kept, and how the request is served.
pub(crate) fn service(request: &Request<'_>, target: &mut Target<'_>, json: &mut Json) {
    if let Some(user) = &request.user {
        // What is longer, or made of several facts, is for whom it was made alone.
        let is_plain = user.value.len() <= USER_MAX && !user.value.starts_with('{');
        let name = if target.model.is_newest { "safety_identifier" } else { "user" };
        let hashed = if is_plain { user.value.clone().into_owned() } else { target::digest(&user.value) };
        json.key(name).text(&hashed);
    }
    if let Some(key) = request.caching.key.as_ref().filter(|_| target.model.is_newest) {
        json.key("prompt_cache_key").text(&key.value);
    }
    if request.caching.marked_alone && target.model.marks {
        json.key("prompt_cache_options").object(|json| json.key("mode").text("explicit"));
    }
    // Who asks for it by this name wants it kept for a day; marks of other dialects ask for less.
    let asked = request.caching.automatic.filter(|told| told.at == At::field("prompt_cache_retention"));
    if asked.is_some_and(|told| told.value == Lifetime::Long) && target.model.is_newest && target.model.thinks
    {
        json.key("prompt_cache_retention").text("24h");
    }
    if let Some(verbosity) = request.verbosity.as_ref().filter(|_| target.model.verbosity) {
        json.key("verbosity").text(&verbosity.value);
    }
    if let Some(labels) = &request.labels {
        // OpenAI takes them of what it stores alone, and nothing is stored that was not asked to be.
        target.losses.name(labels.at);
    }
    if let Some(tier) = &request.tier {
        match known_tier(&tier.value) {
            Some("auto") => {}
            Some(known) if target.model.is_openai => json.key("service_tier").text(known),
            _ => target.losses.name(tier.at),
        }
    }
}

/// A service tier by OpenAI's name for it.
fn known_tier(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("service_tier_").unwrap_or(&name);
    const KNOWN: [(&str, &str); 10] = [
        ("auto", "auto"),
        ("unspecified", "auto"),
        ("default", "default"),
        ("standard", "default"),
        ("standard_only", "default"),
        ("flex", "flex"),
        ("scale", "scale"),
        ("priority", "priority"),
        ("fast", "fast"),
        ("ultrafast", "fast"),
    ];
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, tier)| *tier)
}

/// The provider's web search. Models that do not search for each answer can't be asked to here.
pub(crate) fn search(
    search: &Told<Search<'_>>,
    target: &mut Target<'_>,
    json: &mut Json,
) -> Result<(), sluice_api::error::Error> {
    let Told { value: Search { most, allowed, near, context, .. }, at } = search;
    if !target.model.searches {
        target.losses.name(*at);
        return Ok(());
    }
    if !allowed.is_empty() {
        // Without it, more is searched than may be.
        return Err(target.losses.refusal(*at, "a search that is bound to domains"));
    }
    if most.is_some() {
        target.losses.name(*at);
    }
    json.key("web_search_options").object(|json| {
        if let Some(context) = context {
            json.key("search_context_size").text(context);
        }
        if near.is_empty() {
            return;
        }
        json.key("user_location").object(|json| {
            json.key("type").text("approximate");
            json.key("approximate").object(|json| {
                near.iter().for_each(|(name, value)| json.key(name).text(value));
            });
        });
    });
    Ok(())
}
