//! Input items, put together to turns: what the model said and called stands in one, and the results behind it.

use std::borrow::Cow;

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Members};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{
    Call, Content, Input, Lifetime, Outcome, Part, Request, Role, Text, Thinking, Turn,
};
use sluice_neutral::seal::Seal;

use super::object::Object;
use super::options;
use super::parts;
use super::tools::{Shelf, Toolbox};
use crate::fields::{CALLER, CONTENT, ITEMS, SUMMARY};
use crate::own::{TOOL_SEARCH, flat};
use crate::seals::{self, Of};

/// The conversation as far as it is read.
pub(super) struct Conversation<'a, 'r> {
    request: &'r mut Request<'a>,
    tools: &'r mut Toolbox<'a>,
    /// How long marks hold that do not say.
    kept: Lifetime,
    /// What is wanted back with the next call.
    sealed: Option<Seal<'a>>,
    /// Whether an item stands among what is told before all turns.
    lifted: bool,
    /// Calls by their ids, so that a result tells its tool's name.
    called: Vec<(Text<'a>, Text<'a>)>,
}

impl<'a, 'r> Conversation<'a, 'r> {
    /// Nothing said yet.
    pub(super) fn new(request: &'r mut Request<'a>, tools: &'r mut Toolbox<'a>, kept: Lifetime) -> Self {
        Self { request, tools, kept, sealed: None, lifted: false, called: Vec::new() }
    }

    /// A text by itself: instructions, or what the user says.
    pub(super) fn told(&mut self, role: Role, part: Part<'a>) {
        match role {
            Role::System => self.request.system.push(part),
            role => self.push(Turn { role, name: None, at: part.at, parts: vec![part] }),
        }
    }

    fn push(&mut self, turn: Turn<'a>) {
        self.sealed = None;
        self.request.turns.push(turn);
    }

    /// Adds an item.
    pub(super) fn add(&mut self, members: Members<'a>, at: At, losses: &mut Losses) -> Result<(), Error> {
        // Only messages and references may leave out what they are.
        let usual = if members.get("role").is_some() { "message" } else { "item_reference" };
        let mut item = Object::with(members, ITEMS, at, losses);
        let Some(kind) = item.kind(usual, losses)? else { return Ok(()) };
        match &*kind {
            "message" => self.message(&mut item, losses)?,
            "reasoning" => self.reasoning(&mut item, losses)?,
            "function_call" | "custom_tool_call" => {
                self.call(&mut item, kind == "custom_tool_call", losses)?
            }
            "tool_search_call" => self.search(&mut item)?,
            "tool_search_output" => self.found(&mut item, losses)?,
            "additional_tools" => {
                item.get("role");
                self.more_tools(&mut item, Shelf::Added, losses)?;
            }
            "configuration_update" => options::updated(&mut item, self.request, losses)?,
            _ => self.outcome(&mut item, losses)?,
        }
        item.finish(losses)
    }

    /// All items are read.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.request.turns.retain(|turn| !turn.parts.is_empty());
        if self.request.turns.is_empty() && self.lifted {
            // Where there is nothing else, what the last one tells the model is what is asked of it.
            let last = self.request.system.pop();
            last.into_iter().for_each(|part| self.told(Role::User, part));
        }
        let is_empty = self.request.turns.is_empty();
        if is_empty { Err(json::wrong(At::field("input"), "nothing is said in it")) } else { Ok(()) }
    }

    fn message(&mut self, item: &mut Object<'a>, losses: &mut Losses) -> Result<(), Error> {
        let at = item.at;
        let role = item.needed("role")?;
        let role = match &*role {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" | "developer" => Role::System,
            _ => return Err(json::wrong(at.then("role"), "it must be user, assistant, system or developer")),
        };
        let content = item.get("content").ok_or_else(|| json::missing(at.then("content")))?;
        let parts = if content.get().starts_with('[') {
            parts::of(content, parts::MESSAGE, at, (self.kept, losses))?
        } else {
            vec![Part::text(json::text(content, at.then("content"))?, at.then("content"))]
        };
        match role {
            Role::Assistant => self.of_model(parts, at),
            // What is told before all turns: a system prompt, wherever it stands.
            Role::System if self.request.turns.is_empty() && parts.iter().all(is_text) => {
                self.lifted |= !parts.is_empty();
                self.request.system.extend(parts);
            }
            _ => self.push(Turn { role, name: None, parts, at }),
        }
        Ok(())
    }

    fn reasoning(&mut self, item: &mut Object<'a>, losses: &mut Losses) -> Result<(), Error> {
        let at = item.at;
        let id = item.members.label("id");
        let mut texts = Vec::new();
        for (index, raw) in item.items("summary")?.into_iter().enumerate() {
            let mut part = Object::of(raw, SUMMARY, at.within("summary", index), losses)?;
            if part.kind("summary_text", losses)?.is_some() {
                texts.extend(part.text("text")?.filter(|text| !text.is_empty()));
            }
            part.finish(losses)?;
        }
        let content = item.items("content")?.into_iter().enumerate();
        let is_shown = !texts.is_empty();
        for (index, raw) in content {
            let mut part = Object::of(raw, CONTENT, at.within("content", index), losses)?;
            if part.kind("reasoning_text", losses)?.is_some() {
                texts.extend(part.text("text")?.filter(|text| !text.is_empty() && !is_shown));
            }
            part.finish(losses)?;
        }
        let text = match texts.len() {
            0 | 1 => texts.pop().unwrap_or_default(),
            _ => Cow::Owned(texts.join("\n\n")),
        };
        let sealed = item.text("encrypted_content")?.filter(|sealed| !sealed.is_empty());
        let sealed = sealed.map(|sealed| seals::read(sealed, id.as_deref()));
        let redacted = matches!(sealed, Some((_, Of::Hidden)));
        match sealed {
            Some((seal, Of::Next)) => self.sealed = Some(seal),
            Some((seal, Of::Last)) => self.seal_last(seal),
            // Nothing to be told, and nothing that anybody takes back.
            None if text.is_empty() => {}
            sealed => {
                let thinking = Thinking { text, seal: sealed.map(|(seal, _)| seal), redacted };
                self.of_model(vec![Part::new(Content::Thinking(thinking), at)], at);
            }
        }
        Ok(())
    }

    fn seal_last(&mut self, seal: Seal<'a>) {
        let last = self.request.turns.last_mut().and_then(|turn| turn.parts.last_mut());
        if let Some(Part { content: Content::Call(call), .. }) = last {
            call.seal = Some(seal);
        }
    }

    fn call(&mut self, item: &mut Object<'a>, plain: bool, losses: &mut Losses) -> Result<(), Error> {
        let at = item.at;
        called_by_model(item, losses)?;
        let id = item.needed("call_id")?;
        let name = item.needed("name")?;
        let name = match item.text("namespace")?.filter(|namespace| !namespace.is_empty()) {
            Some(namespace) => Cow::Owned(flat(Some(&namespace), &name)),
            None => name,
        };
        let input = if plain {
            Input::Plain(item.needed("input")?)
        } else {
            Input::Json(item.text("arguments")?.unwrap_or_default())
        };
        self.calls(Call { id, name, input, seal: None }, at);
        Ok(())
    }

    /// A search for tools is a call of the function that stands for it.
    fn search(&mut self, item: &mut Object<'a>) -> Result<(), Error> {
        let at = item.at;
        let by_client = item.text("execution")?.is_none_or(|by| by == "client");
        let arguments = item.get("arguments");
        let Some(id) = item.text("call_id")?.filter(|_| by_client) else { return Ok(()) };
        let arguments = match arguments {
            Some(raw) if raw.get().starts_with('"') => json::text(raw, at.then("arguments"))?,
            Some(raw) => Cow::Borrowed(raw.get()),
            None => Cow::Borrowed("{}"),
        };
        self.calls(Call { id, name: TOOL_SEARCH.into(), input: Input::Json(arguments), seal: None }, at);
        Ok(())
    }

    /// What a search found: a result, whose tools may be called from there on.
    fn found(&mut self, item: &mut Object<'a>, losses: &mut Losses) -> Result<(), Error> {
        let at = item.at;
        let by_client = item.text("execution")?.is_none_or(|by| by == "client");
        let listed = item.get("tools").map_or("[]", |tools| tools.get());
        self.more_tools(item, Shelf::Found, losses)?;
        if let Some(id) = item.text("call_id")?.filter(|_| by_client) {
            let parts = vec![Part::text(listed, at)];
            self.results(Outcome { id, name: TOOL_SEARCH.into(), parts, failed: false }, at);
        }
        Ok(())
    }

    fn more_tools(&mut self, item: &mut Object<'a>, shelf: Shelf, losses: &mut Losses) -> Result<(), Error> {
        for (index, raw) in item.items("tools")?.into_iter().enumerate() {
            self.tools.add(raw, shelf, item.at.within("tools", index), losses)?;
        }
        Ok(())
    }

    fn outcome(&mut self, item: &mut Object<'a>, losses: &mut Losses) -> Result<(), Error> {
        let at = item.at;
        called_by_model(item, losses)?;
        let id = item.needed("call_id")?;
        let parts = match item.get("output") {
            Some(raw) if raw.get().starts_with('[') => {
                parts::of(raw, parts::RESULT, at, (self.kept, losses))?
            }
            Some(raw) if raw.get().starts_with('"') => {
                vec![Part::text(json::text(raw, at.then("output"))?, at.then("output"))]
            }
            Some(raw) => vec![Part::text(raw.get(), at.then("output"))],
            None => Vec::new(),
        };
        let told = (item.text("namespace")?, item.text("name")?);
        let name = match self.called.iter().rev().find(|(known, _)| *known == id) {
            Some((_, name)) => name.clone(),
            None => Cow::Owned(flat(told.0.as_deref(), told.1.as_deref().unwrap_or_default())),
        };
        self.results(Outcome { id, name, parts, failed: false }, at);
        Ok(())
    }

    fn calls(&mut self, mut call: Call<'a>, at: At) {
        call.seal = self.sealed.take();
        self.called.push((call.id.clone(), call.name.clone()));
        self.of_model(vec![Part::new(Content::Call(call), at)], at);
    }

    /// What the model said stands in one turn, until somebody else speaks.
    fn of_model(&mut self, parts: Vec<Part<'a>>, at: At) {
        // A call that the client has left out takes what is its own with it.
        self.sealed = None;
        match self.request.turns.last_mut() {
            Some(turn) if turn.role == Role::Assistant => turn.parts.extend(parts),
            _ => self.push(Turn { role: Role::Assistant, name: None, parts, at }),
        }
    }

    /// Results stand in one turn, which has nothing else.
    fn results(&mut self, outcome: Outcome<'a>, at: At) {
        let part = Part::new(Content::Outcome(outcome), at);
        match self.request.turns.last_mut() {
            Some(turn) if turn.role == Role::User && turn.parts.iter().all(is_outcome) => {
                turn.parts.push(part)
            }
            _ => self.push(Turn { role: Role::User, name: None, parts: vec![part], at }),
        }
    }
}

/// A call of the model's own, or the result of one; a program's has nobody else to go to.
fn called_by_model(item: &mut Object<'_>, losses: &mut Losses) -> Result<(), Error> {
    let Some(raw) = item.get("caller") else { return Ok(()) };
    let mut caller = Object::of(raw, CALLER, item.at.inside("caller"), losses)?;
    caller.kind("direct", losses)?;
    caller.finish(losses)
}

const fn is_text(part: &Part<'_>) -> bool {
    matches!(part.content, Content::Text(_))
}

const fn is_outcome(part: &Part<'_>) -> bool {
    matches!(part.content, Content::Outcome(_))
}
