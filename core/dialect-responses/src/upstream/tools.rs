//! Tools, and whether one must be called.

use sluice_neutral::json::strict::strict;
use sluice_neutral::loss::Losses;
use sluice_neutral::names::{Names, Rule};
use sluice_neutral::request::{Choice, Request, Search, Takes, Tool};

use super::strict::of_tool;
use sluice_neutral::json::write::{List, Object};

/// What a tool may be called.
pub(super) const NAMES: Rule = Rule { longest: 64, begins_with_letter: false, also: "" };

/// Writes them.
pub(super) fn write(request: &Request<'_>, top: &mut Object<'_>, names: &mut Names, losses: &mut Losses) {
    if request.tools.is_empty() && request.search.is_none() {
        return;
    }
    let mut tools = top.list("tools");
    for tool in &request.tools {
        one(&mut tools, tool, names, losses);
    }
    if let Some(told) = &request.search {
        search(&mut tools, &told.value);
    }
    drop(tools);
    if let Some(most) = request.search.as_ref().and_then(|told| told.value.most) {
        top.number("max_tool_calls", most);
    }
    if let Some(parallel) = request.parallel.filter(|_| !request.tools.is_empty()) {
        top.flag("parallel_tool_calls", parallel.value);
    }
    if let Some(told) = &request.choice {
        choice(&told.value, request, top, names);
    }
}

fn one(tools: &mut List<'_>, tool: &Tool<'_>, names: &mut Names, losses: &mut Losses) {
    let name = names.sent(&tool.name, NAMES);
    let mut written = tools.object();
    let plain = matches!(tool.takes, Takes::Plain(_));
    written.text("type", if plain { "custom" } else { "function" });
    written.text("name", &name);
    written.some("description", tool.description.as_deref());
    match &tool.takes {
        Takes::Schema(schema) => {
            let schema = of_tool(schema.as_deref());
            let asked = tool.strict == Some(true);
            let held = if asked { strict(&schema) } else { None };
            if asked && held.is_none() {
                losses.name(tool.at.then("strict"));
            }
            written.raw("parameters", held.as_deref().unwrap_or(&schema).as_bytes());
            // Left out, it would be as if it were asked for.
            written.flag("strict", held.is_some());
            if let Some(says) = tool.says {
                written.raw("output_schema", says.get());
            }
        }
        Takes::Plain(Some(grammar)) => {
            let mut format = written.object("format");
            format.text("type", "grammar");
            format.text("syntax", &grammar.syntax);
            format.text("definition", &grammar.definition);
        }
        Takes::Plain(None) => {}
    }
}

fn search(tools: &mut List<'_>, search: &Search<'_>) {
    let mut written = tools.object();
    written.text("type", "web_search");
    if !search.allowed.is_empty() {
        let mut filters = written.object("filters");
        let mut allowed = filters.list("allowed_domains");
        search.allowed.iter().for_each(|domain| allowed.text(domain));
    }
    written.some("search_context_size", search.context.as_deref());
    if !search.near.is_empty() {
        let mut near = written.object("user_location");
        near.text("type", "approximate");
        search.near.iter().for_each(|(name, value)| near.text(name, value));
    }
}

fn choice(choice: &Choice<'_>, request: &Request<'_>, top: &mut Object<'_>, names: &mut Names) {
    match choice {
        Choice::Auto => top.text("tool_choice", "auto"),
        Choice::Never => top.text("tool_choice", "none"),
        Choice::Any => top.text("tool_choice", "required"),
        Choice::One(name) => named(&mut top.object("tool_choice"), name, request, names),
        Choice::Some { names: some, must } => {
            let mut chosen = top.object("tool_choice");
            chosen.text("type", "allowed_tools");
            chosen.text("mode", if *must { "required" } else { "auto" });
            let mut tools = chosen.list("tools");
            some.iter().for_each(|name| named(&mut tools.object(), name, request, names));
        }
    }
}

fn named(one: &mut Object<'_>, name: &str, request: &Request<'_>, names: &mut Names) {
    let plain = request.tools.iter().any(|tool| tool.name == name && matches!(tool.takes, Takes::Plain(_)));
    one.text("type", if plain { "custom" } else { "function" });
    one.text("name", &names.sent(name, NAMES));
}
