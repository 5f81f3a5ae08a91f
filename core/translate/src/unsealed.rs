//! What another model remembers, taken out of a request that goes to an account of its client's own dialect: a conversation
//! that was elsewhere before has it, and only who made it can read it.

use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;
use serde_json::value::RawValue;
use sluice_api::dialect::Api;
use sluice_neutral::at::At;
use sluice_neutral::json::{Members, items};
use sluice_neutral::seal::MARKED;
use sluice_wire::request::splice::{Edit, splice};

/// What Gemini takes in a signature's place where there is none of its own.
const SKIPPED: &str = "\"skip_thought_signature_validator\"";

/// Finds where something is sealed; made once, as each request is looked through.
static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARKED));

/// The body without what others have sealed; nothing where it has none, as nearly all have.
#[must_use]
pub fn unsealed(api: Api, body: &Bytes) -> Option<Bytes> {
    MARK.find(body)?;
    let mut edits = Vec::new();
    let request = Members::body(body).ok()?;
    match api {
        Api::Anthropic => {
            let turns = listed(request.get("messages"));
            for turn in &turns {
                let blocks = Members::of(turn, At::ROOT).ok()?;
                without(body, blocks.get("content"), &mut edits);
            }
            // Budgets need the thoughts of the last turn, which are gone.
            if !edits.is_empty()
                && let Some(thinking) =
                    request.get("thinking").filter(|thinking| thinking.get().contains("\"enabled\""))
            {
                edits.push(Edit { at: span(body, thinking), with: "{\"type\":\"disabled\"}".to_owned() });
            }
        }
        Api::OpenaiResponses => without(body, request.get("input"), &mut edits),
        Api::Gemini => {
            for turn in listed(request.get("contents")) {
                let turn = Members::of(turn, At::ROOT).ok()?;
                for part in listed(turn.get("parts")) {
                    let part = Members::of(part, At::ROOT).ok()?;
                    let signature = part.get("thoughtSignature").or_else(|| part.get("thought_signature"));
                    if let Some(signature) = signature.filter(|signature| is_sealed(signature)) {
                        edits.push(Edit { at: span(body, signature), with: SKIPPED.to_owned() });
                    }
                }
            }
        }
        _ => return None,
    }
    edits.sort_by_key(|edit| edit.at.start);
    (!edits.is_empty()).then(|| splice(body, edits))
}

/// A list without the elements that have something sealed, each as it was written.
fn without(body: &[u8], list: Option<&RawValue>, edits: &mut Vec<Edit>) {
    let Some(list) = list else { return };
    let all = listed(Some(list));
    let kept: Vec<&str> = all.iter().filter(|one| !has_sealed(one)).map(|one| one.get()).collect();
    if kept.len() < all.len() {
        // No turn may be empty.
        let left = if kept.is_empty() {
            "{\"type\":\"text\",\"text\":\"(thought)\"}".to_owned()
        } else {
            kept.join(",")
        };
        edits.push(Edit { at: span(body, list), with: format!("[{left}]") });
    }
}

/// Whether a block or an item has something sealed in the place for it.
fn has_sealed(one: &RawValue) -> bool {
    const PLACES: [&str; 3] = ["signature", "data", "encrypted_content"];
    Members::of(one, At::ROOT)
        .is_ok_and(|members| PLACES.iter().filter_map(|place| members.get(place)).any(is_sealed))
}

/// A text that is sealed, also behind the words that say what of.
fn is_sealed(text: &RawValue) -> bool {
    let text = text.get().trim_start_matches('"');
    text.split('.').any(|part| part.starts_with(MARKED))
}

fn listed(list: Option<&RawValue>) -> Vec<&RawValue> {
    list.and_then(|list| items(list, At::ROOT).ok()).unwrap_or_default()
}

/// Where in a body a piece of it stands.
fn span(body: &[u8], piece: &RawValue) -> Range<usize> {
    let start = (piece.get().as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    start..start.saturating_add(piece.get().len())
}

#[cfg(test)]
mod tests {
    use super::unsealed;
    use bytes::Bytes;
    use sluice_api::dialect::Api;
    use sluice_neutral::seal::Seal;

    fn sealed(origin: Api) -> String {
        let seal = Seal { origin, account: Some(7), payload: "U0lH".into() };
        let elsewhere = if origin == Api::Anthropic { Api::Gemini } else { Api::Anthropic };
        seal.written(elsewhere).into_owned()
    }

    fn left(api: Api, body: &str) -> Option<String> {
        unsealed(api, &Bytes::copy_from_slice(body.as_bytes()))
            .map(|body| String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn what_others_have_sealed_goes_and_all_else_stays_as_it_is_written() {
        let foreign = sealed(Api::Gemini);
        let own = r#"{"type": "thinking","thinking":"b","signature":"EqQB"}"#;
        let body = |blocks: &str, thinking: &str| {
            format!(
                r#"{{"x" : 1.0e2,"thinking":{thinking},"messages":[{{"role":"assistant","content":{blocks}}},{{"role":"user","content":"c2x1"}}]}}"#
            )
        };
        let blocks = format!(
            r#"[{{"type":"thinking","thinking":"a","signature":"{foreign}"}}, {own},{{"type":"redacted_thinking","data":"{foreign}"}},{{"type":"text","text":"é\n"}}]"#
        );
        let kept = format!(r#"[{own},{{"type":"text","text":"é\n"}}]"#);
        let adaptive = r#"{"type":"adaptive"}"#;
        assert_eq!(left(Api::Anthropic, &body(&blocks, adaptive)), Some(body(&kept, adaptive)));
        let enabled = r#"{"type":"enabled","budget_tokens":2000}"#;
        assert_eq!(
            left(Api::Anthropic, &body(&blocks, enabled)),
            Some(body(&kept, r#"{"type":"disabled"}"#))
        );
        assert_eq!(left(Api::Anthropic, &body(&kept, enabled)), None);
        // Words of the client's own are no seal.
        assert_eq!(
            left(Api::Anthropic, &body(&format!(r#"[{{"type":"text","text":"{foreign}"}}]"#), enabled)),
            None
        );
    }

    #[test]
    fn items_of_others_go_and_signatures_of_others_are_skipped() {
        let foreign = sealed(Api::Anthropic);
        let item =
            |content: &str| format!(r#"{{"type":"reasoning","summary":[],"encrypted_content":"{content}"}}"#);
        let message = r#"{"role":"user","content":"Go."}"#;
        let body =
            format!(r#"{{"input":[{},{message},{}]}}"#, item(&foreign), item(&format!("next.{foreign}")));
        assert_eq!(left(Api::OpenaiResponses, &body), Some(format!(r#"{{"input":[{message}]}}"#)));
        assert_eq!(left(Api::OpenaiResponses, &format!(r#"{{"input":[{}]}}"#, item("gAAAA"))), None);
        let body = |signature: &str| {
            format!(
                r#"{{"contents":[{{"parts":[{{"functionCall":{{"name":"f"}},"thoughtSignature":"{signature}"}}]}}]}}"#
            )
        };
        let skipped = Some(body("skip_thought_signature_validator"));
        assert_eq!((left(Api::Gemini, &body(&foreign)), left(Api::Gemini, &body("AAAA"))), (skipped, None));
    }
}
