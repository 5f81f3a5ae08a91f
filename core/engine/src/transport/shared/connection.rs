//! One connection of HTTP/2: how many requests are on it, whether it lives, and who drives it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::SendRequest;
use http::uri::Authority;
use parking_lot::Mutex;
use sluice_api::{Error, Kind};
use tokio::sync::watch;

use super::takes_none;
use crate::tasks::Tasks;
use crate::transport::broken::broken;
use crate::transport::dial::Io;
use crate::transport::watched::{Read, Watched};

/// Requests that one connection carries at most: its window is theirs in equal parts, and its end is the end of so many.
pub(super) const STREAMS_MAX: u32 = 32;

/// What a stream may have on its way or unread: at 50 ms from a vendor, 5 MB a second.
const STREAM_WINDOW: u32 = 256 * 1024;

/// The streams' windows together, so that those of clients which read nothing never use up what others need.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * STREAMS_MAX;

/// The longest head of an answer.
const HEAD_MAX: u32 = 64 * 1024;

/// What h2 lets unread frames smaller than 256 bytes add up to: as much as fits the window, a byte a frame. Streams of
/// single tokens that clients leave unread are nothing hostile, and the window bounds them already.
const SMALL_FRAMES_MAX: usize = CONNECTION_WINDOW as usize * 256;

/// Streams that are cancelled on a connection before it takes no new ones: servers count them, and end connections for
/// them (nghttp2, and so node, after a thousand).
const CANCELLED_MAX: u32 = 256;

/// Empty frames that a connection brings before it takes no new requests: h2 ends one at the 101st of its life, with all
/// that is on it, and has no setting for that.
const EMPTY_MAX: u32 = 50;

/// How long a connection with requests on it may be silent before it is asked whether it lives.
const SILENT_MAX: Duration = Duration::from_secs(15);

/// How long a request waits without a byte on the whole connection before it makes that doubtful, when it is given up.
const DOUBTED_AFTER: Duration = Duration::from_millis(500);

/// How long it has to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A connection that requests are put on.
pub(super) struct Connection {
    sender: SendRequest<Bytes>,
    read: Read,
    id: u64,
    since: Instant,
    open: AtomicU32,
    carried: AtomicU32,
    cancelled: AtomicU32,
    empty: AtomicU32,
    /// Bytes read when a request was given up that had waited in silence, and one more; 0: none was. Until more come
    /// nobody is put beside it.
    doubted_at: AtomicU64,
    closed: AtomicBool,
    /// When the last request on it ended.
    rests: Mutex<Instant>,
}

impl Connection {
    /// Begins to speak on a stream, and waits until the server has said how many requests it takes.
    ///
    /// # Errors
    ///
    /// When it does not speak HTTP/2, or takes no request in time.
    pub(super) async fn begin(
        stream: Box<dyn Io>,
        authority: &Authority,
        id: u64,
        wait: Duration,
    ) -> Result<Arc<Self>, Error> {
        let (stream, read) = Watched::new(stream);
        let (sender, driver) = h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEAD_MAX)
            .data_frame_budget(SMALL_FRAMES_MAX)
            // Frames that were on their way when a stream was cancelled are nobody's fault, however many they become.
            .max_local_error_reset_streams(None)
            // All that are cancelled on a connection are remembered, so that what is late for them is not reset again.
            .max_concurrent_reset_streams(CANCELLED_MAX as usize + STREAMS_MAX as usize)
            .enable_push(false)
            // None until the server has said how many.
            .initial_max_send_streams(0)
            .handshake::<_, Bytes>(stream)
            .await
            .map_err(|error| broken(&error, authority))?;
        let connection = Arc::new(Self {
            sender,
            read,
            id,
            since: Instant::now(),
            open: AtomicU32::new(0),
            carried: AtomicU32::new(0),
            cancelled: AtomicU32::new(0),
            empty: AtomicU32::new(0),
            doubted_at: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            rests: Mutex::new(Instant::now()),
        });
        let (allowed, mut allows) = watch::channel(false);
        Tasks::upkeep(drive(driver, Arc::downgrade(&connection), allowed));
        let waited = tokio::time::timeout(wait, allows.wait_for(|allows| *allows)).await;
        match waited.map(|allowed| allowed.is_ok()) {
            Ok(true) => Ok(connection),
            // It has ended before it began.
            Ok(false) => {
                let mut sender = connection.sender.clone();
                let ended = std::future::poll_fn(|cx| sender.poll_ready(cx)).await;
                let why = ended.err().map_or_else(|| "it was closed".to_owned(), |error| error.to_string());
                let message = format!("the upstream does not speak HTTP/2: {why}; set http = \"1.1\"");
                Err(Error::new(Kind::Upstream, message))
            }
            Err(_) => Err(takes_none(wait)),
        }
    }

    /// A place for one more request, where there is room.
    pub(super) fn place(self: &Arc<Self>) -> Option<Place> {
        let limit =
            u32::try_from(self.sender.current_max_send_streams()).unwrap_or(u32::MAX).min(STREAMS_MAX);
        let one_more = |open| (open < limit).then_some(open + 1);
        self.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        let place = Place {
            connection: Arc::clone(self),
            ended: true,
            began: Instant::now(),
            before: self.read.bytes(),
        };
        (!self.is_over() && !self.is_doubtful()).then_some(place)
    }

    /// Whether no request is put on it any more.
    pub(super) fn is_over(&self) -> bool {
        let mut nobody = Context::from_waker(Waker::noop());
        self.closed.load(Ordering::Acquire)
            || self.cancelled.load(Ordering::Relaxed) >= CANCELLED_MAX
            || self.empty.load(Ordering::Relaxed) >= EMPTY_MAX
            || !matches!(self.sender.clone().poll_ready(&mut nobody), Poll::Ready(Ok(())))
    }

    /// Whether a request waited on it in vain, and nothing has come since.
    fn is_doubtful(&self) -> bool {
        self.doubted_at.load(Ordering::Relaxed) == self.read.bytes() + 1
    }

    /// Whether it was opened since then.
    pub(super) fn is_younger(&self, than: Option<Instant>) -> bool {
        than.is_none_or(|than| self.since >= than)
    }

    /// Whether it has carried nothing for so long.
    pub(super) fn is_idle_for(&self, time: Duration) -> bool {
        self.open.load(Ordering::Acquire) == 0 && self.rests.lock().elapsed() >= time
    }
}

/// A request's place on a connection, given back when dropped.
pub(super) struct Place {
    connection: Arc<Connection>,
    /// Whether the stream went to its end; one that did not is cancelled, which its server counts.
    ended: bool,
    began: Instant,
    /// Bytes read on the connection by then.
    before: u64,
}

impl Place {
    /// What the request is sent with, and whether the connection has carried others before.
    pub(super) fn sender(&mut self) -> (SendRequest<Bytes>, bool) {
        self.ended = false;
        let kept = self.connection.carried.fetch_add(1, Ordering::Relaxed) > 0;
        (self.connection.sender.clone(), kept)
    }

    /// The connection's number, for failures that end it.
    pub(super) fn id(&self) -> u64 {
        self.connection.id
    }

    /// Bytes that came on the connection so far.
    pub(super) fn read(&self) -> u64 {
        self.connection.read.bytes()
    }

    /// A frame without a byte came.
    pub(super) fn was_empty(&self) {
        self.connection.empty.fetch_add(1, Ordering::Relaxed);
    }

    /// The stream has gone to its end, or the server has ended it.
    pub(super) fn ended(&mut self) {
        self.ended = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.cancelled.fetch_add(1, Ordering::Relaxed);
            if self.read() == self.before && self.began.elapsed() >= DOUBTED_AFTER {
                self.connection.doubted_at.store(self.before + 1, Ordering::Relaxed);
            }
        }
        *self.connection.rests.lock() = Instant::now();
        self.connection.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Reads and writes until the connection ends; tells when the server has allowed requests, and asks one that is silent
/// whether it lives.
async fn drive(
    mut driver: h2::client::Connection<Watched<Box<dyn Io>>, Bytes>,
    connection: std::sync::Weak<Connection>,
    allowed: watch::Sender<bool>,
) {
    let mut pings = driver.ping_pong();
    let mut told = false;
    let mut heard = 0;
    let mut asked = false;
    let mut open_question = false;
    let timer = tokio::time::sleep(SILENT_MAX);
    let mut timer = std::pin::pin!(timer);
    loop {
        let ended = std::future::poll_fn(|cx| {
            let ended = std::pin::Pin::new(&mut driver).poll(cx).is_ready();
            if !told && driver.max_concurrent_send_streams() > 0 {
                told = true;
                let _ = allowed.send(true);
            }
            if ended {
                return Poll::Ready(true);
            }
            timer.as_mut().poll(cx).map(|()| false)
        })
        .await;
        let Some(connection) = connection.upgrade() else {
            if ended {
                return;
            }
            timer.as_mut().reset(tokio::time::Instant::now() + SILENT_MAX);
            continue;
        };
        let now = connection.read.bytes();
        let silent = now == heard && connection.open.load(Ordering::Acquire) > 0;
        heard = now;
        if ended || (asked && silent) {
            // What is on it ends with it.
            connection.closed.store(true, Ordering::Release);
            return;
        }
        // One question at a time: an older one that is still open will do.
        let mut nobody = Context::from_waker(Waker::noop());
        asked = silent
            && pings.as_mut().is_some_and(|pings| {
                open_question &= pings.poll_pong(&mut nobody).is_pending();
                open_question |= pings.send_ping(h2::Ping::opaque()).is_ok();
                open_question
            });
        let wait = if asked { ANSWER_WITHIN } else { SILENT_MAX };
        timer.as_mut().reset(tokio::time::Instant::now() + wait);
    }
}
