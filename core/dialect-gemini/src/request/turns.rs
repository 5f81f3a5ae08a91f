//! The conversation as an upstream takes it: user and model in turns, results behind their calls.

use std::borrow::Cow;

use sluice_api::dialect::{Api, Operation};
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::dialect::Upstream;
use sluice_neutral::json;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Content, Outcome, Part, Request, Role};
use sluice_neutral::seal::Seal;

/// What stands where a conversation begins with the model.
const CONTINUED: &str = "(conversation continues)";

/// A turn of the conversation upstream.
#[derive(Debug)]
pub(crate) struct Spoken<'r, 'a> {
    /// Whether the model speaks.
    pub(crate) is_model: bool,
    /// What is said.
    pub(crate) pieces: Vec<Piece<'r, 'a>>,
    /// The results in it, in the order of the calls before it.
    pub(crate) outcomes: Vec<Answered<'r, 'a>>,
    /// Whether it belongs to the turn that is to be answered: a call in it needs a signature.
    pub(crate) is_current: bool,
}

/// Something that is said.
#[derive(Debug)]
pub(crate) enum Piece<'r, 'a> {
    /// As it is.
    Part(&'r Part<'a>),
    /// A text that is no part of the request as it is.
    Told(Cow<'r, str>),
    /// What the model remembers, of thoughts that are not sent.
    Seal(&'r Seal<'a>),
}

/// A call with its result.
#[derive(Debug)]
pub(crate) struct Answered<'r, 'a> {
    /// The call's id; may be empty.
    pub(crate) id: &'r str,
    /// The tool.
    pub(crate) name: &'r str,
    /// What it said; nothing where the client tells none.
    pub(crate) outcome: Option<&'r Outcome<'a>>,
    at: At,
}

/// The conversation, and what the model is told before it.
pub(crate) struct Conversation<'r, 'a> {
    /// What is told before it.
    pub(crate) system: Vec<&'r str>,
    /// The turns.
    pub(crate) spoken: Vec<Spoken<'r, 'a>>,
}

/// Puts a conversation in turns.
///
/// # Errors
///
/// When the client has begun the answer, which upstreams refuse.
pub(crate) fn conversation<'r, 'a>(
    request: &'r Request<'a>,
    upstream: &Upstream<'_>,
    losses: &mut Losses,
) -> Result<Conversation<'r, 'a>, Error> {
    let mut told = Told {
        account: upstream.account,
        has_many_speakers: has_many_speakers(request),
        spoken: Vec::new(),
        calls: Vec::new(),
        answered: 0,
    };
    let mut system: Vec<&str> = request.system.iter().filter_map(text).collect();
    for turn in &request.turns {
        if turn.role == Role::System && told.spoken.is_empty() {
            system.extend(turn.parts.iter().filter_map(text));
            continue;
        }
        for (index, part) in turn.parts.iter().enumerate() {
            let name = turn.name.as_deref().filter(|_| index == 0);
            told.part(turn.role, name, part, losses);
        }
    }
    told.answered(losses);
    let mut spoken = told.spoken;
    let began = spoken.last().is_some_and(|last| last.is_model);
    if let (true, Some(turn)) = (began && upstream.operation == Operation::Generate, request.turns.last()) {
        return Err(losses.refusal(turn.at, "an answer that the client has begun"));
    }
    if spoken.is_empty() && system.is_empty() {
        // Results of no call, thoughts of another model: what is left out may have been all.
        let at = request.turns.first().map_or(At::ROOT, |turn| turn.at);
        return Err(json::wrong(at, "nothing in the conversation can be sent"));
    }
    if first_is_the_user(&mut system, &mut spoken)
        && let Some(turn) = request.turns.first()
    {
        losses.name(turn.at);
    }
    mark_current(&mut spoken);
    Ok(Conversation { system, spoken })
}

fn text<'r>(part: &'r Part<'_>) -> Option<&'r str> {
    match &part.content {
        Content::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// A conversation begins with the user; where nothing else is said, the instruction is what the user says.
/// Whether something was put before what the client wrote.
fn first_is_the_user<'r>(system: &mut Vec<&'r str>, spoken: &mut Vec<Spoken<'r, '_>>) -> bool {
    let is_the_models = spoken.first().is_some_and(|first| first.is_model);
    let told: Vec<Piece<'r, '_>> = match spoken.first() {
        Some(_) if !is_the_models => return false,
        Some(_) => vec![Piece::Told(Cow::Borrowed(CONTINUED))],
        None => std::mem::take(system).into_iter().map(|text| Piece::Told(Cow::Borrowed(text))).collect(),
    };
    spoken.insert(0, Spoken { pieces: told, ..Spoken::new(false) });
    is_the_models
}

/// The turn that is to be answered begins with what the user said last, beside results.
fn mark_current(spoken: &mut [Spoken<'_, '_>]) {
    for one in spoken.iter_mut().rev() {
        if !one.is_model && one.outcomes.is_empty() {
            return;
        }
        one.is_current = true;
    }
}

impl Spoken<'_, '_> {
    const fn new(is_model: bool) -> Self {
        Self { is_model, pieces: Vec::new(), outcomes: Vec::new(), is_current: false }
    }
}

struct Told<'r, 'a, 'u> {
    account: &'u str,
    has_many_speakers: bool,
    spoken: Vec<Spoken<'r, 'a>>,
    /// The calls of the model's last turn, with their results as these come.
    calls: Vec<Answered<'r, 'a>>,
    /// The one behind the last that has its result.
    answered: usize,
}

impl<'r, 'a> Told<'r, 'a, '_> {
    fn part(&mut self, role: Role, name: Option<&'r str>, part: &'r Part<'a>, losses: &mut Losses) {
        let speaker = name.filter(|_| self.has_many_speakers);
        let piece = match (&part.content, role, speaker) {
            (Content::Text(text) | Content::Refusal(text), ..) if text.is_empty() => return,
            (Content::Text(text), Role::System, _) => Piece::Told(format!("<system>{text}</system>").into()),
            (Content::Text(text), Role::User, Some(name)) => Piece::Told(format!("{name}: {text}").into()),
            (Content::Thinking(thinking), ..) => match &thinking.seal {
                Some(seal) if seal.is_for(Api::Gemini, self.account) => Piece::Seal(seal),
                _ => return,
            },
            (Content::Outcome(outcome), ..) => return self.outcome(outcome, part.at, losses),
            _ => Piece::Part(part),
        };
        self.turn_to(role == Role::Assistant, losses);
        if let Some(last) = self.spoken.last_mut() {
            last.pieces.push(piece);
        }
        if let Content::Call(call) = &part.content {
            self.calls.push(Answered { id: &call.id, name: &call.name, outcome: None, at: part.at });
        }
    }

    /// Goes on with the turn of the user or of the model, or begins one where the other spoke.
    fn turn_to(&mut self, is_model: bool, losses: &mut Losses) {
        let goes_on = |spoken: &[Spoken<'_, '_>]| spoken.last().is_some_and(|last| last.is_model == is_model);
        let has_results = self.answered > 0;
        // Results of the turn before come before what the model says next.
        if is_model && (has_results || !goes_on(&self.spoken)) {
            self.answered(losses);
        }
        if !goes_on(&self.spoken) {
            self.spoken.push(Spoken::new(is_model));
        }
    }

    fn outcome(&mut self, outcome: &'r Outcome<'a>, at: At, losses: &mut Losses) {
        // They mostly come in the order of their calls, of which there may be many.
        let indices = (self.answered..self.calls.len()).chain(0..self.answered);
        let is_its = |call: &Answered<'_, '_>| match outcome.id.is_empty() {
            false => call.id == outcome.id,
            true => call.outcome.is_none() && call.name == outcome.name,
        };
        let found = indices.into_iter().find(|index| self.calls.get(*index).is_some_and(is_its));
        match found.and_then(|index| Some((index, self.calls.get_mut(index)?))) {
            Some((index, call)) => {
                call.outcome = Some(outcome);
                self.answered = index + 1;
            }
            // No call asked for it: the upstream would refuse it.
            None => losses.name(at),
        }
    }

    /// The results of the calls at hand, all of them: an upstream wants one for each.
    fn answered(&mut self, losses: &mut Losses) {
        if self.calls.is_empty() {
            return;
        }
        if self.spoken.last().is_none_or(|last| last.is_model) {
            self.spoken.push(Spoken::new(false));
        }
        let calls = std::mem::take(&mut self.calls);
        self.answered = 0;
        calls.iter().filter(|call| call.outcome.is_none()).for_each(|call| losses.name(call.at));
        if let Some(last) = self.spoken.last_mut() {
            last.outcomes.extend(calls);
        }
    }
}

fn has_many_speakers(request: &Request<'_>) -> bool {
    let mut names = request.turns.iter().filter_map(|turn| turn.name.as_ref());
    let first = names.next();
    names.any(|name| Some(name) != first)
}
