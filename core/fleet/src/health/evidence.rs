//! What failures are worth as evidence: who was asking, with which body, over which connection.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use sluice_api::error::{Connection, Facts, Kind};
use xxhash_rust::xxh3::xxh3_64;

use super::time::later;

/// For how long an answer to one client speaks against the failures of another.
const LATELY: i64 = 30;

/// Connections of a row of failures that are told apart; what dies together are a few of one upstream's.
const CONNECTIONS_MAX: usize = 16;

/// How long after a connection's death another one dies with it that was there by then: a server that goes takes all of
/// them along, and what was on them tells of it in its own time.
const TOGETHER: Duration = Duration::from_secs(5);

/// Bodies that failed and are remembered: about 60 bytes each. Beyond it all are forgotten, which makes failures count
/// as if each body were new.
const BODIES_MAX: usize = 4_096;

/// For how long a body that failed is remembered; whoever sends it again does so sooner.
const BODY_KEPT: Duration = Duration::from_secs(600);

/// Who asks, as evidence goes: a client key, by a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asker(u32);

impl Asker {
    /// The operator, who tries an account.
    pub(crate) const OPERATOR: Self = Self(0);

    /// The client key of this id.
    pub(crate) fn of(key: &str) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "any of its bits tell keys apart")]
        Self(xxh3_64(key.as_bytes()) as u32)
    }
}

/// A failed attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailedAttempt<'a> {
    /// What was told of it.
    pub(crate) facts: &'a Facts,
    /// Who was asking.
    pub(crate) asker: Asker,
    /// Whether no other account could serve the model.
    pub(crate) alone: bool,
    /// When it was handed to the way upstream, or picked where it never was.
    pub(crate) began: Timestamp,
}

/// Who was answered last on an account, and who last before that: one word each, so that nobody waits for a lock.
#[derive(Debug, Default)]
pub(super) struct Lately {
    last: AtomicU64,
    other: AtomicU64,
}

impl Lately {
    /// Someone was answered.
    pub(super) fn answered(&self, asker: Asker, now: Timestamp) {
        let answer = u64::from(asker.0) << 32 | u64::from(seconds(now));
        let last = self.last.load(Ordering::Relaxed);
        if last == answer {
            return;
        }
        if last >> 32 != answer >> 32 {
            self.other.store(last, Ordering::Relaxed);
        }
        self.last.store(answer, Ordering::Relaxed);
    }

    /// Whether someone else was.
    pub(super) fn others(&self, asker: Asker, now: Timestamp) -> bool {
        [&self.last, &self.other].into_iter().map(|answer| answer.load(Ordering::Relaxed)).any(|answer| {
            let age = i64::from(seconds(now)) - i64::try_from(answer & u64::from(u32::MAX)).unwrap_or(0);
            answer >> 32 != u64::from(asker.0) && age.abs() <= LATELY
        })
    }
}

/// Seconds since 1970, which fit until 2106.
fn seconds(now: Timestamp) -> u32 {
    u32::try_from(now.as_second()).unwrap_or(0)
}

/// What failures prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// Nothing yet.
    Few,
    /// That one client gets no answer.
    OfOne,
    /// That nobody does.
    OfSeveral,
}

/// Failures in a row.
#[derive(Debug, Default)]
pub(super) struct Row {
    failures: u32,
    first: Option<Asker>,
    /// Whether more than one client saw them.
    several: bool,
    /// Those that have died.
    connections: Vec<Connection>,
    /// When one died alone, or as the first of several.
    died: Option<Timestamp>,
}

impl Row {
    /// Counts a failure; what all of them prove. Those of one client alone prove nothing while others are answered, and
    /// nothing for others at any time: what it sends may be all that is wrong.
    pub(super) fn count(&mut self, told: &FailedAttempt<'_>, others: bool, enough: u32) -> Evidence {
        self.failures = self.failures.saturating_add(1);
        self.several |= self.first.is_some_and(|first| first != told.asker);
        self.first.get_or_insert(told.asker);
        match self.failures >= enough {
            true if self.several => Evidence::OfSeveral,
            true if !others && !is_late(told.facts) => Evidence::OfOne,
            _ => Evidence::Few,
        }
    }

    /// Whether a connection's death was not told yet: all that was on it tells of it, and so does what was on others that
    /// died with it. What was sent since then is news.
    pub(super) fn is_news(&mut self, told: &FailedAttempt<'_>, now: Timestamp) -> bool {
        let Some(connection) = told.facts.connection else { return true };
        if self.connections.contains(&connection) {
            return false;
        }
        if self.connections.len() >= CONNECTIONS_MAX {
            self.connections.remove(0);
        }
        self.connections.push(connection);
        if self.died.is_some_and(|died| told.began <= died && now <= later(died, TOGETHER)) {
            return false;
        }
        self.died = Some(now);
        true
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.failures == 0
    }
}

/// Whether an answer that was asked for whole has not come in time: it may only be long.
fn is_late(facts: &Facts) -> bool {
    facts.kind == Kind::UpstreamTimeout && !facts.elsewhere
}

/// Bodies that failed, over all accounts: one that fails on a second account, and is served by none, says nothing of
/// either.
#[derive(Debug, Default)]
pub(crate) struct Suspects {
    /// Whether there are any: then only is the lock taken.
    any: AtomicBool,
    bodies: Mutex<HashMap<u64, Suspect>>,
}

#[derive(Debug)]
struct Suspect {
    account: Arc<str>,
    seen: Timestamp,
    /// It failed on another account too.
    elsewhere: bool,
}

impl Suspects {
    /// A body failed on an account; whether that says something of the account.
    pub(crate) fn failed(&self, body: u64, account: &Arc<str>, now: Timestamp) -> bool {
        let mut bodies = self.bodies.lock();
        if bodies.len() >= BODIES_MAX {
            bodies.retain(|_, suspect| now < later(suspect.seen, BODY_KEPT));
            if bodies.len() >= BODIES_MAX {
                bodies.clear();
            }
        }
        self.any.store(true, Ordering::Release);
        let fresh = Suspect { account: Arc::clone(account), seen: now, elsewhere: false };
        match bodies.entry(body) {
            Entry::Vacant(entry) => {
                entry.insert(fresh);
                true
            }
            Entry::Occupied(mut entry) if now >= later(entry.get().seen, BODY_KEPT) => {
                entry.insert(fresh);
                true
            }
            Entry::Occupied(mut entry) => {
                let suspect = entry.get_mut();
                suspect.seen = now;
                suspect.elsewhere |= suspect.account != *account;
                !suspect.elsewhere
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.bodies.lock().len()
    }

    /// A body was served: what it failed on is at fault.
    pub(crate) fn served(&self, body: u64) {
        if self.any.load(Ordering::Acquire) {
            let mut bodies = self.bodies.lock();
            bodies.remove(&body);
            self.any.store(!bodies.is_empty(), Ordering::Release);
        }
    }
}
