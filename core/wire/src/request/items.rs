//! Items of a Responses request that are there by their ids alone: what they hold is upstream.

use std::ops::Range;

use memchr::memmem;
use sluice_api::error::Error;

use crate::request::peek;
use sluice_json as json;
use sluice_json::member::member;

/// Members of an item that say whether it is there by its id alone; none of them may be in it twice.
const DECIDING: [&str; 6] = ["id", "type", "role", "content", "encrypted_content", "result"];

/// Kinds of items that an upstream fills in by their ids, with the members that hold what it would fill in.
const FILLED_IN: [(&str, &[&str]); 2] =
    [("reasoning", &["encrypted_content", "content"]), ("image_generation_call", &["result"])];

/// An item that is there by its id alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// `item_reference`: it is nothing without what the upstream has of it.
    Reference(String),
    /// One that the upstream fills in if it has it.
    Part(String),
}

/// Calls `found` with each item of an input that is there by its id alone, until it says that it has seen enough.
///
/// # Errors
///
/// When an item says twice, or in another case, what decides that.
pub(crate) fn by_id(
    body: &[u8],
    input: &Range<usize>,
    mut found: impl FnMut(Named) -> bool,
) -> Result<(), Error> {
    if !may_name_one(body.get(input.clone()).unwrap_or_default()) {
        return Ok(());
    }
    let mut wrong = None;
    json::elements_while(body, input, |element| match item(body, &element) {
        Ok(named) => named.is_none_or(&mut found),
        Err(error) => {
            wrong = Some(error);
            false
        }
    });
    wrong.map_or(Ok(()), Err)
}

/// Whether an `id` may be among the names, in any case and with any escape: a quick look that spares most requests the
/// walk through all that they say.
fn may_name_one(input: &[u8]) -> bool {
    let follows = |start: &[u8], next: fn(&[u8]) -> bool| {
        let mut places = memmem::find_iter(input, start).map(|at| at + start.len());
        places.any(|at| input.get(at..).is_some_and(next))
    };
    let is_id: fn(&[u8]) -> bool = |rest| matches!(rest, [b'd' | b'D', b'"', ..]);
    let is_one_of_its_letters: fn(&[u8]) -> bool = |rest| matches!(rest, [b'4' | b'6', b'4' | b'9', ..]);
    follows(b"\"i", is_id) || follows(b"\"I", is_id) || follows(b"\\u00", is_one_of_its_letters)
}

fn item(body: &[u8], element: &Range<usize>) -> Result<Option<Named>, Error> {
    let members = peek::once(body, element, DECIDING)?;
    let value = |name: &str| {
        let (_, span) = DECIDING.iter().zip(&members).find(|(deciding, _)| **deciding == name)?;
        body.get(span.clone()?).filter(|value| says_something(value))
    };
    let Some(id) = value("id").filter(|id| id.starts_with(b"\"")).map(json::text::unescape) else {
        return Ok(None);
    };
    let kind = value("type").map(json::text::unescaped);
    Ok(match kind.as_deref() {
        Some("item_reference") => Some(Named::Reference(id)),
        // Without a type it is a message, where it is one, and else a reference.
        None => (value("role").is_none() || value("content").is_none()).then_some(Named::Reference(id)),
        Some(kind) => {
            let found = FILLED_IN.iter().find(|(filled_in, _)| *filled_in == kind);
            let alone = found.is_some_and(|(_, held)| held.iter().all(|name| value(name).is_none()));
            alone.then_some(Named::Part(id))
        }
    })
}

/// Whether there is anything in a value.
fn says_something(value: &[u8]) -> bool {
    match value {
        b"null" | b"\"\"" => false,
        [b'[', inside @ ..] => inside.trim_ascii_start() != b"]",
        _ => true,
    }
}

/// A call of one of the provider's own tools, as an item of an output tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// Its type, like `web_search_call`.
    pub(crate) kind: String,
    /// The type of its action.
    pub(crate) action: Option<String>,
    /// The container that it ran in.
    pub(crate) container: Option<String>,
}

/// What the names of such types end in. A function's calls are the client's.
const CALL: &str = "_call";

/// The name of the type of a function's call.
const FUNCTION: &str = "function_call";

impl Call {
    /// The call that an item is; none where it is something else.
    pub(crate) fn read(document: &[u8], item: &Range<usize>) -> Option<Self> {
        let kind = text(document, item, "type").filter(|kind| kind.ends_with(CALL) && kind != FUNCTION)?;
        let action = member(document, item, "action").and_then(|action| text(document, &action, "type"));
        Some(Self { kind, action, container: text(document, item, "container_id") })
    }
}

/// Calls `found` with the id of each item of an output, as an answer or its last event has it, and the call that it is.
pub(crate) fn made(output: &[u8], mut found: impl FnMut(Option<String>, Option<Call>)) {
    json::elements_within(output, &(0..output.len()), |element| {
        found(text(output, &element, "id"), Call::read(output, &element));
    });
}

/// The call that an event ends.
pub(crate) fn ended(event: &[u8]) -> Option<Call> {
    Call::read(event, &member(event, &(0..event.len()), "item")?)
}

/// The id of the item that an event begins or ends.
pub(crate) fn told(event: &[u8]) -> Option<String> {
    text(event, &member(event, &(0..event.len()), "item")?, "id")
}

fn text(document: &[u8], object: &Range<usize>, name: &str) -> Option<String> {
    let value = document.get(member(document, object, name)?)?;
    value.starts_with(b"\"").then(|| json::text::unescape(value))
}

#[cfg(test)]
mod tests {
    use super::{Named, by_id, made, told};

    /// What is there by its id alone: references as they are, what may be filled in with a `+`.
    fn found(input: &str) -> Result<Vec<String>, Option<String>> {
        let mut all = Vec::new();
        let body = format!("{{\"input\":{input}}}");
        by_id(body.as_bytes(), &(9..body.len() - 1), |named| {
            all.push(match named {
                Named::Reference(id) => id,
                Named::Part(id) => format!("+{id}"),
            });
            true
        })
        .map_err(|error| error.facts().param.clone())?;
        Ok(all)
    }

    #[test]
    fn an_item_without_what_it_holds_is_there_by_its_id() {
        for (item, expected) in [
            (r#"{"type":"item_reference","id":"msg_1"}"#, &["msg_1"][..]),
            (r#"{"id" : "msg_1", "type" : "item\u005freference","content":"x"}"#, &["msg_1"]),
            (r#"{"\u0069\u0064":"msg_1","t\u0079pe":"item_reference"}"#, &["msg_1"]),
            (r#"{"id":"msg_\u0031"}"#, &["msg_1"]),
            (r#"{"id":"msg_1","type":null}"#, &["msg_1"]),
            (r#"{"id":"msg_1","role":"assistant","content":null}"#, &["msg_1"]),
            (r#"{"id":"msg_1","role":"assistant","content":"x"}"#, &[]),
            (r#"{"id":"msg_1","type":"message","role":"assistant","content":[{"text":"x"}]}"#, &[]),
            (r#"{"type":"reasoning","id":"rs_1","summary":[{"text":"x"}]}"#, &["+rs_1"]),
            (r#"{"type":"reasoning","id":"rs_1","content":[ ],"encrypted_content":""}"#, &["+rs_1"]),
            (r#"{"type":"reasoning","id":"rs_1","encrypted_content":"x"}"#, &[]),
            (r#"{"type":"reasoning","id":"rs_1","content":[{"text":"x"}]}"#, &[]),
            (r#"{"type":"image_generation_call","id":"ig_1"}"#, &["+ig_1"]),
            (r#"{"type":"image_generation_call","id":"ig_1","result":"AAAA"}"#, &[]),
            (r#"{"type":"function_call","id":"fc_1","call_id":"c","arguments":"{}"}"#, &[]),
            (r#"{"type":"item_reference","id":null}"#, &[]),
            (r#"{"type":"item_reference","id":7}"#, &[]),
            (r#"{"role":"user","content":"{\"type\":\"item_reference\",\"id\":\"msg_1\"}"}"#, &[]),
            (r#"{"role":"user","content":[{"type":"item_reference","id":"msg_1"}]}"#, &[]),
            (r#""id""#, &[]),
        ] {
            assert_eq!(found(&format!("[{item}]")).unwrap(), expected, "{item}");
            let two = format!("[{{\"role\":\"user\",\"content\":\"x\"}}, {item} ,{item}]");
            assert_eq!(found(&two).unwrap(), [expected, expected].concat(), "{item}");
        }
        assert_eq!(found(r#""a text with an \"id\"""#).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_decides_is_said_once_and_in_its_case() {
        for (item, param) in [
            (r#"{"type":"item_reference","ID":"a"}"#, "id"),
            (r#"{"type":"item_reference","\u0049d":"a"}"#, "id"),
            (r#"{"type":"item_reference","id":"a","id":"b"}"#, "id"),
            (r#"{"type":"message","id":"a","type":"item_reference"}"#, "type"),
            (r#"{"Type":"item_reference","id":"a"}"#, "type"),
            (r#"{"type":"reasoning","id":"a","content":"x","content":null}"#, "content"),
        ] {
            assert_eq!(found(&format!("[{item}]")), Err(Some(param.to_owned())), "{item}");
        }
    }

    #[test]
    fn no_more_is_looked_at_than_is_asked_for() {
        let body = format!("[{}]", vec![r#"{"id":"a"}"#; 100].join(","));
        let mut count = 0;
        let mut enough = |_| {
            count += 1;
            count < 3
        };
        by_id(body.as_bytes(), &(0..body.len()), &mut enough).unwrap();
        assert_eq!(count, 3);
    }

    #[test]
    fn made_items_are_known_by_their_own_ids() {
        let mut all = Vec::new();
        let output =
            br#" [{"type":"reasoning","id":"rs_1"},7,{"content":[{"id":"no"}],"id":"msg_\u0031"},{}]"#;
        made(output.trim_ascii(), |id, _| all.extend(id));
        assert_eq!(all, ["rs_1", "msg_1"]);
        let event = br#"{"type":"x","id":"no","item":{"action":{"id":"no"},"id":"ws_1"}}"#;
        assert_eq!(told(event).as_deref(), Some("ws_1"));
        assert_eq!(told(br#"{"id":"no","item":{"action":{"id":"no"}}}"#), None);
        assert_eq!(told(b"{\"item\":{\"id\":\"cut"), None);
    }
}
