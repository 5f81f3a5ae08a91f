//! The tools of a request, and whether the model must call one, read.

use std::borrow::Cow;

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Choice, Grammar, Takes, Text, Tool};

use super::object::Object;
use super::parts;

/// `tools`.
pub(crate) fn tools<'a>(list: Raw<'a>, losses: &mut Losses) -> Result<Vec<Tool<'a>>, Error> {
    let members: Vec<Members<'a>> = json::parse(list, At::field("tools"))?;
    let mut tools = Vec::with_capacity(members.len());
    for (index, members) in members.into_iter().enumerate() {
        let mut tool = Object::new(members, "tools", At::item("tools", index));
        let at = tool.at();
        let kind = tool.needed("type", losses)?;
        if !losses.has(tool.place(at.then("type")), &kind)? {
            continue;
        }
        let (inner, place) =
            if kind == "custom" { ("custom", "tools.custom") } else { ("function", "tools.function") };
        let value = tool.get(inner, losses).ok_or_else(|| json::missing(at.then(inner)))?;
        let inner = Object::of(value, place, at.inside(inner))?;
        let mut read = if kind == "custom" { custom(inner, losses)? } else { function(inner, losses)? };
        read.cache = parts::mark(&mut tool, losses)?;
        read.at = at;
        tool.rest(losses)?;
        tools.push(read);
    }
    Ok(tools)
}

/// `functions`, as they were called before there were tools.
pub(crate) fn functions<'a>(list: Raw<'a>, losses: &mut Losses) -> Result<Vec<Tool<'a>>, Error> {
    let members: Vec<Members<'a>> = json::parse(list, At::field("functions"))?;
    let functions = members.into_iter().enumerate();
    functions
        .map(|(index, members)| {
            function(Object::new(members, "functions", At::item("functions", index)), losses)
        })
        .collect()
}

fn function<'a>(mut function: Object<'a>, losses: &mut Losses) -> Result<Tool<'a>, Error> {
    let at = function.at();
    let name = named(&mut function, losses)?;
    let description = function.text("description", losses)?;
    let schema = function.get("parameters", losses);
    if schema.is_some_and(|schema| !schema.get().starts_with('{')) {
        return Err(json::wrong(at.then("parameters"), "it must be an object"));
    }
    let takes = Takes::Schema(schema.map(|schema| Cow::Borrowed(schema.get())));
    let strict = function.parsed("strict", losses)?;
    function.rest(losses)?;
    Ok(Tool { name, description, takes, strict, deferred: false, says: None, cache: None, at })
}

fn named<'a>(object: &mut Object<'a>, losses: &Losses) -> Result<Text<'a>, Error> {
    let name = object.needed("name", losses)?;
    if name.is_empty() {
        return Err(json::wrong(object.at().then("name"), "it is empty"));
    }
    Ok(name)
}

fn custom<'a>(mut custom: Object<'a>, losses: &mut Losses) -> Result<Tool<'a>, Error> {
    let at = custom.at();
    let name = named(&mut custom, losses)?;
    let description = custom.text("description", losses)?;
    let format = custom.get("format", losses);
    let grammar = format.map(|format| grammar(format, at.inside("custom.format"), losses)).transpose()?;
    custom.rest(losses)?;
    let takes = Takes::Plain(grammar.flatten());
    Ok(Tool { name, description, takes, strict: None, deferred: false, says: None, cache: None, at })
}

fn grammar<'a>(value: Raw<'a>, at: At, losses: &mut Losses) -> Result<Option<Grammar<'a>>, Error> {
    let mut format = Object::of(value, "tools.custom.format", at)?;
    let kind = format.needed("type", losses)?;
    losses.has(format.place(at.then("type")), &kind)?;
    let grammar = format.get("grammar", losses);
    format.rest(losses)?;
    if kind != "grammar" {
        return Ok(None);
    }
    let value = grammar.ok_or_else(|| json::missing(at.then("grammar")))?;
    let mut grammar = Object::of(value, "tools.custom.format.grammar", at.inside("custom.format.grammar"))?;
    let syntax = grammar.needed("syntax", losses)?;
    let definition = grammar.needed("definition", losses)?;
    grammar.rest(losses)?;
    Ok(Some(Grammar { syntax, definition }))
}

/// `tool_choice`.
pub(crate) fn choice<'a>(value: Raw<'a>, losses: &mut Losses) -> Result<Choice<'a>, Error> {
    let at = At::object("tool_choice");
    if value.get().starts_with('"') {
        return match &*json::text(value, at)? {
            "auto" => Ok(Choice::Auto),
            "none" => Ok(Choice::Never),
            // What Anthropic calls it, and some compatible servers too.
            "required" | "any" => Ok(Choice::Any),
            _ => Err(json::wrong(at, "it must be `none`, `auto`, `required` or an object")),
        };
    }
    let mut choice = Object::of(value, "tool_choice", at)?;
    let kind = choice.needed("type", losses)?;
    losses.has(choice.place(at.then("type")), &kind)?;
    let (inner, place) = match &*kind {
        "allowed_tools" => ("allowed_tools", "tool_choice.allowed_tools"),
        "custom" => ("custom", "tool_choice.custom"),
        _ => ("function", "tool_choice.function"),
    };
    let value = choice.get(inner, losses).ok_or_else(|| json::missing(at.then(inner)))?;
    choice.rest(losses)?;
    let mut inner = Object::of(value, place, at.inside(inner))?;
    let read = if kind == "allowed_tools" {
        allowed(&mut inner, losses)?
    } else {
        Choice::One(inner.needed("name", losses)?)
    };
    inner.rest(losses)?;
    Ok(read)
}

fn allowed<'a>(allowed: &mut Object<'a>, losses: &Losses) -> Result<Choice<'a>, Error> {
    let at = allowed.at();
    let must = match &*allowed.needed("mode", losses)? {
        "auto" => false,
        "required" => true,
        _ => return Err(json::wrong(at.then("mode"), "it must be `auto` or `required`")),
    };
    let at = at.then("tools");
    let list: Vec<Members<'a>> = allowed.parsed("tools", losses)?.ok_or_else(|| json::missing(at))?;
    let mut names = Vec::with_capacity(list.len());
    for tool in list {
        let inner = tool.get("function").or_else(|| tool.get("custom"));
        let inner = inner.map(|inner| Members::of(inner, at)).transpose()?;
        let name = inner.as_ref().unwrap_or(&tool).text("name", at)?;
        names.push(name.ok_or_else(|| json::wrong(at, "each tool must have a name"))?);
    }
    Ok(Choice::Some { names, must })
}

/// `function_call`.
pub(crate) fn function_call<'a>(value: Raw<'a>, losses: &mut Losses) -> Result<Choice<'a>, Error> {
    let at = At::object("function_call");
    if value.get().starts_with('"') {
        return match &*json::text(value, at)? {
            "auto" => Ok(Choice::Auto),
            "none" => Ok(Choice::Never),
            _ => Err(json::wrong(at, "it must be `none`, `auto` or an object")),
        };
    }
    let mut call = Object::of(value, "function_call", at)?;
    let name = call.needed("name", losses)?;
    call.rest(losses)?;
    Ok(Choice::One(name))
}
