//! Turns, written as input items.

use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::json;
use sluice_neutral::loss::Losses;
use sluice_neutral::names::Names;
use sluice_neutral::request::{Call, Content, Format, Input, Lifetime, Outcome, Part, Request, Role, Turn};
use sluice_neutral::seal::Seal;

use super::pairs::{Paired, Pairs, letters};
use super::parts::{self, Kind};
use super::tools::NAMES;
use crate::models::Traits;
use crate::seals;
use sluice_neutral::json::write::{List, Object};

/// What stands for a result that the client has left out.
const NO_RESULT: &str = "[no result provided]";

/// The models that are asked for JSON of any form must have been told of JSON in their input.
const ASK_FOR_JSON: &str = "Reply with one JSON object only.";

/// Most marks for caches that a prompt may have, beside the one that OpenAI sets itself.
const MARKS_MAX: usize = 3;

/// A conversation, and where it goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conversation<'r, 'a> {
    /// Whose it is.
    pub(super) request: &'r Request<'a>,
    /// What its model takes.
    pub(super) traits: Traits,
    /// The account's name.
    pub(super) account: &'r str,
}

/// How far a conversation is written.
struct Written<'r, 'n> {
    /// Marks for caches that have no room: the first ones.
    too_many: usize,
    pairs: Pairs<'r>,
    calls: usize,
    outcomes: usize,
    has_names: bool,
    names: &'n mut Names,
}

impl Conversation<'_, '_> {
    /// Writes the instructions and the input.
    pub(super) fn write(
        self,
        top: &mut Object<'_>,
        names: &mut Names,
        losses: &mut Losses,
    ) -> Result<(), Error> {
        // Only parts of the input can be marked for a cache, and an input there must be.
        let in_input = self.request.turns.is_empty()
            || self.traits.has_marks && self.request.system.iter().any(|part| part.cache.is_some());
        if !in_input {
            self.instructions(top);
        }
        let (pairs, has_names) = (Pairs::of(self.request), self.has_names());
        let too_many = self.marks().saturating_sub(MARKS_MAX);
        let mut written = Written { too_many, pairs, calls: 0, outcomes: 0, has_names, names };
        let mut input = top.list("input");
        if in_input {
            self.message(&mut input, ("developer", None, &self.request.system), &mut written, losses)?;
        }
        for turn in &self.request.turns {
            match turn.role {
                Role::System => {
                    self.message(&mut input, ("developer", None, &turn.parts), &mut written, losses)?;
                }
                Role::User => self.user(&mut input, turn, &mut written, losses)?,
                Role::Assistant => self.assistant(&mut input, turn, &mut written, losses)?,
            }
        }
        let format = self.request.format.as_ref().map(|told| &told.value);
        if matches!(format, Some(Format::Object)) && !self.tells_of_json() {
            let mut item = input.object();
            item.text("type", "message");
            item.text("role", "developer");
            item.text("content", ASK_FOR_JSON);
        }
        // Results of no call, thoughts of another model: what is left out may have been all.
        match self.request.turns.first().filter(|_| input.is_empty()) {
            Some(first) => Err(json::wrong(first.at, "nothing of the conversation can be sent")),
            None => Ok(()),
        }
    }

    /// What the model is told before all turns, as one text.
    fn instructions(self, top: &mut Object<'_>) {
        let texts = self.request.system.iter().filter_map(|part| match &part.content {
            Content::Text(text) if !text.is_empty() => Some(&**text),
            _ => None,
        });
        let texts: Vec<&str> = texts.collect();
        match texts.as_slice() {
            [] => {}
            [one] => top.text("instructions", one),
            all => top.text("instructions", &all.join("\n\n")),
        }
    }

    /// Marks for caches of all parts.
    fn marks(self) -> usize {
        let turns = self.request.turns.iter().flat_map(|turn| &turn.parts);
        let parts = turns.chain(&self.request.system).flat_map(|part| match &part.content {
            Content::Outcome(outcome) => outcome.parts.as_slice(),
            _ => std::slice::from_ref(part),
        });
        parts.filter(|part| part.cache.is_some() && !is_empty(part)).count()
    }

    /// How long the prompt is to be cached up to a part, where it is to.
    fn mark(self, part: &Part<'_>, written: &mut Written<'_, '_>) -> Option<Lifetime> {
        let mark = part.cache.filter(|_| self.traits.has_marks)?;
        let has_room = written.too_many == 0;
        written.too_many = written.too_many.saturating_sub(1);
        has_room.then_some(mark)
    }

    /// Whether there are several speakers, so that their names matter.
    fn has_names(self) -> bool {
        let mut names = self.request.turns.iter().filter_map(|turn| turn.name.as_deref());
        names.next().is_some_and(|first| names.any(|name| name != first))
    }

    fn tells_of_json(self) -> bool {
        let mut parts = self.request.turns.iter().flat_map(|turn| &turn.parts);
        parts.any(|part| {
            let Content::Text(text) = &part.content else { return false };
            text.as_bytes().windows(4).any(|word| word.eq_ignore_ascii_case(b"json"))
        })
    }

    /// A message, unless there is nothing in it.
    fn message(
        self,
        input: &mut List<'_>,
        (role, name, said): (&str, Option<&str>, &[Part<'_>]),
        written: &mut Written<'_, '_>,
        losses: &mut Losses,
    ) -> Result<(), Error> {
        // Whom a call is not of can't make it.
        let is_said = |part: &&Part<'_>| !matches!(part.content, Content::Call(_) | Content::Thinking(_));
        said.iter().filter(|part| !is_said(part)).for_each(|part| losses.name(part.at));
        let mut said = said.iter().filter(|part| !is_empty(part) && is_said(part)).peekable();
        if said.peek().is_none() {
            return Ok(());
        }
        let mut item = input.object();
        item.text("type", "message");
        item.text("role", role);
        let mut content = item.list("content");
        if let Some(name) = name {
            parts::text(&mut content, &format!("{name}: "));
        }
        for part in said {
            parts::write(&mut content, part, (Kind::Message, self.mark(part, written)), losses)?;
        }
        Ok(())
    }

    /// What the user says, and results of tools, in their order.
    fn user(
        self,
        input: &mut List<'_>,
        turn: &Turn<'_>,
        written: &mut Written<'_, '_>,
        losses: &mut Losses,
    ) -> Result<(), Error> {
        let name = turn.name.as_deref().filter(|_| written.has_names);
        let mut rest = turn.parts.as_slice();
        while let Some((first, behind)) = rest.split_first() {
            if let Content::Outcome(outcome) = &first.content {
                self.outcome(input, (outcome, first), written, losses)?;
                rest = behind;
                continue;
            }
            let end = rest.iter().position(|part| matches!(part.content, Content::Outcome(_)));
            let (said, behind) = rest.split_at(end.unwrap_or(rest.len()));
            self.message(input, ("user", name, said), written, losses)?;
            rest = behind;
        }
        Ok(())
    }

    fn outcome(
        self,
        input: &mut List<'_>,
        (outcome, part): (&Outcome<'_>, &Part<'_>),
        written: &mut Written<'_, '_>,
        losses: &mut Losses,
    ) -> Result<(), Error> {
        let call = written.pairs.outcomes.get(written.outcomes).copied().flatten();
        written.outcomes += 1;
        let Some(call) = call.and_then(|call| written.pairs.calls.get(call)) else {
            // A result of no call is refused by OpenAI.
            losses.name(part.at);
            return Ok(());
        };
        let mut item = answer(input, call);
        let before = if outcome.failed { "Error: " } else { "" };
        match outcome.parts.as_slice() {
            [] => item.text("output", before),
            [Part { content: Content::Text(text), cache: None, .. }] if !outcome.failed => {
                item.text("output", text);
            }
            [Part { content: Content::Text(text), cache: None, .. }] => {
                item.text("output", &format!("{before}{text}"));
            }
            all => {
                let mut output = item.list("output");
                if outcome.failed {
                    parts::text(&mut output, before);
                }
                for part in all.iter().filter(|part| !is_empty(part)) {
                    parts::write(&mut output, part, (Kind::Outcome, self.mark(part, written)), losses)?;
                }
            }
        }
        Ok(())
    }

    /// What the model said: each piece is an item of its own. A call that the client has no result of gets one.
    fn assistant(
        self,
        input: &mut List<'_>,
        turn: &Turn<'_>,
        written: &mut Written<'_, '_>,
        losses: &mut Losses,
    ) -> Result<(), Error> {
        let first = written.calls;
        for part in &turn.parts {
            match &part.content {
                Content::Text(text) if text.is_empty() => {}
                Content::Text(text) => said(input, text),
                Content::Refusal(text) => refused(input, text),
                Content::Thinking(thinking) => self.thought(input, &thinking.text, thinking.seal.as_ref()),
                Content::Call(call) => {
                    self.thought(input, "", call.seal.as_ref());
                    called(input, call, written);
                }
                Content::Outcome(outcome) => self.outcome(input, (outcome, part), written, losses)?,
                // Images of the model's own can't be shown to it again.
                Content::Image(_) => losses.name(part.at),
                Content::Document(_) | Content::Audio(_) => {
                    return Err(losses.refusal(part.at, "a file or a sound of the model's own"));
                }
            }
        }
        let open = written.pairs.calls.get(first..written.calls).unwrap_or_default();
        for call in open.iter().filter(|call| !call.answered) {
            losses.name(turn.at);
            answer(input, call).text("output", NO_RESULT);
        }
        Ok(())
    }

    /// What the model thought goes back to where it was thought, and nowhere else.
    fn thought(self, input: &mut List<'_>, text: &str, seal: Option<&Seal<'_>>) {
        let Some(seal) = seal.filter(|seal| seal.is_for(Api::OpenaiResponses, self.account)) else { return };
        let (id, encrypted) = seals::parts(&seal.payload);
        let mut item = input.object();
        item.text("type", "reasoning");
        item.some("id", id);
        let mut summary = item.list("summary");
        if !text.is_empty() {
            let mut part = summary.object();
            part.text("type", "summary_text");
            part.text("text", text);
        }
        drop(summary);
        item.text("encrypted_content", encrypted);
    }
}

/// An item that answers a call.
fn answer<'i>(input: &'i mut List<'_>, call: &Paired<'_>) -> Object<'i> {
    let mut item = input.object();
    item.text("type", if call.plain { "custom_tool_call_output" } else { "function_call_output" });
    item.text("call_id", &call.id);
    item
}

fn said(input: &mut List<'_>, text: &str) {
    let mut item = input.object();
    item.text("type", "message");
    item.text("role", "assistant");
    item.text("content", text);
}

/// A refusal is a part of a message as the model has put it out.
fn refused(input: &mut List<'_>, text: &str) {
    let mut item = input.object();
    item.text("type", "message");
    item.text("id", &format!("msg_{}", letters(text)));
    item.text("role", "assistant");
    item.text("status", "completed");
    let mut content = item.list("content");
    let mut part = content.object();
    part.text("type", "refusal");
    part.text("refusal", text);
}

fn called(input: &mut List<'_>, call: &Call<'_>, written: &mut Written<'_, '_>) {
    let Some(paired) = written.pairs.calls.get(written.calls) else { return };
    written.calls += 1;
    let name = written.names.sent(&call.name, NAMES);
    let (kind, argument, value) = match &call.input {
        Input::Plain(text) => ("custom_tool_call", "input", &**text),
        Input::Json(text) if text.trim().is_empty() => ("function_call", "arguments", "{}"),
        Input::Json(text) => ("function_call", "arguments", &**text),
    };
    let mut item = input.object();
    item.text("type", kind);
    item.text("call_id", &paired.id);
    item.text("name", &name);
    item.text(argument, value);
}

fn is_empty(part: &Part<'_>) -> bool {
    matches!(&part.content, Content::Text(text) if text.is_empty())
}
