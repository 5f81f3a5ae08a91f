//! A client's whole request.

use std::sync::Arc;

use sluice_api::dialect::Operation;
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::dialect::{Asked, Own};
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Request, Text, Told};

use crate::casing;
use crate::request::{config, contents, tools};
use crate::taking::Taking;

/// What is kept of a request, to write its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    /// Whether the client wants to see thoughts.
    pub(crate) thoughts: bool,
}

/// Reads a request.
pub(crate) fn read<'a>(asked: &Asked<'a>, losses: &mut Losses) -> Result<(Request<'a>, Own), Error> {
    let members = Members::body(asked.body)?.renamed(casing::camel);
    let mut told = Taking::new(members, "", At::ROOT);
    if asked.operation == Operation::CountTokens
        && let Some(inner) = told.take("generateContentRequest", losses)
    {
        told.rest(losses)?;
        told = Taking::of(inner, "", At::ROOT)?;
    }
    let mut request = Request::default();
    request.reasoning.carried = true;
    told.take("model", losses);
    let mut detail = None;
    if let Some(value) = told.take("generationConfig", losses) {
        detail = config::config(value, &mut request, losses)?;
    }
    if let Some(value) = told.take("systemInstruction", losses) {
        request.system = contents::system(value, losses)?;
    }
    let spoken = told.take("contents", losses).ok_or_else(|| json::missing(told.at("contents")))?;
    request.turns = contents::turns(spoken, detail, losses)?;
    if request.turns.is_empty() {
        return Err(json::wrong(told.at("contents"), "nothing is said in it"));
    }
    if let Some(value) = told.take("tools", losses) {
        tools::tools(value, &mut request, losses)?;
    }
    if let Some(value) = told.take("toolConfig", losses) {
        request.choice = tools::choice(value, losses)?;
    }
    if let Some(tier) = told.text("serviceTier", losses)? {
        let tier = tier.to_ascii_lowercase();
        let is_asked = matches!(&*tier, "flex" | "priority");
        request.tier = is_asked.then(|| Told::new(tier.into(), told.at("serviceTier")));
    }
    if let Some(value) = told.take("labels", losses) {
        request.labels = Some(Told::new(labels(value)?, told.at("labels")));
    }
    told.rest(losses)?;
    let thoughts = request.reasoning.shown.is_some_and(|shown| shown.value);
    Ok((request, Some(Arc::new(Kept { thoughts }))))
}

fn labels(value: Raw<'_>) -> Result<Vec<(Text<'_>, Text<'_>)>, Error> {
    let at = At::object("labels");
    let told = Members::of(value, at)?;
    let all = told.iter().map(|(name, value)| Ok((Text::from(name.to_owned()), json::text(value, at)?)));
    all.collect()
}
