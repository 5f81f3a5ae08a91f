//! The grammar of Gemini's streams: in each chunk a candidate with a part and a role, in the last one the reason and the
//! usage, an error's own key first.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Block, End, Heard, text};

/// Parts, with arguments as they are written.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    candidates: Vec<Candidate<'a>>,
}

#[derive(Deserialize)]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Content<'a>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, rename = "functionCall")]
    call: Option<Call<'a>>,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    args: &'a RawValue,
}

/// Checks what has come of a stream.
pub(super) fn checked(stream: &[u8]) -> Heard {
    let stream = String::from_utf8_lossy(stream);
    let mut heard = Heard::default();
    assert!(stream.is_empty() || stream.ends_with("\r\n\r\n"), "an event is not whole");
    for event in stream
        .split("\r\n\r\n")
        .map(|event| event.trim_start_matches("\r\n"))
        .filter(|event| !event.is_empty())
    {
        let data = event.strip_prefix("data: ").unwrap_or_default();
        assert!(data.starts_with('{') && !data.contains('\n') && !data.contains('\r'), "{event}");
        assert_eq!(heard.end, End::Open, "{event} comes behind the end");
        chunk(data, &mut heard);
    }
    heard
}

fn chunk(data: &str, heard: &mut Heard) {
    let read = super::json(data.as_bytes());
    if read.get("error").is_some() {
        assert!(data.starts_with("{\"error\":{"), "{data}");
        let code = read["error"]["code"].as_u64().unwrap_or_default();
        assert!((400..600).contains(&code) && !text(&read, "/error/status").is_empty(), "{data}");
        heard.end = End::Failed(text(&read, "/error/message").to_owned());
        return;
    }
    let [candidate] = read["candidates"].as_array().map(Vec::as_slice).unwrap_or_default() else {
        return assert_eq!(read["candidates"].as_array().map(Vec::len), Some(1), "{data}");
    };
    assert!(text(candidate, "/content/role") == "model" && candidate["index"] == 0, "{data}");
    assert!(!text(&read, "/modelVersion").is_empty() && !text(&read, "/responseId").is_empty(), "{data}");
    let parts = candidate["content"]["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(!parts.is_empty(), "{data}");
    let written = serde_json::from_str::<Chunk<'_>>(data);
    assert!(written.is_ok(), "{data}");
    let written = written.map(|chunk| chunk.candidates).unwrap_or_default();
    let written = written.iter().flat_map(|candidate| &candidate.content.parts);
    for (part, written) in parts.iter().zip(written) {
        said(part, written.get(), heard);
    }
    let reason = candidate["finishReason"].as_str();
    assert_eq!(reason.is_some(), read["usageMetadata"]["totalTokenCount"].is_u64(), "{data}");
    if let Some(reason) = reason {
        heard.end = End::Whole(reason.to_owned());
    }
}

fn said(part: &Value, written: &str, heard: &mut Heard) {
    if let Some(signature) = part["thoughtSignature"].as_str() {
        assert!(STANDARD.decode(signature).is_ok(), "{part}");
    }
    if let Some(more) = part["text"].as_str() {
        let kind = if part["thought"] == true { "thinking" } else { "text" };
        match heard.blocks.last_mut() {
            Some(block) if block.kind == kind => block.text.push_str(more),
            _ if more.is_empty() => {}
            _ => {
                heard.blocks.push(Block { kind: kind.to_owned(), text: more.to_owned(), ..Block::default() })
            }
        }
        return;
    }
    if part.get("functionCall").is_some() {
        let call = &part["functionCall"];
        assert!(call["args"].is_object() && call["name"].is_string(), "{part}");
        let called = (text(call, "/id").to_owned(), text(call, "/name").to_owned());
        let args = serde_json::from_str::<Part<'_>>(written).ok().and_then(|part| part.call);
        let text = args.map(|call| call.args.get().to_owned()).unwrap_or_default();
        heard.blocks.push(Block { kind: "call".to_owned(), called, text });
        return;
    }
    assert!(
        !text(part, "/inlineData/data").is_empty() && !text(part, "/inlineData/mimeType").is_empty(),
        "{part}"
    );
    let (kind, text) = ("image".to_owned(), text(part, "/inlineData/data").to_owned());
    heard.blocks.push(Block { kind, text, ..Block::default() });
}
