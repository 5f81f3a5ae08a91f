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
use sluice_neutral::order::stops;
use sluice_neutral::request::room;
use sluice_neutral::request::{Content, Request, Role};

use crate::models::Traits;
use items::Conversation;
use sluice_neutral::json::write::Object;

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
    let mut body = Vec::with_capacity(room::of(request));
    let mut top = Object::new(&mut body);
    top.text("model", upstream.model);
    let conversation = Conversation { request, traits, account: upstream.account };
    conversation.write(&mut top, &mut names, losses)?;
    tools::write(request, &mut top, &mut names, losses);
    options::write(request, upstream, (traits, &mut top), losses)?;
    drop(top);
    let mut sent = Sent { names, account: upstream.account.to_owned(), ..Sent::default() };
    stops::watch(request.stop.iter(), &mut sent, losses);
    Ok((body, sent))
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
