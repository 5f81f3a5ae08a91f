//! The conversation: turns in their order, and what stands beside their content.

use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::{Losses, Place};
use sluice_neutral::request::{Content, Part, Request, Role, Turn};

use super::blocks;
use super::heard::Heard;
use super::object::Object;
use super::options;
use super::tools;
use crate::fields::{CONTENT, FIELDS};

/// The conversation while it is read.
#[derive(Default)]
pub(super) struct Turns<'a> {
    pub(super) heard: Heard<'a>,
    /// Tools that come and go in the midst of the conversation.
    changes: Vec<Change<'a>>,
}

/// A tool that comes or goes.
struct Change<'a> {
    comes: bool,
    tool: Raw<'a>,
    at: At,
}

impl<'a> Turns<'a> {
    /// Reads `messages`.
    pub(super) fn read(
        &mut self,
        value: Raw<'a>,
        request: &mut Request<'a>,
        losses: &mut Losses,
    ) -> Result<(), Error> {
        let mut messages = Vec::new();
        let each = |index| At::item("messages", index);
        for (members, at) in Object::all(value, At::field("messages"), each)? {
            let mut message = Object::new(members, "messages", at, losses);
            let role = role(message.text("role")?.as_deref(), at.then("role"))?;
            messages.push((message, role));
        }
        if messages.is_empty() {
            return Err(json::wrong(At::field("messages"), "there must be at least one"));
        }
        let last_user = messages.iter().rposition(|(_, role)| *role == Role::User);
        for (index, (mut message, role)) in messages.into_iter().enumerate() {
            let is_past = last_user.is_some_and(|last| last > index);
            let cleared = message.text("clear_at")?.is_some_and(|when| when == "next_user_message");
            if cleared && is_past && role == Role::System && losses.target() != Api::Anthropic {
                continue;
            }
            self.message(message, role, request, losses)?;
        }
        Ok(())
    }

    fn message(
        &mut self,
        mut message: Object<'a>,
        role: Role,
        request: &mut Request<'a>,
        losses: &mut Losses,
    ) -> Result<(), Error> {
        let at = message.at();
        let content = message.must("content")?;
        let mut parts = Vec::new();
        if content.get().starts_with('"') {
            parts.push(Part::text(json::text(content, at.then("content"))?, at.then("content")));
        } else {
            let each = |index| at.within("content", index);
            for (members, at) in Object::all(content, at.then("content"), each)? {
                if role == Role::System {
                    self.system(members, at, &mut parts, losses)?;
                } else {
                    let block = Object::new(members, CONTENT, at, losses);
                    blocks::read(block, (&mut self.heard, &mut parts), losses)?;
                    in_its_turn(role, parts.last())?;
                }
            }
        }
        if let Some(value) = message.get("output_config") {
            let mut config = Object::of(value, "messages.output_config", at.inside("output_config"), losses)?;
            let at = at.then("output_config.effort");
            if let Some(name) = config.text("effort")? {
                self.heard.effort = Some(options::effort(&name, at)?);
            }
            config.rest(losses)?;
        }
        message.rest(losses)?;
        // What stands before all turns is told before all turns.
        if role == Role::System && request.turns.is_empty() {
            request.system.extend(parts);
        } else {
            request.turns.push(Turn { role, name: None, parts, at });
        }
        Ok(())
    }

    /// A part of a message of the system's: text, or a tool that comes or goes.
    fn system(
        &mut self,
        members: Members<'a>,
        at: At,
        parts: &mut Vec<Part<'a>>,
        losses: &mut Losses,
    ) -> Result<(), Error> {
        let kind = members.needed("type", at)?;
        let comes = kind == "tool_addition";
        if !comes && kind != "tool_removal" {
            parts.extend(options::told(Object::new(members, "system", at, losses), losses)?);
            return Ok(());
        }
        let mut block = Object::new(members, CONTENT, at, losses);
        block.get("type");
        block.mark()?;
        if losses.has(Place::new(FIELDS, CONTENT, at), &kind)? {
            let tool = block.must("tool")?;
            self.changes.push(Change { comes, tool, at: at.inside("tool") });
        }
        block.rest(losses)
    }

    /// Changes the tools by what the conversation says of them.
    pub(super) fn change(&mut self, request: &mut Request<'a>, losses: &mut Losses) -> Result<(), Error> {
        for Change { comes, tool, at } in std::mem::take(&mut self.changes) {
            let mut told = Object::of(tool, "messages.content.tool", at, losses)?;
            let kind = told.needed("type")?;
            losses.has(told.placed(), &kind)?;
            if kind == "tool_definition" {
                let definition = told.must("definition")?;
                let definition = Object::of(definition, "tools", at.inside("tool.definition"), losses)?;
                tools::add(definition, request, losses)?;
            } else {
                let name = told.needed("name")?;
                if comes {
                    self.heard.found.push(name);
                } else {
                    request.tools.retain(|tool| tool.name != name);
                }
            }
            told.rest(losses)?;
        }
        Ok(())
    }

    /// Refuses a last turn of the model's that it is to go on with: no other dialect has that.
    pub(super) fn refuse_prefill(&self, request: &Request<'a>, losses: &Losses) -> Result<(), Error> {
        if losses.target() == Api::Anthropic {
            return Ok(());
        }
        let last = request.turns.iter().rev().find(|turn| turn.role != Role::System);
        let Some(last) = last.filter(|turn| turn.role == Role::Assistant) else { return Ok(()) };
        if last.parts.iter().any(|part| matches!(part.content, Content::Call(_))) {
            return Ok(());
        }
        Err(losses.refusal(last.at, "a last turn of the model's, which it is to go on with,"))
    }
}

/// Whether a part stands in a turn that may hold it.
fn in_its_turn(role: Role, part: Option<&Part<'_>>) -> Result<(), Error> {
    let Some(part) = part else { return Ok(()) };
    let at = part.at.then("type");
    match (role, &part.content) {
        (Role::User, Content::Call(_) | Content::Thinking(_)) => {
            Err(json::wrong(at, "the user says no such thing"))
        }
        (Role::Assistant, Content::Outcome(_)) => Err(json::wrong(at, "the model says no such thing")),
        _ => Ok(()),
    }
}

fn role(role: Option<&str>, at: At) -> Result<Role, Error> {
    match role {
        Some("user") => Ok(Role::User),
        Some("assistant") => Ok(Role::Assistant),
        Some("system") => Ok(Role::System),
        Some(_) => Err(json::wrong(at, "it is user, assistant or system")),
        None => Err(json::missing(at)),
    }
}
