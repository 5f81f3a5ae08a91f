//! The tools of a client's request, and whether they must be called.

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Raw};
use sluice_neutral::loss::{Losses, Place};
use sluice_neutral::request::{Choice, Fetch, Request, Search, Takes, Text, Told, Tool};

use crate::casing;
use crate::fields::{FIELDS, find};
use crate::schema;
use crate::taking::Taking;

/// Reads the list of tools.
pub(crate) fn tools<'a>(value: Raw<'a>, request: &mut Request<'a>, losses: &mut Losses) -> Result<(), Error> {
    for (index, tool) in casing::list(value, At::field("tools"))?.into_iter().enumerate() {
        let at = At::item("tools", index);
        for (name, value) in casing::fields(tool, at)?.iter() {
            let kind = find("tools", name).map_or("", |row| row.name);
            let here = Place::new(FIELDS, "tools", at.then(kind));
            if !losses.has(here, name)? {
                continue;
            }
            if kind == "urlContext" {
                // It has no settings.
                request.fetch = Some(Told::new(Fetch::default(), at.then(kind)));
                continue;
            }
            if kind != "functionDeclarations" {
                let search = search(value, kind, at, losses)?;
                request.search = Some(Told::new(search, at.then(kind)));
                continue;
            }
            let all = casing::list(value, at.then(kind))?.into_iter().enumerate();
            for (index, declared) in all {
                request.tools.push(declaration(declared, at.within("functionDeclarations", index), losses)?);
            }
        }
    }
    Ok(())
}

fn declaration<'a>(value: Raw<'a>, at: At, losses: &mut Losses) -> Result<Tool<'a>, Error> {
    let mut told = Taking::of(value, "tools.functionDeclarations", at)?;
    let name = told.text("name", losses)?.ok_or_else(|| json::missing(at.then("name")))?;
    let description = told.text("description", losses)?;
    let own = told.take("parameters", losses);
    let takes = match told.take("parametersJsonSchema", losses) {
        Some(schema) => Some(schema::of_client(schema, at.then("parametersJsonSchema"))?),
        None => {
            own.map(|schema| schema::of_google(schema, at.then("parameters"))).transpose()?.map(Text::from)
        }
    };
    let says = told.take("responseJsonSchema", losses);
    told.rest(losses)?;
    let takes = Takes::Schema(takes);
    Ok(Tool { name, description, takes, strict: None, deferred: false, says, cache: None, at })
}

/// Google's own search, in each of its forms.
fn search<'a>(value: Raw<'a>, kind: &'static str, at: At, losses: &mut Losses) -> Result<Search<'a>, Error> {
    let place = match kind {
        "googleSearch" => "tools.googleSearch",
        "googleSearchRetrieval" => "tools.googleSearchRetrieval",
        _ => "tools.enterpriseWebSearch",
    };
    let mut told = Taking::of(value, place, at.inside(kind))?;
    if let Some(types) = told.take("searchTypes", losses) {
        let inside = at.inside("googleSearch.searchTypes");
        Taking::of(types, "tools.googleSearch.searchTypes", inside)?.rest(losses)?;
    }
    let mut search = Search::default();
    if let Some(domains) = told.take("excludeDomains", losses) {
        let at = told.at("excludeDomains");
        let domains = casing::list(domains, at)?.into_iter();
        search.blocked = domains.map(|domain| json::text(domain, at)).collect::<Result<_, _>>()?;
    }
    told.rest(losses)?;
    Ok(search)
}

/// Reads whether tools must be called, and which of them may be.
pub(crate) fn choice<'a>(value: Raw<'a>, losses: &mut Losses) -> Result<Option<Told<Choice<'a>>>, Error> {
    let mut told = Taking::of(value, "toolConfig", At::object("toolConfig"))?;
    let calling = told.take("functionCallingConfig", losses);
    told.rest(losses)?;
    let Some(calling) = calling else { return Ok(None) };
    let at = At::object("toolConfig").inside("functionCallingConfig");
    let mut told = Taking::of(calling, "toolConfig.functionCallingConfig", at)?;
    let mode = told.text("mode", losses)?.unwrap_or_default().to_ascii_uppercase();
    let mut names = Vec::new();
    if let Some(list) = told.take("allowedFunctionNames", losses) {
        let at = at.then("allowedFunctionNames");
        names =
            json::items(list, at)?.into_iter().map(|name| json::text(name, at)).collect::<Result<_, _>>()?;
    }
    told.rest(losses)?;
    let must = mode == "ANY";
    let choice = match (&*mode, names.len()) {
        ("NONE", _) => Choice::Never,
        ("ANY", 0) => Choice::Any,
        ("ANY", 1) => names.pop().map_or(Choice::Any, Choice::One),
        ("AUTO" | "VALIDATED", 0) => Choice::Auto,
        ("ANY" | "AUTO" | "VALIDATED", _) => Choice::Some { names, must },
        ("" | "MODE_UNSPECIFIED", _) => return Ok(None),
        _ => return Err(json::wrong(at.then("mode"), "it is none of AUTO, ANY, NONE, VALIDATED")),
    };
    Ok(Some(Told::new(choice, at.then("mode"))))
}
