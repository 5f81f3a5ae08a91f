//! All counts and lines: taken from in one step, and settled.

use std::iter::once;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use sluice_api::limiter::{Bucket, Denial, Principal, Take, Unit, Why, Window};
use sluice_api::store::{Asked, Lease, Level, Line, Lined, Place, Seed, Taken, Turn, Used};

use crate::bell::{Later, Rung};
use crate::clock::{Clock, moment, nanoseconds};
use crate::count::Progress;
use crate::line::{self, Left, Stands};
use crate::room::{Principals, full_slots, full_window, is_in_way, takes};
use crate::shards::{Locked, Shards};

/// What a store counts, in memory. Its methods are those of [`sluice_api::store::Store`] of the same names: none of them
/// waits for anything but a short lock.
#[derive(Debug, Default)]
pub struct Buckets {
    pub(crate) shards: Shards,
    pub(crate) clock: Clock,
    /// The number of the next place: over all lines, so that it says who has waited longest.
    places: AtomicU64,
}

/// Who asks, of those who may wait.
struct Asker {
    key: Principal,
    line: Line,
    stands: Stands,
}

impl Asker {
    fn new(line: Line, locked: &mut Locked<'_>) -> Self {
        let key = Principal::Key(Arc::clone(&line.key));
        let stands = Stands::of(locked, &key, &line);
        Self { key, line, stands }
    }

    /// The number of the place that says who came before it.
    const fn number(&self) -> Option<u64> {
        match self.stands {
            Stands::First(number) | Stands::Behind(number) => Some(number),
            Stands::Outside(_) => None,
        }
    }

    fn place(&self, number: u64) -> Place {
        Place::new(Arc::clone(&self.line.key), number)
    }

    fn has_room_behind(&self, waiting: usize) -> bool {
        u32::try_from(waiting).is_ok_and(|waiting| waiting < self.line.size)
    }
}

impl Buckets {
    /// Takes all that the leases say, from every bucket or from none.
    #[must_use]
    pub fn take_all(&self, asked: Asked) -> Taken {
        let Asked { mut leases, line, .. } = asked;
        let (mut later, mut left) = (Later::default(), Left::default());
        let key = line.as_ref().map(|line| Principal::Key(Arc::clone(&line.key)));
        let mut locked = self.shards.lock(takes(&leases).map(|take| &take.bucket.principal).chain(&key));
        let since = leases.iter().map(|lease| lease.since).max();
        let now = since.map_or_else(|| self.clock.latest(), |since| self.clock.pass(since));
        let asker = line.map(|line| Asker::new(line, &mut locked));
        let nothing = match (full_window(&mut locked, &leases, now), &asker) {
            (Some(full), _) => Some(Taken::Refused(full)),
            (None, Some(asker)) => self.waits(&mut locked, asker, &leases, &mut left),
            (None, None) => full_slots(&mut locked, &leases, None).0.map(|slot| refused(slot, Why::Reserved)),
        };
        let taken = nothing.unwrap_or_else(|| {
            take(&mut locked, &mut leases, now);
            if let Some(Asker { key, stands: Stands::First(number), .. }) = &asker {
                let slots = takes(&leases).filter(|take| take.is_slot());
                let slots: Principals = slots.map(|slot| slot.bucket.principal.clone()).collect();
                left = Left::new(*number, line::go(&mut locked, key, &slots, &mut later));
            }
            Taken::All(leases)
        });
        left.forget_in(&mut locked, &mut later);
        locked.tidy(now);
        drop(locked);
        self.forget(&left, &mut later);
        taken
    }

    /// What comes of a request that may wait, where it can't take its slots now.
    fn waits(
        &self,
        locked: &mut Locked<'_>,
        asker: &Asker,
        leases: &[Lease],
        left: &mut Left,
    ) -> Option<Taken> {
        let number = match asker.stands {
            Stands::Behind(number) => number,
            Stands::First(number) => {
                let (full, at) = full_slots(locked, leases, Some(number));
                full?;
                *left = Left::new(number, line::wait_at(locked, &asker.key, &at));
                number
            }
            Stands::Outside(waiting) => {
                let (full, at) = full_slots(locked, leases, None);
                let behind = || takes(leases).find(|take| waiting > 0 && take.is_slot());
                let slot = full.or_else(behind)?;
                if !asker.has_room_behind(waiting) {
                    return Some(refused(slot, Why::Line));
                }
                self.join(locked, asker, waiting, &at)
            }
        };
        Some(Taken::Waits(asker.place(number)))
    }

    /// Gives a request a place behind all that wait; the first of a line waits for slots of these principals.
    fn join(&self, locked: &mut Locked<'_>, asker: &Asker, waiting: usize, at: &Principals) -> u64 {
        // With the lock of the line, so that its numbers grow.
        let number = self.places.fetch_add(1, Ordering::Relaxed);
        line::join(locked, &asker.key, number);
        if waiting == 0 {
            line::wait_at(locked, &asker.key, at);
        }
        number
    }

    /// Waits in a line until one of these slots is free.
    #[must_use]
    pub fn line_up(&self, line: Line, slots: &[Take]) -> Lined {
        let (mut later, mut left) = (Later::default(), Left::default());
        let key = Principal::Key(Arc::clone(&line.key));
        let principals = slots.iter().map(|slot| &slot.bucket.principal);
        let mut locked = self.shards.lock(principals.clone().chain([&key]));
        let asker = Asker::new(line, &mut locked);
        let number = asker.number();
        let mut is_free = || slots.iter().any(|slot| !is_in_way(&mut locked, slot, 0, number));
        let number = match asker.stands {
            Stands::Behind(number) => number,
            Stands::First(_) | Stands::Outside(0) if is_free() => {
                // It is still worth asking, whatever becomes of this answer.
                line::tell_first(&mut locked, &key, &mut later);
                return Lined::Free;
            }
            Stands::First(number) => {
                let at = principals.cloned().collect();
                left = Left::new(number, line::wait_at(&mut locked, &key, &at));
                number
            }
            Stands::Outside(waiting) if !asker.has_room_behind(waiting) => return Lined::Full,
            Stands::Outside(waiting) => {
                self.join(&mut locked, &asker, waiting, &principals.cloned().collect())
            }
        };
        left.forget_in(&mut locked, &mut later);
        drop(locked);
        self.forget(&left, &mut later);
        Lined::Waits(asker.place(number))
    }

    /// Ends when it is worth asking again with a place; at once where the place is not there any more.
    #[must_use]
    pub fn turn(&self, place: &Place) -> Turn {
        let key = Principal::Key(Arc::clone(&place.key));
        match self.shards.look(&key, |party| line::bell(party, place)).flatten() {
            Some(bell) => Box::pin(Rung(bell)),
            None => Box::pin(std::future::ready(())),
        }
    }

    /// Gives a place up; the next one moves up.
    pub fn leave(&self, place: &Place) {
        let mut later = Later::default();
        let key = Principal::Key(Arc::clone(&place.key));
        let mut locked = self.shards.lock(once(&key));
        let at = locked.get(&key).map(|party| line::leave(party, place.number, &mut later));
        drop(locked);
        self.forget(&Left::new(place.number, at.unwrap_or_default()), &mut later);
    }

    /// One does not wait for the slots of some principals any more. Each is locked by itself, after the rest is done: until
    /// then others wait behind it, as they did before.
    fn forget(&self, left: &Left, later: &mut Later) {
        for principal in &left.at {
            left.forget_in_one(&mut self.shards.lock(once(principal)), principal, later);
        }
    }

    /// Settles a lease: slots are free, what was reserved is given back, and what was used is counted.
    pub fn settle(&self, lease: &Lease, used: Used, now: Timestamp) {
        self.progress(lease, (used, true), now);
    }

    /// Counts what a request that runs has used by now, in place of as much of what it has reserved.
    pub fn land(&self, lease: &mut Lease, used: Used, now: Timestamp) {
        self.progress(lease, (used, false), now);
        lease.landed = used;
    }

    fn progress(&self, lease: &Lease, (used, ended): (Used, bool), now: Timestamp) {
        let mut later = Later::default();
        let mut locked = self.shards.lock(lease.takes.iter().map(|take| &take.bucket.principal));
        let now = self.clock.pass(now);
        let since = nanoseconds(lease.since);
        for (principal, takes) in by_principal(&lease.takes) {
            locked.open(principal, |party| {
                for take in takes.iter().filter(|take| ended || take.unit != Unit::Requests) {
                    let before =
                        if take.unit == Unit::Requests { take.amount } else { lease.landed.of(take) };
                    let progress = Progress { before, after: used.of(take), ended, since };
                    party.open(&take.bucket, take.window, now).progress(take, progress, now);
                    if take.is_slot() {
                        party.tell_first(&mut later);
                    }
                }
            });
        }
    }

    /// How many wait in the line of each of these keys.
    #[must_use]
    pub fn waiting(&self, keys: &[Arc<str>]) -> Vec<u64> {
        let waiting = |key: &Arc<str>| {
            let waiting = self.shards.look(&Principal::Key(Arc::clone(key)), |party| party.line.len());
            waiting.and_then(|waiting| u64::try_from(waiting).ok()).unwrap_or(0)
        };
        keys.iter().map(waiting).collect()
    }

    /// How full buckets are, each in the window of a take.
    #[must_use]
    pub fn levels(&self, takes: &[Take], now: Timestamp) -> Vec<Level> {
        let now = self.clock.look(now);
        takes.iter().map(|take| self.level(&take.bucket, take.window, now)).collect()
    }

    fn level(&self, bucket: &Bucket, window: Window, now: i64) -> Level {
        let level = self.shards.look(&bucket.principal, |party| {
            party.count(bucket, window).map(|count| count.level(window, now))
        });
        level.flatten().unwrap_or_else(|| match window {
            Window::Calendar { to, .. } => Level::new(0, 0, Some(to)),
            _ => Level::default(),
        })
    }

    /// How much is taken from a bucket of slots now.
    #[must_use]
    pub fn held(&self, bucket: &Bucket) -> u64 {
        self.level(bucket, Window::Held, self.clock.latest()).used
    }

    /// Those of these takes whose windows it has no count of.
    #[must_use]
    pub fn forgotten(&self, mut takes: Vec<Take>) -> Vec<Take> {
        takes.retain(|take| {
            let knows = self.shards.look(&take.bucket.principal, |party| {
                party.count(&take.bucket, take.window).is_some_and(|count| count.knows(take.window))
            });
            !take.is_slot() && knows != Some(true)
        });
        takes
    }

    /// Is told what was used of windows that it has forgotten; one that it has a count of keeps it.
    pub fn seed(&self, seeds: Vec<Seed>) {
        for Seed { bucket, window, mut used, .. } in seeds {
            let mut locked = self.shards.lock(once(&bucket.principal));
            let latest = used.iter().map(|(at, _)| *at).max().unwrap_or(Timestamp::MIN);
            let now = self.clock.look(latest);
            locked.open(&bucket.principal, |party| {
                if party.count(&bucket, window).is_none_or(|count| !count.knows(window)) {
                    party.open(&bucket, window, now).seed(window, &mut used, now);
                }
            });
        }
    }
}

fn refused(take: &Take, why: Why) -> Taken {
    Taken::Refused(Denial::new(take.clone(), why))
}

/// Takes that stand together, as they are of one principal: that is looked for once.
fn by_principal(takes: &[Take]) -> impl Iterator<Item = (&Principal, &[Take])> {
    let together = takes.chunk_by(|one, next| one.bucket.principal == next.bucket.principal);
    together.filter_map(|takes| Some((&takes.first()?.bucket.principal, takes)))
}

/// Takes what there is room for, and tells how full that makes it.
fn take(locked: &mut Locked<'_>, leases: &mut [Lease], now: i64) {
    for lease in leases {
        lease.levels.clear();
        lease.levels.reserve_exact(lease.takes.len());
        // By this it is found again where it was counted.
        if nanoseconds(lease.since) < now {
            lease.since = moment(now);
        }
        for (principal, takes) in by_principal(&lease.takes) {
            let taken = locked.open(principal, |party| {
                lease.levels.extend(takes.iter().map(|take| {
                    let count = party.open(&take.bucket, take.window, now);
                    count.take(take, now);
                    count.level(take.window, now)
                }));
            });
            debug_assert!(taken.is_some(), "all of them are locked");
        }
    }
}
