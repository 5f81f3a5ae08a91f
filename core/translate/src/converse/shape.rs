//! What Converse takes, as far as Anthropic's requests have a counterpart. Source: botocore 1.44, bedrock-runtime.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    pub(super) messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) system: Vec<Block<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inference_config: Option<Inference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Fields::is_empty")]
    pub(super) additional_model_request_fields: Fields<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output_config: Option<Output>,
}

/// A turn.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    pub(super) role: Cow<'a, str>,
    pub(super) content: Vec<Block<'a>>,
}

/// A block of a turn, of the system's text or of a tool's result.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Block<'a> {
    Text(Cow<'a, str>),
    Image(Image<'a>),
    Document(Document<'a>),
    SearchResult(SearchResult<'a>),
    ToolUse(ToolUse<'a>),
    ToolResult(ToolResult<'a>),
    ReasoningContent(Reasoning<'a>),
    CachePoint(CachePoint<'a>),
}

#[derive(Serialize)]
pub(super) struct Image<'a> {
    pub(super) format: Cow<'a, str>,
    pub(super) source: Source<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Source<'a> {
    /// In base64.
    Bytes(Cow<'a, str>),
    Content(Vec<Block<'a>>),
}

#[derive(Serialize)]
pub(super) struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<&'static str>,
    pub(super) name: String,
    pub(super) source: Source<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) context: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) citations: Option<&'a RawValue>,
}

#[derive(Serialize)]
pub(super) struct SearchResult<'a> {
    pub(super) source: Cow<'a, str>,
    pub(super) title: Cow<'a, str>,
    pub(super) content: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) citations: Option<&'a RawValue>,
}

#[derive(Serialize)]
pub(super) struct Text<'a> {
    pub(super) text: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolUse<'a> {
    pub(super) tool_use_id: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) input: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolResult<'a> {
    pub(super) tool_use_id: Cow<'a, str>,
    pub(super) content: Vec<Block<'a>>,
    /// Told of errors alone: only some models know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Reasoning<'a> {
    ReasoningText {
        text: Cow<'a, str>,
        signature: Cow<'a, str>,
    },
    /// In base64.
    RedactedContent(Cow<'a, str>),
}

#[derive(Serialize)]
pub(super) struct CachePoint<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) ttl: Cow<'a, str>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Inference<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_sequences: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfig<'a> {
    pub(super) tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<Choice<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Tool<'a> {
    ToolSpec(ToolSpec<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolSpec<'a> {
    pub(super) name: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) description: Cow<'a, str>,
    pub(super) input_schema: Schema<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) strict: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct Schema<'a> {
    pub(super) json: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Choice<'a> {
    Auto {},
    Any {},
    Tool { name: Cow<'a, str> },
}

/// Nova's own `inferenceConfig`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NovaInference<'a> {
    /// As the client wrote it: a tree of values would change its digits, and has no place for every text of JSON.
    pub(super) top_k: &'a RawValue,
}

/// Fields that are the model's own, in their order.
#[derive(Default)]
pub(super) struct Fields<'a>(Vec<(&'a str, Cow<'a, RawValue>)>);

impl<'a> Fields<'a> {
    /// Adds a field as the client wrote it.
    pub(super) fn relay(&mut self, name: &'a str, value: &'a RawValue) {
        self.0.push((name, Cow::Borrowed(value)));
    }

    /// Adds a field of ours.
    pub(super) fn add(&mut self, name: &'a str, value: &impl Serialize) {
        // Plain values, and what stays as the client wrote it, always serialize.
        if let Ok(value) = serde_json::value::to_raw_value(value) {
            self.0.push((name, Cow::Owned(value)));
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text_format: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effort: Option<String>,
}
