//! Idle connections of HTTP/1.1, by authority.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::Authority;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use parking_lot::Mutex;
use sluice_api::error::Connection as Named;

use super::named;
use super::watched::Read;
use crate::gate::Gate;

/// Idle connections kept for one upstream: above any concurrency that is expected.
const IDLE_MAX: usize = 4096;

/// How long an idle connection is kept.
pub(super) const IDLE_FOR: Duration = Duration::from_secs(90);

/// Idle connections that are looked at before others may have their turn with the pool.
const SWEPT_AT_ONCE: usize = 32;

/// How long after its last request an authority has a connection kept ready.
pub(super) const WARM_FOR: Duration = Duration::from_secs(60);

/// A connection that is polled by whoever uses it: hyper's two halves, kept together.
///
/// Without a task of its own, a request costs no task switches between the one that serves the client and the one
/// that reads from upstream.
pub(super) struct Connection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    pub(super) driver: Driver,
    pub(super) read: Read,
    pub(super) named: Named,
}

/// The half of a connection that reads and writes; `None` when it has ended.
///
/// It is dropped then and not only left alone: hyper cancels a request that the connection had not taken yet when the
/// driver is dropped, and never before, so that whoever waits for its answer would wait for ever.
pub(super) struct Driver {
    connection: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
    gate: Gate,
}

impl Driver {
    /// Lets the connection read and write; says whether it is closed.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) -> bool {
        let gate = &self.gate;
        if self.connection.as_mut().is_some_and(|driver| gate.poll(driver.as_mut(), cx).is_ready()) {
            self.connection = None;
        }
        self.connection.is_none()
    }
}

impl Connection {
    pub(super) fn new(
        sender: SendRequest<Full<Bytes>>,
        driver: impl Future<Output = hyper::Result<()>> + Send + 'static,
        read: Read,
    ) -> Self {
        let driver = Driver { connection: Some(Box::pin(driver)), gate: Gate::default() };
        Self { sender, driver, read, named: named::next() }
    }

    /// Whether another request can be sent on it.
    fn is_reusable(&mut self) -> bool {
        let mut nobody = Context::from_waker(Waker::noop());
        !self.driver.drive(&mut nobody) && matches!(self.sender.poll_ready(&mut nobody), Poll::Ready(Ok(())))
    }
}

/// Connections that wait for their next request.
#[derive(Default)]
pub(super) struct Pool(Mutex<HashMap<Written, Site, foldhash::fast::RandomState>>);

/// An authority as it is written: found by its letters at once, where its own hash goes letter by letter to make them small.
/// One that is written otherwise has connections of its own.
#[derive(Clone)]
struct Written(Authority);

impl Borrow<str> for Written {
    fn borrow(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for Written {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Written {}

impl Hash for Written {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

/// Those of one authority.
struct Site {
    idle: VecDeque<Idle>,
    /// When a connection was last asked for.
    asked: Instant,
    /// Whether one was opened ahead since then; tried once, as a server that is away is not to be asked for ever.
    warmed: bool,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// The connection used last, if one is still open.
    pub(super) fn take(&self, authority: &Authority) -> Option<Connection> {
        loop {
            let mut idle = self.pop(authority)?;
            if idle.since.elapsed() < IDLE_FOR && idle.connection.is_reusable() {
                return Some(idle.connection);
            }
        }
    }

    fn pop(&self, authority: &Authority) -> Option<Idle> {
        let now = Instant::now();
        let mut all = self.0.lock();
        let Some(site) = all.get_mut(authority.as_str()) else {
            all.insert(Written(authority.clone()), Site::new(now));
            return None;
        };
        (site.asked, site.warmed) = (now, false);
        site.idle.pop_back()
    }

    /// Keeps a connection whose answer is read to its end.
    pub(super) fn put(&self, authority: &Authority, mut connection: Connection) {
        if !connection.is_reusable() {
            return;
        }
        let since = Instant::now();
        let idle = Idle { connection, since };
        let mut all = self.0.lock();
        let Some(site) = all.get_mut(authority.as_str()) else {
            let site = Site { idle: VecDeque::from([idle]), ..Site::new(since) };
            all.insert(Written(authority.clone()), site);
            return;
        };
        if site.idle.len() >= IDLE_MAX {
            site.idle.pop_front();
        }
        site.idle.push_back(idle);
    }

    /// Drops what was idle for too long and what the upstream has closed. Requests wait for the lock meanwhile, so that
    /// it is held for a few connections at once, and never while one is dropped: that closes it.
    pub(super) fn sweep(&self) {
        let sites: Vec<(Authority, usize)> = self
            .0
            .lock()
            .iter()
            .map(|(Written(authority), site)| (authority.clone(), site.idle.len()))
            .collect();
        for (authority, count) in sites {
            for _ in 0..count.div_ceil(SWEPT_AT_ONCE) {
                drop(self.ended(&authority));
            }
        }
        self.0.lock().retain(|_, site| !site.idle.is_empty() || site.asked.elapsed() < IDLE_FOR);
    }

    /// Looks at those that were idle for longest, and takes out what has ended. The others go to the end of the queue,
    /// so that all of them have their turn.
    fn ended(&self, authority: &Authority) -> Vec<Idle> {
        let mut ended = Vec::new();
        let mut all = self.0.lock();
        let Some(site) = all.get_mut(authority.as_str()) else { return ended };
        for _ in 0..SWEPT_AT_ONCE.min(site.idle.len()) {
            let Some(mut idle) = site.idle.pop_front() else { break };
            if idle.since.elapsed() < IDLE_FOR && idle.connection.is_reusable() {
                site.idle.push_back(idle);
            } else {
                ended.push(idle);
            }
        }
        ended
    }

    /// Authorities that are in use and have no idle connection, so that the next request would wait for one to be
    /// opened; each is told once until it is asked for again.
    pub(super) fn cold(&self) -> Vec<Authority> {
        let mut all = self.0.lock();
        let cold = all
            .iter_mut()
            .filter(|(_, site)| site.idle.is_empty() && !site.warmed && site.asked.elapsed() < WARM_FOR);
        let told = cold.map(|(Written(authority), site)| {
            site.warmed = true;
            authority.clone()
        });
        told.collect()
    }
}

impl Site {
    fn new(asked: Instant) -> Self {
        Self { idle: VecDeque::new(), asked, warmed: false }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pool")
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use http::Request;
    use http::uri::Authority;
    use http_body_util::Full;
    use hyper_util::rt::TokioIo;
    use tokio::io::DuplexStream;

    use super::{Connection, Pool, SWEPT_AT_ONCE};
    use crate::watched::Read;

    /// hyper's driver of a connection that ends in order before it has taken a request.
    struct Ending<D> {
        _kept: D,
    }

    impl<D> Future for Ending<D> {
        type Output = hyper::Result<()>;

        fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
            Poll::Ready(Ok(()))
        }
    }

    /// A connection, and its other end.
    async fn connection() -> (Connection, DuplexStream) {
        let (near, far) = tokio::io::duplex(1024);
        let (sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(near)).await.unwrap();
        (Connection::new(sender, driver, Read::default()), far)
    }

    #[tokio::test]
    async fn a_driver_that_ends_resolves_a_request_that_it_had_not_taken() {
        let (near, _far) = tokio::io::duplex(1024);
        let (sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(near)).await.unwrap();
        let mut connection = Connection::new(sender, Ending { _kept: driver }, Read::default());
        let mut answer = Box::pin(connection.sender.send_request(Request::new(Full::<Bytes>::default())));
        assert!(answer.as_mut().now_or_never().is_none());
        assert!(connection.driver.drive(&mut Context::from_waker(Waker::noop())));
        let failed = answer.now_or_never().expect("it waits for ever").unwrap_err();
        assert!(failed.is_canceled(), "{failed}");
    }

    #[tokio::test]
    async fn a_sweep_drops_what_the_other_side_has_closed_and_keeps_the_rest() {
        let (pool, authority) = (Pool::default(), Authority::from_static("a:1"));
        let mut far = Vec::new();
        for _ in 0..3 * SWEPT_AT_ONCE {
            let (connection, end) = connection().await;
            pool.put(&authority, connection);
            far.push(end);
        }
        let mut turn = 0;
        far.retain(|_| {
            turn += 1;
            turn % 3 == 0
        });
        pool.sweep();
        let left = pool.0.lock().get(authority.as_str()).map(|site| site.idle.len());
        assert_eq!(left, Some(far.len()));
    }
}
