//! Tools, and the choice among them.

use std::borrow::Cow;

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Choice, Fetch, Request, Search, Takes, Text, Told, Tool};

use super::known::known;
use super::object::Object;

/// Reads `tools`.
pub(super) fn read<'a>(value: Raw<'a>, request: &mut Request<'a>, losses: &mut Losses) -> Result<(), Error> {
    for (members, at) in Object::all(value, At::field("tools"), |index| At::item("tools", index))? {
        add(Object::new(members, "tools", at, losses), request, losses)?;
    }
    Ok(())
}

/// Reads a tool.
pub(super) fn add<'a>(
    mut tool: Object<'a>,
    request: &mut Request<'a>,
    losses: &mut Losses,
) -> Result<(), Error> {
    let at = tool.at();
    let kind = tool.text("type")?.unwrap_or(Cow::Borrowed("custom"));
    if !losses.has(tool.placed(), &kind)? {
        return Ok(());
    }
    let callers: Option<Vec<Text<'a>>> = tool.parsed("allowed_callers")?;
    if callers.is_some_and(|callers| !callers.iter().any(|caller| caller == "direct")) {
        losses.name(at);
        return Ok(());
    }
    let cache = tool.mark()?;
    let deferred = tool.parsed("defer_loading")?.unwrap_or_default();
    let name = tool.needed("name")?;
    let strict = tool.parsed("strict")?;
    if &*kind == "custom" {
        let schema = tool.get("input_schema").map(|schema| json::object(schema, at.then("input_schema")));
        let takes = Takes::Schema(schema.transpose()?.map(Text::Borrowed));
        let description = description(&mut tool)?;
        request.tools.push(Tool { name, description, takes, strict, deferred, says: None, cache, at });
    } else if let Some((description, schema)) = known(&kind, &mut tool)? {
        let (description, takes) = (Some(description), Takes::Schema(Some(schema)));
        request.tools.push(Tool { name, description, takes, strict, deferred, says: None, cache, at });
    } else if kind.starts_with("web_fetch_") {
        let most = tool.parsed("max_uses")?;
        request.fetch = Some(Told::new(Fetch { most }, at));
    } else {
        request.search = Some(Told::new(search(&mut tool, losses)?, at));
    }
    tool.rest(losses)
}

/// Tools that are found by searches: there are none toward others. Those that were found are there from the start, and
/// those that were not are left out, unless none was.
pub(super) fn settle(found: &[Text<'_>], request: &mut Request<'_>) {
    let is_found = |tool: &Tool<'_>| found.contains(&tool.name);
    let any = request.tools.iter().any(|tool| tool.deferred && is_found(tool));
    request.tools.retain(|tool| !tool.deferred || !any || is_found(tool));
    request.tools.iter_mut().for_each(|tool| tool.deferred = false);
}

/// What a tool is for, with examples of how it is called.
fn description<'a>(tool: &mut Object<'a>) -> Result<Option<Text<'a>>, Error> {
    let description = tool.text("description")?;
    let Some(examples) = tool.get("input_examples") else { return Ok(description) };
    let described = description.unwrap_or_default();
    Ok(Some(format!("{described}\n\nExamples: {}", examples.get()).trim_start().to_owned().into()))
}

fn search<'a>(tool: &mut Object<'a>, losses: &mut Losses) -> Result<Search<'a>, Error> {
    let mut search = Search { most: tool.parsed("max_uses")?, ..Search::default() };
    if let Some(value) = tool.get("allowed_domains") {
        let at = tool.at().then("allowed_domains");
        for domain in json::items(value, at)? {
            search.allowed.push(json::text(domain, at)?);
        }
    }
    if let Some(value) = tool.get("user_location") {
        let mut place = Object::of(value, "tools.user_location", tool.at().inside("user_location"), losses)?;
        place.get("type");
        for name in ["city", "country", "region", "timezone"] {
            if let Some(text) = place.text(name)? {
                search.near.push((name, text));
            }
        }
        place.rest(losses)?;
    }
    Ok(search)
}

/// Reads `tool_choice`.
pub(super) fn choice<'a>(
    value: Raw<'a>,
    request: &mut Request<'a>,
    losses: &mut Losses,
) -> Result<(), Error> {
    let at = At::object("tool_choice");
    let mut told = Object::of(value, "tool_choice", at, losses)?;
    let kind = told.needed("type")?;
    losses.has(told.placed(), &kind)?;
    let choice = match &*kind {
        "any" => Choice::Any,
        "none" => Choice::Never,
        "tool" => Choice::One(told.needed("name")?),
        _ => Choice::Auto,
    };
    request.choice = Some(Told::new(choice, at));
    if let Some(alone) = told.parsed::<bool>("disable_parallel_tool_use")? {
        request.parallel = Some(Told::new(!alone, At::field("tool_choice.disable_parallel_tool_use")));
    }
    told.rest(losses)
}
