//! A client's request, read.

mod messages;
mod object;
mod parts;
mod settings;
mod tools;

use std::sync::Arc;

use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::dialect::{Asked, Own};
use sluice_neutral::json::{self, Members};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Choice, Request, Told};

use crate::kept::Kept;
use object::Object;

/// Reads a request.
pub(crate) fn request<'a>(asked: &Asked<'a>, losses: &mut Losses) -> Result<(Request<'a>, Own), Error> {
    let mut top = Object::new(Members::body(asked.body)?, "", At::ROOT);
    // They are for whoever chooses the account, and the form of its answer.
    top.take("model");
    top.take("stream");
    if is_text_alone(&top)? {
        top.take("modalities");
    }
    let messages = top.get("messages", losses).ok_or_else(|| json::missing(At::field("messages")))?;
    let said = messages::read(messages, losses)?;
    let mut request = Request { system: said.system, turns: said.turns, ..Request::default() };
    let mut kept = Kept { include_usage: include_usage(&mut top, losses)?, ..Kept::default() };
    called(&mut top, &mut request, &mut kept, losses)?;
    asked_for(&mut top, &mut request, losses)?;
    top.rest(losses)?;
    Ok((request, Some(Arc::new(kept))))
}

fn is_text_alone(top: &Object<'_>) -> Result<bool, Error> {
    let Some(value) = top.look("modalities") else { return Ok(true) };
    let named: Vec<String> = json::parse(value, At::field("modalities"))?;
    Ok(named.iter().all(|modality| modality == "text"))
}

fn include_usage(top: &mut Object<'_>, losses: &mut Losses) -> Result<bool, Error> {
    let Some(value) = top.get("stream_options", losses) else { return Ok(false) };
    let mut options = Object::of(value, "stream_options", At::object("stream_options"))?;
    let asked: Option<bool> = options.parsed("include_usage", losses)?;
    options.rest(losses)?;
    Ok(asked.unwrap_or_default())
}

/// Tools, in the form of today or in the one before it.
fn called<'a>(
    top: &mut Object<'a>,
    request: &mut Request<'a>,
    kept: &mut Kept,
    losses: &mut Losses,
) -> Result<(), Error> {
    if let Some(list) = top.get("tools", losses) {
        request.tools = tools::tools(list, losses)?;
    }
    if let Some(value) = top.get("tool_choice", losses) {
        request.choice = Some(Told::new(tools::choice(value, losses)?, At::field("tool_choice")));
    }
    let at = At::field("parallel_tool_calls");
    request.parallel =
        top.parsed("parallel_tool_calls", losses)?.map(|parallel: bool| Told::new(parallel, at));
    let functions = top.get("functions", losses).map(|list| tools::functions(list, losses)).transpose()?;
    kept.legacy = functions.is_some() && request.tools.is_empty();
    request.tools.extend(functions.unwrap_or_default());
    if let Some(value) = top.get("function_call", losses) {
        let choice = tools::function_call(value, losses)?;
        request.choice.get_or_insert(Told::new(choice, At::field("function_call")));
    }
    // There was one call in an answer then. Gemini has no way to be told so.
    if kept.legacy && losses.target() != Api::Gemini {
        request.parallel = Some(Told::new(false, At::field("functions")));
    }
    known(request)
}

/// What is to be called must be there.
fn known(request: &Request<'_>) -> Result<(), Error> {
    let Some(choice) = &request.choice else { return Ok(()) };
    let names = match &choice.value {
        Choice::One(name) => std::slice::from_ref(name),
        Choice::Some { names, .. } => names,
        _ => return Ok(()),
    };
    match names.iter().find(|name| !request.tools.iter().any(|tool| tool.name == **name)) {
        Some(name) => Err(json::wrong(choice.at, &format!("there is no tool {}", json::quoted(name)))),
        None => Ok(()),
    }
}

fn asked_for<'a>(top: &mut Object<'a>, request: &mut Request<'a>, losses: &mut Losses) -> Result<(), Error> {
    if let Some(value) = top.get("response_format", losses) {
        let format = settings::format(value, losses)?;
        request.format = format.map(|format| Told::new(format, At::field("response_format")));
    }
    if let Some(value) = top.get("web_search_options", losses) {
        let search = settings::search(value, losses)?;
        request.search = Some(Told::new(search, At::field("web_search_options")));
    }
    if let Some(value) = top.get("stop", losses) {
        request.stop = settings::stop(value)?;
    }
    if let Some(value) = top.get("metadata", losses) {
        request.labels = Some(settings::labels(value)?);
    }
    request.length = settings::length(top, losses)?;
    request.reasoning = settings::reasoning(top, losses)?;
    request.sampling = settings::sampling(top, losses)?;
    request.caching = settings::caching(top, losses)?;
    let mut text =
        |name| top.text(name, losses).map(|text| text.map(|text| Told::new(text, At::field(name))));
    request.tier = text("service_tier")?;
    request.verbosity = text("verbosity")?;
    let user = text("user")?;
    request.user = text("safety_identifier")?.or(user);
    Ok(())
}
