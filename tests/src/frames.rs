//! An HTTP/2 client, frame by frame: a stream can be reset while others go on.

use std::collections::HashMap;
use std::io::Write;

use loona_hpack::Decoder;

use crate::frame::{
    ACK, CANCEL, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, PAYLOAD_MAX,
    PING, PREFACE, RST_STREAM, SETTINGS, WINDOW, WINDOW_UPDATE, block,
};
use crate::link::Link;

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
    link: Link,
    next: u32,
    waiting: Vec<(u32, Came)>,
    decoder: Decoder<'static>,
    heads: HashMap<u32, Vec<(String, String)>>,
    /// What may be sent: on a new stream, on the connection, and on each stream that has begun.
    initial: i64,
    all: i64,
    windows: HashMap<u32, i64>,
    /// Whether the other side has said that it takes no more streams.
    pub goes_away: bool,
    /// Pieces without a byte that came and ended nothing.
    pub empty: usize,
}

impl Frames {
    /// Connects, with prior knowledge.
    #[must_use]
    pub fn connect(address: &str) -> Self {
        Self::over(Link::plain(address).unwrap())
    }

    /// Begins on a connection.
    #[must_use]
    pub fn over(link: Link) -> Self {
        let mut frames = Self {
            link,
            next: 1,
            waiting: Vec::new(),
            decoder: Decoder::new(),
            heads: HashMap::new(),
            initial: WINDOW,
            all: WINDOW,
            windows: HashMap::new(),
            goes_away: false,
            empty: 0,
        };
        frames.link.write_all(PREFACE).unwrap();
        frames.write(SETTINGS, 0, 0, &[]).unwrap();
        frames
    }

    /// Sends a POST; gives its stream.
    pub fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> u32 {
        let stream = self.begin(path, headers);
        self.send(stream, body, true).unwrap();
        stream
    }

    /// Sends the head of a POST, whose body is still to come; gives its stream.
    pub fn begin(&mut self, path: &str, headers: &[(&str, &str)]) -> u32 {
        self.head("POST", path, headers, END_HEADERS)
    }

    /// Sends a GET; gives its stream.
    pub fn get(&mut self, path: &str) -> u32 {
        self.head("GET", path, &[], END_HEADERS | END_STREAM)
    }

    fn head(&mut self, method: &str, path: &str, headers: &[(&str, &str)], flags: u8) -> u32 {
        let stream = self.next;
        self.next += 2;
        let own = [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path)];
        let headers = own.iter().chain(headers).copied();
        self.windows.insert(stream, self.initial);
        self.write(HEADERS, flags, stream, &block(headers)).unwrap();
        stream
    }

    /// Sends some of a stream's body, as the windows let it, and whether that is its end.
    ///
    /// # Errors
    ///
    /// Where the connection breaks, or the stream is reset.
    pub fn send(&mut self, stream: u32, body: &[u8], ends: bool) -> std::io::Result<()> {
        let mut left = body;
        while !left.is_empty() {
            let Some(window) = self.windows.get(&stream) else {
                return Err(std::io::ErrorKind::BrokenPipe.into());
            };
            let Ok(room @ 1..) = usize::try_from(self.all.min(*window)) else {
                self.read()?;
                continue;
            };
            let (now, later) = left.split_at(room.min(PAYLOAD_MAX).min(left.len()));
            left = later;
            let flags = if ends && left.is_empty() { END_STREAM } else { 0 };
            self.write(DATA, flags, stream, now)?;
            let sent = i64::try_from(now.len()).unwrap();
            self.all -= sent;
            self.windows.entry(stream).and_modify(|window| *window -= sent);
        }
        if body.is_empty() && ends {
            self.write(DATA, END_STREAM, stream, &[])?;
        }
        Ok(())
    }

    /// Sends a piece of a body on a stream that may be over, without a look at any window.
    pub fn late(&mut self, stream: u32, piece: &[u8]) {
        self.write(DATA, 0, stream, piece).unwrap();
    }

    /// Gives up a stream.
    pub fn reset(&mut self, stream: u32) {
        self.write(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()).unwrap();
    }

    /// Lets the other side send so much more, on a stream or, where that is 0, on all of them.
    pub fn widen(&mut self, stream: u32, by: u32) {
        self.write(WINDOW_UPDATE, 0, stream, &by.to_be_bytes()).unwrap();
    }

    /// The next thing that comes on a stream; what comes on others is kept for them.
    pub fn next(&mut self, stream: u32) -> Came {
        self.try_next(stream).unwrap()
    }

    /// The same.
    ///
    /// # Errors
    ///
    /// Where the connection breaks.
    pub fn try_next(&mut self, stream: u32) -> std::io::Result<Came> {
        loop {
            if let Some(at) = self.waiting.iter().position(|(of, _)| *of == stream) {
                return Ok(self.waiting.remove(at).1);
            }
            self.read()?;
        }
    }

    /// A header of a stream's last head, or `:status`.
    #[must_use]
    pub fn header(&self, stream: u32, name: &str) -> Option<&str> {
        let head = self.heads.get(&stream)?;
        head.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Reads on until the other side closes the connection.
    pub fn until_it_ends(&mut self) {
        while self.read().is_ok() {}
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

    fn read(&mut self) -> std::io::Result<()> {
        let frame = Frame::read(&mut self.link)?;
        let Frame { kind, stream, payload, .. } = &frame;
        match *kind {
            SETTINGS if !frame.has(ACK) => {
                for (_, value) in frame.settings().filter(|(name, _)| *name == INITIAL_WINDOW_SIZE) {
                    let by = i64::from(value) - self.initial;
                    self.initial += by;
                    self.windows.values_mut().for_each(|window| *window += by);
                }
                self.write(SETTINGS, ACK, 0, &[])?;
            }
            PING if !frame.has(ACK) => self.write(PING, ACK, 0, payload)?,
            WINDOW_UPDATE if *stream == 0 => self.all += i64::from(frame.number(0)),
            WINDOW_UPDATE => {
                self.windows.entry(*stream).and_modify(|window| *window += i64::from(frame.number(0)));
            }
            HEADERS => {
                let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
                let head = self.decoder.decode(frame.content()).unwrap();
                let head = head.into_iter().map(|(name, value)| (text(name), text(value))).collect();
                self.heads.insert(*stream, head);
                let good = self.header(*stream, ":status") == Some("200");
                self.waiting.push((*stream, Came::Head(good)));
            }
            DATA if !payload.is_empty() => self.waiting.push((*stream, Came::Data(payload.clone()))),
            DATA if !frame.has(END_STREAM) => self.empty += 1,
            GOAWAY => self.goes_away = true,
            RST_STREAM => {
                self.windows.remove(stream);
                self.waiting.push((*stream, Came::End(false)));
            }
            _ => {}
        }
        if matches!(*kind, HEADERS | DATA) && frame.has(END_STREAM) {
            self.waiting.push((*stream, Came::End(true)));
        }
        Ok(())
    }

    fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> std::io::Result<()> {
        let frame = Frame { kind, flags, stream, payload: payload.to_vec() };
        self.link.write_all(&frame.bytes())
    }
}
