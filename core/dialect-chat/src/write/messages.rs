//! The conversation, written: calls followed by their results, and what may stand nowhere else behind them.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::request::{Call, Content, Input, Outcome, Part, Request, Role, Turn};
use sluice_neutral::seal::Seal;

use super::parts::{self, Piece};
use super::target::{self, Target};
use crate::json::Json;

/// What stands for a result that the client left out, without which no answer is given.
const NO_RESULT: &str = "[no result provided]";

/// What stands in a result for an image or a file in it.
const ATTACHED: &str = "[attached below]";

/// What stands before what a tool that failed has said.
const FAILED: &str = "Error: ";

/// All messages, as the elements of an array.
pub(crate) fn write(request: &Request<'_>, target: &mut Target<'_>, json: &mut Json) -> Result<(), Error> {
    if !request.system.is_empty() {
        instruct(&request.system, None, target, json);
    }
    let mut turns = request.turns.as_slice();
    while !turns.is_empty() {
        let is_model = |turn: &Turn<'_>| turn.role == Role::Assistant;
        let spoken = turns.iter().take_while(|turn| is_model(turn)).count();
        let (spoken, rest) = turns.split_at_checked(spoken).unwrap_or_default();
        let answered = rest.iter().take_while(|turn| !is_model(turn)).count();
        let (answered, rest) = rest.split_at_checked(answered).unwrap_or_default();
        let calls = assistant(spoken, target, json);
        let attached = results(&calls, answered, target, json);
        if !attached.is_empty() {
            user(None, &attached, target, json)?;
        }
        for turn in answered {
            other(turn, target, json)?;
        }
        if let (Some(last), true, true) = (spoken.last(), answered.is_empty(), calls.is_empty()) {
            ends_open(last, target)?;
        }
        turns = rest;
    }
    Ok(())
}

/// No answer goes on from the model's own words here.
fn ends_open(last: &Turn<'_>, target: &Target<'_>) -> Result<(), Error> {
    let says = |part: &Part<'_>| !matches!(part.content, Content::Thinking(_));
    if !last.parts.iter().any(says) {
        return Ok(());
    }
    Err(target.losses.refusal(last.at, "an answer that begins with the model's own last words"))
}

fn message(role: &str, name: Option<&str>, json: &mut Json, inside: impl FnOnce(&mut Json)) {
    json.object(|json| {
        json.key("role").text(role);
        let is_name = |name: &&str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            !name.is_empty() && name.len() <= 64 && name.bytes().all(plain)
        };
        if let Some(name) = name.filter(is_name) {
            json.key("name").text(name);
        }
        inside(json);
    });
}

fn instruct(parts: &[Part<'_>], name: Option<&str>, target: &mut Target<'_>, json: &mut Json) {
    let texts: Vec<Piece<'_>> =
        parts.iter().filter_map(|part| Some((parts::text_of(&part.content)?, part.cache))).collect();
    message(target.model.instructed_by(), name, json, |json| {
        parts::texts(&texts, target, json.key("content"));
    });
}

fn user(
    name: Option<&str>,
    parts: &[&Part<'_>],
    target: &mut Target<'_>,
    json: &mut Json,
) -> Result<(), Error> {
    let mut done = Ok(());
    message("user", name, json, |json| done = parts::content(parts, target, json.key("content")));
    done
}

/// A turn of the user's, or one of instructions, without the results in it.
fn other(turn: &Turn<'_>, target: &mut Target<'_>, json: &mut Json) -> Result<(), Error> {
    let parts: Vec<&Part<'_>> =
        turn.parts.iter().filter(|part| !matches!(part.content, Content::Outcome(_))).collect();
    // A turn of results alone is written.
    if parts.is_empty() && !turn.parts.is_empty() {
        return Ok(());
    }
    if turn.role == Role::System {
        instruct(&turn.parts, turn.name.as_deref(), target, json);
        return Ok(());
    }
    user(turn.name.as_deref(), &parts, target, json)
}

/// What the model said, in one message; its calls.
fn assistant<'t, 'a>(turns: &'t [Turn<'a>], target: &mut Target<'_>, json: &mut Json) -> Vec<&'t Part<'a>> {
    let parts = || turns.iter().flat_map(|turn| &turn.parts);
    let calls: Vec<&Part<'_>> = parts().filter(|part| matches!(part.content, Content::Call(_))).collect();
    let mut texts: Vec<Piece<'_>> = Vec::new();
    let mut refusals: Vec<&str> = Vec::new();
    for part in parts() {
        match &part.content {
            Content::Refusal(text) if target.model.is_openai => refusals.push(text),
            Content::Text(text) if text.is_empty() => {}
            Content::Thinking(_) | Content::Call(_) => {}
            content => match parts::text_of(content) {
                Some(text) => texts.push((text, part.cache)),
                // Images of the model's own can't be shown to it again.
                None => target.losses.name(part.at),
            },
        }
    }
    if texts.is_empty() && refusals.is_empty() && calls.is_empty() {
        return calls;
    }
    let name = turns.iter().find_map(|turn| turn.name.as_deref());
    message("assistant", name, json, |json| {
        if texts.is_empty() {
            json.key("content").raw("null");
        } else {
            parts::texts(&texts, target, json.key("content"));
        }
        if !refusals.is_empty() {
            json.key("refusal").texts(&refusals);
        }
        if !calls.is_empty() {
            thought(turns, target, json);
            json.key("tool_calls").array(|json| {
                calls.iter().for_each(|part| call(part, target, json));
            });
        }
    });
    calls
}

/// What a model showed of its thoughts before it called tools: some want that back. OpenAI does not know the field.
fn thought(turns: &[Turn<'_>], target: &Target<'_>, json: &mut Json) {
    if target.model.is_openai {
        return;
    }
    let is_from_here =
        |seal: &Option<Seal<'_>>| seal.as_ref().is_none_or(|seal| seal.origin == Api::OpenaiChat);
    let thoughts = turns.iter().flat_map(|turn| &turn.parts).filter_map(|part| match &part.content {
        Content::Thinking(thinking) if is_from_here(&thinking.seal) => Some(&*thinking.text),
        _ => None,
    });
    let thoughts: Vec<&str> = thoughts.filter(|text| !text.is_empty()).collect();
    if !thoughts.is_empty() {
        json.key("reasoning_content").texts(&thoughts);
    }
}

fn call(part: &Part<'_>, target: &mut Target<'_>, json: &mut Json) {
    let Content::Call(call) = &part.content else { return };
    json.object(|json| {
        json.key("id").text(&id_of(call, target));
        match &call.input {
            Input::Plain(text) if target.model.plain_tools => {
                json.key("type").text("custom");
                json.key("custom").object(|json| {
                    json.key("name").text(&target.name(&call.name));
                    json.key("input").text(text);
                });
            }
            input => {
                json.key("type").text("function");
                json.key("function").object(|json| {
                    json.key("name").text(&target.name(&call.name));
                    json.key("arguments").text(&arguments(input));
                });
            }
        }
        // Google's own server for this dialect wants it back here.
        let seal = call.seal.as_ref().filter(|seal| target.model.signs && seal.origin == Api::Gemini);
        if let Some(seal) = seal {
            json.key("extra_content").object(|json| {
                json.key("google").object(|json| json.key("thought_signature").text(&seal.payload));
            });
        }
    });
}

fn arguments<'a>(input: &'a Input<'_>) -> Cow<'a, str> {
    match input {
        Input::Json(text) if text.trim().is_empty() => Cow::Borrowed("{}"),
        Input::Json(text) => Cow::Borrowed(text),
        Input::Plain(text) => {
            let mut json = Json::default();
            json.object(|json| json.key("input").text(text));
            Cow::Owned(String::from_utf8(json.into_bytes()).unwrap_or_default())
        }
    }
}

/// The id of a call, which its result names again. Where there is none, it is the tool's name that pairs them.
fn id_of<'a>(call: &'a Call<'_>, target: &Target<'_>) -> Cow<'a, str> {
    if call.id.is_empty() {
        let made = format!("call_{}", target::digest(&call.name));
        return Cow::Owned(target::id(&made, target.model.ids).into_owned());
    }
    target::id(&call.id, target.model.ids)
}

/// The results of all calls, in the order of the calls; what of them no result may hold here.
fn results<'t, 'a>(
    calls: &[&Part<'_>],
    turns: &'t [Turn<'a>],
    target: &mut Target<'_>,
    json: &mut Json,
) -> Vec<&'t Part<'a>> {
    let mut told = Told::of(turns);
    let mut attached = Vec::new();
    for part in calls {
        let Content::Call(call) = &part.content else { continue };
        match told.take(call) {
            Some((outcome, cache)) => {
                result(call, outcome, json, (target, cache));
                attached.extend(outcome.parts.iter().filter(|part| parts::text_of(&part.content).is_none()));
            }
            None => {
                target.losses.name(part.at);
                message("tool", None, json, |json| {
                    json.key("tool_call_id").text(&id_of(call, target));
                    json.key("content").text(NO_RESULT);
                });
            }
        }
    }
    // Results of what nobody called.
    told.rest().for_each(|part| target.losses.name(part.at));
    attached
}

fn result(
    call: &Call<'_>,
    outcome: &Outcome<'_>,
    json: &mut Json,
    (target, cache): (&mut Target<'_>, Option<sluice_neutral::request::Lifetime>),
) {
    let mut texts: Vec<Piece<'_>> = Vec::with_capacity(outcome.parts.len());
    for part in &outcome.parts {
        let text = parts::text_of(&part.content).unwrap_or(Cow::Borrowed(ATTACHED));
        texts.push((text, part.cache));
    }
    if outcome.failed {
        match texts.first_mut() {
            Some((first, _)) => *first = Cow::Owned(format!("{FAILED}{first}")),
            None => texts.push((Cow::Borrowed(FAILED.trim_end()), None)),
        }
    }
    if let Some((_, last)) = texts.last_mut() {
        *last = last.or(cache);
    }
    message("tool", None, json, |json| {
        json.key("tool_call_id").text(&id_of(call, target));
        parts::texts(&texts, target, json.key("content"));
    });
}

/// Results by the calls that they are of.
struct Told<'t, 'a> {
    parts: Vec<Option<&'t Part<'a>>>,
    by_id: HashMap<&'t str, VecDeque<usize>>,
    by_name: HashMap<&'t str, VecDeque<usize>>,
}

impl<'t, 'a> Told<'t, 'a> {
    fn of(turns: &'t [Turn<'a>]) -> Self {
        let mut told = Self { parts: Vec::new(), by_id: HashMap::new(), by_name: HashMap::new() };
        for part in turns.iter().flat_map(|turn| &turn.parts) {
            let Content::Outcome(outcome) = &part.content else { continue };
            let (map, key) = match &*outcome.id {
                "" => (&mut told.by_name, &*outcome.name),
                id => (&mut told.by_id, id),
            };
            map.entry(key).or_default().push_back(told.parts.len());
            told.parts.push(Some(part));
        }
        told
    }

    fn take(
        &mut self,
        call: &Call<'_>,
    ) -> Option<(&'t Outcome<'a>, Option<sluice_neutral::request::Lifetime>)> {
        let by_id = self.by_id.get_mut(&*call.id).and_then(VecDeque::pop_front);
        let index = by_id.or_else(|| self.by_name.get_mut(&*call.name).and_then(VecDeque::pop_front))?;
        let part = self.parts.get_mut(index)?.take()?;
        match &part.content {
            Content::Outcome(outcome) => Some((outcome, part.cache)),
            _ => None,
        }
    }

    fn rest(self) -> impl Iterator<Item = &'t Part<'a>> {
        self.parts.into_iter().flatten()
    }
}
