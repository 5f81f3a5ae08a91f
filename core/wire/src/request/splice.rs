//! Changing a few places of a body, every other byte as it was.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::request::peek::{IncludeUsage, Peek, Spot};

/// A change: what replaces a span; an empty span is an insertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The span.
    pub at: Range<usize>,
    /// What replaces it.
    pub with: String,
}

/// Replaces the model's name wherever it stands. A prefix of Gemini's (`models/`) stays.
pub fn model(peek: &Peek, name: &str, edits: &mut Vec<Edit>) {
    for spot in peek.model.iter().chain(&peek.more_models) {
        edits.push(Edit { at: spot.at.clone(), with: named_like(spot, name) });
    }
}

/// Inserts the model's name where the body has none.
pub fn insert_model(peek: &Peek, name: &str, edits: &mut Vec<Edit>) {
    let comma = if peek.empty { "" } else { "," };
    edits.push(Edit { at: peek.start..peek.start, with: format!("\"model\":{}{comma}", quoted(name)) });
}

/// Asks for usage in a stream; says whether the body had not asked itself.
pub fn include_usage(peek: &Peek, edits: &mut Vec<Edit>) -> bool {
    let edit = match &peek.include_usage {
        IncludeUsage::Yes => return false,
        IncludeUsage::Absent => {
            let comma = if peek.empty { "" } else { "," };
            Edit {
                at: peek.start..peek.start,
                with: format!("\"stream_options\":{{\"include_usage\":true}}{comma}"),
            }
        }
        IncludeUsage::Unsaid { start, empty } => {
            let comma = if *empty { "" } else { "," };
            Edit { at: *start..*start, with: format!("\"include_usage\":true{comma}") }
        }
        IncludeUsage::No { at, whole } => {
            let with = if *whole { "{\"include_usage\":true}" } else { "true" };
            Edit { at: at.clone(), with: with.to_owned() }
        }
    };
    edits.push(edit);
    true
}

/// Makes the changes in one copy.
#[must_use]
pub fn splice(body: &Bytes, mut edits: Vec<Edit>) -> Bytes {
    // Stable: insertions at one place keep their order.
    edits.sort_by_key(|edit| edit.at.start);
    let more: usize = edits.iter().map(|edit| edit.with.len()).sum();
    let mut out = BytesMut::with_capacity(body.len() + more);
    let mut from = 0;
    for edit in edits {
        out.extend_from_slice(body.get(from..edit.at.start).unwrap_or_default());
        out.extend_from_slice(edit.with.as_bytes());
        from = edit.at.end;
    }
    out.extend_from_slice(body.get(from..).unwrap_or_default());
    out.freeze()
}

fn named_like(spot: &Spot, name: &str) -> String {
    if spot.text.starts_with("models/") && !name.starts_with("models/") {
        return quoted(&format!("models/{name}"));
    }
    quoted(name)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::{include_usage, insert_model, model, splice};
    use crate::request::peek::peek;
    use bytes::Bytes;
    use sluice_api::dialect::{Api, Operation};

    fn renamed(body: &str, name: &str) -> String {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let seen = peek(Api::OpenaiChat, Operation::Generate, &body).unwrap();
        let mut edits = Vec::new();
        model(&seen, name, &mut edits);
        String::from_utf8(splice(&body, edits).to_vec()).unwrap()
    }

    fn asking(body: &str) -> String {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let seen = peek(Api::OpenaiChat, Operation::Generate, &body).unwrap();
        let mut edits = Vec::new();
        include_usage(&seen, &mut edits);
        String::from_utf8(splice(&body, edits).to_vec()).unwrap()
    }

    #[test]
    fn only_the_models_name_changes() {
        assert_eq!(
            renamed(r#"{ "a":1.0e+2, "model" : "x", "model2":"x"}"#, "y\"z"),
            r#"{ "a":1.0e+2, "model" : "y\"z", "model2":"x"}"#
        );
    }

    #[test]
    fn usage_is_asked_for_wherever_it_was_not() {
        for (body, asked) in [
            ("{}", r#"{"stream_options":{"include_usage":true}}"#),
            (r#"{"a":1}"#, r#"{"stream_options":{"include_usage":true},"a":1}"#),
            (r#"{"stream_options":{}}"#, r#"{"stream_options":{"include_usage":true}}"#),
            (r#"{"stream_options":{"x":1}}"#, r#"{"stream_options":{"include_usage":true,"x":1}}"#),
            (r#"{"stream_options":{"include_usage":false}}"#, r#"{"stream_options":{"include_usage":true}}"#),
            (r#"{"stream_options":null}"#, r#"{"stream_options":{"include_usage":true}}"#),
            (r#"{"stream_options":{"include_usage":true}}"#, r#"{"stream_options":{"include_usage":true}}"#),
        ] {
            assert_eq!(asking(body), asked);
        }
    }

    #[test]
    fn a_model_that_only_the_path_named_is_inserted() {
        let body = Bytes::from_static(b"{\"a\":1}");
        let seen = peek(Api::OpenaiChat, Operation::Generate, &body).unwrap();
        let mut edits = Vec::new();
        insert_model(&seen, "m", &mut edits);
        include_usage(&seen, &mut edits);
        assert_eq!(splice(&body, edits), r#"{"model":"m","stream_options":{"include_usage":true},"a":1}"#);
    }
}
