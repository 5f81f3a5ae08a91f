//! What a request asks for, and what to reply, alike for every dialect.

use serde_json::{Map, Value, json};
use sluice_api::dialect::{Api, Operation};

use crate::settings::SimulatedSettings;

/// Bytes of a request that are about one token.
const BYTES_PER_TOKEN: u64 = 4;

/// A request.
pub(crate) struct Ask {
    pub(crate) model: String,
    /// Estimated tokens of the request.
    pub(crate) input_tokens: u64,
    /// The first tool, where the last turn is the user's own words and tools may be called.
    pub(crate) tool: Option<Tool>,
    /// Whether usage is asked for in a stream (Chat Completions).
    pub(crate) include_usage: bool,
}

/// A tool that can be called.
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

impl Ask {
    /// Reads a request; says what is missing in it, as the real API would.
    pub(crate) fn read(api: Api, operation: Operation, model: &str, request: &Value) -> Result<Self, String> {
        for field in required(api, operation) {
            if request.get(field).is_none_or(Value::is_null) {
                return Err(format!("{field}: Field required"));
            }
        }
        let input_tokens = (request.to_string().len() as u64).div_ceil(BYTES_PER_TOKEN);
        let include_usage = request.pointer("/stream_options/include_usage") == Some(&Value::Bool(true));
        let tool = if wants_tool(api, request) { first_tool(request) } else { None };
        Ok(Self { model: model.to_owned(), input_tokens, tool, include_usage })
    }
}

fn required(api: Api, operation: Operation) -> &'static [&'static str] {
    match (api, operation) {
        (Api::Anthropic, Operation::Generate) => &["messages", "max_tokens"],
        (Api::Anthropic, _) | (Api::OpenaiChat, _) => &["messages"],
        (Api::OpenaiResponses | Api::OpenaiEmbeddings, _) => &["input"],
        (Api::OpenaiImages, _) => &["prompt"],
        (Api::Gemini, Operation::Generate) => &["contents"],
        (Api::Gemini, Operation::Embed) => &["content"],
        (Api::Gemini, Operation::BatchEmbed) => &["requests"],
        (Api::Gemini, _) => &[],
    }
}

/// Tools are called in answer to words, not to a tool's result.
fn wants_tool(api: Api, request: &Value) -> bool {
    let choice = request.get("tool_choice");
    let none = choice.and_then(Value::as_str) == Some("none")
        || choice.and_then(|choice| choice.get("type")).and_then(Value::as_str) == Some("none");
    let last = |field: &str| request.get(field).and_then(Value::as_array).and_then(|turns| turns.last());
    let has_part = |turn: &Value, field: &str, test: &dyn Fn(&Value) -> bool| {
        turn.get(field).and_then(Value::as_array).is_some_and(|parts| parts.iter().any(test))
    };
    let result = match api {
        Api::Anthropic => last("messages").is_some_and(|turn| {
            has_part(turn, "content", &|part| part.get("type").and_then(Value::as_str) == Some("tool_result"))
        }),
        Api::OpenaiChat => {
            last("messages").is_some_and(|turn| turn.get("role").and_then(Value::as_str) == Some("tool"))
        }
        Api::OpenaiResponses => last("input").is_some_and(|item| {
            item.get("type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("_output"))
        }),
        Api::Gemini => last("contents").is_some_and(|turn| {
            has_part(turn, "parts", &|part| {
                part.get("functionResponse").is_some() || part.get("function_response").is_some()
            })
        }),
        Api::OpenaiEmbeddings | Api::OpenaiImages => true,
    };
    !none && !result
}

fn first_tool(request: &Value) -> Option<Tool> {
    let tools = request.get("tools")?.as_array()?;
    tools.iter().find_map(|tool| {
        let declared = tool
            .get("functionDeclarations")
            .or_else(|| tool.get("function_declarations"))
            .and_then(|list| list.get(0))
            .or_else(|| tool.get("function"))
            .unwrap_or(tool);
        let name = declared.get("name")?.as_str()?;
        let schema = ["input_schema", "parameters", "parametersJsonSchema", "parameters_json_schema"]
            .iter()
            .find_map(|field| declared.get(field));
        Some(Tool { name: name.to_owned(), arguments: arguments(schema) })
    })
}

/// Something for each required argument.
fn arguments(schema: Option<&Value>) -> Value {
    let Some(schema) = schema else { return json!({}) };
    let required =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let one = |name: &str| {
        let property = schema.get("properties").and_then(|properties| properties.get(name));
        let first =
            property.and_then(|property| property.get("enum")).and_then(|values| values.get(0)).cloned();
        let kind =
            property.and_then(|property| property.get("type")).and_then(Value::as_str).unwrap_or("string");
        first.unwrap_or_else(|| match kind.to_ascii_lowercase().as_str() {
            "integer" | "number" => json!(1),
            "boolean" => json!(true),
            "array" => json!([]),
            "object" => json!({}),
            _ => json!("simulated"),
        })
    };
    Value::Object(required.map(|name| (name.to_owned(), one(name))).collect::<Map<_, _>>())
}

/// What is replied.
pub(crate) struct Reply {
    /// The text, word by word.
    pub(crate) words: Vec<String>,
    pub(crate) output_tokens: u64,
}

impl Reply {
    pub(crate) fn to(ask: &Ask, settings: &SimulatedSettings) -> Self {
        let words: Vec<String> = settings.text.split_inclusive(' ').map(str::to_owned).collect();
        let own = if ask.tool.is_some() { 12 } else { words.len() as u64 };
        Self { output_tokens: settings.tokens.unwrap_or(own), words }
    }

    pub(crate) fn text(&self) -> String {
        self.words.concat()
    }
}
