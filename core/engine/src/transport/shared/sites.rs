//! The connections to each server, and who opens the next one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use http::uri::Authority;
use parking_lot::Mutex;
use sluice_api::{Error, Kind};

use super::connection::{Connection, Place, STREAMS_MAX};
use crate::config::HttpVersion;
use crate::tasks::Tasks;
use crate::transport::dial::{Dial, Dialled};
use crate::transport::pool::IDLE_FOR;

/// How often a request may find that others were quicker, before it is told that it can't be served.
const TURNS_MAX: u32 = 16;

/// The servers that are spoken to by HTTP/2.
#[derive(Default)]
pub(in crate::transport) struct Sites {
    all: Mutex<HashMap<Authority, Site>>,
}

/// The next connection's number: unique in the process, as failures are known by it.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The connections to one server.
#[derive(Default)]
struct Site {
    connections: Vec<Arc<Connection>>,
    opening: Vec<Opening>,
}

/// A connection that is being opened, and how many wait for it: no more than it can carry, so that a burst opens as many
/// connections as it needs and no more.
struct Opening {
    result: Awaited,
    waiting: u32,
    number: u64,
}

/// What comes of opening a connection, for all who wait for it.
type Awaited = Shared<BoxFuture<'static, Result<Opened, Error>>>;

#[derive(Clone)]
enum Opened {
    Connection(Arc<Connection>),
    SpeaksHttp1,
}

/// What there is for a request.
pub(super) enum Found {
    Place(Place),
    SpeaksHttp1,
}

enum Next {
    Place(Place),
    Wait(Awaited),
}

impl Sites {
    /// A place for a request; on a connection opened since then, where that is asked for.
    ///
    /// # Errors
    ///
    /// When no connection can be opened.
    pub(super) async fn place(
        self: &Arc<Self>,
        authority: &Authority,
        dial: &Dial,
        since: Option<Instant>,
    ) -> Result<Found, Error> {
        for _ in 0..TURNS_MAX {
            match self.next(authority, dial, since) {
                Next::Place(place) => return Ok(Found::Place(place)),
                Next::Wait(opening) => match opening.await? {
                    Opened::SpeaksHttp1 => return Ok(Found::SpeaksHttp1),
                    Opened::Connection(connection) => {
                        if let Some(place) = connection.place() {
                            return Ok(Found::Place(place));
                        }
                    }
                },
            }
        }
        Err(Error::new(
            Kind::Upstream,
            "the upstream takes fewer requests over HTTP/2 than there are: say http = \"1.1\"",
        ))
    }

    fn next(self: &Arc<Self>, authority: &Authority, dial: &Dial, since: Option<Instant>) -> Next {
        let mut all = self.all.lock();
        let site = all.entry(authority.clone()).or_default();
        site.connections.retain(|connection| !connection.is_over());
        let mut young = site.connections.iter().filter(|connection| connection.is_younger(since));
        if let Some(place) = young.find_map(Connection::place) {
            return Next::Place(place);
        }
        // What is still being opened is younger than anybody's question.
        if let Some(opening) = site.opening.iter_mut().find(|opening| opening.waiting < STREAMS_MAX) {
            opening.waiting += 1;
            return Next::Wait(opening.result.clone());
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let result = Arc::clone(self).open(authority.clone(), dial.clone(), number).boxed().shared();
        site.opening.push(Opening { result: result.clone(), waiting: 1, number });
        // It is opened for whoever needs it, also when the one who asked first has gone.
        Tasks::upkeep(result.clone());
        Next::Wait(result)
    }

    async fn open(self: Arc<Self>, authority: Authority, dial: Dial, number: u64) -> Result<Opened, Error> {
        let opened = match dial.dial(&authority, HttpVersion::Two).await {
            Ok(Dialled::Http1(_)) => Ok(Opened::SpeaksHttp1),
            Ok(Dialled::Http2(stream)) => {
                let begun = Connection::begin(stream, &authority, number, dial.timeout).await;
                begun.map(Opened::Connection)
            }
            Err(error) => Err(error),
        };
        if let Some(site) = self.all.lock().get_mut(&authority) {
            site.opening.retain(|opening| opening.number != number);
            if let Ok(Opened::Connection(connection)) = &opened {
                site.connections.push(Arc::clone(connection));
            }
        }
        // One failure, however many wait for it.
        opened.map_err(|error| error.connection(number))
    }

    /// Drops what was idle for too long and what has ended.
    pub(in crate::transport) fn sweep(&self) {
        self.all.lock().retain(|_, site| {
            site.connections.retain(|connection| !connection.is_over() && !connection.is_idle_for(IDLE_FOR));
            !site.connections.is_empty() || !site.opening.is_empty()
        });
    }
}

impl std::fmt::Debug for Sites {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sites")
    }
}
