//! Tools and the choice among them.

use serde_json::value::RawValue;
use sluice_api::error::Error;
use sluice_json::object::Object;

use super::refused::refused;
use super::shape::{Choice, Schema, Tool, ToolConfig, ToolSpec};
use crate::anthropic::request::{parse, wrong};
use crate::anthropic::tools::{Tool as Declared, ToolChoice};

/// What a tool without a schema takes.
const NOTHING: &str = r#"{"type":"object","properties":{}}"#;

/// Tools as Converse takes them.
pub(super) struct Tools<'a> {
    pub(super) config: Option<ToolConfig<'a>>,
    /// What was left out, to be named to the client.
    pub(super) dropped: Vec<String>,
}

/// What of a tool is translated. All else that one may have is left out: no model that is asked through Converse takes
/// cache marks on tools, examples, or settings of Anthropic's own loop.
const TRANSLATED: [&str; 5] = ["type", "name", "description", "input_schema", "strict"];

/// Translates both. `used` says whether a tool was called or answered before: then tools must stay declared.
pub(super) fn tools<'a>(
    declared: Option<&'a RawValue>,
    choice: Option<&'a RawValue>,
    used: bool,
) -> Result<Tools<'a>, Error> {
    let mut dropped = Vec::new();
    let mut tools = match declared {
        Some(declared) => list(declared, &mut dropped)?,
        None => Vec::new(),
    };
    let chosen: Option<ToolChoice<'a>> = match choice {
        Some(choice) => Some(parse(choice, "tool_choice")?),
        None => None,
    };
    if chosen.as_ref().is_some_and(|chosen| chosen.disable_parallel_tool_use) {
        dropped.push("tool_choice.disable_parallel_tool_use".to_owned());
    }
    let tool_choice = match chosen {
        None => None,
        Some(chosen) => match chosen.kind.as_ref() {
            "auto" => Some(Choice::Auto {}),
            "any" => Some(Choice::Any {}),
            "tool" => Some(Choice::Tool { name: chosen.name }),
            "none" if used && !tools.is_empty() => {
                return Err(refused("tool_choice", "`none` after a tool was used"));
            }
            "none" => {
                tools.clear();
                None
            }
            _ => return Err(wrong("tool_choice.type", "it is auto, any, tool or none")),
        },
    };
    let config = (!tools.is_empty()).then_some(ToolConfig { tools, tool_choice });
    Ok(Tools { config, dropped })
}

fn list<'a>(declared: &'a RawValue, dropped: &mut Vec<String>) -> Result<Vec<Tool<'a>>, Error> {
    let declared: Vec<&RawValue> = parse(declared, "tools")?;
    let tools = declared.into_iter().enumerate().map(|(index, tool)| {
        let at = format!("tools.{index}");
        for (name, _) in Object::of(tool.get().as_bytes()).iter().flat_map(Object::iter) {
            let named = format!("tools.{name}");
            if !TRANSLATED.contains(&name) && !dropped.contains(&named) {
                dropped.push(named);
            }
        }
        let tool: Declared<'_> = parse(tool, &at)?;
        if tool.kind != "custom" {
            return Err(refused(&at, &format!("the tool `{}`", tool.kind)));
        }
        let json = match tool.input_schema {
            Some(schema) => schema,
            None => serde_json::from_str(NOTHING).map_err(|error| wrong(&at, &error.to_string()))?,
        };
        let input_schema = Schema { json };
        Ok(Tool::ToolSpec(ToolSpec {
            name: tool.name,
            description: tool.description,
            input_schema,
            strict: tool.strict,
        }))
    });
    tools.collect()
}
