//! What is taken, by whom and for how long; who waits for it; and what comes of it in the end.

use std::sync::Arc;

use jiff::Timestamp;

use crate::demand::Mode;
use crate::limit::{Unit, Window};
use crate::take::{Bucket, Denial, Take};

/// What is taken, by whom and for how long, as plain data: the settlement owns it and settles it.
#[derive(Debug)]
#[must_use = "a lease that is not settled stays taken"]
#[non_exhaustive]
pub struct Lease {
    /// Names it among those of all gateways.
    pub id: LeaseId,
    /// When it was asked for, by a clock of the gateway that no one sets: windows that roll go by it.
    pub since: Timestamp,
    /// What is taken. All of it is of one party, or of a key and its group.
    pub takes: Vec<Take>,
    /// What of it a store has been told is used already.
    pub landed: Used,
    /// How full the bucket of each take was with it, as the store told when it was taken: what the client is told of its
    /// limits. Empty where nobody has taken it yet.
    pub levels: Vec<Level>,
}

impl Lease {
    /// One that begins so.
    pub const fn new(id: LeaseId, since: Timestamp, takes: Vec<Take>) -> Self {
        Self { id, since, takes, landed: Used::NOTHING, levels: Vec::new() }
    }
}

/// The name of a lease: who holds it, and its number there. The same lease has the same name however often a store is
/// told of it, so that nothing is taken or given back twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct LeaseId {
    /// Who holds it.
    pub owner: Owner,
    /// Its number among those of this owner.
    pub number: u64,
}

impl LeaseId {
    /// The lease of this number of an owner.
    #[must_use]
    pub const fn new(owner: Owner, number: u64) -> Self {
        Self { owner, number }
    }
}

/// A gateway's process, by a number that it was given by chance at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(pub u64);

/// What is asked of a store in one step: all of it or nothing.
#[derive(Debug)]
#[non_exhaustive]
pub struct Asked {
    /// What is to be taken: of the key and its group, and of the account, each as a lease of its own.
    pub leases: Vec<Lease>,
    /// Where the request waits if only slots are in its way; nowhere where it may not.
    pub line: Option<Line>,
    /// How its key's limits are enforced: who reserves the worst case is never admitted by what one gateway knows alone.
    pub mode: Mode,
}

impl Asked {
    /// Leases of a request that does not wait, in soft mode.
    #[must_use]
    pub const fn new(leases: Vec<Lease>) -> Self {
        Self { leases, line: None, mode: Mode::Soft }
    }

    /// The same in this mode.
    #[must_use]
    pub fn of_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// The same of one that may wait.
    #[must_use]
    pub fn in_line(self, line: Line) -> Self {
        Self { line: Some(line), ..self }
    }
}

/// What a store has served while it was out of reach, by what this gateway knew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServedAlone {
    /// Requests that were admitted so since the process began.
    pub requests: u64,
    /// Leases whose use, or whose end, it is still to be told: a request has one of its key and group, and one of its account.
    pub untold: u64,
}

impl ServedAlone {
    /// So many requests, and so many leases of which it is still to be told.
    #[must_use]
    pub const fn new(requests: u64, untold: u64) -> Self {
        Self { requests, untold }
    }
}

/// The line of a key's requests that wait for slots, over all gateways, first come first served.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// The key's id.
    pub key: Arc<str>,
    /// How many may wait in it.
    pub size: u32,
    /// The request's place in it, where it has one.
    pub place: Option<Place>,
}

impl Line {
    /// The line of a key for a request that has no place in it yet.
    #[must_use]
    pub const fn new(key: Arc<str>, size: u32) -> Self {
        Self { key, size, place: None }
    }

    /// The same for one that has a place.
    #[must_use]
    pub fn at(self, place: Option<Place>) -> Self {
        Self { place, ..self }
    }
}

/// A place in a line. It stays until what it waits for is taken, or it is given up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Place {
    /// The id of the key whose line it is.
    pub key: Arc<str>,
    /// Names it among those of all lines, in the order in which they came.
    pub number: u64,
}

impl Place {
    /// A place of this number in a key's line.
    #[must_use]
    pub const fn new(key: Arc<str>, number: u64) -> Self {
        Self { key, number }
    }
}

/// What came of asking for leases.
#[derive(Debug)]
pub enum Taken {
    /// All was taken, in the order in which it was asked for.
    All(Vec<Lease>),
    /// Nothing was taken, as there was no room for this take.
    Refused(Denial),
    /// Nothing was taken, as slots are in use or others wait before it: it waits at this place. Ask again with it when
    /// its turn comes.
    Waits(Place),
}

/// What came of standing in line.
#[derive(Debug)]
pub enum Lined {
    /// It waits at this place.
    Waits(Place),
    /// One of the slots is free by now.
    Free,
    /// As many wait as may.
    Full,
}

/// What a request has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Used {
    /// Whether it counts as a request.
    pub counts: bool,
    /// Tokens of every class.
    pub tokens: u64,
    /// Units of 1e-10 dollars.
    pub cost: u64,
}

impl Used {
    /// It never was: all is given back.
    pub const NOTHING: Self = Self { counts: false, tokens: 0, cost: 0 };

    /// A request that counts, with what it used.
    #[must_use]
    pub const fn new(tokens: u64, cost: u64) -> Self {
        Self { counts: true, tokens, cost }
    }

    /// How much of what a take counts.
    #[must_use]
    pub fn of(&self, take: &Take) -> u64 {
        match take.unit {
            Unit::Requests if self.counts => take.amount,
            Unit::Requests => 0,
            Unit::Tokens => self.tokens,
            Unit::Cost => self.cost,
        }
    }
}

/// How full a bucket is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Level {
    /// What was used; of slots, what is held.
    pub used: u64,
    /// What running requests have reserved beside that.
    pub reserved: u64,
    /// When all of what was used is over, if nothing more is; of a total never.
    pub resets: Option<Timestamp>,
}

impl Level {
    /// So much was used and is reserved.
    #[must_use]
    pub const fn new(used: u64, reserved: u64, resets: Option<Timestamp>) -> Self {
        Self { used, reserved, resets }
    }
}

/// What was used of a window before the store knew of it, from the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seed {
    /// The bucket.
    pub bucket: Bucket,
    /// The window.
    pub window: Window,
    /// How much, and when.
    pub used: Vec<(Timestamp, u64)>,
}

impl Seed {
    /// What was used of a bucket's window.
    #[must_use]
    pub const fn new(bucket: Bucket, window: Window, used: Vec<(Timestamp, u64)>) -> Self {
        Self { bucket, window, used }
    }
}
