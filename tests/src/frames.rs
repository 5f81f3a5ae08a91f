//! An HTTP/2 client over a plain socket, frame by frame: a stream can be reset while others go on.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::client::PATIENCE;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// The error code of a client that no longer wants a stream.
const CANCEL: u32 = 8;

/// HPACK's byte for `:status: 200`, the only status that is told apart here.
const STATUS_200: u8 = 0x88;

/// What came on a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Came {
    /// A head, and whether its status is 200.
    Head(bool),
    /// A piece of a body.
    Data(Vec<u8>),
    /// The stream's end: clean, or a reset.
    End(bool),
}

/// A connection.
pub struct Frames {
    stream: TcpStream,
    next: u32,
    waiting: Vec<(u32, Came)>,
}

impl Frames {
    /// Connects, with prior knowledge.
    #[must_use]
    pub fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut frames = Self { stream, next: 1, waiting: Vec::new() };
        frames.stream.write_all(PREFACE).unwrap();
        frames.write(SETTINGS, 0, 0, &[]);
        frames
    }

    /// Sends a POST; gives its stream.
    pub fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> u32 {
        let stream = self.begin(path, headers);
        self.write(DATA, END_STREAM, stream, body);
        stream
    }

    /// Sends the head of a POST, whose body is still to come; gives its stream.
    pub fn begin(&mut self, path: &str, headers: &[(&str, &str)]) -> u32 {
        let stream = self.next;
        self.next += 2;
        let own = [(":method", "POST"), (":scheme", "http"), (":authority", "gateway"), (":path", path)];
        let mut block = Vec::new();
        for (name, value) in own.iter().chain(headers) {
            // A literal without indexing, its name new, nothing Huffman-coded.
            block.push(0);
            for text in [name, value] {
                assert!(text.len() < 127, "a longer text needs more than one byte of length");
                block.push(u8::try_from(text.len()).unwrap());
                block.extend_from_slice(text.as_bytes());
            }
        }
        self.write(HEADERS, END_HEADERS, stream, &block);
        stream
    }

    /// Gives up a stream.
    pub fn reset(&mut self, stream: u32) {
        self.write(RST_STREAM, 0, stream, &CANCEL.to_be_bytes());
    }

    /// The next thing that comes on a stream; what comes on others is kept for them.
    pub fn next(&mut self, stream: u32) -> Came {
        loop {
            if let Some(at) = self.waiting.iter().position(|(of, _)| *of == stream) {
                return self.waiting.remove(at).1;
            }
            self.read();
        }
    }

    /// The rest of a stream's body; fails when it does not end cleanly.
    pub fn rest(&mut self, stream: u32) -> String {
        let mut body = Vec::new();
        loop {
            match self.next(stream) {
                Came::Data(data) => body.extend_from_slice(&data),
                Came::End(clean) => {
                    assert!(clean, "the stream was reset");
                    return String::from_utf8(body).unwrap();
                }
                Came::Head(_) => {}
            }
        }
    }

    fn read(&mut self) {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).unwrap();
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.stream.read_exact(&mut payload).unwrap();
        let stream = u32::from_be_bytes(stream);
        match kind {
            SETTINGS | PING if flags & ACK == 0 => {
                let answer = if kind == PING { &payload[..] } else { &[] };
                self.write(kind, ACK, 0, answer);
            }
            HEADERS => self.waiting.push((stream, Came::Head(payload.first() == Some(&STATUS_200)))),
            DATA if !payload.is_empty() => self.waiting.push((stream, Came::Data(payload))),
            RST_STREAM => self.waiting.push((stream, Came::End(false))),
            _ => {}
        }
        if matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 {
            self.waiting.push((stream, Came::End(true)));
        }
    }

    fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length.to_vec();
        frame.extend_from_slice(&[kind, flags]);
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        self.stream.write_all(&frame).unwrap();
    }
}
