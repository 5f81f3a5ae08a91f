//! An answer, told to a client: whole, or as a stream.

mod items;
mod open;

use std::sync::Arc;

use sluice_api::cost::Usage;
use sluice_neutral::answer::Plain;
use sluice_neutral::answer::{Answer, End, Event, Failure, Reason, Started};
use sluice_neutral::dialect::{Reply, Writer};

use crate::own::Asked;
use crate::{refusal, usage};
use items::Items;
use sluice_neutral::json::write::Object;

/// What keeps a silent stream alive.
const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// Tells an answer.
#[derive(Debug)]
pub(crate) struct Telling {
    reply: Arc<Reply>,
    id: String,
    items: Items,
}

impl Telling {
    /// Nothing is told yet.
    pub(crate) fn new(reply: &Arc<Reply>, streams: bool) -> Self {
        // What stands behind an id's prefix has letters and digits alone, and no more than OpenAI takes back.
        let letters: String = reply.id.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        let items = Items::new(letters.clone(), Arc::clone(reply), streams);
        Self { reply: Arc::clone(reply), id: format!("resp_{letters}"), items }
    }

    /// The response as far as it is told.
    fn response(&self, state: &State<'_>, response: &mut Object<'_>) {
        response.text("id", &self.id);
        response.text("object", "response");
        response.raw("created_at", self.reply.created.to_string());
        response.text("status", state.status);
        match state.failure {
            Some(failure) => {
                let mut error = response.object("error");
                error.text("code", refusal::code(failure));
                error.text("message", &refusal::said(failure));
            }
            None => response.raw("error", "null"),
        }
        match state.why {
            Some(why) => response.object("incomplete_details").text("reason", why),
            None => response.raw("incomplete_details", "null"),
        }
        response.text("model", &self.reply.model);
        response.raw("output", [b"[", self.items.output(), b"]"].concat());
        match self.reply.own::<Asked>() {
            Some(asked) => response.members(&asked.echo),
            None => response.members(r#""parallel_tool_calls":true,"tool_choice":"auto","tools":[]"#),
        }
        match state.usage {
            Some(used) => usage::write(used, response),
            None => response.raw("usage", "null"),
        }
    }

    /// Closes what is open; how far the answer is then, and why it is not whole.
    fn ended(&mut self, reason: Reason, out: &mut Vec<u8>) -> (&'static str, Option<&'static str>) {
        let why = match reason {
            Reason::Length | Reason::ContextFull => "max_output_tokens",
            Reason::Refused if !self.items.has_refused() => "content_filter",
            _ => {
                self.items.close(out);
                return ("completed", None);
            }
        };
        self.items.cut(out);
        ("incomplete", Some(why))
    }

    fn lifecycle(&mut self, kind: &str, state: &State<'_>, out: &mut Vec<u8>) {
        let Some(mut event) = self.items.event(kind, out) else { return };
        let mut response = event.object("response");
        self.response(state, &mut response);
    }
}

/// How far a response is.
#[derive(Clone, Copy, Debug, Default)]
struct State<'s> {
    status: &'static str,
    why: Option<&'static str>,
    usage: Option<&'s Usage>,
    failure: Option<&'s Failure<'s>>,
}

impl Writer for Telling {
    fn start(&mut self, _started: &Started<'_>, out: &mut Vec<u8>) {
        let state = State { status: "in_progress", ..State::default() };
        self.lifecycle("response.created", &state, out);
        self.lifecycle("response.in_progress", &state, out);
    }

    fn block(&mut self, block: Plain<'_>, out: &mut Vec<u8>) {
        self.items.block(block, out);
    }

    fn end(&mut self, end: &End<'_>, usage: &Usage, out: &mut Vec<u8>) {
        let (status, why) = self.ended(end.reason, out);
        let state = State { status, why, usage: Some(usage), failure: None };
        // An answer that was cut comes with this event too: at `response.incomplete` the official SDK for Python throws
        // away all that it has, and Codex its turn, while every reader goes by the status.
        self.lifecycle("response.completed", &state, out);
    }

    fn fail(&mut self, failure: &Failure<'_>, request_id: &str, out: &mut Vec<u8>) {
        self.items.cut(out);
        let state = State { status: "failed", failure: Some(failure), ..State::default() };
        let Some(mut event) = self.items.event("response.failed", out) else { return };
        let mut response = event.object("response");
        self.response(&state, &mut response);
        drop(response);
        // The official SDKs raise only where the error stands at the top level too.
        refusal::write(failure, request_id, &mut event);
    }

    fn keep_alive(&self) -> &'static [u8] {
        KEEP_ALIVE
    }
}

/// Tells a whole answer.
pub(crate) fn whole(answer: &Answer<'_>, reply: &Reply) -> Vec<u8> {
    let mut telling = Telling::new(&Arc::new(reply.clone()), false);
    let (usage, mut nothing) = (answer.usage, Vec::new());
    let mut body = Vec::new();
    answer.clone().events(&mut |event| match event {
        Event::Opened(_, block) => telling.items.block(Plain::Opened(block), &mut nothing),
        Event::Added(_, piece) => telling.items.block(Plain::Added(piece), &mut nothing),
        Event::Closed(_) => telling.items.block(Plain::Closed, &mut nothing),
        Event::Ended(end) => {
            let (status, why) = telling.ended(end.reason, &mut nothing);
            let usage = usage.unwrap_or_default();
            let state = State { status, why, usage: Some(&usage), failure: None };
            telling.response(&state, &mut Object::new(&mut body));
        }
        Event::Started(_) | Event::Used(_) | Event::Failed(_) | Event::Whole => {}
    });
    body
}
