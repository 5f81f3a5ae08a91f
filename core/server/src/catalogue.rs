//! Every client route, as data: the router and the OpenAPI document are made of it, and near paths are found in it.

use sluice_api::dialect::{Api, Operation};

/// A client route.
#[derive(Clone, Copy, Debug)]
pub struct ClientDoc {
    /// The method.
    pub method: &'static str,
    /// The path in OpenAPI's form, with `{parameters}`.
    pub path: &'static str,
    /// The client API's name in the documentation.
    pub tag: &'static str,
    /// The dialect; `None` where it depends on the request.
    pub api: Option<Api>,
    /// What is asked.
    pub asks: Asks,
    /// What it does, in one line.
    pub summary: &'static str,
}

/// What a client route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// An operation of an upstream account.
    Call(Operation),
    /// The models that the key may ask for.
    Models,
    /// One of them.
    Model,
    /// What is known of the key itself.
    Key,
    /// What the key has used.
    Usage,
    /// What the key has asked for, request by request.
    Requests,
    /// A WebSocket, which is not offered.
    WebSocket,
    /// Whether something answers.
    Hello,
}

impl ClientDoc {
    /// The operation, where it is one of an upstream account.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        match self.asks {
            Asks::Call(operation) => Some(operation),
            _ => None,
        }
    }

    /// Whether its path ends in a Gemini verb, like `{model}:countTokens`.
    #[must_use]
    pub fn names_verb(&self) -> bool {
        self.path.contains("}:")
    }
}

macro_rules! routes {
    ($($tag:literal { $($method:ident $api:tt $asks:ident $summary:literal : $($path:literal)+;)+ })+) => {
        &[$($($(ClientDoc {
            method: stringify!($method),
            path: $path,
            tag: $tag,
            api: routes!(@api $api),
            asks: routes!(@asks $asks),
            summary: $summary,
        },)+)+)+]
    };
    (@api -) => { None };
    (@api $api:ident) => { Some(Api::$api) };
    (@asks Models) => { Asks::Models };
    (@asks Model) => { Asks::Model };
    (@asks Key) => { Asks::Key };
    (@asks Usage) => { Asks::Usage };
    (@asks Requests) => { Asks::Requests };
    (@asks WebSocket) => { Asks::WebSocket };
    (@asks Hello) => { Asks::Hello };
    (@asks $operation:ident) => { Asks::Call(Operation::$operation) };
}

/// Every client route, aliases too.
pub const CLIENT_ROUTES: &[ClientDoc] = routes! {
    "Claude" {
        POST Anthropic Generate "A message of the model, whole or streamed": "/v1/messages" "/api/v1/messages" "/claude/v1/messages" "/api/claude/v1/messages";
        POST Anthropic CountTokens "How many tokens a message request has": "/v1/messages/count_tokens" "/api/v1/messages/count_tokens" "/claude/v1/messages/count_tokens" "/api/claude/v1/messages/count_tokens";
    }
    "OpenAI" {
        POST OpenaiChat Generate "A chat completion, whole or streamed": "/v1/chat/completions" "/openai/v1/chat/completions" "/api/v1/chat/completions";
        POST OpenaiResponses Generate "A response, whole or streamed": "/v1/responses" "/responses" "/openai/v1/responses" "/openai/responses";
        GET OpenaiResponses WebSocket "A WebSocket, which is not offered: the answer makes clients fall back to POST": "/v1/responses" "/responses" "/openai/v1/responses" "/openai/responses";
        POST OpenaiResponses Compact "A conversation compacted": "/v1/responses/compact" "/openai/v1/responses/compact";
        POST OpenaiResponses CountTokens "How many tokens a response request has": "/v1/responses/input_tokens" "/openai/v1/responses/input_tokens";
        POST OpenaiEmbeddings Embed "Embeddings of texts": "/v1/embeddings" "/openai/v1/embeddings";
        POST OpenaiImages Images "Images made from a text": "/v1/images/generations" "/openai/v1/images/generations";
    }
    "Models" {
        GET - Models "Models that this key may ask for, in the shape that the client reads": "/v1/models" "/api/v1/models" "/claude/v1/models" "/api/claude/v1/models" "/openai/v1/models" "/gemini/v1/models";
        GET - Model "One model": "/v1/models/{model}" "/api/v1/models/{model}" "/claude/v1/models/{model}" "/api/claude/v1/models/{model}" "/openai/v1/models/{model}" "/gemini/v1/models/{model}";
    }
    "Gemini" {
        GET Gemini Models "Models that this key may ask for": "/v1beta/models" "/gemini/v1beta/models";
        GET Gemini Model "One model": "/v1beta/models/{model}" "/gemini/v1beta/models/{model}";
        POST Gemini Generate "An answer of the model": "/v1beta/models/{model}:generateContent" "/v1/models/{model}:generateContent" "/gemini/v1beta/models/{model}:generateContent" "/gemini/v1/models/{model}:generateContent" "/v1beta/tunedModels/{model}:generateContent" "/v1/tunedModels/{model}:generateContent" "/gemini/v1beta/tunedModels/{model}:generateContent" "/gemini/v1/tunedModels/{model}:generateContent";
        POST Gemini Generate "An answer of the model, streamed: as SSE with alt=sse, else as a JSON array": "/v1beta/models/{model}:streamGenerateContent" "/v1/models/{model}:streamGenerateContent" "/gemini/v1beta/models/{model}:streamGenerateContent" "/gemini/v1/models/{model}:streamGenerateContent" "/v1beta/tunedModels/{model}:streamGenerateContent" "/v1/tunedModels/{model}:streamGenerateContent" "/gemini/v1beta/tunedModels/{model}:streamGenerateContent" "/gemini/v1/tunedModels/{model}:streamGenerateContent";
        POST Gemini CountTokens "How many tokens a request has": "/v1beta/models/{model}:countTokens" "/v1/models/{model}:countTokens" "/gemini/v1beta/models/{model}:countTokens" "/gemini/v1/models/{model}:countTokens" "/v1beta/tunedModels/{model}:countTokens" "/v1/tunedModels/{model}:countTokens" "/gemini/v1beta/tunedModels/{model}:countTokens" "/gemini/v1/tunedModels/{model}:countTokens";
        POST Gemini Embed "An embedding of a text": "/v1beta/models/{model}:embedContent" "/v1/models/{model}:embedContent" "/gemini/v1beta/models/{model}:embedContent" "/gemini/v1/models/{model}:embedContent" "/v1beta/tunedModels/{model}:embedContent" "/v1/tunedModels/{model}:embedContent" "/gemini/v1beta/tunedModels/{model}:embedContent" "/gemini/v1/tunedModels/{model}:embedContent";
        POST Gemini BatchEmbed "Embeddings of many texts": "/v1beta/models/{model}:batchEmbedContents" "/v1/models/{model}:batchEmbedContents" "/gemini/v1beta/models/{model}:batchEmbedContents" "/gemini/v1/models/{model}:batchEmbedContents" "/v1beta/tunedModels/{model}:batchEmbedContents" "/v1/tunedModels/{model}:batchEmbedContents" "/gemini/v1beta/tunedModels/{model}:batchEmbedContents" "/gemini/v1/tunedModels/{model}:batchEmbedContents";
    }
    "Azure" {
        POST OpenaiChat Generate "A chat completion of a deployment": "/azure/openai/deployments/{deployment}/chat/completions" "/azure/openai/v1/chat/completions";
        POST OpenaiEmbeddings Embed "Embeddings of a deployment": "/azure/openai/deployments/{deployment}/embeddings" "/azure/openai/v1/embeddings";
        POST OpenaiImages Images "Images of a deployment": "/azure/openai/deployments/{deployment}/images/generations" "/azure/openai/v1/images/generations";
        POST OpenaiResponses Generate "A response, whole or streamed": "/azure/openai/responses" "/azure/openai/v1/responses";
        GET OpenaiResponses WebSocket "A WebSocket, which is not offered: the answer makes clients fall back to POST": "/azure/openai/responses" "/azure/openai/v1/responses";
        GET OpenaiChat Models "Models that this key may ask for": "/azure/openai/models" "/azure/openai/v1/models";
    }
    "Key" {
        GET - Key "The key's own name, group and limits": "/v1/me" "/api/v1/me" "/claude/v1/me" "/gemini/v1/me" "/openai/v1/me" "/v1/key-info" "/api/v1/key-info" "/claude/v1/key-info" "/gemini/v1/key-info" "/openai/v1/key-info";
        GET - Usage "What the key has used": "/v1/usage" "/api/v1/usage" "/claude/v1/usage" "/gemini/v1/usage" "/openai/v1/usage";
        GET - Requests "The key's own requests, newest first": "/v1/requests";
    }
    "Operations" {
        GET - Hello "Whether something answers, without a key; HEAD works too": "/" "/api/hello";
    }
};
