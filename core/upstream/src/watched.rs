//! A stream that counts what is read of it, is read to its end, and keeps what TLS says there.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

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

    /// Keeps what TLS says; says whether it is that.
    fn notes(&self, error: &io::Error) -> bool {
        let refusal = secure::tls(error);
        if let Some(refusal) = refusal {
            let _ = self.0.refusal.set(refusal.clone());
        }
        refusal.is_some()
    }
}

/// A stream whose reads are counted, and whose end is found by its reader alone.
///
/// What a server says before it closes may be heard only after a write has failed on that: why it refuses the client's
/// certificate, which requests it has taken, an answer to half a request. Readers stop at a failed write; so none is
/// told to them, and what they write goes nowhere until they have read all that there is. A write that fails for another
/// reason they are told: nothing that they read would tell it.
pub(super) struct Watched<S> {
    stream: S,
    read: Read,
    /// What a write failed by, where nothing has come since.
    failed: Option<io::Error>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S) -> (Self, Read) {
        let read = Read::default();
        (Self { stream, read: read.clone(), failed: None }, read)
    }

    /// A write of so much, also where it has failed as the connection has ended: that its reader finds.
    fn wrote<T>(&mut self, polled: Poll<io::Result<T>>, all: T) -> Poll<io::Result<T>> {
        polled.map(|done| match done {
            Err(error) if is_its_end(&error) => {
                self.failed = Some(error);
                Ok(all)
            }
            done => done,
        })
    }
}

/// Whether a write has failed as the connection has ended, and not for what else may be wrong on this machine.
fn is_its_end(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, TimedOut, UnexpectedEof,
    };
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | TimedOut | UnexpectedEof
    )
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, asked) = (buffer.filled().len(), buffer.remaining());
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        let came = buffer.filled().len() - before;
        if came > 0 {
            // It alone writes the count, so that no read-modify-write is needed.
            self.read.0.bytes.store(self.read.bytes() + came as u64, Ordering::Relaxed);
            self.failed = None;
            return Poll::Ready(Ok(()));
        }
        if let Err(error) = &read
            && self.read.notes(error)
        {
            return Poll::Ready(read);
        }
        // The failed write says why, as far as that is known.
        let failed = if asked > 0 { self.failed.take() } else { None };
        Poll::Ready(failed.map_or(read, Err))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, data);
        self.wrote(polled, data.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(polled, slices.iter().map(|slice| slice.len()).sum())
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.wrote(polled, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind, Read as _, Write as _};
    use std::net::TcpListener;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use futures_util::FutureExt as _;
    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
    use tokio::net::TcpStream;

    use super::Watched;

    /// A connection whose other side has said this, with a byte unread, and closed; the runtime has not heard of it.
    async fn closed(says: &[u8]) -> Watched<TcpStream> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut far, _) = listener.accept().unwrap();
        near.write_all(b"..").await.unwrap();
        far.read_exact(&mut [0]).unwrap();
        far.write_all(says).unwrap();
        drop(far);
        Watched::new(near).0
    }

    #[tokio::test]
    async fn what_a_server_said_before_it_closed_is_read_though_writes_fail_meanwhile() {
        let mut near = closed(b"no").await;
        let mut nobody = Context::from_waker(Waker::noop());
        let mut some = [0; 8];
        let mut some = ReadBuf::new(&mut some);
        assert!(Pin::new(&mut near).poll_read(&mut nobody, &mut some).is_pending());
        assert!(near.stream.write_all(b"x").await.is_err());
        near.write_all(b"to nobody").await.unwrap();
        near.flush().await.unwrap();
        let mut said = [0; 2];
        near.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"no");
        assert_eq!(near.read.bytes(), 2);
        let polled = std::future::poll_fn(|cx| Pin::new(&mut near).poll_read(cx, &mut some)).await;
        assert!(polled.is_err() || some.filled().is_empty());
    }

    #[tokio::test]
    async fn one_that_said_nothing_ends_with_what_the_write_failed_by() {
        let mut near = closed(b"").await;
        near.write_all(b"to nobody").await.unwrap();
        assert!(near.failed.is_some());
        let told = near.read(&mut [0; 8]).await.unwrap_err();
        assert!(near.failed.is_none(), "{told}");
        assert!(matches!(near.stream.try_read(&mut [0; 8]), Ok(0)));
    }

    /// A stream whose writes fail.
    struct Failing(ErrorKind);

    impl AsyncWrite for Failing {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(self.0.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(self.0.into()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncRead for Failing {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    #[test]
    fn a_write_that_fails_while_the_connection_stands_is_told() {
        // What the system says that has no room for it is of no kind that has a name; these stand for it.
        for kind in [ErrorKind::Other, ErrorKind::OutOfMemory, ErrorKind::PermissionDenied] {
            let mut near = Watched::new(Failing(kind)).0;
            let wrote = near.write_all(b"a request").now_or_never().expect("it waits");
            assert_eq!(wrote.unwrap_err().kind(), kind);
            let flushed = near.flush().now_or_never().expect("it waits");
            assert_eq!(flushed.unwrap_err().kind(), kind);
        }
        for kind in [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset, ErrorKind::TimedOut] {
            let mut near = Watched::new(Failing(kind)).0;
            let wrote = near.write_all(b"a request").now_or_never().expect("it waits");
            assert!(wrote.is_ok() && near.failed.is_some(), "{kind}");
        }
    }
}
