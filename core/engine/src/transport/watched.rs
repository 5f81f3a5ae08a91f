//! A stream that counts what is read of it, and keeps what TLS says at its end.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::secure::{self, When};

/// What was read of a connection so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Read(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    bytes: AtomicU64,
    /// What TLS said when it ended the connection: h2 keeps the text of an error, and not the error.
    refusal: OnceLock<rustls::Error>,
}

impl Read {
    /// How many bytes. It says whether any came of an answer, and whether the other side still speaks.
    pub(super) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Why TLS has ended the connection, if it has.
    pub(super) fn refusal(&self, host: &str) -> Option<String> {
        secure::sentence(self.0.refusal.get()?, host, When::InUse)
    }

    fn note(&self, error: &io::Error) {
        if let Some(refusal) = secure::tls(error) {
            let _ = self.0.refusal.set(refusal.clone());
        }
    }
}

/// A stream whose reads are counted.
pub(super) struct Watched<S> {
    stream: S,
    read: Read,
    /// Whether it is listened to where a write fails.
    listens: bool,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S) -> (Self, Read) {
        let read = Read::default();
        (Self { stream, read: read.clone(), listens: false }, read)
    }

    /// A server that refuses a client in TLS says so and closes, and a write may fail before that is read. For a reader
    /// that stops at such a failure, it is read then.
    pub(super) fn listening(self) -> Self {
        Self { listens: true, ..self }
    }
}

impl<S: AsyncRead + Unpin> Watched<S> {
    fn wrote<T>(&mut self, polled: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.listens && matches!(polled, Poll::Ready(Err(_))) {
            self.listens = false;
            let mut some = [0; 1024];
            let mut some = ReadBuf::new(&mut some);
            // Not counted: a request whose write failed has no answer in it.
            loop {
                some.clear();
                match Pin::new(&mut self.stream).poll_read(cx, &mut some) {
                    Poll::Ready(Ok(())) if !some.filled().is_empty() => {}
                    Poll::Ready(Err(error)) => break self.read.note(&error),
                    _ => break,
                }
            }
        }
        polled
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let came = (buffer.filled().len() - before) as u64;
        // It alone writes the count, so that no read-modify-write is needed.
        self.read.0.bytes.store(self.read.bytes() + came, Ordering::Relaxed);
        polled.map_err(|error| {
            self.read.note(&error);
            error
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, data);
        self.wrote(polled, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.wrote(polled, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
