//! The grammars of streams, as the SDKs of each dialect need them to be: who reads them all has the answer.

mod anthropic;
mod chat;
mod gemini;
mod responses;

use serde_json::Value;
use sluice_api::dialect::Api;

/// What a client has of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// Its blocks, in their order.
    pub(super) blocks: Vec<Block>,
    /// How it ended.
    pub(super) end: End,
}

/// A block of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// What it is: `text`, `thinking`, `refusal`, `call`, or anything else by its own name.
    pub(super) kind: String,
    /// Of a call, its id and its tool.
    pub(super) called: (String, String),
    /// What its pieces add up to.
    pub(super) text: String,
}

/// How a stream ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// In its midst.
    #[default]
    Open,
    /// For this reason, in the dialect's own word.
    Whole(String),
    /// With this message.
    Failed(String),
}

/// Checks what a client of a dialect is told, and gives what it has then.
pub(super) fn checked(api: Api, stream: &[u8]) -> Heard {
    match api {
        Api::Anthropic => {
            let heard = anthropic::checked(stream);
            anthropic::of_known_words(&heard);
            heard
        }
        Api::OpenaiChat => chat::checked(stream),
        Api::OpenaiResponses => responses::checked(stream),
        _ => gemini::checked(stream),
    }
}

/// The same of an upstream's whose words for ids and reasons are relayed.
pub(super) fn relayed(stream: &[u8]) -> Heard {
    anthropic::checked(stream)
}

/// A text at a place of a document; empty where there is none.
fn text<'a>(data: &'a Value, at: &str) -> &'a str {
    data.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

/// The JSON of an event.
fn json(data: &[u8]) -> Value {
    // A tree of values has no place for half of a pair of surrogates, which stays as the upstream wrote it.
    let halved = |_| serde_json::from_str(&String::from_utf8_lossy(data).replace(r"\ud800", "?"));
    let read = serde_json::from_slice(data).or_else(halved);
    assert!(read.is_ok(), "no JSON: {}", String::from_utf8_lossy(data));
    read.unwrap_or_default()
}
