//! The grammar of Anthropic's streams: indexes without a gap, one block at a time, one reason with the usage, one end.

use serde_json::{Value, json};
use sluice_wire::sse::Scanner;

use super::{Block, End, Heard, text};

/// How far a stream has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Before,
    Between,
    Inside,
    Told,
    Over,
}

/// Types of deltas, of the blocks that have them, and where each has its text.
const DELTAS: [(&str, &str, &str); 4] = [
    ("text_delta", "text", "text"),
    ("thinking_delta", "thinking", "thinking"),
    ("signature_delta", "thinking", ""),
    ("input_json_delta", "call", "partial_json"),
];

/// Reasons that a client knows.
const REASONS: [&str; 7] = [
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
];

/// Checks what has come of a stream.
pub(super) fn checked(stream: &[u8]) -> Heard {
    let (mut at, mut heard) = (At::Before, Heard::default());
    let mut scanner = Scanner::default();
    scanner.feed(stream, &mut |event| {
        let data = super::json(event.data);
        let kind = text(&data, "/type");
        assert_eq!(event.name, kind.as_bytes(), "an event is named by its type");
        assert_ne!(at, At::Over, "{kind} comes behind the end");
        at = next(at, kind, &data, &mut heard);
    });
    assert!(!scanner.is_open(), "an event is not whole");
    assert_eq!(at == At::Over, heard.end != End::Open && at != At::Told, "{heard:?}");
    heard
}

/// Checks that ids and reasons are such as a client knows.
pub(super) fn of_known_words(heard: &Heard) {
    if let End::Whole(reason) = &heard.end {
        assert!(REASONS.contains(&reason.as_str()), "{reason}");
    }
    for block in heard.blocks.iter().filter(|block| block.kind == "call") {
        let (id, name) = &block.called;
        assert!(!id.is_empty(), "{block:?} {name}");
    }
}

fn next(at: At, event: &str, data: &Value, heard: &mut Heard) -> At {
    match (at, event) {
        (_, "error") => {
            assert!(
                !text(data, "/error/type").is_empty() && !text(data, "/error/message").is_empty(),
                "{data}"
            );
            heard.end = End::Failed(text(data, "/error/message").to_owned());
            At::Over
        }
        (At::Before, "message_start") => {
            started(data);
            At::Between
        }
        (At::Between | At::Inside | At::Told, "ping") => at,
        (At::Between, "content_block_start") => {
            assert_eq!(data["index"], json!(heard.blocks.len()), "a gap in the indexes");
            heard.blocks.push(begun(&data["content_block"]));
            At::Inside
        }
        (At::Inside, "content_block_delta") => {
            assert_eq!(data["index"], json!(heard.blocks.len() - 1));
            added(&data["delta"], heard.blocks.last_mut());
            At::Inside
        }
        (At::Inside, "content_block_stop") => {
            assert_eq!(data["index"], json!(heard.blocks.len() - 1));
            At::Between
        }
        (At::Between, "message_delta") => {
            assert!(data["usage"]["output_tokens"].is_u64(), "{data}");
            let reason = text(data, "/delta/stop_reason");
            assert!(data["delta"]["stop_reason"].is_string(), "{data}");
            assert!(data["delta"].get("stop_sequence").is_some(), "{data}");
            heard.end = End::Whole(reason.to_owned());
            At::Told
        }
        (At::Told, "message_stop") => At::Over,
        _ => {
            assert_eq!(event, "", "it stands {at:?}");
            At::Over
        }
    }
}

fn started(data: &Value) {
    let message = &data["message"];
    assert!(!text(message, "/id").is_empty() && !text(message, "/model").is_empty(), "{data}");
    assert_eq!((text(message, "/type"), text(message, "/role")), ("message", "assistant"), "{data}");
    assert_eq!((&message["content"], &message["stop_reason"]), (&json!([]), &Value::Null), "{data}");
    let usage = &message["usage"];
    assert!(usage["input_tokens"].is_u64() && usage["output_tokens"].is_u64(), "{data}");
}

fn begun(block: &Value) -> Block {
    let kind = text(block, "/type");
    let mut begun = Block { kind: kind.to_owned(), ..Block::default() };
    match kind {
        "text" => assert_eq!(block["text"], "", "{block}"),
        "thinking" => {
            assert_eq!((&block["thinking"], &block["signature"]), (&json!(""), &json!("")), "{block}")
        }
        "redacted_thinking" => assert!(block["data"].is_string(), "{block}"),
        "tool_use" => {
            assert_eq!(block["input"], json!({}), "{block}");
            let (id, name) = (text(block, "/id"), text(block, "/name"));
            begun.kind = "call".to_owned();
            begun.called = (id.to_owned(), name.to_owned());
        }
        _ => assert_eq!(kind, "", "a block of no kind that was asked for"),
    }
    begun
}

fn added(delta: &Value, block: Option<&mut Block>) {
    let kind = text(delta, "/type");
    let found = DELTAS.iter().find(|(known, ..)| *known == kind);
    let of = block.as_ref().map(|block| block.kind.clone());
    assert_eq!(found.map(|(_, of, _)| (*of).to_owned()), of, "{kind}");
    if let (Some((.., member)), Some(block)) = (found.filter(|(.., member)| !member.is_empty()), block) {
        block.text.push_str(text(delta, &format!("/{member}")));
    }
}
