//! The client APIs that Sluice speaks, what can be asked of each, and how an answer is framed.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A client API: a request format with its response, stream and error formats.
///
/// The serialised names are those that configuration (`routes.api`), records and metrics use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// Anthropic's Messages API.
    Anthropic,
    /// OpenAI's Chat Completions API.
    OpenaiChat,
    /// OpenAI's Responses API.
    OpenaiResponses,
    /// OpenAI's Embeddings API.
    OpenaiEmbeddings,
    /// OpenAI's image generation API.
    OpenaiImages,
    /// Google's Gemini API.
    Gemini,
}

impl Api {
    /// Every client API.
    pub const ALL: [Self; 6] = [
        Self::Anthropic,
        Self::OpenaiChat,
        Self::OpenaiResponses,
        Self::OpenaiEmbeddings,
        Self::OpenaiImages,
        Self::Gemini,
    ];

    /// The name in configuration, records and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenaiChat => "openai-chat",
            Self::OpenaiResponses => "openai-responses",
            Self::OpenaiEmbeddings => "openai-embeddings",
            Self::OpenaiImages => "openai-images",
            Self::Gemini => "gemini",
        }
    }

    /// What people call it, for sentences.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Anthropic => "the Claude Messages API",
            Self::OpenaiChat => "OpenAI Chat Completions",
            Self::OpenaiResponses => "OpenAI Responses",
            Self::OpenaiEmbeddings => "OpenAI Embeddings",
            Self::OpenaiImages => "OpenAI Images",
            Self::Gemini => "the Gemini API",
        }
    }

    /// Whether requests of this API can be turned into requests of another one, and the answers back.
    #[must_use]
    pub fn translates(self, operation: Operation, into: Self) -> bool {
        const CONVERSE: [Api; 4] = [Api::Anthropic, Api::OpenaiChat, Api::OpenaiResponses, Api::Gemini];
        match operation {
            Operation::Generate | Operation::CountTokens => {
                self != into && CONVERSE.contains(&self) && CONVERSE.contains(&into)
            }
            Operation::Embed | Operation::BatchEmbed => {
                matches!(
                    (self, into),
                    (Self::OpenaiEmbeddings, Self::Gemini) | (Self::Gemini, Self::OpenaiEmbeddings)
                )
            }
            Operation::Compact | Operation::Images => false,
        }
    }

    /// The family it belongs to, which names its default pool and a key's permission.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Anthropic => Family::Claude,
            Self::Gemini => Family::Gemini,
            _ => Family::Openai,
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A family of client APIs: what a key is allowed to use, and the name of the default pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Anthropic's API.
    Claude,
    /// Google's API.
    Gemini,
    /// OpenAI's APIs.
    Openai,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 3] = [Self::Claude, Self::Gemini, Self::Openai];

    /// The name in configuration, which is that of the family's default pool too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Gemini => "gemini",
            Self::Openai => "openai",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is asked of a client API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// An answer of the model: `/v1/messages`, `/v1/chat/completions`, `/v1/responses`, `:generateContent`.
    Generate,
    /// How many tokens a request has: `count_tokens`, `input_tokens`, `:countTokens`.
    CountTokens,
    /// A conversation compacted: `/v1/responses/compact`.
    Compact,
    /// Embeddings: `/v1/embeddings`, `:embedContent`.
    Embed,
    /// Many embeddings at once: `:batchEmbedContents`.
    BatchEmbed,
    /// Images made from text: `/v1/images/generations`.
    Images,
}

impl Operation {
    /// Its name in logs and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::CountTokens => "count-tokens",
            Self::Compact => "compact",
            Self::Embed => "embed",
            Self::BatchEmbed => "batch-embed",
            Self::Images => "images",
        }
    }
}

/// How an answer's body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// One JSON document, complete at its last byte.
    Whole,
    /// Server-sent events.
    Sse,
    /// A JSON array whose elements arrive one by one (Gemini without `alt=sse`).
    JsonArray,
}

impl Form {
    /// Whether the answer comes piece by piece.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        !matches!(self, Self::Whole)
    }
}
