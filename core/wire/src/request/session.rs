//! Which conversation a request belongs to, and what it is bound to, from headers and body.
//!
//! Sources: what Claude Code, Codex and the official SDKs send (`wire/clients.md` has the measurements).

use std::ops::Range;

use http::HeaderMap;
use memchr::memmem;
use sluice_api::dialect::Api;
use sluice_api::error::Error;
use xxhash_rust::xxh3::xxh3_128;

use crate::headers::Names;
use crate::request::items::{self, Named};
use crate::request::peek::Peek;
use crate::request::words::Words;
use sluice_json as json;
use sluice_json::member::member;

/// Headers that name a session, in the order in which they are looked for.
const HEADERS: [&str; 5] =
    ["x-session-id", "x-claude-code-session-id", "session-id", "session_id", "conversation_id"];

static NAMES: Names<{ HEADERS.len() }> = Names::of(HEADERS);

/// The longest name that is kept as it is; of a longer one its hash.
const NAME_MAX: usize = 128;

/// The longest name of a response or a conversation, in bytes; vendors' own have some 60.
const REFERENCE_MAX: usize = 256;

/// The most items that a request may refer to: longer than any conversation that fits a model, and each is looked up.
const ITEMS_MAX: usize = 4_096;

/// What comes before the session in the older form of Claude Code's `metadata.user_id`.
const OLD_FORM: &str = "_session_";

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its name, unique within a client's own.
    pub name: String,
    /// Whether the request goes where the conversation was before. A first turn that names no session does not: it
    /// looks like every other first turn with the same prompt, and a burst of them would land on one account.
    pub follows: bool,
}

/// The conversation of a request, by the first source that names one.
#[must_use]
pub fn session(api: Api, headers: &HeaderMap, body: &[u8], peek: &Peek) -> Option<Session> {
    // Most have none of them: one look at all names costs less than one for each of these.
    let has_one = headers.keys().any(|name| NAMES.has(name.as_str()));
    let named = HEADERS
        .iter()
        .filter(|_| has_one)
        .filter_map(|name| headers.get(*name)?.to_str().ok())
        .map(str::trim)
        .find(|value| !value.is_empty())
        .map(ToOwned::to_owned);
    let named = named.or_else(|| user_id(api, body, peek)).or_else(|| {
        let openai = matches!(api, Api::OpenaiChat | Api::OpenaiResponses);
        text(body, peek.spans.prompt_cache_key.as_ref().filter(|_| openai)?)
    });
    match named {
        Some(name) => Some(Session { name: known_as(name), follows: true }),
        None => derived(api, body, peek),
    }
}

/// What a request refers to, and that only the account which made it knows, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The response that it continues.
    Response(String),
    /// The conversation that it belongs to.
    Conversation(String),
    /// An output item of an earlier response, of which it has nothing but the name.
    Item(String),
    /// One of which it has not all: an upstream that keeps what it made fills it in, and others do without.
    Part(String),
}

impl Reference {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Response(name) | Self::Conversation(name) | Self::Item(name) | Self::Part(name) => name,
        }
    }
}

/// The response, the conversation and the items that a request refers to. What is longer than any name of one is none.
///
/// # Errors
///
/// When items say twice, or in another case, what they refer to, or there are too many.
pub fn references(body: &[u8], peek: &Peek) -> Result<Vec<Reference>, Error> {
    let mut some = Vec::new();
    let response = peek.spans.previous_response_id.as_ref().and_then(|span| text(body, span));
    some.extend(response.map(Reference::Response));
    if let Some(span) = &peek.spans.conversation {
        let conversation = text(body, span).or_else(|| text(body, &member(body, span, "id")?));
        some.extend(conversation.map(Reference::Conversation));
    }
    some.retain(is_a_name);
    let mut count = 0;
    if let Some(input) = &peek.spans.turns {
        items::by_id(body, input, |named| {
            let item = match named {
                Named::Reference(id) => Reference::Item(id),
                Named::Part(id) => Reference::Part(id),
            };
            count += 1;
            some.extend(Some(item).filter(is_a_name));
            count <= ITEMS_MAX
        })?;
    }
    if count > ITEMS_MAX {
        let message = format!(
            "`input` refers to more than {ITEMS_MAX} items by their ids: send `previous_response_id` instead"
        );
        return Err(Error::bad_request(Some("input"), message));
    }
    Ok(some)
}

fn is_a_name(reference: &Reference) -> bool {
    (1..=REFERENCE_MAX).contains(&reference.name().len())
}

/// The session part of Anthropic's `metadata.user_id` in both of its forms; anything else: the whole value.
fn user_id(api: Api, body: &[u8], peek: &Peek) -> Option<String> {
    let span = peek.spans.metadata.as_ref().filter(|_| api == Api::Anthropic)?;
    let value = text(body, &member(body, span, "user_id")?).filter(|value| !value.is_empty())?;
    let inside = value.as_bytes();
    if value.starts_with('{')
        && json::members(inside, |_| ()).is_ok()
        && let Some(session) =
            member(inside, &(0..inside.len()), "session_id").and_then(|span| text(inside, &span))
        && !session.is_empty()
    {
        return Some(session);
    }
    // Short texts: the standard library's search is made ready for long ones.
    let at = inside.windows(OLD_FORM.len()).rposition(|window| window == OLD_FORM.as_bytes());
    match at.and_then(|at| value.get(at + OLD_FORM.len()..)) {
        Some(session) if !session.is_empty() => Some(session.to_owned()),
        _ => Some(value),
    }
}

/// The conversation by its beginning: the text of the system prompt and of everything up to the first user's turn.
fn derived(api: Api, body: &[u8], peek: &Peek) -> Option<Session> {
    let turns = peek.spans.turns.as_ref()?;
    let mut words = Words::default();
    if let Some(system) = &peek.spans.system {
        words.say(body, system);
    }
    words.next();
    if !words.up_to_the_user(body, turns) {
        return None;
    }
    let answered: &[&[u8]] = match api {
        Api::Gemini => &[b"\"model\""],
        // Reasoning and calls of tools are turns of the assistant, without its name.
        Api::OpenaiResponses => &[b"\"assistant\"", b"\"reasoning\"", b"\"function_call\""],
        _ => &[b"\"assistant\""],
    };
    let turns = body.get(turns.clone()).unwrap_or_default();
    let follows = answered.iter().any(|turn| memmem::find(turns, turn).is_some());
    Some(Session { name: format!("hash:{:032x}", words.digest()), follows })
}

fn text(body: &[u8], span: &Range<usize>) -> Option<String> {
    let value = body.get(span.clone())?;
    value.starts_with(b"\"").then(|| json::text::unescape(value))
}

/// What a session of this name is known as: a long one by its hash.
#[must_use]
pub fn known_as(name: String) -> String {
    if name.len() <= NAME_MAX { name } else { format!("hash:{:032x}", xxh3_128(name.as_bytes())) }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use sluice_api::dialect::{Api, Operation};

    use super::{ITEMS_MAX, Reference, references, session};
    use crate::request::peek::peek;

    fn named(api: Api, headers: &[(&str, &str)], body: &str) -> Option<(String, bool)> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        let peek = peek(api, Operation::Generate, body.as_bytes()).unwrap();
        session(api, &headers, body.as_bytes(), &peek).map(|session| (session.name, session.follows))
    }

    #[test]
    fn a_session_is_the_first_that_is_named() {
        let old = r#"{"metadata":{"user_id":"user_0ab_account__session_s-1"}}"#;
        let new = r#"{"metadata":{"user_id":"{\"device_id\":\"d\",\"account_uuid\":\"\",\"session_id\":\"s-2\"}"}}"#;
        for (api, headers, body, name) in [
            (Api::Anthropic, &[("x-session-id", "a"), ("x-claude-code-session-id", "b")][..], old, Some("a")),
            (Api::Anthropic, &[("x-claude-code-session-id", "b")], old, Some("b")),
            (Api::OpenaiResponses, &[("session_id", "c")], "{}", Some("c")),
            (Api::OpenaiResponses, &[("conversation_id", "d"), ("session-id", "e")], "{}", Some("e")),
            (Api::Anthropic, &[], old, Some("s-1")),
            (Api::Anthropic, &[], new, Some("s-2")),
            (Api::Anthropic, &[], r#"{"metadata":{"user_id":"anything"}}"#, Some("anything")),
            (Api::OpenaiChat, &[], r#"{"prompt_cache_key":"k"}"#, Some("k")),
            (Api::OpenaiChat, &[], old, None),
            (Api::Gemini, &[("x-session-id", "g")], "{}", Some("g")),
            (Api::Gemini, &[], "{}", None),
        ] {
            assert_eq!(named(api, headers, body), name.map(|name| (name.to_owned(), true)), "{body}");
        }
        let long = "x".repeat(500);
        assert!(named(Api::Gemini, &[("x-session-id", &long)], "{}").unwrap().0.len() < 64);
    }

    #[test]
    fn a_conversation_without_a_name_is_known_by_its_beginning_from_its_second_turn_on() {
        for (api, first, second, other) in [
            (
                Api::Anthropic,
                r#"{"system":"s","messages":[{"role":"user","content":"a"}]}"#,
                r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],"system":"s"}"#,
                r#"{"system":"t","messages":[{"role":"user","content":"a"}]}"#,
            ),
            (
                Api::OpenaiChat,
                r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"}]}"#,
                r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#,
                r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"z"}]}"#,
            ),
            (
                Api::Gemini,
                r#"{"contents":[{"parts":[{"text":"a"}]}]}"#,
                r#"{"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[]},{"parts":[{"text":"c"}]}]}"#,
                r#"{"contents":[{"parts":[{"text":"b"}]}]}"#,
            ),
        ] {
            let (one, follows) = named(api, &[], first).unwrap();
            assert!(!follows, "a burst of first turns spreads");
            assert_eq!(named(api, &[], second), Some((one.clone(), true)));
            assert_ne!(named(api, &[], other).unwrap().0, one);
        }
    }

    #[test]
    fn a_mark_of_the_prompt_cache_that_moves_on_changes_no_conversation() {
        let plain = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}],"system":[{"type":"text","text":"s"}]}"#;
        let (name, _) = named(Api::Anthropic, &[], plain).unwrap();
        let mark = r#""cache_control": {"type":"ephemeral","ttl":"1h"}"#;
        for (from, to) in [
            (r#""text":"a""#, format!(r#""text":"a" , {mark}"#)),
            (r#"{"type":"text","text":"a""#, format!(r#"{{{mark}, "type":"text","text":"a""#)),
            (r#""text":"s""#, format!(r#""text":"s",{mark}"#)),
        ] {
            let marked = plain.replace(from, &to);
            assert_eq!(named(Api::Anthropic, &[], &marked).unwrap().0, name, "{marked}");
        }
        let said = plain.replace("\"a\"", r#""\"cache_control\" {x}""#);
        assert_ne!(named(Api::Anthropic, &[], &said).unwrap().0, name);
        // What is no mark takes nothing with it.
        for other in [r#""cache_control":null,"text":"X""#, r#""name":"cache_control","text":"X""#] {
            let of = |text: &str| {
                let body = plain.replace(r#""text":"a""#, &other.replace('X', text));
                named(Api::Anthropic, &[], &body).unwrap().0
            };
            assert_ne!(of("a"), of("b"), "{other}");
        }
    }

    /// Each says the same, in forms that clients change from turn to turn.
    #[test]
    fn a_conversation_is_known_by_its_text_whatever_the_form() {
        let claude = [
            r#"{"system":"s","messages":[{"role":"user","content":"a\u00e9"}]}"#,
            "{\"messages\" : [ {\"content\" :\"a\u{e9}\", \"role\":\"user\"} ],\n \"system\":\"s\"}",
            r#"{"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"text","text":"aé","cache_control":{"type":"ephemeral"}}]}]}"#,
            r#"{"system":[{"text":"s","cache_control":{"ttl":"1h","type":"ephemeral"},"type":"text"}],"messages":[{"content":[{"text":"aé", "type":"text"}],"role":"user"}]}"#,
        ];
        let chat = [
            r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"}]}"#,
            r#"{"messages":[{"content":[{"text":"s","type":"text"}],"role":"system"},{"role":"user","name":null,"content":[{"type":"text","text":"a","prompt_cache_breakpoint":{"mode":"explicit"}}]}]}"#,
        ];
        let responses = [
            r#"{"instructions":"s","input":"a"}"#,
            r#"{"input":[{"role":"user","content":"a"}],"instructions":"s"}"#,
            r#"{"instructions":"s","input":[{"type":"message","id":"msg_1","role":"user","content":[{"type":"input_text","text":"a"}]}]}"#,
        ];
        let gemini = [
            r#"{"systemInstruction":{"parts":[{"text":"s"}]},"contents":[{"role":"user","parts":[{"text":"a"}]}]}"#,
            r#"{"system_instruction":{"role":"user","parts":{"text":"s"}},"contents":[{"parts":[{"text":"a"}]}]}"#,
            r#"{"systemInstruction":"s","contents":{"parts":[{"text":"a"}]}}"#,
            r#"{"systemInstruction":"s","contents":"a"}"#,
        ];
        for (api, forms) in [
            (Api::Anthropic, &claude[..]),
            (Api::OpenaiChat, &chat),
            (Api::OpenaiResponses, &responses),
            (Api::Gemini, &gemini),
        ] {
            let (name, _) = named(api, &[], forms[0]).unwrap();
            for form in forms {
                assert_eq!(named(api, &[], form).unwrap().0, name, "{form}");
            }
            let other = forms[0].replacen("\"s\"", "\"t\"", 1);
            assert_ne!(named(api, &[], &other).unwrap().0, name, "{other}");
        }
    }

    #[test]
    fn what_is_no_text_tells_conversations_apart_by_what_it_holds() {
        let of = |block: &str| {
            let content = format!(r#"[{{"type":"text","text":"a"}},{block}]"#);
            let body = format!(r#"{{"messages":[{{"role":"user","content":{content}}}]}}"#);
            named(Api::Anthropic, &[], &body).unwrap().0
        };
        let one = of(r#"{"type":"image","source":{"type":"base64","data":"AA=="}}"#);
        let same = r#"{"source" : {"data":"AA==", "type":"base64"},"cache_control":{"type":"ephemeral"},"type":"image"}"#;
        assert_eq!(of(same), one);
        for other in [
            r#"{"type":"image","source":{"type":"base64","data":"BB=="}}"#,
            r#"{"type":"image","source":{"type":"AA==","data":"base64"}}"#,
            r#"{"type":"text","text":"AA=="}"#,
        ] {
            assert_ne!(of(other), one, "{other}");
        }
    }

    #[test]
    fn where_the_system_prompt_ends_and_the_user_begins_is_part_of_it() {
        let of = |system: &str, user: &str| {
            let body =
                format!(r#"{{"system":"{system}","messages":[{{"role":"user","content":"{user}"}}]}}"#);
            named(Api::Anthropic, &[], &body).unwrap().0
        };
        assert_ne!(of("ab", "c"), of("a", "bc"));
        assert_ne!(of("a", ""), of("", "a"));
    }

    #[test]
    fn reasoning_and_calls_of_tools_are_turns_of_the_assistant() {
        let turn =
            r#"{"input":[{"role":"user","content":"a"},X{"type":"function_call_output","output":"1"}]}"#;
        for (more, follows) in [
            ("", false),
            (r#"{"type":"reasoning","encrypted_content":"e"},"#, true),
            (r#"{"type":"function_call","name":"f"},"#, true),
        ] {
            let body = turn.replace('X', more);
            assert_eq!(named(Api::OpenaiResponses, &[], &body).unwrap().1, follows, "{body}");
        }
    }

    #[test]
    fn what_only_one_account_knows_is_found() {
        let of = |body: &str| {
            let peek = peek(Api::OpenaiResponses, Operation::Generate, body.as_bytes()).unwrap();
            references(body.as_bytes(), &peek).unwrap()
        };
        let response = |name: &str| Reference::Response(name.to_owned());
        let conversation = |name: &str| Reference::Conversation(name.to_owned());
        assert_eq!(of(r#"{"previous_response_id":"resp_1"}"#), [response("resp_1")]);
        assert_eq!(of(r#"{"conversation":"conv_1"}"#), [conversation("conv_1")]);
        assert_eq!(of(r#"{"conversation":{"id":"conv_2"}}"#), [conversation("conv_2")]);
        assert!(of(r#"{"previous_response_id":null,"conversation":null}"#).is_empty());
        let input = r#"{"input":[{"type":"item_reference","id":"msg_1"},{"type":"reasoning","id":"rs_1"}]}"#;
        assert_eq!(of(input), [Reference::Item("msg_1".to_owned()), Reference::Part("rs_1".to_owned())]);
        assert_eq!(of(&input.replacen('{', r#"{"contents":[],"messages":[],"#, 1)), of(input));
        // No name is longer than this, and what is kept of clients' words is bounded.
        let (longest, longer) = ("n".repeat(256), "n".repeat(257));
        assert_eq!(of(&format!(r#"{{"conversation":"{longest}"}}"#)), [conversation(&longest)]);
        for body in [
            "\"previous_response_id\":N",
            "\"conversation\":N",
            "\"conversation\":{\"id\":N}",
            "\"conversation\":\"\"",
            "\"input\":[{\"id\":N}]",
        ] {
            assert!(of(&format!("{{{}}}", body.replace('N', &format!("\"{longer}\"")))).is_empty(), "{body}");
        }
    }

    #[test]
    fn no_request_refers_to_more_than_can_be_looked_up() {
        for (items, fits) in [(ITEMS_MAX, true), (ITEMS_MAX + 1, false), (100 * ITEMS_MAX, false)] {
            let body = format!(r#"{{"input":[{}]}}"#, vec![r#"{"id":"a"}"#; items].join(","));
            let peek = peek(Api::OpenaiResponses, Operation::Generate, body.as_bytes()).unwrap();
            let found = references(body.as_bytes(), &peek).map(|found| found.len());
            assert_eq!(found.ok(), fits.then_some(items));
        }
    }
}
