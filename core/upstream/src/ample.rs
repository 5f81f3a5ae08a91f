//! A stream that is read in large pieces, whatever is asked for at once.
//!
//! TLS asks for four kilobytes at a time, and a record has sixteen: read so, a long answer costs four times the system
//! calls.

use std::cell::Cell;
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
    static PIECES: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
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
        // Taken for as long, as the stream may be one that is read so itself: TLS to an upstream within TLS to a proxy.
        let mut piece = PIECES.take();
        piece.resize(PIECE, 0);
        let polled = self.poll_piece(stream, cx, buffer, &mut ReadBuf::new(&mut piece));
        PIECES.set(piece);
        polled
    }
}

impl Pieces {
    /// Reads a piece, and gives as much of it as was asked for.
    fn poll_piece<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        piece: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(stream).poll_read(cx, piece))?;
        let mut read = piece.filled();
        let length = read.len().min(buffer.remaining());
        buffer.put_slice(read.get(..length).unwrap_or_default());
        read.advance(length);
        if !read.is_empty() {
            self.rest = Bytes::copy_from_slice(read);
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadBuf};

    use super::{Ample, PIECE, Pieces, Reader, Reading};

    /// Asks for little at once, as TLS does.
    struct Little;

    impl Reader for Little {
        fn poll_read<S: AsyncRead + Unpin>(
            &mut self,
            stream: &mut S,
            cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let mut little = [0; 100];
            let mut little = ReadBuf::new(&mut little);
            ready!(Pin::new(stream).poll_read(cx, &mut little))?;
            buffer.put_slice(little.filled());
            Poll::Ready(Ok(()))
        }
    }

    /// Sends more than fits, and reads it with so much asked for at once.
    async fn check<S: AsyncRead + Unpin>(asked: usize, ample: impl FnOnce(DuplexStream) -> S) {
        let sent: Vec<u8> = (0..5 * PIECE).map(|at| (at % 251) as u8).collect();
        let (mut to, from) = tokio::io::duplex(2 * PIECE);
        let mut from = ample(from);
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

    #[tokio::test]
    async fn all_of_a_stream_is_read_in_its_order_whatever_is_asked_for_at_once() {
        let ample = |from| Ample::new(from, Pieces::default());
        for asked in [1, 5, 4096, PIECE - 1, PIECE, 2 * PIECE] {
            check(asked, ample).await;
            check(asked, |from| Ample::new(ample(from), Pieces::default())).await;
            check(asked, |from| Ample::new(Reading::new(ample(from), Little), Pieces::default())).await;
        }
    }
}
