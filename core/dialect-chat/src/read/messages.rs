//! The messages of a request, read: what is told before all turns, and the turns.

use std::borrow::Cow;
use std::collections::HashMap;

use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Call, Content, Input, Outcome, Part, Role, Text, Thinking, Turn};
use sluice_neutral::seal::Seal;

use super::object::Object;
use super::parts;

/// What was said.
#[derive(Default)]
pub(crate) struct Conversation<'a> {
    /// Before all turns.
    pub(crate) system: Vec<Part<'a>>,
    /// The turns, one for each message.
    pub(crate) turns: Vec<Turn<'a>>,
    /// The tools that were called, by the ids of the calls.
    names: HashMap<Text<'a>, Text<'a>>,
    /// Calls without an id of their own and without a result yet: of `function_call`, or of who wrote none.
    minted: Vec<Minted<'a>>,
}

struct Minted<'a> {
    id: Text<'a>,
    name: Text<'a>,
}

/// Reads all messages.
pub(crate) fn read<'a>(list: Raw<'a>, losses: &mut Losses) -> Result<Conversation<'a>, Error> {
    let at = At::field("messages");
    if !list.get().starts_with('[') {
        return Err(json::wrong(at, "it must be an array"));
    }
    let messages: Vec<Members<'a>> = json::parse(list, at)?;
    let mut said = Conversation { turns: Vec::with_capacity(messages.len()), ..Conversation::default() };
    for (index, members) in messages.into_iter().enumerate() {
        said.message(Object::new(members, "messages", At::item("messages", index)), losses)?;
    }
    Ok(said)
}

impl<'a> Conversation<'a> {
    fn message(&mut self, mut message: Object<'a>, losses: &mut Losses) -> Result<(), Error> {
        let at = message.at();
        let role = message.needed("role", losses)?;
        if !losses.has(message.place(at.then("role")), &role)? {
            return Ok(());
        }
        let name = message.text("name", losses)?;
        let content = message.get("content", losses);
        let mut parts = content.map(|content| parts::content(content, at, losses)).transpose()?;
        let role = match &*role {
            "assistant" => {
                let parts = parts.get_or_insert_default();
                self.assistant(&mut message, parts, losses)?;
                Role::Assistant
            }
            "tool" => {
                let id = message.text("tool_call_id", losses)?;
                parts = Some(vec![self.outcome(id, None, parts, at)?]);
                Role::User
            }
            "function" => {
                parts = Some(vec![self.outcome(None, name.as_ref(), parts, at)?]);
                Role::User
            }
            "user" => Role::User,
            _ => Role::System,
        };
        message.rest(losses)?;
        let mut parts = parts.ok_or_else(|| json::missing(at.then("content")))?;
        drop_empty(&mut parts);
        if role == Role::System && self.turns.is_empty() {
            self.system.extend(parts);
        } else {
            self.turns.push(Turn { role, name, parts, at });
        }
        Ok(())
    }

    fn assistant(
        &mut self,
        message: &mut Object<'a>,
        parts: &mut Vec<Part<'a>>,
        losses: &mut Losses,
    ) -> Result<(), Error> {
        let at = message.at();
        let thoughts = thoughts(message, losses)?;
        let thoughts = thoughts
            .into_iter()
            .map(|thought| Part::new(Content::Thinking(thought), at.then("reasoning_content")));
        parts.splice(0..0, thoughts);
        if let Some(refusal) = message.text("refusal", losses)? {
            parts.push(Part::new(Content::Refusal(refusal), at.then("refusal")));
        }
        if let Some(calls) = message.get("tool_calls", losses) {
            let calls: Vec<Members<'a>> = json::parse(calls, at.then("tool_calls"))?;
            for (index, members) in calls.into_iter().enumerate() {
                let at = at.within("tool_calls", index);
                let call = call(Object::new(members, "messages.tool_calls", at), losses)?;
                parts.push(self.called(call, at, index));
            }
        }
        if let Some(value) = message.get("function_call", losses) {
            let inside = at.inside("function_call");
            let (name, input) = function(value, "messages.function_call", inside, losses)?;
            let call = Call { id: Cow::Borrowed(""), name, input, seal: None };
            parts.push(self.called(call, at.then("function_call"), 0));
        }
        Ok(())
    }

    /// A call, under an id that its result can name.
    fn called(&mut self, mut call: Call<'a>, at: At, index: usize) -> Part<'a> {
        if call.id.is_empty() {
            call.id = Cow::Owned(format!("call_{}_{index}", self.turns.len()));
            self.minted.push(Minted { id: call.id.clone(), name: call.name.clone() });
        } else {
            self.names.insert(call.id.clone(), call.name.clone());
        }
        Part::new(Content::Call(call), at)
    }

    /// What a tool said: the result of the call of its id; else of the last one of its name, or of the first without an id.
    fn outcome(
        &mut self,
        id: Option<Text<'a>>,
        name: Option<&Text<'a>>,
        parts: Option<Vec<Part<'a>>>,
        at: At,
    ) -> Result<Part<'a>, Error> {
        let id = id.filter(|id| !id.is_empty());
        let found = match (&id, name) {
            (Some(_), _) => None,
            (None, Some(name)) => self.minted.iter().rposition(|call| call.name == *name),
            (None, None) => (!self.minted.is_empty()).then_some(0),
        };
        let call = found.map(|found| self.minted.remove(found));
        if id.is_none() && name.is_none() && call.is_none() {
            return Err(json::missing(at.then("tool_call_id")));
        }
        let known = id.as_ref().and_then(|id| self.names.get(id)).cloned();
        let name = known.or_else(|| call.as_ref().map(|call| call.name.clone())).or_else(|| name.cloned());
        let id = id.or_else(|| call.map(|call| call.id)).unwrap_or_default();
        let parts = parts.unwrap_or_default();
        let outcome = Outcome { id, name: name.unwrap_or_default(), parts, failed: false };
        Ok(Part::new(Content::Outcome(outcome), at))
    }
}

/// What a model showed of its thoughts; with what only their maker can read, where the client has kept that.
fn thoughts<'a>(message: &mut Object<'a>, losses: &Losses) -> Result<Vec<Thinking<'a>>, Error> {
    let mut text = message.text("reasoning_content", losses)?;
    match message.get("reasoning", losses) {
        Some(value) if text.is_none() && value.get().starts_with('"') => {
            text = Some(json::text(value, message.at().then("reasoning"))?);
        }
        _ => {}
    }
    let kept = message.get("reasoning_details", losses).and_then(|list| json::items(list, At::ROOT).ok());
    let kept: Vec<Thinking<'a>> = kept.unwrap_or_default().into_iter().filter_map(kept_thought).collect();
    if !kept.is_empty() {
        return Ok(kept);
    }
    let text = text.filter(|text| !text.is_empty());
    Ok(text.map(|text| Thinking { text, seal: None, redacted: false }).into_iter().collect())
}

/// One thought that a client has kept; what is none that is known says nothing.
fn kept_thought(value: Raw<'_>) -> Option<Thinking<'_>> {
    let detail = Members::of(value, At::ROOT).ok()?;
    let text = |name| detail.text(name, At::ROOT).ok().flatten().filter(|text: &Text<'_>| !text.is_empty());
    let seal = |sealed| Some(Seal::read(Api::OpenaiChat, sealed));
    if let Some(data) = text("data") {
        return Some(Thinking { text: Cow::Borrowed(""), seal: seal(data), redacted: true });
    }
    let sealed = text("signature").and_then(seal);
    let shown = text("text").or_else(|| text("summary"));
    (shown.is_some() || sealed.is_some()).then(|| Thinking {
        text: shown.unwrap_or_default(),
        seal: sealed,
        redacted: false,
    })
}

/// Texts without a letter say nothing beside others, and some providers refuse them.
fn drop_empty(parts: &mut Vec<Part<'_>>) {
    let is_empty = |part: &Part<'_>| matches!(&part.content, Content::Text(text) if text.is_empty());
    if parts.iter().any(|part| !is_empty(part)) {
        parts.retain(|part| part.cache.is_some() || !is_empty(part));
    }
}

fn call<'a>(mut call: Object<'a>, losses: &mut Losses) -> Result<Call<'a>, Error> {
    let at = call.at();
    let id = call.text("id", losses)?.unwrap_or_default();
    let kind = match call.text("type", losses)? {
        Some(kind) => kind,
        None if call.look("custom").is_some() => Cow::Borrowed("custom"),
        None => Cow::Borrowed("function"),
    };
    losses.has(call.place(at.then("type")), &kind)?;
    let (name, input) = if kind == "custom" {
        let value = call.get("custom", losses).ok_or_else(|| json::missing(at.then("custom")))?;
        let mut custom = Object::of(value, "messages.tool_calls.custom", at.inside("custom"))?;
        let named = (custom.needed("name", losses)?, Input::Plain(custom.needed("input", losses)?));
        custom.rest(losses)?;
        named
    } else {
        let value = call.get("function", losses).ok_or_else(|| json::missing(at.then("function")))?;
        function(value, "messages.tool_calls.function", at.inside("function"), losses)?
    };
    let seal = call.get("extra_content", losses).and_then(seal);
    call.rest(losses)?;
    Ok(Call { id, name, input, seal })
}

fn function<'a>(
    value: Raw<'a>,
    place: &'static str,
    at: At,
    losses: &mut Losses,
) -> Result<(Text<'a>, Input<'a>), Error> {
    let mut function = Object::of(value, place, at)?;
    let name = function.needed("name", losses)?;
    let arguments = match function.get("arguments", losses) {
        // Some clients send back what they have parsed.
        Some(value) if value.get().starts_with('{') => Cow::Borrowed(value.get()),
        Some(value) => json::text(value, at.then("arguments"))?,
        None => Cow::Borrowed(""),
    };
    function.rest(losses)?;
    Ok((name, Input::Json(arguments)))
}

/// What Google's models want back with a call, in the place where Google's own server for this dialect has it.
fn seal(extra: Raw<'_>) -> Option<Seal<'_>> {
    let google = Members::of(extra, At::ROOT).ok()?.get("google")?;
    let signature = Members::of(google, At::ROOT).ok()?.text("thought_signature", At::ROOT).ok()??;
    let read = Seal::read(Api::OpenaiChat, signature);
    // Of a server of Google's: it is as it was made.
    Some(Seal { origin: if read.account.is_none() { Api::Gemini } else { read.origin }, ..read })
}
