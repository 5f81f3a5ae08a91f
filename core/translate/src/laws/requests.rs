//! Requests: translated or refused, and what is sent then.

use serde_json::Value;
use serde_json::value::RawValue;
use sluice_api::error::Kind;

use super::made;
use crate::converse::{count, request};

/// One model of each family, and one of none.
const MODELS: [&str; 4] = [
    "amazon.nova-pro-v1:0",
    "amazon.nova-2-lite-v1:0",
    "openai.gpt-oss-20b-1:0",
    "meta.llama3-8b-instruct-v1:0",
];

/// Whatever a client sends is translated, or refused as the client's own mistake. What is sent is JSON, in which turns of
/// one role do not follow each other, none is empty, and cache points follow something.
pub fn requested(bytes: &[u8]) {
    for body in [bytes, made::request(bytes).as_bytes()] {
        for model in MODELS {
            for (translate, at) in [(request as fn(&_, &_) -> _, ""), (count, "/input/converse")] {
                match translate(body, model) {
                    Ok(translated) => sent(&translated.body, at),
                    Err(error) => assert_eq!(error.kind(), Kind::BadRequest, "{error}"),
                }
            }
        }
    }
}

fn sent(body: &[u8], at: &str) {
    let read: Result<&RawValue, _> = serde_json::from_slice(body);
    assert!(read.is_ok(), "{}", String::from_utf8_lossy(body));
    // What is nested deeper than a tree of values may be is as the client wrote it.
    let Ok(read) = serde_json::from_slice::<Value>(body) else { return };
    let Some(request) = read.pointer(at) else { return assert!(read.pointer(at).is_some(), "{read}") };
    let system = request.get("system").into_iter();
    let turns: Vec<&Value> =
        request.get("messages").and_then(Value::as_array).into_iter().flatten().collect();
    let contents: Vec<&Value> = turns.iter().filter_map(|turn| turn.get("content")).collect();
    assert_eq!(contents.len(), turns.len());
    for content in contents.into_iter().chain(system) {
        assert!(!points(content).next().unwrap_or(true), "empty, or a cache point is first: {content}");
        assert!(!points(content).zip(points(content).skip(1)).any(|both| both == (true, true)), "{content}");
    }
    for (turn, next) in turns.iter().zip(turns.iter().skip(1)) {
        assert_ne!(turn.get("role"), next.get("role"));
    }
}

/// Of each block, whether it is a cache point.
fn points(content: &Value) -> impl Iterator<Item = bool> {
    content.as_array().into_iter().flatten().map(|block| block.get("cachePoint").is_some())
}
