//! What an HTTP/2 upstream's threads share of a connection: who may send how much, and who was reset.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Condvar, Mutex};

use crate::client::PATIENCE;
use crate::frame::{CONTINUATION, END_HEADERS, Frame, HEADERS, INITIAL_WINDOW_SIZE, PAYLOAD_MAX, WINDOW};
use crate::link::Link;

/// The streams of a connection, and the way to write on them.
pub(super) struct Streams {
    link: Mutex<Link>,
    windows: Mutex<Windows>,
    changed: Condvar,
}

struct Windows {
    connection: i64,
    /// What a new stream may send at first.
    initial: i64,
    /// What is left to each stream that is open.
    streams: HashMap<u32, i64>,
}

impl Streams {
    pub(super) fn new(link: Link) -> Self {
        let windows = Windows { connection: WINDOW, initial: WINDOW, streams: HashMap::new() };
        Self { link: Mutex::new(link), windows: Mutex::new(windows), changed: Condvar::new() }
    }

    /// Writes a frame.
    pub(super) fn write(&self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> std::io::Result<()> {
        let frame = Frame { kind, flags, stream, payload: payload.to_vec() };
        self.link.lock().unwrap().write_all(&frame.bytes())
    }

    /// Writes frames at once, each by its type, flags, stream and payload.
    pub(super) fn write_all(&self, frames: &[(u8, u8, u32, &[u8])]) -> std::io::Result<()> {
        let bytes = frames.iter().flat_map(|(kind, flags, stream, payload)| {
            Frame { kind: *kind, flags: *flags, stream: *stream, payload: payload.to_vec() }.bytes()
        });
        self.link.lock().unwrap().write_all(&bytes.collect::<Vec<_>>())
    }

    /// Writes a header block, in as many frames as it needs.
    pub(super) fn write_head(&self, stream: u32, block: &[u8]) -> std::io::Result<()> {
        let count = block.len().div_ceil(PAYLOAD_MAX);
        let frames = block.chunks(PAYLOAD_MAX).enumerate().map(|(at, piece)| {
            let kind = if at == 0 { HEADERS } else { CONTINUATION };
            (kind, if at + 1 == count { END_HEADERS } else { 0 }, stream, piece)
        });
        self.write_all(&frames.collect::<Vec<_>>())
    }

    /// A stream has begun.
    pub(super) fn open(&self, stream: u32) {
        let mut windows = self.windows.lock().unwrap();
        let initial = windows.initial;
        windows.streams.insert(stream, initial);
    }

    /// A stream has ended, or is wanted no longer.
    pub(super) fn close(&self, stream: u32) {
        self.windows.lock().unwrap().streams.remove(&stream);
        self.changed.notify_all();
    }

    /// All of them have.
    pub(super) fn close_all(&self) {
        self.windows.lock().unwrap().streams.clear();
        self.changed.notify_all();
    }

    /// Waits until a stream is wanted no longer.
    pub(super) fn wait_until_closed(&self, stream: u32) {
        let windows = self.windows.lock().unwrap();
        let _windows =
            self.changed.wait_while(windows, |windows| windows.streams.contains_key(&stream)).unwrap();
    }

    /// More may be sent.
    pub(super) fn widen(&self, stream: u32, by: u32) {
        let mut windows = self.windows.lock().unwrap();
        match stream {
            0 => windows.connection += i64::from(by),
            _ => {
                if let Some(window) = windows.streams.get_mut(&stream) {
                    *window += i64::from(by);
                }
            }
        }
        drop(windows);
        self.changed.notify_all();
    }

    /// The other side's settings hold.
    pub(super) fn settle(&self, frame: &Frame) {
        let mut windows = self.windows.lock().unwrap();
        for (_, value) in frame.settings().filter(|(name, _)| *name == INITIAL_WINDOW_SIZE) {
            let by = i64::from(value) - windows.initial;
            windows.initial += by;
            windows.streams.values_mut().for_each(|window| *window += by);
        }
        drop(windows);
        self.changed.notify_all();
    }

    /// Waits until a stream may send some of this; says how much. `None` when it is wanted no longer.
    pub(super) fn room(&self, stream: u32, wanted: usize) -> Option<usize> {
        let windows = self.windows.lock().unwrap();
        let full = |windows: &mut Windows| {
            windows.streams.get(&stream).is_some_and(|window| windows.connection.min(*window) <= 0)
        };
        let (mut windows, _) = self.changed.wait_timeout_while(windows, PATIENCE * 3, full).unwrap();
        let all = windows.connection;
        let window = windows.streams.get_mut(&stream)?;
        let room = usize::try_from(all.min(*window)).ok()?.min(PAYLOAD_MAX).min(wanted);
        let taken = i64::try_from(room).ok()?;
        *window -= taken;
        windows.connection -= taken;
        (room > 0).then_some(room)
    }
}
