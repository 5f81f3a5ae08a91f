//! Messages of an AWS event stream, found in chunks that may be cut anywhere.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use sluice_api::error::{Error, Kind};

/// The media type.
pub(crate) const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// Lengths of the protocol: both lengths and their checksum, the message's own checksum, and its bounds.
const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;
const HEADERS_MAX: usize = 128 * 1024;
const PAYLOAD_MAX: usize = 24 * 1024 * 1024;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// An event.
    Event {
        /// Its type.
        name: String,
        /// Its payload.
        payload: Bytes,
    },
    /// An exception, after which nothing comes.
    Exception {
        /// Its type or code.
        name: String,
        /// What it says.
        message: String,
    },
}

/// Finds messages; holds no more than an unfinished one.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    decoder: MessageFrameDecoder,
    held: BytesMut,
    /// A message's prelude has been looked at, and may be in the decoder already.
    begun: bool,
}

impl Frames {
    /// Takes a chunk.
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        self.held.extend_from_slice(chunk);
    }

    /// The next message that is whole.
    ///
    /// # Errors
    ///
    /// When what came is no event stream: a checksum is wrong, a length is out of bounds, a header can't be read.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, Error> {
        if !self.begun {
            let Some(prelude) = self.held.first_chunk::<PRELUDE>() else { return Ok(None) };
            bounded(prelude)?;
            self.begun = true;
        }
        match self.decoder.decode_frame(&mut self.held).map_err(broken)? {
            DecodedFrame::Incomplete => Ok(None),
            DecodedFrame::Complete(message) => {
                self.begun = false;
                let headers = message.headers().iter();
                let texts = headers.map(|one| {
                    (one.name().as_str(), one.value().as_string().map_or("", |text| text.as_str()))
                });
                read(texts.collect(), message.payload()).map(Some)
            }
        }
    }

    /// Whether a part of a message has come.
    pub(crate) fn is_open(&self) -> bool {
        self.begun || !self.held.is_empty()
    }
}

/// Refuses a message that is too long before any of it is held.
fn bounded(prelude: &[u8; PRELUDE]) -> Result<(), Error> {
    let [a, b, c, d, e, f, g, h, ..] = *prelude;
    let total = u32::from_be_bytes([a, b, c, d]) as usize;
    let headers = u32::from_be_bytes([e, f, g, h]) as usize;
    if headers > HEADERS_MAX || total > PRELUDE + headers + PAYLOAD_MAX + CHECKSUM {
        return Err(broken("a message is longer than the protocol allows"));
    }
    Ok(())
}

fn read(headers: Vec<(&str, &str)>, payload: &Bytes) -> Result<Message, Error> {
    let text = |name: &str| {
        let mut found =
            headers.iter().filter(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let first = found.next().unwrap_or_default();
        if found.next().is_some() { Err(broken("a header is in a message twice")) } else { Ok(first) }
    };
    match text(":message-type")?.as_str() {
        "event" => Ok(Message::Event { name: text(":event-type")?, payload: payload.clone() }),
        "exception" => Ok(Message::Exception { name: text(":exception-type")?, message: said(payload) }),
        "error" => Ok(Message::Exception { name: text(":error-code")?, message: text(":error-message")? }),
        _ => Err(broken("a message is neither an event nor an exception")),
    }
}

/// What an exception's payload says.
fn said(payload: &[u8]) -> String {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Said {
        #[serde(alias = "Message")]
        message: Option<String>,
        original_message: Option<String>,
    }
    let said: Said = serde_json::from_slice(payload).unwrap_or_default();
    said.message.or(said.original_message).unwrap_or_default()
}

fn broken(why: impl std::fmt::Display) -> Error {
    Error::new(Kind::Upstream, format!("the upstream's event stream is broken: {why}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use bytes::Bytes;

    use super::{Frames, HEADERS_MAX, Message, PAYLOAD_MAX};

    /// A message as AWS writes it; an encoder of its own, so that the decoder is not held against itself.
    pub(crate) fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::new();
        for (name, value) in headers {
            encoded.push(u8::try_from(name.len()).unwrap());
            encoded.extend_from_slice(name.as_bytes());
            encoded.push(7);
            encoded.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
            encoded.extend_from_slice(value.as_bytes());
        }
        let length = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
        let mut frame = length(16 + encoded.len() + payload.len()).to_vec();
        frame.extend_from_slice(&length(encoded.len()));
        frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
        frame.extend_from_slice(&encoded);
        frame.extend_from_slice(payload);
        frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
        frame
    }

    /// An event, with headers in the order that AWS has.
    pub(crate) fn event(name: &str, payload: &str) -> Vec<u8> {
        let headers =
            [(":event-type", name), (":content-type", "application/json"), (":message-type", "event")];
        frame(&headers, payload.as_bytes())
    }

    /// An exception.
    pub(crate) fn exception(name: &str, payload: &str) -> Vec<u8> {
        let headers = [
            (":exception-type", name),
            (":content-type", "application/json"),
            (":message-type", "exception"),
        ];
        frame(&headers, payload.as_bytes())
    }

    /// Vectors that botocore parses.
    pub(crate) const CHUNK: &str = "000000870000004b87ea2bf30b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b226279746573223a2265794a306558426c496a6f696257567a6332466e5a56397a64473977496e303d227dba48ab22";
    const EXCEPTION: &str = "0000008300000061a9d144e50f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a22736c6f77227d9350311c";
    const DELTA: &str = "0000009400000057b4ab9aee0b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a302c2264656c7461223a7b2274657874223a224869227d7d1f944657";

    pub(crate) fn bytes(hex: &str) -> Vec<u8> {
        let digit = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
        hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
    }

    fn messages(pieces: &[&[u8]]) -> Result<Vec<Message>, String> {
        let mut frames = Frames::default();
        let mut found = Vec::new();
        for piece in pieces {
            frames.feed(piece);
            while let Some(message) = frames.next().map_err(|error| error.to_string())? {
                found.push(message);
            }
        }
        assert!(!frames.is_open());
        Ok(found)
    }

    fn vectors() -> (Vec<u8>, Vec<Message>) {
        let stream = [CHUNK, DELTA, EXCEPTION].map(bytes).concat();
        let chunk = br#"{"bytes":"eyJ0eXBlIjoibWVzc2FnZV9zdG9wIn0="}"#;
        let delta = br#"{"contentBlockIndex":0,"delta":{"text":"Hi"}}"#;
        let event = |name: &str, payload: &'static [u8]| Message::Event {
            name: name.to_owned(),
            payload: Bytes::from_static(payload),
        };
        let slow = Message::Exception { name: "throttlingException".to_owned(), message: "slow".to_owned() };
        (stream, vec![event("chunk", chunk), event("contentBlockDelta", delta), slow])
    }

    #[test]
    fn a_message_cut_at_any_byte_is_still_one_message() {
        let (stream, expected) = vectors();
        assert_eq!(messages(&[&stream]), Ok(expected.clone()));
        for at in 0..stream.len() {
            assert_eq!(messages(&[&stream[..at], &stream[at..]]), Ok(expected.clone()), "cut at {at}");
        }
        let each: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(messages(&each), Ok(expected));
    }

    #[test]
    fn a_changed_byte_anywhere_is_found() {
        let vector = bytes(CHUNK);
        for at in 0..vector.len() {
            let mut changed = vector.clone();
            changed[at] ^= 1;
            let mut frames = Frames::default();
            frames.feed(&changed);
            // A longer length waits for the rest, which never comes.
            assert!(frames.next().is_err() || frames.is_open(), "byte {at}");
        }
    }

    #[test]
    fn lengths_are_bounded_before_anything_is_held() {
        let prelude = |total: usize, headers: usize| {
            let length = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
            let mut prelude = [length(total), length(headers)].concat();
            prelude.extend_from_slice(&crc32fast::hash(&prelude).to_be_bytes());
            prelude
        };
        for (total, headers, fine) in [
            (PAYLOAD_MAX + 16, 0, true),
            (PAYLOAD_MAX + 17, 0, false),
            (HEADERS_MAX + 17, HEADERS_MAX, true),
            (HEADERS_MAX + 18, HEADERS_MAX + 1, false),
            (11, 0, false),
        ] {
            let mut frames = Frames::default();
            frames.feed(&prelude(total, headers));
            assert_eq!(frames.next().is_ok(), fine, "{total} {headers}");
        }
    }

    #[test]
    fn an_error_has_a_code_and_headers_come_once() {
        let told = [(":message-type", "error"), (":error-code", "Internal"), (":error-message", "oh")];
        let error = Message::Exception { name: "Internal".to_owned(), message: "oh".to_owned() };
        assert_eq!(messages(&[&frame(&told, b"")]), Ok(vec![error]));
        let twice = [(":message-type", "event"), (":event-type", "a"), (":event-type", "b")];
        assert!(messages(&[&frame(&twice, b"")]).unwrap_err().contains("twice"));
        assert!(messages(&[&frame(&[(":message-type", "x")], b"")]).is_err());
        let original = exception("modelStreamErrorException", r#"{"originalMessage":"inner"}"#);
        assert!(
            matches!(&messages(&[&original]).unwrap()[..], [Message::Exception { message, .. }] if message == "inner")
        );
    }
}
