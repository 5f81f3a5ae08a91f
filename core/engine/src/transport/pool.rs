//! Idle connections of HTTP/1.1, by authority.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::Authority;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use parking_lot::Mutex;

use super::watched::Read;

/// Idle connections kept for one upstream: above any concurrency that is expected.
const IDLE_MAX: usize = 4096;

/// How long an idle connection is kept.
pub(super) const IDLE_FOR: Duration = Duration::from_secs(90);

/// A connection that is polled by whoever uses it: hyper's two halves, kept together.
///
/// Without a task of its own, a request costs no task switches between the one that serves the client and the one
/// that reads from upstream.
pub(super) struct Connection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    pub(super) driver: Driver,
    pub(super) read: Read,
}

/// The half of a connection that reads and writes; `None` when it has ended.
///
/// It is dropped then and not only left alone: hyper cancels a request that the connection had not taken yet when the
/// driver is dropped, and never before, so that whoever waits for its answer would wait for ever.
pub(super) struct Driver(Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>);

impl Driver {
    /// Lets the connection read and write; says whether it is closed.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) -> bool {
        if self.0.as_mut().is_some_and(|driver| driver.as_mut().poll(cx).is_ready()) {
            self.0 = None;
        }
        self.0.is_none()
    }
}

impl Connection {
    pub(super) fn new(
        sender: SendRequest<Full<Bytes>>,
        driver: impl Future<Output = hyper::Result<()>> + Send + 'static,
        read: Read,
    ) -> Self {
        Self { sender, driver: Driver(Some(Box::pin(driver))), read }
    }

    /// Whether another request can be sent on it.
    fn is_reusable(&mut self) -> bool {
        let mut nobody = Context::from_waker(Waker::noop());
        !self.driver.drive(&mut nobody) && matches!(self.sender.poll_ready(&mut nobody), Poll::Ready(Ok(())))
    }
}

/// Connections that wait for their next request.
#[derive(Default)]
pub(super) struct Pool(Mutex<HashMap<Authority, VecDeque<Idle>>>);

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// The connection used last, if one is still open.
    pub(super) fn take(&self, authority: &Authority) -> Option<Connection> {
        loop {
            let mut idle = self.0.lock().get_mut(authority)?.pop_back()?;
            if idle.since.elapsed() < IDLE_FOR && idle.connection.is_reusable() {
                return Some(idle.connection);
            }
        }
    }

    /// Keeps a connection whose answer is read to its end.
    pub(super) fn put(&self, authority: &Authority, mut connection: Connection) {
        if !connection.is_reusable() {
            return;
        }
        let idle = Idle { connection, since: Instant::now() };
        let mut all = self.0.lock();
        match all.get_mut(authority) {
            Some(some) => {
                if some.len() >= IDLE_MAX {
                    some.pop_front();
                }
                some.push_back(idle);
            }
            None => {
                all.insert(authority.clone(), VecDeque::from([idle]));
            }
        }
    }

    /// Drops what was idle for too long and what the upstream has closed.
    pub(super) fn sweep(&self) {
        let mut all = self.0.lock();
        for some in all.values_mut() {
            some.retain_mut(|idle| idle.since.elapsed() < IDLE_FOR && idle.connection.is_reusable());
        }
        all.retain(|_, some| !some.is_empty());
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pool")
    }
}
