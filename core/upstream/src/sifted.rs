//! HTTP/2 as it is read, without the frames that say nothing.
//!
//! An empty DATA frame in the middle of a stream has no effect, and some servers send them. h2 ends a connection at the
//! 101st of its life, with all that is on it, and has no setting for that; so they are taken out before it reads. One
//! that is padded moves windows, and stays: such frames are counted, so that their connection is left in time. So are
//! small ones, of which it bounds how many may come for streams that nobody reads any more.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

use crate::frame::{DATA, END_STREAM, HEAD, PADDED, WINDOW_UPDATE};
use crate::reading::{Reader, Reading};

/// What a client begins with, before its first frame (RFC 9113, section 3.4).
const PREFACE: usize = 24;

/// A whole WINDOW_UPDATE (RFC 9113, section 6.9).
const UPDATE: usize = HEAD + 4;

/// Frames of nothing but padding after which a connection should take no new requests: half of what ends it.
const PADDING_MAX: u32 = 50;

/// What a frame costs h2 beside its bytes: of smaller ones it counts what they lack, until somebody reads them.
const SMALL: usize = 256;

/// Small frames after which a connection whose bodies were left unread should take no new requests: half of what ends
/// it, where it has the window that hyper gives a client's, as that bounds what all of them may lack.
const SMALL_MAX: u32 = 1_024;

/// Room for a head where the reader has less.
const NARROW: usize = 64;

/// A stream of HTTP/2 whose reads are sifted.
pub type Sifted<S> = Reading<S, Sifter>;

/// Takes out of what is read what says nothing.
pub struct Sifter {
    sieve: Sieve,
    /// The beginning of a head, or of a window's update: whether it goes on, and what it says, shows with the rest of it.
    begun: [u8; UPDATE],
    held: usize,
    /// What goes on and found no room.
    ahead: BytesMut,
}

/// What was seen of a connection's frames: how many that h2 has no patience for, and of which streams.
#[derive(Clone, Debug, Default)]
pub struct Frames(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Frames of nothing but padding.
    padding: AtomicU32,
    /// Pieces of bodies that are small, whether or not somebody has read them.
    small: AtomicU32,
    /// The latest stream of which there was any.
    latest: AtomicU32,
    /// Bytes of bodies that the other side takes on all streams together, beyond what a connection begins with.
    granted: AtomicU64,
}

impl Frames {
    /// Whether the connection should take no new requests.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.padding.load(Ordering::Relaxed) >= PADDING_MAX
    }

    /// The same of one on which bodies were left unread: all of its small frames may have come for those.
    #[must_use]
    pub fn is_over_for_unread(&self) -> bool {
        self.is_over() || self.0.small.load(Ordering::Relaxed) >= SMALL_MAX
    }

    /// Whether anything came of this stream, or of a later one: then the other side has read what opened it.
    pub(crate) fn have_come_since(&self, stream: u32) -> bool {
        self.0.latest.load(Ordering::Relaxed) >= stream
    }

    /// Bytes of bodies that the other side has granted so far, on all streams together and beyond what a connection
    /// begins with.
    pub(crate) fn granted(&self) -> u64 {
        self.0.granted.load(Ordering::Relaxed)
    }
}

impl<S> Sifted<S> {
    /// What is read of a server.
    pub fn of_server(stream: S) -> Self {
        Self::behind(stream, 0)
    }

    /// What is read of a client.
    pub fn of_client(stream: S) -> Self {
        Self::behind(stream, PREFACE)
    }

    /// What is read of a stream whose first frame begins behind so many bytes.
    fn behind(stream: S, left: usize) -> Self {
        let sieve = Sieve { left, padded: false, frames: Frames::default() };
        Self::new(stream, Sifter { sieve, begun: [0; UPDATE], held: 0, ahead: BytesMut::new() })
    }

    /// The count of what it lets through.
    #[must_use]
    pub fn frames(&self) -> Frames {
        self.reader.sieve.frames.clone()
    }
}

/// Where among the frames a connection is.
struct Sieve {
    /// Bytes of the current frame still to come.
    left: usize,
    /// Whether the next byte says how much of the current frame is padding.
    padded: bool,
    frames: Frames,
}

impl Sieve {
    /// Moves together what goes on; says how much that is, and how much follows it of what is not whole.
    fn sift(&mut self, bytes: &mut [u8]) -> (usize, usize) {
        let (mut at, mut kept) = (0, 0);
        loop {
            let goes_on = self.left.min(bytes.len() - at);
            if goes_on > 0 && std::mem::take(&mut self.padded) {
                let padding = bytes.get(at).is_some_and(|padding| usize::from(*padding) + 1 == self.left);
                self.frames.0.padding.fetch_add(u32::from(padding), Ordering::Relaxed);
            }
            if at != kept {
                bytes.copy_within(at..at + goes_on, kept);
            }
            self.left -= goes_on;
            at += goes_on;
            kept += goes_on;
            let Some(&[a, b, c, kind, flags, stream @ ..]) =
                bytes.get(at..).and_then(<[u8]>::first_chunk::<HEAD>)
            else {
                bytes.copy_within(at.., kept);
                return (kept, bytes.len() - at);
            };
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            // The highest bit says nothing.
            let stream = u32::from_be_bytes(stream) & (u32::MAX >> 1);
            if kind == WINDOW_UPDATE && stream == 0 {
                let Some(&[.., a, b, c, d]) = bytes.get(at..).and_then(<[u8]>::first_chunk::<UPDATE>) else {
                    bytes.copy_within(at.., kept);
                    return (kept, bytes.len() - at);
                };
                let more = u32::from_be_bytes([a, b, c, d]) & (u32::MAX >> 1);
                self.frames.0.granted.fetch_add(more.into(), Ordering::Relaxed);
            }
            // It alone writes it.
            if stream > self.frames.0.latest.load(Ordering::Relaxed) {
                self.frames.0.latest.store(stream, Ordering::Relaxed);
            }
            if kind == DATA && length == 0 && flags & (END_STREAM | PADDED) == 0 {
                at += HEAD;
                continue;
            }
            if kind == DATA && length < SMALL && flags & END_STREAM == 0 {
                self.frames.0.small.fetch_add(1, Ordering::Relaxed);
            }
            // Its head goes on, and what follows begins with how much is padding.
            bytes.copy_within(at..at + HEAD, kept);
            at += HEAD;
            kept += HEAD;
            self.padded = kind == DATA && flags & (END_STREAM | PADDED) == PADDED;
            self.left = length;
        }
    }
}

impl Sifter {
    /// Reads once, where there is more room than what is held; says whether something goes on or the connection ends.
    fn poll_sifted<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        let start = buffer.filled().len();
        buffer.put_slice(self.begun.get(..self.held).unwrap_or_default());
        let polled = Pin::new(stream).poll_read(cx, buffer);
        if !matches!(polled, Poll::Ready(Ok(()))) {
            buffer.set_filled(start);
            return polled.map_ok(|()| true);
        }
        // The end, behind what there is of a frame.
        if buffer.filled().len() == start + self.held {
            self.held = 0;
            return Poll::Ready(Ok(true));
        }
        let fresh = buffer.filled_mut().get_mut(start..).unwrap_or_default();
        let (kept, held) = self.sieve.sift(fresh);
        for (to, from) in self.begun.iter_mut().zip(fresh.iter().skip(kept).take(held)) {
            *to = *from;
        }
        self.held = held;
        buffer.set_filled(start + kept);
        Poll::Ready(Ok(kept > 0))
    }
}

impl Reader for Sifter {
    fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.ahead.is_empty() && buffer.remaining() > self.held {
            if ready!(self.poll_sifted(stream, cx, buffer))? {
                return Poll::Ready(Ok(()));
            }
        }
        while self.ahead.is_empty() && buffer.remaining() > 0 {
            let mut narrow = [0; NARROW];
            let mut narrow = ReadBuf::new(&mut narrow);
            let over = ready!(self.poll_sifted(stream, cx, &mut narrow))?;
            self.ahead.extend_from_slice(narrow.filled());
            if over {
                break;
            }
        }
        let now = buffer.remaining().min(self.ahead.len());
        buffer.put_slice(self.ahead.get(..now).unwrap_or_default());
        self.ahead.advance(now);
        Poll::Ready(Ok(()))
    }
}

impl std::fmt::Debug for Sifter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sifter")
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};

    use super::{
        DATA, END_STREAM, Frames, HEAD, PADDED, PADDING_MAX, PREFACE, SMALL, SMALL_MAX, Sieve, Sifted,
        WINDOW_UPDATE,
    };
    use crate::frame::{SETTINGS, written};

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        written(&[(kind, flags, 1, payload.to_vec())])
    }

    /// The window of a stream is opened by so much, or that of the connection.
    fn update(stream: u32, more: u32) -> Vec<u8> {
        written(&[(WINDOW_UPDATE, 0, stream, more.to_be_bytes().to_vec())])
    }

    /// What comes, and what of it goes on.
    fn sample() -> (Vec<u8>, Vec<u8>) {
        let (mut all, mut good) = (vec![b'P'; PREFACE], vec![b'P'; PREFACE]);
        let pieces = [
            (frame(SETTINGS, 0, &[]), true),
            (frame(DATA, 0, &[]), false),
            (frame(DATA, 0, b"a piece"), true),
            (update(0, 0x0102_0304), true),
            (frame(DATA, 0, &[]), false),
            (update(1, 7), true),
            (update(1 << 31, 1 << 31 | 5), true),
            (frame(DATA, 0, &[]), false),
            // Zeros that look like an empty frame, within a frame.
            (frame(DATA, 0, &[0; 40]), true),
            (frame(DATA, 0, &[]), false),
            (frame(DATA, PADDED, &[2, 0, 0]), true),
            (frame(DATA, PADDED, &[2, b'x', 0, 0]), true),
            (frame(DATA, PADDED | END_STREAM, &[0]), true),
            (frame(DATA, END_STREAM, &[]), true),
            (frame(DATA, 0, &[]), false),
        ];
        for (bytes, goes_on) in pieces {
            all.extend_from_slice(&bytes);
            good.extend_from_slice(if goes_on { &bytes } else { &[] });
        }
        (all, good)
    }

    /// Reads with so much room at once, of a connection that brings so many bytes at once.
    async fn read(all: &[u8], brings: usize, room: usize) -> (Vec<u8>, u32, u64) {
        let (mut from, to) = tokio::io::duplex(brings);
        let mut sifted = Sifted::of_client(to);
        let writing = async {
            from.write_all(all).await.unwrap();
            drop(from);
        };
        let reading = async {
            let mut read = Vec::new();
            let mut space = vec![0; room];
            loop {
                let mut buffer = ReadBuf::new(&mut space);
                std::future::poll_fn(|cx| {
                    tokio::io::AsyncRead::poll_read(std::pin::Pin::new(&mut sifted), cx, &mut buffer)
                })
                .await
                .unwrap();
                if buffer.filled().is_empty() {
                    let frames = sifted.frames();
                    return (read, frames.0.padding.load(super::Ordering::Relaxed), frames.granted());
                }
                read.extend_from_slice(buffer.filled());
            }
        };
        tokio::join!(writing, reading).1
    }

    #[tokio::test]
    async fn empty_frames_are_taken_out_wherever_reads_are_cut_and_all_else_stays_and_is_known() {
        let (all, good) = sample();
        let known = (good, 1, 0x0102_0304 + 5);
        for brings in [1, 2, 5, 8, 9, 10, 12, 13, 33, 1024] {
            for room in [1, 3, 8, 9, 10, 13, 64, 1024] {
                assert_eq!(read(&all, brings, room).await, known, "{brings} into {room}");
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_ends_within_a_frame_ends_so_for_its_reader() {
        let (all, good) = sample();
        let update = update(0, 1);
        for part in [&[0; HEAD - 1][..], &update[..update.len() - 1]] {
            let (all, good) = ([&all[..], part].concat(), [&good[..], part].concat());
            for room in [1, 1024] {
                assert_eq!(read(&all, 1024, room).await.0, good);
            }
        }
    }

    #[tokio::test]
    async fn what_is_read_of_a_server_begins_with_a_frame() {
        let (mut from, to) = tokio::io::duplex(1024);
        from.write_all(&[frame(DATA, 0, &[]), frame(SETTINGS, 0, &[])].concat()).await.unwrap();
        drop(from);
        let mut read = Vec::new();
        Sifted::of_server(to).read_to_end(&mut read).await.unwrap();
        assert_eq!(read, frame(SETTINGS, 0, &[]));
    }

    #[test]
    fn it_is_known_up_to_which_stream_anything_came() {
        let frames = Frames::default();
        let mut sieve = Sieve { left: 0, padded: false, frames: frames.clone() };
        sieve.sift(&mut frame(SETTINGS, 0, &[]));
        assert!(frames.have_come_since(1) && !frames.have_come_since(3));
    }

    #[test]
    fn padding_alone_is_counted_before_it_ends_a_connection() {
        let frames = Frames::default();
        let mut sieve = Sieve { left: 0, padded: false, frames: frames.clone() };
        for _ in 1..PADDING_MAX {
            sieve.sift(&mut frame(DATA, PADDED, &[0]));
        }
        assert!(!frames.is_over());
        sieve.sift(&mut frame(DATA, PADDED, &[0]));
        assert!(frames.is_over());
    }

    #[test]
    fn small_frames_are_counted_for_bodies_that_nobody_reads() {
        let frames = Frames::default();
        let mut sieve = Sieve { left: 0, padded: false, frames: frames.clone() };
        // None of these is one of which there may be too many.
        let others = [
            frame(DATA, 0, &[0; SMALL]),
            frame(DATA, END_STREAM, &[0]),
            frame(DATA, 0, &[]),
            frame(SETTINGS, 0, &[]),
        ];
        for _ in 1..SMALL_MAX {
            sieve.sift(&mut frame(DATA, 0, &[0; SMALL - 1]));
            for other in &others {
                sieve.sift(&mut other.clone());
            }
        }
        assert!(!frames.is_over_for_unread());
        sieve.sift(&mut frame(DATA, 0, &[0]));
        assert!(frames.is_over_for_unread() && !frames.is_over());
    }
}
