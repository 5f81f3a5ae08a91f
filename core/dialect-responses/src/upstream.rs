//! A request, written for an upstream.

mod items;
mod options;
mod pairs;
mod parts;
mod strict;
mod tools;

use sluice_api::dialect::Operation;
use sluice_api::error::Error;
use sluice_neutral::dialect::{Sent, Upstream};
use sluice_neutral::loss::Losses;
use sluice_neutral::names::Names;
use sluice_neutral::request::{Content, Request, Role};

use crate::models::Traits;
use items::Conversation;
use sluice_neutral::json::write::Object;

/// What the whole body has beside its texts.
const FRAME: usize = 4_096;

/// Writes a request.
pub(crate) fn write(
    request: &Request<'_>,
    upstream: &Upstream<'_>,
    losses: &mut Losses,
) -> Result<(Vec<u8>, Sent), Error> {
    let traits = Traits::of(upstream.model);
    let mut names = Names::default();
    let counts = upstream.operation == Operation::CountTokens;
    if !counts {
        begun(request, losses)?;
    }
    let mut body = Vec::with_capacity(length(request) + FRAME);
    let mut top = Object::new(&mut body);
    top.text("model", upstream.model);
    let conversation = Conversation { request, traits, account: upstream.account };
    conversation.write(&mut top, &mut names, losses)?;
    tools::write(request, &mut top, &mut names, losses);
    options::write(request, upstream, (traits, &mut top), losses)?;
    drop(top);
    Ok((body, Sent { names, wrapped: Vec::new(), account: upstream.account.to_owned() }))
}

/// An answer that is begun for the model can't be gone on with.
fn begun(request: &Request<'_>, losses: &Losses) -> Result<(), Error> {
    let Some(turn) = request.turns.last().filter(|turn| turn.role == Role::Assistant) else { return Ok(()) };
    let says = turn.parts.iter().rev().find(|part| !matches!(part.content, Content::Thinking(_)));
    match says.map(|part| &part.content) {
        Some(Content::Text(_)) => Err(losses.refusal(turn.at, "an answer that is begun for the model")),
        _ => Ok(()),
    }
}

/// The length of all texts, about: so much is set aside for the body.
fn length(request: &Request<'_>) -> usize {
    let turns = request.turns.iter().map(|turn| turn.parts.as_slice());
    let parts = turns.chain([request.system.as_slice()]).flatten();
    let said: usize = parts.map(|part| pairs::length(&part.content) + 128).sum();
    let tools = request.tools.iter().map(|tool| {
        let described = tool.description.as_ref().map_or(0, |text| text.len());
        described + tools::length(&tool.takes) + 128
    });
    // Quotes and line breaks are written longer than they are.
    let all = said + tools.sum::<usize>();
    all + all / 8
}
