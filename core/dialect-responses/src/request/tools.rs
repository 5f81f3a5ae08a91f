//! Tools, from every place in which a request may have them.

use std::borrow::Cow;

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Grammar, Request, Search, Takes, Text, Told, Tool};

use super::object::Object;
use crate::fields::{FILTERS, GRAMMAR, INNER, INNER_GRAMMAR, NEAR, Section, TOOLS};
use crate::own::{Spaced, TOOL_SEARCH, flat};

/// Where a tool stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shelf {
    /// Among those of the request.
    #[default]
    Given,
    /// Among those that an item adds.
    Added,
    /// Among those that a search has found.
    Found,
}

/// All tools of a request, as far as it is read.
#[derive(Debug, Default)]
pub(super) struct Toolbox<'a> {
    tools: Vec<Tool<'a>>,
    search: Option<Told<Search<'a>>>,
    /// Tools of namespaces.
    pub(super) namespaces: Vec<Spaced>,
    /// That the client searches for tools itself.
    pub(super) searches: bool,
    /// Where what is being added stands.
    shelf: Shelf,
}

/// A namespace that a tool stands in.
#[derive(Clone, Copy, Debug)]
struct Space<'s> {
    name: &'s str,
    description: Option<&'s str>,
}

impl<'a> Toolbox<'a> {
    /// Adds a tool, or what else stands among them.
    pub(super) fn add(
        &mut self,
        raw: Raw<'a>,
        shelf: Shelf,
        at: At,
        losses: &mut Losses,
    ) -> Result<(), Error> {
        self.shelf = shelf;
        let mut tool = Object::of(raw, TOOLS, at, losses)?;
        let Some(kind) = tool.kind("", losses)? else { return Ok(()) };
        match &*kind {
            "function" | "custom" => {
                self.own(&mut tool, (&kind, GRAMMAR), None, losses)?;
            }
            "namespace" => self.namespace(&mut tool, losses)?,
            TOOL_SEARCH => self.tool_search(&mut tool, losses)?,
            _ => self.web_search(&mut tool, losses)?,
        }
        tool.finish(losses)
    }

    /// All are read: they go into the request. What a search by the client has not found is not shown to the model yet;
    /// where nobody searches, all of it is.
    pub(super) fn settle(self, request: &mut Request<'a>) {
        let searches = self.searches;
        request.tools = self.tools;
        if searches && request.tools.iter().any(|tool| !tool.deferred) {
            request.tools.retain(|tool| !tool.deferred);
        }
        for tool in &mut request.tools {
            tool.deferred = false;
        }
        request.search = self.search;
    }

    /// A tool of the client's. One that stands there already is replaced: what a search has found is known from before.
    fn own(
        &mut self,
        tool: &mut Object<'a>,
        (kind, grammar): (&str, Section),
        space: Option<Space<'_>>,
        losses: &mut Losses,
    ) -> Result<(), Error> {
        let at = tool.at;
        let name = tool.needed("name")?;
        let description = tool.text("description")?;
        let takes = if kind == "custom" {
            Takes::Plain(plain(tool, grammar, losses)?)
        } else {
            let schema = tool.get("parameters").map(|schema| json::object(schema, at.then("parameters")));
            Takes::Schema(schema.transpose()?.map(Cow::Borrowed))
        };
        let (strict, says) = (tool.parsed("strict")?, tool.get("output_schema"));
        let deferred = tool.parsed("defer_loading")?.unwrap_or(false) && self.shelf != Shelf::Found;
        let callers: Option<Vec<Text<'a>>> = tool.parsed("allowed_callers")?;
        if callers.is_some_and(|callers| !callers.iter().any(|caller| caller == "direct")) {
            losses.name(at);
            return Ok(());
        }
        let (name, description) = self.placed(name, description, space);
        let tool = Tool { name, description, takes, strict, deferred, says, cache: None, at };
        match self.tools.iter_mut().find(|known| known.name == tool.name) {
            Some(known) => known.deferred &= tool.deferred,
            None => self.tools.push(tool),
        }
        Ok(())
    }

    /// Its name and description outside of its namespace, whose own description stands before that of its first tool.
    fn placed(
        &mut self,
        name: Text<'a>,
        description: Option<Text<'a>>,
        space: Option<Space<'_>>,
    ) -> (Text<'a>, Option<Text<'a>>) {
        let Some(space) = space else { return (name, description) };
        let flat = flat(Some(space.name), &name);
        let is_first = !self.namespaces.iter().any(|spaced| spaced.namespace == space.name);
        if !self.namespaces.iter().any(|spaced| spaced.flat == flat) {
            let (namespace, name) = (space.name.to_owned(), name.into_owned());
            self.namespaces.push(Spaced { flat: flat.clone(), namespace, name });
        }
        let description = match (space.description.filter(|_| is_first), description) {
            (Some(of_space), Some(own)) => Some(Cow::Owned(format!("{of_space}\n\n{own}"))),
            (Some(of_space), None) => Some(Cow::Owned(of_space.to_owned())),
            (None, own) => own,
        };
        (Cow::Owned(flat), description)
    }

    fn namespace(&mut self, tool: &mut Object<'a>, losses: &mut Losses) -> Result<(), Error> {
        let (name, description) = (tool.needed("name")?, tool.text("description")?);
        let space = Space { name: &name, description: description.as_deref() };
        let at = tool.at;
        for (index, raw) in tool.items("tools")?.into_iter().enumerate() {
            let at = match self.shelf {
                Shelf::Given => at.within("tools", index),
                Shelf::Added | Shelf::Found => at.inside("tools"),
            };
            let mut inner = Object::of(raw, INNER, at, losses)?;
            if let Some(kind) = inner.kind("function", losses)? {
                self.own(&mut inner, (&kind, INNER_GRAMMAR), Some(space), losses)?;
                inner.finish(losses)?;
            }
        }
        Ok(())
    }

    /// A search for tools that the client runs is a function; one that OpenAI runs is left out, and all tools are shown.
    fn tool_search(&mut self, tool: &mut Object<'a>, losses: &mut Losses) -> Result<(), Error> {
        let at = tool.at;
        let description = tool.text("description")?;
        let schema = tool.get("parameters").map(|schema| Cow::Borrowed(schema.get()));
        if tool.text("execution")?.is_none_or(|by| by != "client") {
            losses.name(at);
            return Ok(());
        }
        if std::mem::replace(&mut self.searches, true) {
            return Ok(());
        }
        let takes = Takes::Schema(Some(schema.unwrap_or(Cow::Borrowed(SEARCH_SCHEMA))));
        let description = description.or(Some(Cow::Borrowed(SEARCH_DESCRIPTION)));
        let name = Cow::Borrowed(TOOL_SEARCH);
        let tool =
            Tool { name, description, takes, strict: None, deferred: false, says: None, cache: None, at };
        self.tools.push(tool);
        Ok(())
    }

    fn web_search(&mut self, tool: &mut Object<'a>, losses: &mut Losses) -> Result<(), Error> {
        let at = tool.at;
        let mut search = Search { context: tool.text("search_context_size")?, ..Search::default() };
        if let Some(raw) = tool.get("filters") {
            let mut filters = Object::of(raw, FILTERS, at.inside("filters"), losses)?;
            search.allowed = filters.parsed("allowed_domains")?.unwrap_or_default();
            filters.finish(losses)?;
        }
        if let Some(raw) = tool.get("user_location") {
            let mut near = Object::of(raw, NEAR, at.inside("user_location"), losses)?;
            near.get("type");
            for name in ["city", "country", "region", "timezone"] {
                search.near.extend(near.text(name)?.map(|value| (name, value)));
            }
            near.finish(losses)?;
        }
        let outside: Option<bool> = tool.parsed("external_web_access")?;
        if outside == Some(false) {
            losses.name(at);
        } else if self.search.is_none() {
            self.search = Some(Told::new(search, at));
        }
        Ok(())
    }
}

/// What a search for tools takes where its client does not say.
const SEARCH_SCHEMA: &str =
    r#"{"type":"object","properties":{"query":{"type":"string"}},"required":["query"]}"#;

/// What a search for tools is for where its client does not say.
const SEARCH_DESCRIPTION: &str =
    "Searches for tools that are not shown yet, and makes those that it finds available.";

/// The grammar of a tool that takes text.
fn plain<'a>(
    tool: &mut Object<'a>,
    section: Section,
    losses: &mut Losses,
) -> Result<Option<Grammar<'a>>, Error> {
    let at = tool.at.inside("format");
    let Some(raw) = tool.get("format") else { return Ok(None) };
    let mut format = Object::of(raw, section, at, losses)?;
    let kind = format.kind("text", losses)?;
    let grammar = match kind.as_deref() {
        Some("grammar") => {
            let syntax = format.text("syntax")?.unwrap_or(Cow::Borrowed("lark"));
            let definition =
                format.text("definition")?.ok_or_else(|| json::missing(at.then("definition")))?;
            Some(Grammar { syntax, definition })
        }
        _ => None,
    };
    format.finish(losses)?;
    Ok(grammar)
}
