//! The connections to each server, and who opens the next one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use http::uri::Authority;
use parking_lot::Mutex;
use sluice_api::error::{Connection as Named, Error, Kind};
use sluice_config::settings::HttpVersion;

use super::connection::{self, Connection, Place, STREAMS_MAX};
use super::driver::LOOK_EVERY;
use super::pauses::Pauses;
use super::upload;
use super::waiting::{Waiters, Waiting};
use crate::dial::{Dial, Dialled};
use crate::named;
use crate::pool::{IDLE_FOR, WARM_FOR};
use crate::tasks::Tasks;

/// The servers that are spoken to by HTTP/2.
#[derive(Default)]
pub(crate) struct Sites {
    all: Mutex<HashMap<Authority, Site>>,
}

/// The connections to one server.
struct Site {
    connections: Vec<Arc<Connection>>,
    opening: Vec<Opening>,
    /// Requests that the last connection took at once.
    room: u32,
    /// Bytes of their bodies that it took at once.
    window: u64,
    /// When a place was last asked for.
    asked: Instant,
    /// Whether a connection was opened ahead since then; tried once, as a server that is away is not to be asked for ever.
    warmed: bool,
}

/// A connection that is being opened, and how many wait for it: no more than it is likely to carry, so that a burst
/// opens as many connections as it needs and no more.
struct Opening {
    result: Awaited,
    waiting: Arc<Waiters>,
    /// For a body that goes up beside no other.
    alone: bool,
    named: Named,
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

/// What a place is asked for.
pub(super) struct Destination<'a> {
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
        mut wanted: Destination<'_>,
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

    fn next(self: &Arc<Self>, wanted: &Destination<'_>) -> Next {
        let now = Instant::now();
        let mut all = self.all.lock();
        let site = all.entry(wanted.authority.clone()).or_insert_with(|| Site::new(now));
        (site.asked, site.warmed) = (now, false);
        site.connections.retain(|connection| !connection.is_over());
        let mut young = site.connections.iter().filter(|connection| connection.is_younger(wanted.since));
        if let Some(place) = young.find_map(|connection| connection.place(wanted.body)) {
            return Next::Place(place);
        }
        // What is still being opened is younger than anybody's question.
        let (alone, bytes) = (upload::is_alone(wanted.body), wanted.body as u64);
        let (room, window) = (site.room, site.window);
        let has_room = |opening: &&Opening| {
            let waiting = &opening.waiting;
            let has_room = waiting.count() < room && waiting.bytes() + bytes <= window;
            has_room && !opening.alone && !alone
        };
        if let Some(opening) = site.opening.iter().find(has_room) {
            return Next::Wait(opening.result.clone(), Waiting::new(&opening.waiting, wanted.body));
        }
        let awaited = Arc::<Waiters>::default();
        let waiting = Waiting::new(&awaited, wanted.body);
        let opening = Opening::begin(self, wanted.authority, wanted.dial, awaited);
        let result = opening.result.clone();
        site.opening.push(Opening { alone, ..opening });
        Next::Wait(result, waiting)
    }

    /// Servers that are in use and have no connection, so that the next request would wait for one to be opened; each is
    /// told once until it is asked for again.
    pub(crate) fn cold(&self) -> Vec<Authority> {
        let mut all = self.all.lock();
        let cold = all.iter_mut().filter(|(_, site)| {
            let is_in_use = !site.warmed && site.asked.elapsed() < WARM_FOR;
            is_in_use && site.opening.is_empty() && !site.connections.iter().any(|open| open.lives())
        });
        let told = cold.map(|(authority, site)| {
            site.warmed = true;
            authority.clone()
        });
        told.collect()
    }

    /// Opens connections ahead, so that the next request finds one.
    pub(crate) fn warm(self: &Arc<Self>, dial: &Dial, cold: &[Authority]) {
        let mut all = self.all.lock();
        for authority in cold {
            if let Some(site) = all.get_mut(authority) {
                site.opening.push(Opening::begin(self, authority, dial, Arc::default()));
            }
        }
    }

    async fn open(
        self: Arc<Self>,
        authority: Authority,
        dial: Dial,
        named: Named,
        awaited: Arc<Waiters>,
    ) -> Result<Opened, Error> {
        let due = Instant::now() + dial.timeout;
        let opened = match dial.dial(&authority, HttpVersion::Two, due).await {
            Ok(Dialled::Http1(_)) => Ok(Opened::SpeaksHttp1),
            Ok(Dialled::Http2(stream)) => {
                let opening = connection::Opening {
                    stream,
                    named,
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
            site.opening.retain(|opening| opening.named != named);
            if let Ok(Opened::Connection(connection)) = &opened {
                site.room = connection.room().max(1);
                site.window = connection.window();
                site.connections.push(Arc::clone(connection));
            }
        }
        // One failure, however many wait for it.
        opened.map_err(|error| error.connection(named))
    }

    /// Drops what was idle for too long and what has ended.
    pub(crate) fn sweep(&self) {
        self.all.lock().retain(|_, site| {
            site.connections.retain(|connection| !connection.is_over() && !connection.is_idle_for(IDLE_FOR));
            !site.connections.is_empty() || !site.opening.is_empty() || site.asked.elapsed() < IDLE_FOR
        });
    }
}

impl Site {
    fn new(asked: Instant) -> Self {
        let (room, window) = (STREAMS_MAX, upload::WINDOW);
        Self { connections: Vec::new(), opening: Vec::new(), room, window, asked, warmed: false }
    }
}

impl Opening {
    /// Begins to open a connection, for whoever needs it, also when the one who asked first has gone.
    fn begin(sites: &Arc<Sites>, authority: &Authority, dial: &Dial, awaited: Arc<Waiters>) -> Self {
        let named = named::next();
        let opened = Arc::clone(sites).open(authority.clone(), dial.clone(), named, Arc::clone(&awaited));
        let result = opened.boxed().shared();
        Tasks::upkeep(result.clone());
        Self { result, waiting: awaited, alone: false, named }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use http::uri::Authority;

    use super::{Site, Sites, WARM_FOR};
    use crate::shared::tests::{SELDOM, connection};

    #[tokio::test]
    async fn a_server_in_use_is_cold_where_no_connection_lives_and_is_told_once() {
        let (sites, authority, now) = (Sites::default(), Authority::from_static("a"), Instant::now());
        let asked = |asked: Instant| {
            sites.all.lock().insert(authority.clone(), Site::new(asked));
        };
        asked(now);
        assert_eq!((sites.cold(), sites.cold()), (vec![authority.clone()], Vec::new()));
        let (open, _told) = connection(Vec::new(), SELDOM).await;
        asked(now);
        sites.all.lock().get_mut(&authority).unwrap().connections.push(Arc::clone(&open));
        assert!(sites.cold().is_empty());
        if let Some(long_ago) = now.checked_sub(WARM_FOR + Duration::from_secs(1)) {
            asked(long_ago);
            assert!(sites.cold().is_empty());
        }
    }
}
