//! The socket of a client: it gives up on one that takes nothing, and tells of one that has left.

use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Sleep, timeout};

/// Bytes that the system may hold of an answer before they are on their way. More would only be memory, and a client
/// that takes little would look for long like one that takes nothing.
#[cfg(target_os = "linux")]
const UNSENT_MAX: u32 = 128 * 1024;

/// What tells that the client has closed. On Linux that is told beside bytes that nobody has read yet, which is when it
/// matters: an ordinary read would tell it else.
#[cfg(target_os = "linux")]
const CLOSED: Interest = Interest::PRIORITY;
#[cfg(not(target_os = "linux"))]
const CLOSED: Interest = Interest::READABLE;

/// When to look again where something else was told than that the client has closed.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How long a client that still sends what nobody wants is listened to in all, so that it finds the time to read its
/// answer: a socket that is closed with bytes unread resets the connection, and the answer may be lost with it. As
/// nginx's `lingering_time`: an upload of some hundred megabytes at usual rates.
const LINGER: Duration = Duration::from_secs(30);

/// How long it may send nothing meanwhile: then it has sent all, or is not there. As nginx's `lingering_timeout`.
const LINGER_SILENT: Duration = Duration::from_secs(5);

/// A connection's socket.
pub struct Socket {
    /// All of it: reading by this half, the runtime asks the system only where something is to be read.
    stream: OwnedReadHalf,
    send_timeout: Duration,
    /// Armed while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

/// The same socket, watched from beside. It is the other half, and closes its side when it is dropped.
pub struct Watch(OwnedWriteHalf);

impl Socket {
    /// Takes a socket whose client is gone when it takes nothing for `send_timeout`, also where its machine vanished.
    ///
    /// # Errors
    ///
    /// When the system doesn't set it up.
    pub fn new(stream: TcpStream, send_timeout: Duration) -> io::Result<(Self, Watch)> {
        stream.set_nodelay(true)?;
        let socket = SockRef::from(&stream);
        // Three probes within the time, so that one lost packet is no end.
        let second = Duration::from_secs(1);
        let keepalive = TcpKeepalive::new()
            .with_time((send_timeout / 2).max(second))
            .with_interval((send_timeout / 6).max(second));
        socket.set_tcp_keepalive(&keepalive)?;
        #[cfg(target_os = "linux")]
        {
            socket.set_tcp_user_timeout(Some(send_timeout))?;
            socket.set_tcp_notsent_lowat(UNSENT_MAX)?;
        }
        let (stream, watched) = stream.into_split();
        Ok((Self { stream, send_timeout, stalled: None }, Watch(watched)))
    }

    /// The first byte that comes, which stays to be read; `None` where the client closes before it.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub async fn first(&mut self) -> io::Result<Option<u8>> {
        let mut first = [0];
        Ok(if self.stream.peek(&mut first).await? == 0 { None } else { Some(first[0]) })
    }

    fn poll_sent(
        &mut self,
        cx: &mut Context<'_>,
        send: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let stream: &TcpStream = self.stream.as_ref();
        while let Poll::Ready(ready) = stream.poll_write_ready(cx) {
            ready?;
            match send(stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                sent => {
                    self.stalled = None;
                    return Poll::Ready(sent);
                }
            }
        }
        let wait = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.send_timeout)));
        ready!(wait.as_mut().poll(cx));
        let message = format!("the client took nothing for {} s", self.send_timeout.as_secs_f32());
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, message)))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_sent(cx, |stream| stream.try_write(data))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_sent(cx, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match SockRef::from(self.stream.as_ref()).shutdown(Shutdown::Write) {
            Err(error) if error.kind() != ErrorKind::NotConnected => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl Watch {
    /// Waits until the client has closed its side, or the connection is broken.
    pub async fn closed(&self) {
        while let Ok(ready) = self.0.ready(CLOSED).await {
            if ready.is_read_closed() {
                return;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Throws away what the client still sends, for as long as it does, within bounds, or until it has closed.
    pub async fn linger(self) {
        let _ = timeout(LINGER, async {
            let mut some = vec![0; 64 * 1024];
            let stream: &TcpStream = self.0.as_ref();
            while let Ok(Ok(())) = timeout(LINGER_SILENT, stream.readable()).await {
                match stream.try_read(&mut some) {
                    Ok(0) => return,
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::{Socket, Watch};

    /// How long anything may take before a test fails instead of hanging.
    const PATIENCE: Duration = Duration::from_secs(20);

    async fn pair(send_timeout: Duration) -> (TcpStream, Socket, Watch) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let (socket, watch) = Socket::new(server, send_timeout).unwrap();
        (client, socket, watch)
    }

    #[tokio::test]
    async fn what_is_written_is_read_both_ways_and_an_end_is_told() {
        let (mut client, mut socket, _watch) = pair(PATIENCE).await;
        let sent: Vec<u8> = (0..3_000_000).map(|at| (at % 251) as u8).collect();
        let (mut down, mut up) = (vec![0; sent.len()], Vec::new());
        let talking = async {
            let (mut from, mut to) = client.split();
            let back = async {
                to.write_all(&sent).await.unwrap();
                to.shutdown().await.unwrap();
            };
            tokio::join!(from.read_exact(&mut down), back)
        };
        let (mut from, mut to) = tokio::io::split(&mut socket);
        let both = async { tokio::join!(to.write_all(&sent), from.read_to_end(&mut up)) };
        let ((read, ()), (wrote, ended)) =
            timeout(PATIENCE, async { tokio::join!(talking, both) }).await.unwrap();
        assert!(read.is_ok() && wrote.is_ok() && ended.is_ok());
        assert!(down == sent && up == sent);
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up_and_one_that_takes_little_is_not() {
        let (_client, mut socket, _watch) = pair(Duration::from_millis(50)).await;
        let some = vec![0; 1 << 20];
        let failed = timeout(PATIENCE, async {
            loop {
                if let Err(error) = socket.write_all(&some).await {
                    return error;
                }
            }
        });
        assert_eq!(failed.await.unwrap().kind(), ErrorKind::TimedOut);

        let (mut client, mut socket, _watch) = pair(PATIENCE).await;
        let taking = async {
            let mut taken = vec![0; 64 * 1024];
            for _ in 0..160 {
                client.read_exact(&mut taken).await.unwrap();
            }
        };
        let sending = async {
            for _ in 0..10 {
                socket.write_all(&some).await.unwrap();
            }
        };
        timeout(PATIENCE, async { tokio::join!(taking, sending) }).await.unwrap();
    }

    #[tokio::test]
    async fn a_client_that_closes_behind_unread_bytes_is_noticed() {
        for reset in [false, true] {
            let (mut client, _socket, watch) = pair(PATIENCE).await;
            client.write_all(b"\r\n").await.unwrap();
            assert!(timeout(Duration::from_millis(100), watch.closed()).await.is_err());
            if reset {
                socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
            }
            drop(client);
            timeout(PATIENCE, watch.closed()).await.unwrap();
        }
    }
}
