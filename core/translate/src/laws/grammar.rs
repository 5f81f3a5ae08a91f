//! The grammar of Anthropic's streams, as its SDKs read them.

use serde_json::Value;
use sluice_wire::sse::Scanner;

/// A block of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Its type.
    pub(super) kind: String,
    /// What its deltas add up to.
    pub(super) text: String,
}

/// How far a stream has come.
#[derive(Debug, Default, PartialEq, Eq)]
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
    ("signature_delta", "thinking", "signature"),
    ("input_json_delta", "tool_use", "partial_json"),
];

/// Checks what has come of a stream, and gives its blocks.
pub(super) fn checked(stream: &[u8]) -> Vec<Block> {
    let (mut at, mut blocks) = (At::Before, Vec::new());
    let mut scanner = Scanner::default();
    scanner.feed(stream, &mut |event| {
        let data: Value = serde_json::from_slice(event.data).unwrap_or_default();
        let kind = text(&data, "/type");
        assert_eq!(event.name, kind.as_bytes());
        at = next(&at, kind, &data, &mut blocks);
    });
    assert!(!scanner.is_open());
    blocks
}

fn text<'a>(data: &'a Value, at: &str) -> &'a str {
    data.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

fn next(at: &At, event: &str, data: &Value, blocks: &mut Vec<Block>) -> At {
    let index = data.get("index").and_then(Value::as_u64);
    let open = (blocks.len() as u64).checked_sub(1);
    match (at, event) {
        (At::Before, "message_start") => At::Between,
        (At::Between, "content_block_start") => {
            assert_eq!(index, Some(blocks.len() as u64));
            blocks.push(Block { kind: text(data, "/content_block/type").to_owned(), text: String::new() });
            At::Inside
        }
        (At::Inside, "content_block_delta") => {
            assert_eq!(index, open);
            let kind = text(data, "/delta/type");
            let found = DELTAS.iter().find(|(delta, ..)| *delta == kind);
            let block = blocks.last_mut();
            assert_eq!(
                found.map(|(_, of, _)| *of),
                block.as_ref().map(|block| block.kind.as_str()),
                "{kind}"
            );
            if let (Some((.., member)), Some(block)) = (found, block) {
                block.text.push_str(text(data, &format!("/delta/{member}")));
            }
            At::Inside
        }
        (At::Inside, "content_block_stop") => {
            assert_eq!(index, open);
            At::Between
        }
        (At::Between, "message_delta") => {
            assert!(data.pointer("/usage/output_tokens").is_some_and(Value::is_u64), "{data}");
            assert!(data.pointer("/delta/stop_reason").is_some_and(Value::is_string), "{data}");
            At::Told
        }
        (At::Told, "message_stop") => At::Over,
        _ => {
            assert_eq!(event, "", "it stands {at:?}");
            At::Over
        }
    }
}
