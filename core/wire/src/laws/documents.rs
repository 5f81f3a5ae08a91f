//! JSON: what the scanner takes and tells, and what a spliced body says.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use sluice_api::dialect::{Api, Operation};

use super::made;
use crate::request::peek::{Peek, peek};
use crate::request::splice::{self, Edit};
use sluice_json as json;
use sluice_json::scanner::{MAX_DEPTH, Member, Top};

/// The members of an object in their order, each name as often as it is there.
pub(super) struct Pairs<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = object.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        from.deserialize_map(Each)
    }
}

/// The scanner takes what `serde_json` takes, within its depth, and its spans hold what that reads.
pub fn scanner(bytes: &[u8]) {
    for document in [bytes, &made::document(bytes), &made::letters(bytes)] {
        scanned(document);
    }
}

fn scanned(document: &[u8]) {
    let mut members = Vec::new();
    let ours = json::members(document, |member| members.push(member));
    let theirs =
        std::str::from_utf8(document).ok().and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
    let Some(theirs) = theirs.map(RawValue::get) else {
        return assert!(ours.is_err(), "{ours:?}");
    };
    // The members of an object at the top are walked without a level for it.
    let deepest = if theirs.starts_with('{') { MAX_DEPTH + 1 } else { MAX_DEPTH };
    assert_eq!(ours.is_ok(), depth(theirs) <= deepest, "{ours:?}");
    match ours {
        Ok(Top::Object { start, empty }) => {
            assert_eq!((document.get(start - 1), empty), (Some(&b'{'), members.is_empty()));
            the_same_members(document, &members, theirs);
        }
        Ok(Top::Other(start)) => the_same(document, &(start..start + theirs.len()), theirs),
        Err(_) => {}
    }
}

/// Looks into a value as far as `serde_json` reads it: no further than to where one half of a surrogate stands alone.
fn the_same(document: &[u8], span: &Range<usize>, theirs: &str) {
    assert_eq!(document.get(span.clone()), Some(theirs.as_bytes()));
    match theirs.as_bytes() {
        [b'{', ..] => {
            let mut members = Vec::new();
            json::members_within(document, span, |member| members.push(member));
            the_same_members(document, &members, theirs);
        }
        [b'[', ..] => {
            let mut elements = Vec::new();
            json::elements_within(document, span, |element| elements.push(element));
            let theirs: Vec<&RawValue> = serde_json::from_str(theirs).unwrap_or_default();
            assert_eq!(elements.len(), theirs.len());
            elements.iter().zip(theirs).for_each(|(span, theirs)| the_same(document, span, theirs.get()));
        }
        [b'"', ..] => {
            let ours = json::text::unescape(theirs.as_bytes());
            assert_eq!(json::text::unescaped(theirs.as_bytes()), ours);
            match serde_json::from_str::<String>(theirs) {
                Ok(theirs) => assert_eq!(ours, theirs),
                Err(_) => assert!(ours.contains(char::REPLACEMENT_CHARACTER), "{ours}"),
            }
        }
        _ => {}
    }
}

fn the_same_members(document: &[u8], members: &[Member], theirs: &str) {
    let Ok(Pairs(pairs)) = serde_json::from_str(theirs) else { return };
    assert_eq!(members.len(), pairs.len());
    for (member, (name, value)) in members.iter().zip(pairs) {
        assert_eq!(json::text::unescaped(document.get(member.name.clone()).unwrap_or_default()), name);
        the_same(document, &member.value, value.get());
    }
}

/// How deep JSON is nested.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Names that a model gets.
const NAMES: [&str; 5] = ["m", "models/x", "y\"z\\", "é\u{1}", ""];

/// A spliced body is the same value but for the model, or but for its wish for usage; and every other byte is as it was.
pub fn spliced(bytes: &[u8]) {
    let name = NAMES.get(bytes.len() % NAMES.len()).copied().unwrap_or_default();
    for document in [bytes, &made::document(bytes)] {
        for (api, operation) in [
            (Api::OpenaiChat, Operation::Generate),
            (Api::Gemini, Operation::CountTokens),
            (Api::Gemini, Operation::BatchEmbed),
        ] {
            let body = Bytes::copy_from_slice(document);
            let Ok(look) = peek(api, operation, &body) else { continue };
            with_the_model(&body, &look, name);
            if api == Api::OpenaiChat {
                with_usage(&body, &look);
            }
        }
    }
}

fn with_the_model(body: &Bytes, look: &Peek, name: &str) {
    let mut edits = Vec::new();
    splice::model(look, name, &mut edits);
    if look.model.is_none() {
        splice::insert_model(look, name, &mut edits);
    }
    let after = changed(body, edits);
    let (Some(before), Some(after)) = (value(body), value(&after)) else { return };
    let mut expected = before;
    let as_before = |old: &Value| match old.as_str() {
        Some(old) if old.starts_with("models/") && !name.starts_with("models/") => format!("models/{name}"),
        _ => name.to_owned(),
    };
    let model = expected.get("model").map_or_else(|| name.to_owned(), as_before);
    if let Some(object) = expected.as_object_mut() {
        object.insert("model".to_owned(), model.into());
    }
    if !look.more_models.is_empty() {
        let many = expected.get_mut("requests").and_then(Value::as_array_mut).into_iter().flatten();
        many.for_each(|one| rename(one, as_before));
        ["generateContentRequest", "generate_content_request"].iter().for_each(|inner| {
            expected.get_mut(inner).into_iter().for_each(|one| rename(one, as_before));
        });
    }
    assert_eq!(after, expected);
}

fn rename(request: &mut Value, as_before: impl Fn(&Value) -> String) {
    if let Some(model) = request.get_mut("model").filter(|model| model.is_string()) {
        *model = as_before(model).into();
    }
}

fn with_usage(body: &Bytes, look: &Peek) {
    let mut edits = Vec::new();
    let was_silent = splice::include_usage(look, &mut edits);
    assert_eq!(was_silent, !edits.is_empty());
    let after = changed(body, edits);
    let (Some(before), Some(after)) = (value(body), value(&after)) else { return };
    let mut expected = before;
    let asked = |value: &Value| value.pointer("/stream_options/include_usage") == Some(&Value::Bool(true));
    assert_eq!(was_silent, !asked(&expected));
    if let Some(object) = expected.as_object_mut() {
        let options = object.entry("stream_options").or_insert(Value::Null);
        if options.is_null() {
            *options = serde_json::json!({});
        }
        if let Some(options) = options.as_object_mut() {
            options.insert("include_usage".to_owned(), Value::Bool(true));
        }
    }
    assert_eq!(after, expected);
}

/// The body with these changes: before the first of them and behind the last it is as it was.
fn changed(body: &Bytes, edits: Vec<Edit>) -> Bytes {
    let first = edits.iter().map(|edit| edit.at.start).min().unwrap_or(body.len());
    let last = edits.iter().map(|edit| edit.at.end).max().unwrap_or(body.len());
    let gone: usize = edits.iter().map(|edit| edit.at.len()).sum();
    let more: usize = edits.iter().map(|edit| edit.with.len()).sum();
    let after = splice::splice(body, edits);
    assert_eq!(after.len() + gone, body.len() + more);
    assert_eq!(after.get(..first), body.get(..first));
    assert!(after.ends_with(body.get(last..).unwrap_or_default()));
    assert!(json::members(&after, |_| ()).is_ok());
    after
}

/// The value, where it is one for `serde_json`: numbers may be too large for it, and surrogates alone.
fn value(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}
