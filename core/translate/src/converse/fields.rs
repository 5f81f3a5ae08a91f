//! What becomes of each field of a request.

use serde_json::json;
use serde_json::value::RawValue;
use sluice_api::error::Error;

use super::family::{Family, Reasoning, TopK};
use super::refused::refused;
use super::shape::{Fields, Inference, NovaInference, Output};
use crate::anthropic::options::{Format, OutputConfig, Thinking};
use crate::anthropic::request::{Request, wrong};

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is translated.
    Translated,
    /// It says nothing that Converse's answer would depend on.
    Silent,
    /// It is left out, and named to the client.
    Named,
    /// The request can't be served without it.
    Refused,
}

/// Fields of Anthropic's. What is not here is the model's own and goes into `additionalModelRequestFields`.
const FIELDS: [(&str, Fate); 33] = [
    ("model", Fate::Translated),
    ("stream", Fate::Translated),
    ("messages", Fate::Translated),
    ("system", Fate::Translated),
    ("max_tokens", Fate::Translated),
    ("temperature", Fate::Translated),
    ("top_p", Fate::Translated),
    ("top_k", Fate::Translated),
    ("stop_sequences", Fate::Translated),
    ("tools", Fate::Translated),
    ("tool_choice", Fate::Translated),
    ("thinking", Fate::Translated),
    ("output_config", Fate::Translated),
    ("output_format", Fate::Translated),
    ("cache_control", Fate::Translated),
    ("speed", Fate::Translated),
    ("metadata", Fate::Silent),
    ("service_tier", Fate::Silent),
    ("anthropic_version", Fate::Silent),
    ("diagnostics", Fate::Silent),
    ("tags", Fate::Silent),
    ("anthropic_beta", Fate::Named),
    ("context_management", Fate::Named),
    ("billing_policy", Fate::Named),
    ("compaction", Fate::Named),
    ("fallbacks", Fate::Named),
    ("fallback_credit_token", Fate::Named),
    ("container", Fate::Refused),
    ("inference_geo", Fate::Refused),
    ("mcp_servers", Fate::Refused),
    ("safeguards", Fate::Refused),
    ("thread", Fate::Refused),
    ("user_profile_id", Fate::Refused),
];

/// Refuses what has no counterpart; says what is left out and to be named.
pub(super) fn dropped(asked: &Request<'_>) -> Result<Vec<String>, Error> {
    let mut dropped = Vec::new();
    for (name, _) in asked.iter() {
        match fate(name) {
            Some(Fate::Refused) => return Err(refused(name, &format!("`{name}`"))),
            Some(Fate::Named) => dropped.push(name.to_owned()),
            Some(Fate::Translated | Fate::Silent) | None => {}
        }
    }
    match asked.get("speed").map(RawValue::get) {
        None | Some("\"standard\"") => Ok(dropped),
        Some(_) => Err(refused("speed", "a speed other than `standard`")),
    }
}

/// Length and sampling. The numbers stay as they are written.
pub(super) fn inference<'a>(asked: &Request<'a>) -> Result<Option<Inference<'a>>, Error> {
    let max_tokens = asked.get("max_tokens");
    if max_tokens.is_some_and(|most| most.get() == "0") {
        return Err(refused("max_tokens", "0, which fills a cache and answers nothing,"));
    }
    let inference = Inference {
        max_tokens,
        temperature: asked.get("temperature"),
        top_p: asked.get("top_p"),
        stop_sequences: asked.get("stop_sequences"),
    };
    let none = [inference.max_tokens, inference.temperature, inference.top_p, inference.stop_sequences]
        .iter()
        .all(Option::is_none);
    Ok((!none).then_some(inference))
}

/// Fields of the model's own, and the form of its output; `task_budget` is named as left out.
pub(super) fn own<'a>(
    asked: &'a Request<'a>,
    family: &Family,
    dropped: &mut Vec<String>,
) -> Result<(Fields<'a>, Option<Output>), Error> {
    let thinking: Option<Thinking> = asked.parsed("thinking")?;
    let told: OutputConfig = asked.parsed("output_config")?.unwrap_or_default();
    if told.task_budget.is_some() {
        dropped.push("output_config.task_budget".to_owned());
    }
    let mut fields = Fields::default();
    for (name, value) in asked.iter().filter(|(name, _)| fate(name).is_none()) {
        fields.relay(name, value);
    }
    if let Some(top_k) = asked.get("top_k") {
        match family.top_k {
            TopK::AsAsked => fields.relay("top_k", top_k),
            TopK::NovaConfig => fields.add("inferenceConfig", &NovaInference { top_k }),
        }
    }
    let effort = told.effort;
    let by_family = family.reasoning.field(thinking.as_ref(), effort.as_deref());
    let as_asked = family.reasoning == Reasoning::AsAsked;
    match (by_family, asked.get("thinking")) {
        (Some((name, value)), _) => fields.add(name, &value),
        (None, Some(value)) if as_asked && thinking.is_some_and(|thinking| thinking.is_on()) => {
            fields.relay("thinking", value);
        }
        _ => {}
    }
    let format = match told.format {
        Some(format) => Some(("output_config.format", format)),
        None => asked.parsed("output_format")?.map(|format| ("output_format", format)),
    };
    let text_format = format.map(|(at, format)| text_format(at, &format)).transpose()?;
    let effort = effort.filter(|_| as_asked);
    let output = Output { text_format, effort };
    Ok((fields, (output.text_format.is_some() || output.effort.is_some()).then_some(output)))
}

/// Converse takes the schema as text.
fn text_format(at: &str, format: &Format) -> Result<serde_json::Value, Error> {
    if format.kind != "json_schema" {
        return Err(wrong(&format!("{at}.type"), "it is json_schema"));
    }
    let schema = format.schema.as_ref().ok_or_else(|| wrong(&format!("{at}.schema"), "it is missing"))?;
    Ok(json!({ "type": "json_schema", "structure": { "jsonSchema": { "schema": schema.get() } } }))
}

fn fate(name: &str) -> Option<Fate> {
    FIELDS.iter().find(|(known, _)| *known == name).map(|(_, fate)| *fate)
}
