//! One connection of HTTP/2: how many requests are on it, and whether it takes more.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::SendStream;
use h2::client::SendRequest;
use http::uri::Authority;
use parking_lot::Mutex;
use sluice_api::error::{Connection as Named, Error, Kind};
use tokio::sync::watch;

use super::driver::{Life, drive};
use super::upload::{Claim, Piece, Unanswered, Upload, Uploads};
use super::waiting::Waiters;
use crate::broken::broken;
use crate::reading::Io;
use crate::sifted::{Frames, Sifted};
use crate::tasks::Tasks;
use crate::timer::in_time;
use crate::watched::Watched;

/// Requests that one connection carries at most: its window is theirs in equal parts, and its end is the end of so many.
pub(super) const STREAMS_MAX: u32 = 32;

/// What a stream may have on its way or unread: at 50 ms from a vendor, 5 MB a second.
const STREAM_WINDOW: u32 = 256 * 1024;

/// The streams' windows together, so that those of clients which read nothing never use up what others need.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * STREAMS_MAX;

/// What h2 reads of a head. What is longer ends the connection with all that is on it, so that this is far above what
/// an answer may have.
const HEAD_READ_MAX: u32 = 1024 * 1024;

/// What h2 lets unread frames smaller than 256 bytes add up to: as much as fits the window, a byte a frame. Streams of
/// single tokens that clients leave unread are nothing hostile, and the window bounds them already.
const SMALL_FRAMES_MAX: usize = CONNECTION_WINDOW as usize * 256;

/// Streams that are cancelled on a connection before it takes no new ones: servers count them, and end connections for
/// them (nghttp2, and so node, after a thousand).
const CANCELLED_MAX: u32 = 256;

/// For how long a cancelled stream is remembered: longer than anything is on its way.
const REMEMBERED_FOR: Duration = Duration::from_secs(3600);

/// How long a request waits without a byte on the whole connection before it makes that doubtful, when it is given up.
const DOUBTED_AFTER: Duration = Duration::from_millis(500);

/// A connection that requests are put on.
pub(super) struct Connection {
    sender: SendRequest<Piece>,
    life: Arc<Life>,
    named: Named,
    since: Instant,
    /// Those who waited for it to be opened, and have not come for their place yet.
    awaited: Arc<Waiters>,
    cancelled: AtomicU32,
    frames: Frames,
    /// The bodies of its requests.
    uploads: Uploads,
    /// When the last request on it ended.
    rests: Mutex<Instant>,
}

/// What a connection is opened with.
pub(super) struct Opening {
    pub(super) stream: Box<dyn Io>,
    pub(super) named: Named,
    /// When the server must have said how many requests it takes.
    pub(super) due: Instant,
    /// Those who wait for it.
    pub(super) awaited: Arc<Waiters>,
    /// Whether the server has agreed to speak HTTP/2.
    pub(super) agreed: bool,
    /// How often it is looked at whether anything came.
    pub(super) look_every: Duration,
}

impl Connection {
    /// Begins to speak, and waits until the server has said how many requests it takes; `None` when it has allowed none
    /// in time.
    ///
    /// # Errors
    ///
    /// When it does not speak HTTP/2.
    pub(super) async fn begin(opening: Opening, authority: &Authority) -> Result<Option<Arc<Self>>, Error> {
        let Opening { stream, named, due, awaited, agreed, look_every } = opening;
        let (stream, read) = Watched::new(stream);
        let stream = Sifted::of_server(stream);
        let frames = stream.frames();
        let (sender, driver) = h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEAD_READ_MAX)
            .data_frame_budget(SMALL_FRAMES_MAX)
            // Frames that were on their way when a stream was cancelled are nobody's fault, however many they become.
            .max_local_error_reset_streams(None)
            // All that are cancelled on a connection are remembered, so that what is late for them is not reset again.
            .max_concurrent_reset_streams(CANCELLED_MAX as usize + STREAMS_MAX as usize)
            .reset_stream_duration(REMEMBERED_FOR)
            .enable_push(false)
            // None until the server has said how many.
            .initial_max_send_streams(0)
            .handshake::<_, Piece>(stream)
            .await
            .map_err(|error| broken(&error, authority))?;
        let life = Life::new(read);
        let connection = Arc::new(Self {
            sender,
            life: Arc::clone(&life),
            named,
            since: Instant::now(),
            awaited,
            cancelled: AtomicU32::new(0),
            uploads: Uploads::new(frames.clone()),
            frames,
            rests: Mutex::new(Instant::now()),
        });
        let (allowed, mut allows) = watch::channel(false);
        Tasks::upkeep(drive(driver, life, allowed, look_every));
        let waits = async { allows.wait_for(|allows| *allows).await.is_ok() };
        match in_time(due, pin!(waits)).await {
            Some(true) => Ok(Some(connection)),
            Some(false) => Err(connection.never_began(authority, agreed).await),
            None => Ok(None),
        }
    }

    /// Why it has ended before it took a request.
    async fn never_began(&self, authority: &Authority, agreed: bool) -> Error {
        if let Some(sentence) = self.life.read.refusal(authority.host()) {
            return Error::new(Kind::Upstream, sentence);
        }
        let mut sender = self.sender.clone();
        let ended = std::future::poll_fn(|cx| sender.poll_ready(cx)).await;
        let why = ended.err().map_or_else(|| "it was closed".to_owned(), |error| error.to_string());
        let message = if agreed {
            format!("the upstream agreed on HTTP/2 and ended the connection before it began: {why}")
        } else {
            format!("the upstream does not speak HTTP/2: {why}; set http = \"1.1\"")
        };
        Error::new(Kind::Upstream, message)
    }

    /// A place for one more request with so long a body, where there is room beside those who have waited for this
    /// connection.
    pub(super) fn place(self: &Arc<Self>, body: usize) -> Option<Place> {
        self.place_within(self.room().saturating_sub(self.awaited.count()), self.awaited.bytes(), body)
    }

    /// The same for one of those who have waited.
    pub(super) fn awaited_place(self: &Arc<Self>, body: usize) -> Option<Place> {
        self.place_within(self.room(), 0, body)
    }

    /// A place among so many, beside so many bytes of the window that are for others.
    fn place_within(self: &Arc<Self>, room: u32, kept: u64, body: usize) -> Option<Place> {
        if !self.lives() {
            return None;
        }
        let (claim, unanswered) = self.uploads.claim(body, kept)?;
        let one_more = |open| (open < room).then_some(open + 1);
        self.life.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        Some(Place {
            connection: Arc::clone(self),
            claim: Some(claim),
            unanswered,
            ended: true,
            began: Instant::now(),
            before: self.life.read.bytes(),
        })
    }

    /// Requests that it takes at once.
    pub(super) fn room(&self) -> u32 {
        u32::try_from(self.sender.current_max_send_streams()).unwrap_or(u32::MAX).min(STREAMS_MAX)
    }

    /// Bytes of bodies that it takes at once.
    pub(super) fn window(&self) -> u64 {
        self.uploads.room()
    }

    /// Whether requests are put on it, as far as is known.
    pub(super) fn lives(&self) -> bool {
        !self.is_over() && !self.life.is_doubtful()
    }

    /// Whether no request is put on it any more.
    pub(super) fn is_over(&self) -> bool {
        let mut nobody = Context::from_waker(Waker::noop());
        self.life.has_ended()
            || self.cancelled.load(Ordering::Relaxed) >= CANCELLED_MAX
            || self.frames.is_over()
            || !matches!(self.sender.clone().poll_ready(&mut nobody), Poll::Ready(Ok(())))
    }

    /// Whether a request was ever put on it.
    pub(super) fn has_carried(&self) -> bool {
        self.life.carried.load(Ordering::Relaxed) > 0
    }

    /// Whether it was opened since then.
    pub(super) fn is_younger(&self, than: Option<Instant>) -> bool {
        than.is_none_or(|than| self.since >= than)
    }

    /// Whether it has carried nothing for so long.
    pub(super) fn is_idle_for(&self, time: Duration) -> bool {
        self.life.open.load(Ordering::Acquire) == 0 && self.rests.lock().elapsed() >= time
    }
}

/// A request's place on a connection, given back when dropped.
pub(super) struct Place {
    connection: Arc<Connection>,
    claim: Option<Claim>,
    unanswered: Option<Unanswered>,
    /// Whether the stream went to its end; one that did not is cancelled, which its server counts.
    ended: bool,
    began: Instant,
    /// Bytes read on the connection by then.
    before: u64,
}

impl Place {
    /// What the request is sent with, and whether the connection has carried others before.
    pub(super) fn sender(&mut self) -> (SendRequest<Piece>, bool) {
        self.ended = false;
        let kept = self.connection.life.carried.fetch_add(1, Ordering::Relaxed) > 0;
        (self.connection.sender.clone(), kept)
    }

    /// Sends the request's body; once.
    pub(super) fn upload(&mut self, stream: SendStream<Piece>, body: Bytes) -> Option<Upload> {
        Upload::begin(stream, body, self.claim.take()?)
    }

    /// The head of the answer is there: the server has read of the request what it wanted.
    pub(super) fn answered(&mut self) {
        self.unanswered = None;
    }

    /// The connection, for failures that end it.
    pub(super) fn named(&self) -> Named {
        self.connection.named
    }

    /// Whether the server has shown that it read what opened this stream.
    pub(super) fn was_heard(&self, stream: h2::StreamId) -> bool {
        self.connection.frames.have_come_since(stream.as_u32())
    }

    /// What TLS said when it ended the connection, as a sentence.
    pub(super) fn refusal(&self, host: &str) -> Option<String> {
        self.connection.life.read.refusal(host)
    }

    /// The stream has gone to its end, or the server has ended it.
    pub(super) fn ended(&mut self) {
        self.ended = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let life = &self.connection.life;
        if !self.ended {
            self.connection.cancelled.fetch_add(1, Ordering::Relaxed);
            if life.read.bytes() == self.before && self.began.elapsed() >= DOUBTED_AFTER {
                life.doubt(self.before);
            }
        }
        *self.connection.rests.lock() = Instant::now();
        life.open.fetch_sub(1, Ordering::AcqRel);
    }
}
