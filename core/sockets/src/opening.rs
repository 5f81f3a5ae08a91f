//! The first bytes of a connection: which protocol they begin, and the stream as if they had not been read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use sluice_upstream::reading::{Reader, Reading};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use crate::waiting::Arrivals;

/// What an HTTP/2 client sends first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, or 1.0.
    Http1,
    /// HTTP/2, without a TLS library's word for it.
    Http2,
}

/// Reads as much as tells the protocol; `None` when the client closes before that.
///
/// Not left to hyper-util's `auto`: it has no timer until it knows the protocol, so that a client that sends nothing,
/// or only `PRI`, would stay for ever.
///
/// # Errors
///
/// When the connection breaks.
pub async fn open(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<(Protocol, Bytes)>> {
    let mut first = BytesMut::with_capacity(PREFACE.len());
    while stream.read_buf(&mut first).await? > 0 {
        if first.starts_with(PREFACE) {
            return Ok(Some((Protocol::Http2, first.freeze())));
        }
        if !PREFACE.starts_with(&first) {
            return Ok(Some((Protocol::Http1, first.freeze())));
        }
    }
    Ok(None)
}

/// A stream that gives the bytes again that were read of it, and tells when bytes come.
pub type Opened<S> = Reading<S, Again>;

/// The bytes that were read already, and who is told of others.
pub struct Again {
    first: Bytes,
    arrivals: Arc<Arrivals>,
}

impl Again {
    /// These bytes, and who is told.
    #[must_use]
    pub const fn new(first: Bytes, arrivals: Arc<Arrivals>) -> Self {
        Self { first, arrivals }
    }
}

impl Reader for Again {
    fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.remaining();
        let again = before.min(self.first.len());
        if again > 0 {
            buffer.put_slice(&self.first.split_to(again));
        }
        // In one read with what follows: of two, hyper would double its buffer for the second.
        match Pin::new(stream).poll_read(cx, buffer) {
            Poll::Pending if again == 0 => return Poll::Pending,
            Poll::Ready(Err(error)) if again == 0 => return Poll::Ready(Err(error)),
            // What went wrong is told again by the next read.
            _ => {}
        }
        if buffer.remaining() < before {
            self.arrivals.tell();
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::{Again, Opened, PREFACE, Protocol, open};
    use crate::waiting::Arrivals;

    /// What a connection is taken for that sends these pieces and then closes, and what is read of it after that.
    async fn check(pieces: &[&[u8]], protocol: Option<Protocol>) {
        let (mut client, mut server) = tokio::io::duplex(1024);
        let sending = async {
            for piece in pieces {
                client.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(client);
        };
        let reading = async {
            let opened = open(&mut server).await.unwrap();
            assert_eq!(opened.as_ref().map(|(protocol, _)| *protocol), protocol, "{pieces:?}");
            let Some((_, first)) = opened else { return };
            let mut whole = Vec::new();
            let arrivals = Arc::new(Arrivals::new(Duration::ZERO, tokio::time::Instant::now()));
            Opened::new(server, Again::new(first, arrivals)).read_to_end(&mut whole).await.unwrap();
            assert_eq!(whole, pieces.concat());
        };
        tokio::join!(sending, reading);
    }

    #[tokio::test]
    async fn the_first_bytes_tell_the_protocol_and_are_read_again() {
        let long = [PREFACE, b"more"].concat();
        for at in 1..PREFACE.len() {
            check(&[&PREFACE[..at], &long[at..]], Some(Protocol::Http2)).await;
            check(&[&PREFACE[..at]], None).await;
            check(&[&PREFACE[..at], b"!", b"and so on"], Some(Protocol::Http1)).await;
        }
        check(&[b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"], Some(Protocol::Http1)).await;
        check(&[b"P", b"OST / HTTP/1.1\r\n"], Some(Protocol::Http1)).await;
        check(&[], None).await;
    }
}
