//! The scripted upstream over HTTP/2, frame by frame.

use std::collections::HashMap;
use std::io::{BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use loona_hpack::Decoder;

use super::streams::Streams;
use super::{Connection, State};
use crate::client::PATIENCE;
use crate::frame::{self, Frame};
use crate::link::Link;
use crate::moment;
use crate::script::{Request, Script, Step};

/// Where the end of a stream stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ends {
    /// In a frame of its own, right behind the last piece.
    #[default]
    Apart,
    /// In the frame of the last piece.
    Within,
    /// In a frame of its own, so much later.
    After(Duration),
}

/// Bytes of bodies after which the connection's window is opened again.
const OWED_MAX: u32 = 16 * 1024;

/// How a connection begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begins {
    /// As it should.
    #[default]
    Well,
    /// It is closed before a word was said.
    Closed,
    /// It is told to end as soon as it has begun.
    GoingAway,
}

/// How an upstream speaks HTTP/2.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// Settings that it begins with, by their numbers.
    pub settings: Vec<(u16, u32)>,
    /// Where streams end.
    pub ends: Ends,
    /// Whether it speaks HTTP/1.1 to those who don't offer this.
    pub http1: bool,
    /// Requests after which a connection is told to end gracefully; none where it is 0.
    pub requests_max: usize,
    /// How the first connections begin.
    pub begins: Begins,
    /// How many do so; all others begin well.
    pub beginning: usize,
    /// The longest body that is read: longer ones get no window. Where it is 0 all are read.
    pub body_max: usize,
}

/// What has come of a request.
struct Half {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What the threads of a connection need.
struct Shared {
    streams: Streams,
    link: Link,
    connection: Arc<Connection>,
    manner: Arc<Manner>,
    script: Arc<Script>,
    state: Arc<State>,
    /// The last stream that is taken.
    last: AtomicU32,
    /// Bytes of bodies that have not been given back to the connection's window.
    owed: AtomicU32,
}

pub(super) fn serve(
    link: &Link,
    connection: &Arc<Connection>,
    manner: &Arc<Manner>,
    script: &Arc<Script>,
    state: &Arc<State>,
) -> std::io::Result<()> {
    let shared = Arc::new(Shared {
        streams: Streams::new(link.clone()),
        link: link.clone(),
        connection: Arc::clone(connection),
        manner: Arc::clone(manner),
        script: Arc::clone(script),
        state: Arc::clone(state),
        last: AtomicU32::new(u32::MAX),
        owed: AtomicU32::new(0),
    });
    let ended = shared.read(&mut BufReader::new(link.clone()));
    shared.streams.close_all();
    ended
}

impl Shared {
    fn read(self: &Arc<Self>, reader: &mut impl Read) -> std::io::Result<()> {
        let mut preface = [0; frame::PREFACE.len()];
        reader.read_exact(&mut preface)?;
        let begins = match self.connection.number <= self.manner.beginning {
            true => self.manner.begins,
            false => Begins::Well,
        };
        let settings = frame::settings(&self.manner.settings);
        match begins {
            Begins::Well => self.streams.write(frame::SETTINGS, 0, 0, &settings)?,
            Begins::Closed => return Ok(()),
            Begins::GoingAway => {
                let end = [0_u32.to_be_bytes(), frame::NO_ERROR.to_be_bytes()].concat();
                self.streams.write_all(&[(frame::SETTINGS, 0, 0, &settings), (frame::GOAWAY, 0, 0, &end)])?;
            }
        }
        let mut decoder = Decoder::new();
        let mut halves = HashMap::<u32, Half>::new();
        let mut taken = 0;
        loop {
            let mut frame = Frame::read(reader)?;
            let asks = frame.kind == frame::PING && !frame.has(frame::ACK);
            self.state.pings.fetch_add(usize::from(asks), Ordering::SeqCst);
            if self.connection.is_silent() {
                continue;
            }
            match frame.kind {
                frame::HEADERS => {
                    let mut block = frame.content().to_vec();
                    let ends = frame.has(frame::END_STREAM);
                    while !frame.has(frame::END_HEADERS) {
                        frame = Frame::read(reader)?;
                        block.extend_from_slice(&frame.payload);
                    }
                    let headers = decoder
                        .decode(&block)
                        .map_err(|error| std::io::Error::other(format!("{error:?}")))?;
                    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
                    let headers =
                        headers.into_iter().map(|(name, value)| (text(name), text(value))).collect();
                    if frame.stream > self.last.load(Ordering::SeqCst) {
                        continue;
                    }
                    self.streams.open(frame.stream);
                    taken += 1;
                    if self.manner.requests_max > 0 && taken == self.manner.requests_max {
                        self.go_away(frame::NO_ERROR, frame.stream)?;
                    }
                    let half = Half { headers, body: Vec::new() };
                    match ends {
                        true => self.begin(frame.stream, half),
                        false => drop(halves.insert(frame.stream, half)),
                    }
                }
                frame::DATA => self.data(&frame, &mut halves)?,
                frame::RST_STREAM => {
                    self.state.resets.lock().unwrap().push(frame.number(0));
                    halves.remove(&frame.stream);
                    self.streams.close(frame.stream);
                }
                frame::SETTINGS if !frame.has(frame::ACK) => {
                    self.streams.settle(&frame);
                    self.streams.write(frame::SETTINGS, frame::ACK, 0, &[])?;
                }
                frame::PING if asks => self.streams.write(frame::PING, frame::ACK, 0, &frame.payload)?,
                frame::WINDOW_UPDATE => self.streams.widen(frame.stream, frame.number(0)),
                _ => {}
            }
        }
    }

    /// A piece of a body; as much may be sent again.
    fn data(self: &Arc<Self>, frame: &Frame, halves: &mut HashMap<u32, Half>) -> std::io::Result<()> {
        let size = u32::try_from(frame.payload.len()).unwrap();
        let ends = frame.has(frame::END_STREAM);
        let length = halves.get(&frame.stream).and_then(|half| {
            half.headers.iter().find(|(name, _)| name == "content-length")?.1.parse::<usize>().ok()
        });
        if self.manner.body_max > 0 && length.is_some_and(|length| length > self.manner.body_max) {
            return Ok(());
        }
        // As servers do: not for each small piece.
        let owed = self.owed.fetch_add(size, Ordering::SeqCst) + size;
        if owed >= OWED_MAX {
            self.owed.store(0, Ordering::SeqCst);
            self.streams.write(frame::WINDOW_UPDATE, 0, 0, &owed.to_be_bytes())?;
        }
        let Some(half) = halves.get_mut(&frame.stream) else { return Ok(()) };
        half.body.extend_from_slice(frame.content());
        if ends && let Some(half) = halves.remove(&frame.stream) {
            self.begin(frame.stream, half);
        } else if !frame.payload.is_empty() {
            self.streams.write(frame::WINDOW_UPDATE, 0, frame.stream, &size.to_be_bytes())?;
        }
        Ok(())
    }

    /// Answers a request that is whole, on a thread of its own.
    fn begin(self: &Arc<Self>, stream: u32, half: Half) {
        let shared = Arc::clone(self);
        thread::spawn(move || {
            let _open = shared.state.opened();
            let own = |name: &str| {
                half.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone())
            };
            let line = format!("{} {}", own(":method").unwrap_or_default(), own(":path").unwrap_or_default());
            let host = own(":authority").map(|authority| ("host".to_owned(), authority));
            let plain = half.headers.iter().filter(|(name, _)| !name.starts_with(':')).cloned();
            let headers = host.into_iter().chain(plain).collect();
            let (body, connection) = (half.body, shared.connection.number);
            let request = Request { line, headers, body, protocol: "HTTP/2", connection };
            let steps = (shared.script)(&request);
            shared.state.seen.lock().unwrap().push(request);
            let mut answer = Answer { shared: &shared, stream, held: None };
            for step in steps {
                if shared.connection.is_silent() || matches!(answer.take(step), Err(_) | Ok(false)) {
                    break;
                }
            }
            let _ = answer.flush(0);
            // An answer that the script left open stays open until the other side gives it up.
            shared.streams.wait_until_closed(stream);
        });
    }

    fn go_away(&self, code: u32, last: u32) -> std::io::Result<()> {
        self.last.store(last, Ordering::SeqCst);
        let payload = [last.to_be_bytes(), code.to_be_bytes()].concat();
        self.streams.write(frame::GOAWAY, 0, 0, &payload)
    }
}

/// An answer on its way.
struct Answer<'a> {
    shared: &'a Shared,
    stream: u32,
    /// A piece that may be the last one, where that is to carry the end.
    held: Option<Vec<u8>>,
}

impl Answer<'_> {
    /// Does a step; says whether the stream goes on.
    fn take(&mut self, step: Step) -> std::io::Result<bool> {
        let Shared { streams, manner, link, .. } = self.shared;
        if !matches!(step, Step::End) {
            self.flush(0)?;
        }
        match step {
            Step::Head { status, lines, length } => {
                let (status, length) = (status.to_string(), length.map(|length| length.to_string()));
                let own = [(":status", status.as_str())];
                let length = length.as_deref().map(|length| ("content-length", length));
                let block = frame::block(own.into_iter().chain(split(&lines)).chain(length));
                streams.write_head(self.stream, &block)?;
            }
            Step::Data(data) if manner.ends == Ends::Within => self.held = Some(data),
            Step::Data(data) => self.send(&data, 0)?,
            Step::End => {
                if let Ends::After(time) = manner.ends {
                    moment::pause(time);
                }
                match self.held.is_some() {
                    true => self.flush(frame::END_STREAM)?,
                    false => streams.write(frame::DATA, frame::END_STREAM, self.stream, &[])?,
                }
                streams.close(self.stream);
            }
            Step::Trailers(lines) => {
                let flags = frame::END_HEADERS | frame::END_STREAM;
                streams.write(frame::HEADERS, flags, self.stream, &frame::block(split(&lines)))?;
                streams.close(self.stream);
            }
            Step::Frame(kind, flags, payload) => streams.write(kind, flags, self.stream, &payload)?,
            Step::Reset(code) => {
                streams.write(frame::RST_STREAM, 0, self.stream, &code.to_be_bytes())?;
                streams.close(self.stream);
            }
            Step::GoAway { code, taken } => {
                self.shared.go_away(code, if taken { self.stream } else { self.stream.saturating_sub(2) })?;
            }
            Step::Pause(time) => moment::pause(time),
            Step::Wait(go) => drop(go.recv_timeout(PATIENCE)),
            Step::Close => {
                link.close();
                return Ok(false);
            }
            Step::Hang => {
                streams.wait_until_closed(self.stream);
                return Ok(false);
            }
            Step::Bytes(_) => panic!("HTTP/2 has no bytes of its own"),
        }
        Ok(true)
    }

    fn flush(&mut self, flags: u8) -> std::io::Result<()> {
        match self.held.take() {
            Some(data) => self.send(&data, flags),
            None => Ok(()),
        }
    }

    /// Sends a piece, as the windows let it.
    fn send(&self, data: &[u8], flags: u8) -> std::io::Result<()> {
        let streams = &self.shared.streams;
        let mut left = data;
        while !left.is_empty() {
            let Some(room) = streams.room(self.stream, left.len()) else {
                return Err(std::io::ErrorKind::BrokenPipe.into());
            };
            let (now, later) = left.split_at(room);
            left = later;
            streams.write(frame::DATA, if left.is_empty() { flags } else { 0 }, self.stream, now)?;
        }
        if data.is_empty() {
            streams.write(frame::DATA, flags, self.stream, &[])?;
        }
        Ok(())
    }
}

/// Header lines as names and values.
fn split(lines: &str) -> impl Iterator<Item = (&str, &str)> {
    lines.split("\r\n").filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()))
}
