//! What a gateway counts by itself while the servers are out of reach: it goes on from what they told it last, and tells them
//! what was used when they are back.

mod back;
mod looks;
mod spent;
mod spool;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use sluice_api::limiter::{Mode, Take};
use sluice_api::store::{Asked, Lease, Line, Lined, Place, ServedAlone, StoreError, Taken, Turn, Used};
use sluice_buckets::Buckets;
use tokio::time::Instant;

use super::encode::{Tail, lease_name};
use super::queue::How;
use super::{Own, spawn};
use crate::link::{Failure, Link};
use looks::Known;
use spent::Spent;
use spool::Spool;

pub(super) use looks::looks;

/// What the number of a place in a line here has, and no server's: those are microseconds since 1970.
const HERE: u64 = 1 << 63;

/// How long who waits here is not told anything at most: what others hold is forgotten, and the servers come back, without a
/// word.
const UNTOLD_MAX: Duration = Duration::from_secs(1);

/// What becomes of requests while the servers are out of reach.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outage {
    /// Whether they are served.
    pub(crate) admits: bool,
    /// Where what was used outlives the process.
    pub(crate) folder: Option<PathBuf>,
}

/// What a gateway counts by itself.
#[derive(Debug)]
pub(super) struct Alone {
    admits: bool,
    /// What the servers have told of counts, and what was taken and used here since.
    mirror: Buckets,
    known: Known,
    state: Mutex<State>,
    /// Whether the servers are out of reach: as the state has it, for those who only look.
    is_on: AtomicBool,
    /// The time that leases go by, as it is from a moment on.
    clock: (Instant, Timestamp),
    /// Whoever tells the servers, one at a time.
    telling: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    on: bool,
    /// Since when.
    since: Instant,
    /// Whether somebody looks whether they are back, or tells them what was used.
    returns: bool,
    /// What was taken here, by the leases' names.
    leases: HashMap<String, Local>,
    /// What has ended, and is not being told yet.
    spent: Spent,
    /// Those that the servers know, and that have ended meanwhile.
    ended: Vec<String>,
    spool: Spool,
    /// What is being told, by the names of its files.
    telling: Vec<Arc<Told>>,
    /// Requests that were admitted, now and before.
    admitted: u64,
    before: u64,
    /// Those that have ended, and are not being told yet.
    ended_here: u64,
}

/// What is told together.
#[derive(Debug)]
struct Told {
    name: String,
    spent: Spent,
    ended: Vec<String>,
    /// Of how many leases it is.
    leases: u64,
}

/// A lease that was taken here.
#[derive(Clone, Debug)]
struct Local {
    tail: Arc<Tail>,
    since: Timestamp,
    stage: Stage,
    landed: Used,
}

/// Who knows of a lease that was taken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nobody else.
    Here,
    /// The servers may: they are being told.
    Moving,
    /// The same, and it has ended so.
    Ended(Used),
    /// The servers.
    There,
}

impl Alone {
    pub(super) fn new(outage: Outage) -> Self {
        let state = State {
            on: false,
            since: Instant::now(),
            returns: false,
            leases: HashMap::new(),
            spent: Spent::default(),
            ended: Vec::new(),
            spool: Spool::new(outage.folder.as_deref()),
            telling: Vec::new(),
            admitted: 0,
            before: 0,
            ended_here: 0,
        };
        Self {
            admits: outage.admits,
            mirror: Buckets::default(),
            known: Known::default(),
            state: Mutex::new(state),
            is_on: AtomicBool::new(false),
            // Leases go by a clock that began with this one when the process did, a moment ago.
            clock: (Instant::now(), Timestamp::now()),
            telling: tokio::sync::Mutex::default(),
        }
    }

    /// Whether requests are served while the servers are out of reach.
    pub(super) fn admits(&self) -> bool {
        self.admits
    }

    /// What was served so, and of how many leases the servers are still to be told.
    pub(super) fn served(&self) -> ServedAlone {
        let state = self.state.lock();
        let runs = state.leases.values().filter(|local| local.stage != Stage::There).count();
        let untold = (runs + state.ended.len()) as u64 + state.ended_here;
        let being_told: u64 = state.telling.iter().map(|told| told.leases).sum();
        ServedAlone::new(state.before + state.admitted, untold + being_told)
    }

    /// Whether they are out of reach, and requests are served.
    pub(super) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// The counts as they are known here, where nothing else can be asked.
    pub(super) fn counts(&self) -> &Buckets {
        &self.mirror
    }

    /// The time that leases go by.
    fn now(&self) -> Timestamp {
        let (began, wall) = self.clock;
        let passed = SignedDuration::try_from(began.elapsed()).unwrap_or(SignedDuration::MAX);
        wall.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// The servers have given these, and told how full each count was with it.
    pub(super) fn given(&self, leases: &mut [Lease]) {
        if self.admits {
            leases.iter().flat_map(|lease| &lease.takes).for_each(|take| self.known.note(take));
            self.mirror.mirror(leases);
        }
    }

    /// Takes by what is known here, while the servers are out of reach; what was asked where they are not.
    ///
    /// # Errors
    ///
    /// Where it may not be admitted so.
    pub(super) fn take(&self, link: &Link, mut asked: Asked) -> Result<Result<Taken, StoreError>, Asked> {
        if !self.is_on() {
            return Err(asked);
        }
        let mut state = self.state.lock();
        if !state.on {
            return Err(asked);
        }
        if asked.mode == Mode::Hard {
            return Ok(Err(StoreError("the limits of a key in hard mode hold with it alone".to_owned())));
        }
        asked.line = asked.line.as_ref().map(here);
        let taken = self.mirror.take_all(asked);
        match &taken {
            Taken::All(leases) => {
                state.admitted += 1;
                for lease in leases {
                    let tail = Arc::new(Tail::new(link, lease.takes.iter(), lease.since));
                    let (since, stage, landed) = (lease.since, Stage::Here, Used::NOTHING);
                    state.leases.insert(lease_name(lease.id), Local { tail, since, stage, landed });
                }
            }
            Taken::Waits(_) | Taken::Refused(_) => {}
        }
        drop(state);
        Ok(Ok(match taken {
            Taken::Waits(place) => Taken::Waits(marked(place)),
            other => other,
        }))
    }

    /// Waits in a line here, while the servers are out of reach; `None` where they are not.
    pub(super) fn line_up(&self, line: &Line, slots: &[Take]) -> Option<Lined> {
        if !self.is_on() {
            return None;
        }
        Some(match self.mirror.line_up(here(line), slots) {
            Lined::Waits(place) => Lined::Waits(marked(place)),
            other => other,
        })
    }

    /// Ends when it is worth asking again with a place here; `None` for one of a server.
    pub(super) fn turn(&self, place: &Place) -> Option<Turn> {
        let turn = self.mirror.turn(&unmarked(place)?);
        Some(Box::pin(async move {
            let _ = tokio::time::timeout(UNTOLD_MAX, turn).await;
        }))
    }

    /// Gives a place here up; whether it was one.
    pub(super) fn leave(&self, place: &Place) -> bool {
        let place = unmarked(place);
        if let Some(place) = &place {
            self.mirror.leave(place);
        }
        place.is_some()
    }
}

impl State {
    /// One has ended that the servers know, or may: a process that is killed before they are told leaves it to the next.
    fn ended_there(&mut self, gateway: &str, name: String, (tail, used): (&Tail, Used)) {
        self.spool.write(&spool::Line::ended(gateway, &name, (tail.written(), used)));
        self.ended.push(name);
    }
}

/// A line as the counts here have it: a place of a server is none of theirs.
fn here(line: &Line) -> Line {
    let place = line.place.as_ref().and_then(unmarked);
    line.clone().at(place)
}

fn marked(mut place: Place) -> Place {
    place.number |= HERE;
    place
}

fn unmarked(place: &Place) -> Option<Place> {
    (place.number & HERE != 0).then(|| Place::new(Arc::clone(&place.key), place.number & !HERE))
}

/// A line as servers have it: a place here is none of theirs.
pub(super) fn there(line: Line) -> Line {
    let place = line.place.clone().filter(|place| place.number & HERE == 0);
    line.at(place)
}

/// What a lease is called by servers that was taken here: by its own name one may have been given back that was lost.
fn name_there(name: &str) -> String {
    format!("alone-{name}")
}

/// What is to be told of a lease.
enum Word {
    /// Nothing: it is known here alone, or will be told.
    Nothing,
    /// What every lease is told of, by this name.
    As(String, Option<Arc<Tail>>),
}

impl Own {
    /// The servers can't be asked: from here on this gateway counts by itself.
    pub(super) fn goes_alone(self: &Arc<Self>, failure: &Failure) {
        let mut state = self.alone.state.lock();
        if !std::mem::replace(&mut state.on, true) {
            state.before += std::mem::take(&mut state.admitted);
            state.since = Instant::now();
            self.alone.is_on.store(true, Ordering::Relaxed);
            for (name, tail, used) in self.queue.ended() {
                state.ended_there(&self.gateway, name, (&tail, used));
            }
            tracing::warn!(%failure, "the store is out of reach: requests are served by what this gateway has seen of it last, those of keys in hard mode are refused");
        }
        if !std::mem::replace(&mut state.returns, true) {
            spawn::beside(back::comes_back(Arc::downgrade(self)));
        }
    }

    /// A request has ended, and has used so much.
    pub(super) fn ends(self: &Arc<Self>, lease: &Lease, used: Used, now: Timestamp) {
        let name = lease_name(lease.id);
        if !self.alone.admits {
            return self.progress((name, None), lease, How::End, (used, now));
        }
        self.alone.mirror.settle(lease, used, now);
        match self.ends_here(&name, used, now) {
            Word::Nothing => {}
            Word::As(name, tail) => self.progress((name, tail), lease, How::End, (used, now)),
        }
    }

    fn ends_here(&self, name: &str, used: Used, now: Timestamp) -> Word {
        let mut state = self.alone.state.lock();
        let Some(local) = state.leases.get_mut(name) else {
            // It is told when the servers are back, and should not be lost with the process before.
            if let Some(held) = self.running.get(name).filter(|_| state.on) {
                state.ended_there(&self.gateway, name.to_owned(), (&held.tail, used));
            }
            return Word::As(name.to_owned(), None);
        };
        match local.stage {
            Stage::Here => {
                let entries = spent::entries(&local.tail, used, (local.since, now));
                state.leases.remove(name);
                if !entries.is_empty() {
                    state.ended_here += 1;
                    entries.iter().for_each(|entry| state.spent.add(entry));
                    state.spool.write(&spool::Line::Spent(entries));
                }
                Word::Nothing
            }
            Stage::Moving | Stage::Ended(_) => {
                local.stage = Stage::Ended(used);
                let tail = Arc::clone(&local.tail);
                state.ended_there(&self.gateway, name_there(name), (&tail, used));
                Word::Nothing
            }
            Stage::There => {
                let tail = Arc::clone(&local.tail);
                state.leases.remove(name);
                if state.on {
                    state.ended_there(&self.gateway, name_there(name), (&tail, used));
                }
                Word::As(name_there(name), Some(tail))
            }
        }
    }

    /// A request that runs has used so much by now.
    pub(super) fn lands(self: &Arc<Self>, lease: &mut Lease, used: Used, now: Timestamp) {
        let name = lease_name(lease.id);
        let word = if self.alone.admits {
            self.alone.mirror.land(lease, used, now);
            self.lands_here(name, used)
        } else {
            Word::As(name, None)
        };
        lease.landed = used;
        if let Word::As(name, tail) = word {
            self.progress((name, tail), lease, How::Land, (used, now));
        }
    }

    fn lands_here(&self, name: String, used: Used) -> Word {
        let mut state = self.alone.state.lock();
        let Some(local) = state.leases.get_mut(&name) else { return Word::As(name, None) };
        local.landed = used;
        match local.stage {
            Stage::There => Word::As(name_there(&name), Some(Arc::clone(&local.tail))),
            Stage::Here | Stage::Moving | Stage::Ended(_) => Word::Nothing,
        }
    }
}
