//! Tools, the choice among them, and the search that Anthropic runs.

use std::borrow::Cow;

use sluice_api::error::Error;
use sluice_neutral::dialect::Sent;
use sluice_neutral::json;
use sluice_neutral::loss::Losses;
use sluice_neutral::names::Rule;
use sluice_neutral::request::{Choice, Fetch, Request, Search, Takes, Tool};

use super::marks::Marks;
use super::schema;
use crate::models::Family;
use sluice_neutral::json::write::{List, Object};

/// What Anthropic allows tools to be called.
pub(super) const RULE: Rule = Rule { longest: 128, begins_with_letter: false, also: "" };

/// The schema of a tool that takes text of no form.
const WRAPPED: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;

/// The schema of a tool that takes nothing.
const NOTHING: &str = r#"{"type":"object","properties":{}}"#;

/// Tools as they are sent.
pub(super) struct Tools<'r> {
    tools: Vec<Sendable<'r>>,
    search: Option<&'r Search<'r>>,
    fetch: Option<Fetch>,
}

/// A tool as it is sent.
struct Sendable<'r> {
    tool: &'r Tool<'r>,
    /// Whether its arguments are bound to its schema, which has to be one that Anthropic binds to.
    strict: bool,
}

impl<'r> Tools<'r> {
    /// The tools of a request that may be called.
    pub(super) fn of(request: &'r Request<'r>, family: &Family, losses: &mut Losses) -> Self {
        let mut tools: Vec<&Tool<'_>> = request.tools.iter().collect();
        if let Some(choice) = &request.choice
            && let Choice::Some { names, .. } = &choice.value
        {
            losses.name(choice.at);
            tools.retain(|tool| names.contains(&tool.name));
        }
        let tools = tools.into_iter().map(|tool| {
            let asked = tool.strict == Some(true);
            let strict = asked && family.schemas && can_be_bound(tool);
            if asked && !strict {
                losses.name(tool.at.then("strict"));
            }
            Sendable { tool, strict }
        });
        let search = request.search.as_ref().map(|search| &search.value);
        let fetch = request.fetch.map(|fetch| fetch.value);
        Self { tools: tools.collect(), search, fetch }
    }

    /// How many of them ask for a cache mark.
    pub(super) fn marks(&self) -> usize {
        self.tools.iter().filter(|sendable| sendable.tool.cache.is_some()).count()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.search.is_none() && self.fetch.is_none()
    }

    /// Writes them.
    ///
    /// # Errors
    ///
    /// When a schema is none.
    pub(super) fn write(
        &self,
        body: &mut Object<'_>,
        sent: &mut Sent,
        marks: &mut Marks,
    ) -> Result<(), Error> {
        if self.is_empty() {
            return Ok(());
        }
        let mut list = body.list("tools");
        for sendable in &self.tools {
            sendable.write(&mut list, (sent, marks))?;
        }
        if let Some(told) = self.search {
            search(told, &mut list.object());
        }
        if let Some(Fetch { most }) = self.fetch {
            let mut object = list.object();
            object.with("type", "web_fetch_20250910").with("name", "web_fetch");
            if let Some(most) = most {
                object.number("max_uses", most);
            }
        }
        Ok(())
    }
}

impl Sendable<'_> {
    fn write(&self, list: &mut List<'_>, (sent, marks): (&mut Sent, &mut Marks)) -> Result<(), Error> {
        let Self { tool, strict } = *self;
        let mut object = list.object();
        object.with("name", &sent.names.sent(&tool.name, RULE));
        if let Some(description) = description(tool) {
            object.with("description", &description);
        }
        match &tool.takes {
            Takes::Plain(_) => {
                sent.wrapped.push(tool.name.to_string());
                object.raw("input_schema", WRAPPED);
            }
            Takes::Schema(None) => {
                object.raw("input_schema", NOTHING);
            }
            Takes::Schema(Some(text)) => {
                let schema =
                    typed(text).ok_or_else(|| json::wrong(tool.at, "its schema must be an object"))?;
                object.raw("input_schema", &*schema);
            }
        }
        if strict {
            object.raw("strict", "true");
        }
        marks.write(tool.cache, &mut object);
        Ok(())
    }
}

/// Whether nothing would have to be left out of a tool's schema.
fn can_be_bound(tool: &Tool<'_>) -> bool {
    match &tool.takes {
        Takes::Plain(_) => true,
        Takes::Schema(None) => false,
        Takes::Schema(Some(text)) => matches!(schema::cleaned(text, tool.at), Ok(Cow::Borrowed(_))),
    }
}

/// A schema that says that it is of an object, which Anthropic insists on.
fn typed(text: &str) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    struct Typed {
        #[serde(rename = "type")]
        kind: Option<serde::de::IgnoredAny>,
    }
    let trimmed = text.trim();
    let rest = trimmed.strip_prefix('{')?;
    let typed: Typed = serde_json::from_str(trimmed).ok()?;
    if typed.kind.is_some() {
        return Some(Cow::Borrowed(trimmed));
    }
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    Some(Cow::Owned(format!("{{\"type\":\"object\"{comma}{rest}")))
}

/// What a tool is for, and the grammar of what it takes.
fn description<'t>(tool: &'t Tool<'_>) -> Option<Cow<'t, str>> {
    let told = tool.description.as_deref().filter(|told| !told.is_empty());
    let Takes::Plain(Some(grammar)) = &tool.takes else { return told.map(Cow::Borrowed) };
    let told = told.unwrap_or_default();
    let grammar = format!("`input` fits this {} grammar:\n{}", grammar.syntax, grammar.definition);
    Some(format!("{told}\n\n{grammar}").trim_start().to_owned().into())
}

fn search(told: &Search<'_>, object: &mut Object<'_>) {
    object.with("type", "web_search_20250305").with("name", "web_search");
    if let Some(most) = told.most {
        object.number("max_uses", most);
    }
    if !told.allowed.is_empty() {
        let mut list = object.list("allowed_domains");
        told.allowed.iter().for_each(|domain| list.text(domain));
    } else if !told.blocked.is_empty() {
        // One of the two, never both.
        let mut list = object.list("blocked_domains");
        told.blocked.iter().for_each(|domain| list.text(domain));
    }
    if !told.near.is_empty() {
        let mut place = object.object("user_location");
        place.with("type", "approximate");
        for (name, text) in &told.near {
            place.with(name, text);
        }
    }
}

/// Writes the choice among tools. One that can't be forced is left to the model.
pub(super) fn choice(request: &Request<'_>, urged: bool, body: &mut Object<'_>, sent: &mut Sent) {
    let alone = request.parallel.as_ref().is_some_and(|parallel| !parallel.value);
    let told = request.choice.as_ref().map(|choice| &choice.value);
    let (kind, name) = match told {
        None if !alone => return,
        Some(Choice::Never) => ("none", None),
        _ if urged => ("auto", None),
        Some(Choice::Any | Choice::Some { must: true, .. }) => ("any", None),
        Some(Choice::One(name)) => ("tool", Some(name)),
        None | Some(Choice::Auto | Choice::Some { must: false, .. }) => ("auto", None),
    };
    let mut object = body.object("tool_choice");
    object.with("type", kind);
    if let Some(name) = name {
        object.with("name", &sent.names.sent(name, RULE));
    }
    if alone && kind != "none" {
        object.raw("disable_parallel_tool_use", "true");
    }
}
