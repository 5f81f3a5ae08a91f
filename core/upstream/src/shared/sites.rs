//! The connections to each server, and who opens the next one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use http::uri::Authority;
use parking_lot::Mutex;
use sluice_api::{Error, Kind};
use sluice_config::HttpVersion;

use super::connection::{self, Connection, Place, STREAMS_MAX};
use super::driver::LOOK_EVERY;
use super::pauses::Pauses;
use super::upload::Claim;
use crate::dial::{Dial, Dialled};
use crate::pool::IDLE_FOR;
use crate::tasks::Tasks;

/// The servers that are spoken to by HTTP/2.
#[derive(Default)]
pub(crate) struct Sites {
    all: Mutex<HashMap<Authority, Site>>,
}

/// The next connection's number: unique in the process, as failures are known by it.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The connections to one server.
struct Site {
    connections: Vec<Arc<Connection>>,
    opening: Vec<Opening>,
    /// Requests that the last connection took at once.
    room: u32,
}

/// A connection that is being opened, and how many wait for it: no more than it is likely to carry, so that a burst
/// opens as many connections as it needs and no more.
struct Opening {
    result: Awaited,
    waiting: Arc<AtomicU32>,
    /// For a body that goes up beside no other.
    alone: bool,
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
    Wait(Awaited, Waiting),
}

/// One of those who wait for a connection, until it has come for its place or has gone.
struct Waiting(Arc<AtomicU32>);

impl Waiting {
    fn new(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(count))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a place is asked for.
pub(super) struct Wanted<'a> {
    pub(super) authority: &'a Authority,
    pub(super) dial: &'a Dial,
    /// Since when the connection has to be open, where it has to be a fresh one.
    pub(super) since: Option<Instant>,
    /// The length of the request's body.
    pub(super) body: usize,
}

impl Sites {
    /// A place for a request.
    ///
    /// # Errors
    ///
    /// When no connection can be opened, or none has room in the time for connecting.
    pub(super) async fn place(
        self: &Arc<Self>,
        mut wanted: Wanted<'_>,
        pauses: &mut Pauses,
    ) -> Result<Found, Error> {
        let due = Instant::now() + wanted.dial.timeout;
        loop {
            let (opening, waiting) = match self.next(&wanted) {
                Next::Place(place) => return Ok(Found::Place(place)),
                Next::Wait(opening, waiting) => (opening, waiting),
            };
            let connection = match opening.await? {
                Opened::SpeaksHttp1 => return Ok(Found::SpeaksHttp1),
                Opened::Connection(connection) => connection,
            };
            let place = {
                // Whoever looks for a place meanwhile would count this one twice, and open a connection for nothing.
                let _all = self.all.lock();
                drop(waiting);
                connection.awaited_place(wanted.body)
            };
            if let Some(place) = place {
                return Ok(Found::Place(place));
            }
            if connection.is_over() && !connection.has_carried() {
                wanted.since = Some(pauses.next().await.ok_or_else(carries_none)?);
            } else if Instant::now() >= due {
                return Err(has_no_room(wanted.dial));
            }
        }
    }

    fn next(self: &Arc<Self>, wanted: &Wanted<'_>) -> Next {
        let mut all = self.all.lock();
        let site = all.entry(wanted.authority.clone()).or_default();
        site.connections.retain(|connection| !connection.is_over());
        let mut young = site.connections.iter().filter(|connection| connection.is_younger(wanted.since));
        if let Some(place) = young.find_map(|connection| connection.place(wanted.body)) {
            return Next::Place(place);
        }
        // What is still being opened is younger than anybody's question.
        let alone = Claim::is_alone(wanted.body);
        let room = site.room;
        let has_room =
            |opening: &&Opening| !opening.alone && opening.waiting.load(Ordering::Acquire) < room && !alone;
        if let Some(opening) = site.opening.iter().find(has_room) {
            return Next::Wait(opening.result.clone(), Waiting::new(&opening.waiting));
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let awaited = Arc::<AtomicU32>::default();
        let waiting = Waiting::new(&awaited);
        let opened = Arc::clone(self).open(
            wanted.authority.clone(),
            wanted.dial.clone(),
            number,
            Arc::clone(&awaited),
        );
        let result = opened.boxed().shared();
        site.opening.push(Opening { result: result.clone(), waiting: awaited, alone, number });
        // It is opened for whoever needs it, also when the one who asked first has gone.
        Tasks::upkeep(result.clone());
        Next::Wait(result, waiting)
    }

    async fn open(
        self: Arc<Self>,
        authority: Authority,
        dial: Dial,
        number: u64,
        awaited: Arc<AtomicU32>,
    ) -> Result<Opened, Error> {
        let due = Instant::now() + dial.timeout;
        let opened = match dial.dial(&authority, HttpVersion::Two, due).await {
            Ok(Dialled::Http1(_)) => Ok(Opened::SpeaksHttp1),
            Ok(Dialled::Http2(stream)) => {
                let opening = connection::Opening {
                    stream,
                    id: number,
                    due,
                    awaited,
                    agreed: dial.secure.is_some(),
                    look_every: LOOK_EVERY,
                };
                match Connection::begin(opening, &authority).await {
                    Ok(Some(connection)) => Ok(Opened::Connection(connection)),
                    Ok(None) => Err(allows_none(&dial)),
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        if let Some(site) = self.all.lock().get_mut(&authority) {
            site.opening.retain(|opening| opening.number != number);
            if let Ok(Opened::Connection(connection)) = &opened {
                site.room = connection.room().max(1);
                site.connections.push(Arc::clone(connection));
            }
        }
        // One failure, however many wait for it.
        opened.map_err(|error| error.connection(number))
    }

    /// Drops what was idle for too long and what has ended.
    pub(crate) fn sweep(&self) {
        self.all.lock().retain(|_, site| {
            site.connections.retain(|connection| !connection.is_over() && !connection.is_idle_for(IDLE_FOR));
            !site.connections.is_empty() || !site.opening.is_empty()
        });
    }
}

impl Default for Site {
    fn default() -> Self {
        Self { connections: Vec::new(), opening: Vec::new(), room: STREAMS_MAX }
    }
}

impl std::fmt::Debug for Sites {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sites")
    }
}

/// A server that agreed to HTTP/2 and takes no request over it.
fn allows_none(dial: &Dial) -> Error {
    let wait = dial.timeout.as_secs_f32();
    let message = format!("the upstream speaks HTTP/2, but has allowed no request on it in {wait} s");
    Error::new(Kind::UpstreamTimeout, message)
}

/// A server whose connections are over before a request is put on them.
fn carries_none() -> Error {
    let message = "the upstream ends its HTTP/2 connections before they carry a request: is it being stopped? If not, \
                   set http = \"1.1\"";
    Error::new(Kind::Upstream, message)
}

/// A server with more requests than it takes.
fn has_no_room(dial: &Dial) -> Error {
    let wait = dial.timeout.as_secs_f32();
    let message = format!(
        "no HTTP/2 connection to the upstream had room for this request in {wait} s: it takes few at once; set http = \
         \"1.1\""
    );
    Error::new(Kind::UpstreamTimeout, message)
}
