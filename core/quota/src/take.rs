//! What is taken, from which bucket, and why there was no room for it.

use std::sync::Arc;
use std::time::Duration;

use super::limit::{Unit, Window};

/// What a bucket counts, in the words of the limiter that it belongs to: nobody else's is named alike.
///
/// A cheap value: nothing of it is copied but counts of references.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Bucket {
    /// The kind of the limiter.
    pub limiter: &'static str,
    /// Whose requests it counts. A store that is spread over servers keeps what has one owner together.
    pub principal: Principal,
    /// Which of the limiter's counts of them it is, where there are several. A store keeps it, so that it means the same
    /// to every gateway and after each start.
    pub part: Option<Arc<str>>,
}

/// Whose requests a bucket counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Principal {
    /// Those of a key, by its id.
    Key(Arc<str>),
    /// Those of all keys of a group, by its name.
    Group(Arc<str>),
    /// Those that go to an account, by its name.
    Account(Arc<str>),
}

impl Principal {
    /// The key's id, or the name of the group or the account.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        match self {
            Self::Key(name) | Self::Group(name) | Self::Account(name) => name,
        }
    }
}

impl Bucket {
    /// A limiter's only count of these requests.
    #[must_use]
    pub const fn new(limiter: &'static str, principal: Principal) -> Self {
        Self { limiter, principal, part: None }
    }

    /// One of several.
    #[must_use]
    pub fn part(self, part: Arc<str>) -> Self {
        Self { part: Some(part), ..self }
    }
}

/// When there is room for a take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Where what is there and the take together are no more than the limit.
    Within,
    /// Where what is there is less than the limit.
    Below,
}

/// An amount taken from a bucket, unless there is no room for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Take {
    /// The bucket.
    pub bucket: Bucket,
    /// The window that the request falls into.
    pub window: Window,
    /// What is counted. Requests count from the moment that they are taken; of everything else the amount is reserved
    /// until what was used is known, which takes its place.
    pub unit: Unit,
    /// How much is taken.
    pub amount: u64,
    /// The limit.
    pub limit: u64,
    /// When there is room for it.
    pub rule: Rule,
}

impl Take {
    /// One request, of as many as there may be at once.
    #[must_use]
    pub const fn one(bucket: Bucket, limit: u64) -> Self {
        Self::within(bucket, Window::Held, 1, limit)
    }

    /// So many requests, of as many as there may be in a window.
    #[must_use]
    pub const fn within(bucket: Bucket, window: Window, amount: u64, limit: u64) -> Self {
        Self { bucket, window, unit: Unit::Requests, amount, limit, rule: Rule::Within }
    }

    /// The same of another unit, by another rule.
    #[must_use]
    pub const fn of(mut self, unit: Unit, rule: Rule) -> Self {
        (self.unit, self.rule) = (unit, rule);
        self
    }

    /// Whether it is a slot.
    #[must_use]
    pub fn is_slot(&self) -> bool {
        self.window == Window::Held
    }

    /// Whether there is room for it where so much is there.
    #[must_use]
    pub fn fits(&self, there: u64) -> bool {
        match self.rule {
            Rule::Within => there.checked_add(self.amount).is_some_and(|after| after <= self.limit),
            Rule::Below => there < self.limit,
        }
    }
}

/// What a request takes, as one limiter after the other says it.
#[derive(Debug)]
pub struct Takes {
    limiter: &'static str,
    all: Vec<Take>,
}

impl Takes {
    /// Nothing yet; it is the turn of the limiter of this kind.
    #[must_use]
    pub const fn of(limiter: &'static str) -> Self {
        Self { limiter, all: Vec::new() }
    }

    /// It is the turn of the limiter of this kind.
    pub fn turn(&mut self, limiter: &'static str) {
        self.limiter = limiter;
    }

    /// The bucket of the limiter whose turn it is that counts these requests.
    #[must_use]
    pub const fn bucket(&self, principal: Principal) -> Bucket {
        Bucket::new(self.limiter, principal)
    }

    /// Takes this, too.
    pub fn push(&mut self, take: Take) {
        self.all.push(take);
    }

    /// All that is taken.
    #[must_use]
    pub fn all(&self) -> &[Take] {
        &self.all
    }

    /// All that is taken.
    #[must_use]
    pub fn into_all(self) -> Vec<Take> {
        self.all
    }
}

/// A take that had no room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denial {
    /// The take.
    pub take: Take,
    /// Why.
    pub why: Why,
    /// The most output tokens with which the request would have fitted into the limit, where that is known.
    pub fits: Option<u64>,
    /// What bounds the output in the request's own API.
    pub bound: &'static str,
}

/// Why a take had no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// By itself it is more than the limit.
    TooMuch,
    /// What was used leaves no room for it, for so long if nothing more is used; for ever where there is no time.
    Used(Option<Duration>),
    /// Only what running requests hold or have reserved is in its way: nobody knows how long.
    Reserved,
    /// So many wait for their slots already that no more may.
    Line,
}

impl Denial {
    /// A take that had no room, for a reason.
    #[must_use]
    pub const fn new(take: Take, why: Why) -> Self {
        Self { take, why, fits: None, bound: "max_tokens" }
    }
}
