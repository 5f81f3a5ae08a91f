//! Tools, and whether the model must call one, written.

use std::borrow::Cow;

use sluice_neutral::at::At;
use sluice_neutral::json::strict::strict;
use sluice_neutral::request::{Choice, Grammar, Request, Takes, Tool};

use super::target::Target;
use crate::json::Json;

/// What a tool takes that takes nothing.
const NOTHING: &str = r#"{"type":"object","properties":{}}"#;

/// What a tool takes that takes text, where there are only such with arguments.
const ONE_TEXT: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#;

/// Tools, whether one must be called, and whether several may be.
pub(crate) fn write(request: &Request<'_>, target: &mut Target<'_>, json: &mut Json) {
    let choice = request.choice.as_ref().map(|choice| &choice.value);
    let allowed = match choice {
        // Who copies OpenAI's dialect does not know how to be told that some of them are allowed.
        Some(Choice::Some { names, .. }) if !target.model.is_openai => Some(names),
        _ => None,
    };
    let is_allowed = |tool: &&Tool<'_>| allowed.is_none_or(|names| names.contains(&tool.name));
    let tools: Vec<&Tool<'_>> = request.tools.iter().filter(is_allowed).collect();
    // Without tools, nothing may be said about them.
    if tools.is_empty() {
        return;
    }
    json.key("tools").array(|json| tools.iter().for_each(|one| tool(one, target, json)));
    if let Some(choice) = choice {
        must(choice, request, target, json);
    }
    // That several may be is what all do where nothing is said; not all who copy OpenAI's dialect know the word for it.
    let says = |parallel: bool| target.model.parallel && (target.model.is_openai || !parallel);
    if let Some(parallel) = request.parallel.filter(|parallel| says(parallel.value)) {
        json.key("parallel_tool_calls").raw(if parallel.value { "true" } else { "false" });
    }
}

fn tool(tool: &Tool<'_>, target: &mut Target<'_>, json: &mut Json) {
    match &tool.takes {
        Takes::Plain(grammar) if target.model.plain_tools => plain(tool, grammar.as_ref(), target, json),
        Takes::Plain(grammar) => {
            target.sent.wrapped.push(tool.name.clone().into_owned());
            let description = in_words(tool.description.as_deref(), grammar.as_ref());
            function(tool, &description, ONE_TEXT, (target, json));
        }
        Takes::Schema(schema) => {
            let description = tool.description.as_deref().unwrap_or_default();
            function(tool, description, schema.as_deref().unwrap_or(NOTHING), (target, json));
        }
    }
}

fn function(tool: &Tool<'_>, description: &str, schema: &str, (target, json): (&mut Target<'_>, &mut Json)) {
    let strict = tool.strict.filter(|strict| *strict || target.model.is_openai);
    let held = match strict {
        Some(true) => held(schema, tool.at.then("strict"), target),
        _ => None,
    };
    let strict = strict.filter(|strict| !strict || held.is_some());
    json.object(|json| {
        json.key("type").text("function");
        json.key("function").object(|json| {
            json.key("name").text(&target.name(&tool.name));
            if !description.is_empty() {
                json.key("description").text(description);
            }
            json.key("parameters").raw(held.as_deref().unwrap_or(schema));
            if let Some(strict) = strict {
                json.key("strict").raw(if strict { "true" } else { "false" });
            }
        });
    });
}

fn plain(tool: &Tool<'_>, grammar: Option<&Grammar<'_>>, target: &mut Target<'_>, json: &mut Json) {
    json.object(|json| {
        json.key("type").text("custom");
        json.key("custom").object(|json| {
            json.key("name").text(&target.name(&tool.name));
            if let Some(description) = &tool.description {
                json.key("description").text(description);
            }
            let Some(grammar) = grammar else { return };
            json.key("format").object(|json| {
                json.key("type").text("grammar");
                json.key("grammar").object(|json| {
                    json.key("syntax").text(&grammar.syntax);
                    json.key("definition").text(&grammar.definition);
                });
            });
        });
    });
}

/// A description with the grammar of what the tool takes.
fn in_words<'a>(description: Option<&'a str>, grammar: Option<&Grammar<'_>>) -> Cow<'a, str> {
    let description = description.unwrap_or_default();
    let Some(Grammar { syntax, definition }) = grammar else { return Cow::Borrowed(description) };
    let words = format!("{description}\n\n`input` must fit this grammar ({syntax}):\n{definition}");
    Cow::Owned(words.trim_start().to_owned())
}

fn must(choice: &Choice<'_>, request: &Request<'_>, target: &mut Target<'_>, json: &mut Json) {
    let any = |must: bool| if must { "required" } else { "auto" };
    json.key("tool_choice");
    match choice {
        Choice::Auto => json.text("auto"),
        Choice::Never => json.text("none"),
        Choice::Any => json.text("required"),
        Choice::One(name) => named(name, request, target, json),
        Choice::Some { must, .. } if !target.model.is_openai => json.text(any(*must)),
        Choice::Some { names, must } => json.object(|json| {
            json.key("type").text("allowed_tools");
            json.key("allowed_tools").object(|json| {
                json.key("mode").text(any(*must));
                json.key("tools").array(|json| {
                    names.iter().for_each(|name| named(name, request, target, json));
                });
            });
        }),
    }
}

fn named(name: &str, request: &Request<'_>, target: &mut Target<'_>, json: &mut Json) {
    let is_plain = |tool: &Tool<'_>| tool.name == name && matches!(tool.takes, Takes::Plain(_));
    let kind =
        if target.model.plain_tools && request.tools.iter().any(is_plain) { "custom" } else { "function" };
    json.object(|json| {
        json.key("type").text(kind);
        json.key(kind).object(|json| json.key("name").text(&target.name(name)));
    });
}

/// The schema that OpenAI holds a model to; where it can't be held to this one, that is left out, and named.
pub(crate) fn held<'s>(schema: &'s str, at: At, target: &mut Target<'_>) -> Option<Cow<'s, str>> {
    let held = strict(schema);
    if held.is_none() {
        target.losses.name(at);
    }
    held
}
