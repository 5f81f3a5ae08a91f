//! A look at a request's body, and what it refers to.

use std::ops::Range;

use http::HeaderMap;
use serde_json::Value;
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::Kind;

use super::documents::Pairs;
use super::made;
use crate::request::peek::{DECIDING, IncludeUsage, Peek, peek};
use crate::request::session::{references, session};
use sluice_json::case;

const OPERATIONS: [Operation; 6] = [
    Operation::Generate,
    Operation::CountTokens,
    Operation::Compact,
    Operation::Embed,
    Operation::BatchEmbed,
    Operation::Images,
];

/// What a look finds is what `serde_json` finds, for every API and operation, and a body in which nothing decides
/// anything is taken.
pub fn peeked(bytes: &[u8]) {
    for document in [bytes, &made::document(bytes)] {
        for api in Api::ALL {
            OPERATIONS.into_iter().for_each(|operation| looked(api, operation, document));
        }
    }
}

fn looked(api: Api, operation: Operation, body: &[u8]) {
    let pairs = serde_json::from_slice::<Pairs<'_>>(body).ok();
    let seen = match peek(api, operation, body) {
        Ok(seen) => seen,
        Err(error) => {
            assert_eq!(error.kind(), Kind::BadRequest, "{error}");
            let decides = |name: &str| name == "requests" || DECIDING.iter().any(|one| case::same(one, name));
            let nothing = pairs.is_some_and(|Pairs(pairs)| !pairs.iter().any(|(name, _)| decides(name)));
            return assert!(!nothing, "{error}");
        }
    };
    let Some(Pairs(pairs)) = pairs else { return };
    for deciding in DECIDING {
        let same: Vec<&str> =
            pairs.iter().map(|(name, _)| name.as_str()).filter(|name| case::same(deciding, name)).collect();
        assert!(same.is_empty() || same == [deciding], "{same:?}");
    }
    let raw = |name: &str| pairs.iter().find(|(one, _)| one == name).map(|(_, value)| value.get());
    let value = |name: &str| raw(name).and_then(|text| serde_json::from_str::<Value>(text).ok());
    assert_eq!(seen.empty, pairs.is_empty());
    assert_eq!(seen.model.is_some(), raw("model").is_some());
    if let (Some(model), Some(Value::String(theirs))) = (&seen.model, value("model")) {
        assert_eq!(model.text, theirs);
        assert_eq!(body.get(model.at.clone()), raw("model").map(str::as_bytes));
    }
    assert_eq!(seen.stream, value("stream").and_then(|stream| stream.as_bool()));
    conversation(body, &seen, raw);
    if api == Api::OpenaiChat
        && let Some(options) = value("stream_options")
    {
        wish(&seen.include_usage, &options);
    }
    if operation == Operation::BatchEmbed
        && let Some(Value::Array(requests)) = value("requests")
    {
        let theirs: Vec<&str> =
            requests.iter().filter_map(|request| request.get("model")?.as_str()).collect();
        assert!(seen.more_models.iter().map(|spot| &spot.text).eq(theirs));
    }
}

/// What names a conversation stands where it is told to stand.
fn conversation<'a>(body: &[u8], seen: &Peek, raw: impl Fn(&str) -> Option<&'a str>) {
    let at = |span: &Option<Range<usize>>| span.clone().and_then(|span| body.get(span));
    let spans = &seen.spans;
    for (span, name) in [
        (&spans.metadata, "metadata"),
        (&spans.prompt_cache_key, "prompt_cache_key"),
        (&spans.previous_response_id, "previous_response_id"),
        (&spans.conversation, "conversation"),
    ] {
        assert_eq!(at(span), raw(name).map(str::as_bytes), "{name}");
    }
    let turns = ["messages", "input", "contents"].map(|name| raw(name).map(str::as_bytes));
    assert!(spans.turns.is_none() || turns.contains(&at(&spans.turns)));
}

fn wish(told: &IncludeUsage, options: &Value) {
    let said = options.get("include_usage");
    match told {
        IncludeUsage::Absent => assert!(options.is_null(), "{options}"),
        IncludeUsage::Unsaid { empty, .. } => {
            assert_eq!((said, *empty), (None, options.as_object().is_some_and(serde_json::Map::is_empty)));
        }
        IncludeUsage::No { whole, .. } => assert_eq!(options.is_null(), *whole),
        IncludeUsage::Yes => assert_eq!(said, Some(&Value::Bool(true))),
    }
}

/// Whatever a body that is taken says of its conversation, its response or its items: names of them have a bound.
pub fn referred(bytes: &[u8]) {
    for document in [bytes, &made::document(bytes)] {
        for api in Api::ALL {
            let Ok(seen) = peek(api, Operation::Generate, document) else { continue };
            if let Some(session) = session(api, &HeaderMap::new(), document, &seen) {
                assert!(session.name.len() <= 128, "{session:?}");
            }
            let some = references(document, &seen).unwrap_or_default();
            assert!(some.iter().all(|one| (1..=256).contains(&one.name().len())), "{some:?}");
        }
    }
}
