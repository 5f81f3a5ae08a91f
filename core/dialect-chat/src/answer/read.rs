//! An upstream's whole answer, read.

use std::collections::HashSet;

use sluice_api::error::Error;
use sluice_neutral::answer::{Answer, Block, Called, End, Said, Started};
use sluice_neutral::dialect::Sent;
use sluice_neutral::json::Members;

use super::pieces::{self, Fragment, unreadable};
use super::{logprobs, usage};
use crate::refusal;

/// Reads an answer.
pub(crate) fn answer<'a>(body: &'a [u8], sent: &Sent) -> Result<Answer<'a>, Error> {
    let top = Members::body(body).map_err(|_| unreadable("it is no JSON object"))?;
    if pieces::is_error(&top) {
        return Err(refusal::failed(body));
    }
    let choice = pieces::choice(&top).ok_or_else(|| unreadable("it has no choices"))?;
    if pieces::has_failed(&choice) {
        return Err(refusal::failed(choice.get("error").map_or(body, |error| error.get().as_bytes())));
    }
    let message =
        pieces::object(&choice, "message").ok_or_else(|| unreadable("its choice has no message"))?;
    let id = pieces::text(&top, "id");
    let mut said = spoken(&message, &choice, sent);
    let begins = id.as_deref().unwrap_or_default();
    let mut ids = HashSet::new();
    for (index, mut call) in pieces::fragments(&message).into_iter().enumerate() {
        // Where two have one id, their results could not be told apart: the second gets one of its own.
        call.id = call.id.filter(|id| ids.insert(id.clone()));
        said.extend(called(call, begins, index));
    }
    let reason = pieces::reason(&choice).unwrap_or_default();
    Ok(Answer {
        started: Started { id, model: pieces::text(&top, "model"), usage: None },
        said,
        end: End { reason, stop_sequence: None },
        usage: usage::read(&top),
    })
}

fn spoken<'a>(message: &Members<'a>, choice: &Members<'a>, sent: &Sent) -> Vec<Said<'a>> {
    let mut said: Vec<Said<'a>> = Vec::new();
    pieces::texts(message, &mut |block, text| match said.last_mut() {
        Some(last) if last.block == block => last.text.to_mut().push_str(&text),
        _ => said.push(Said::new(block, text)),
    });
    for one in &mut said {
        match one.block {
            Block::Thinking => one.seal = Some(pieces::thought_here(&sent.account)),
            Block::Text => one.citations = pieces::citations(message, Some(&one.text)),
            _ => {}
        }
    }
    if let Some(text) = said.iter_mut().find(|one| one.block == Block::Text) {
        text.logprobs = logprobs::read(choice);
    }
    pieces::images(message, &mut |block, data| said.push(Said::new(block, data)));
    said
}

/// A call; one of no tool is none.
fn called<'a>(call: Fragment<'a>, answer: &str, index: usize) -> Option<Said<'a>> {
    let id = call.id.unwrap_or_else(|| pieces::minted(answer, index).into());
    let block = Block::Call(Called { id, name: call.name?, plain: call.plain });
    Some(Said { seal: call.seal, ..Said::new(block, call.arguments.unwrap_or_default()) })
}
