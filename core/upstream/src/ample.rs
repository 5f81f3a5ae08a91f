//! A stream that is read in large pieces, whatever is asked for at once.
//!
//! TLS asks for four kilobytes at a time, and a record has sixteen: read so, a long answer costs four times the system
//! calls.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, ReadBuf};

use crate::reading::{Reader, Reading};

/// Bytes that are read at once: a record of TLS with what stands around it, and some of the next.
const PIECE: usize = 20 * 1024;

thread_local! {
    /// One for all streams of a thread, as no piece outlives its poll there.
    static PIECES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A stream that is read so.
pub(super) type Ample<S> = Reading<S, Pieces>;

/// What was read of a stream beyond what was asked for. Nothing is held while there is none.
#[derive(Default)]
pub(super) struct Pieces {
    rest: Bytes,
}

impl Reader for Pieces {
    fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.rest.is_empty() {
            let length = self.rest.len().min(buffer.remaining());
            buffer.put_slice(&self.rest.split_to(length));
            return Poll::Ready(Ok(()));
        }
        if buffer.remaining() >= PIECE {
            return Pin::new(stream).poll_read(cx, buffer);
        }
        PIECES.with_borrow_mut(|piece| {
            piece.resize(PIECE, 0);
            let mut piece = ReadBuf::new(piece);
            ready!(Pin::new(stream).poll_read(cx, &mut piece))?;
            let mut read = piece.filled();
            let length = read.len().min(buffer.remaining());
            buffer.put_slice(read.get(..length).unwrap_or_default());
            read.advance(length);
            if !read.is_empty() {
                self.rest = Bytes::copy_from_slice(read);
            }
            Poll::Ready(Ok(()))
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::{Ample, PIECE, Pieces};

    #[tokio::test]
    async fn all_of_a_stream_is_read_in_its_order_whatever_is_asked_for_at_once() {
        let sent: Vec<u8> = (0..5 * PIECE).map(|at| (at % 251) as u8).collect();
        for asked in [1, 5, 4096, PIECE - 1, PIECE, 2 * PIECE] {
            let (mut to, from) = tokio::io::duplex(2 * PIECE);
            let mut from = Ample::new(from, Pieces::default());
            let writing = async {
                to.write_all(&sent).await.unwrap();
                drop(to);
            };
            let reading = async {
                let (mut read, mut some) = (Vec::new(), vec![0; asked]);
                while let length @ 1.. = from.read(&mut some).await.unwrap() {
                    read.extend_from_slice(&some[..length]);
                }
                read
            };
            let ((), read) = tokio::join!(writing, reading);
            assert!(read == sent, "{asked} bytes at once");
        }
    }
}
