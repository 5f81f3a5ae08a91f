//! Policy of limits: which buckets a request takes from, how much, and what that means to the client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::dialect::{Api, Operation};
use crate::error::Error;

/// The limiter whose buckets are the slots of keys and of groups, as clients are told of them by `GET /v1/me`.
pub const CONCURRENCY: &str = "concurrency";

/// Says which buckets a request takes from. Pure: the store takes them, all or none, in one step.
pub trait Limiter: fmt::Debug + Send + Sync + 'static {
    /// What a request of this subject takes. Called once for each request, before its body is read and before it goes
    /// upstream.
    fn takes(&self, subject: &Subject<'_>, takes: &mut Takes);

    /// What a client is told whose request was refused, as one of this limiter's own takes had no room: what went wrong,
    /// a sentence that says what to do, and how long to wait where that is known.
    fn refusal(&self, refused: &Denial) -> Error;
}

/// A limiter at work, with the kind that it is registered under, which names its buckets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AtWork {
    /// The kind.
    pub kind: &'static str,
    /// The limiter.
    pub limiter: Arc<dyn Limiter>,
}

impl AtWork {
    /// A limiter of this kind.
    #[must_use]
    pub fn new(kind: &'static str, limiter: Arc<dyn Limiter>) -> Self {
        Self { kind, limiter }
    }
}

/// Who asks, and for what; the model is not known yet.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Subject<'a> {
    /// The key's id.
    pub key: &'a Arc<str>,
    /// Requests that the key may have at once; 0 = no bound.
    pub key_concurrency: u32,
    /// The key's group, if it has one.
    pub group: Option<&'a Arc<str>>,
    /// Requests that the group may have at once; 0 = no bound.
    pub group_concurrency: u32,
    /// The client API.
    pub api: Api,
    /// The operation.
    pub operation: Operation,
    /// When the request came.
    pub now: Timestamp,
}

impl<'a> Subject<'a> {
    /// A request of a key without a group and without bounds.
    #[must_use]
    pub const fn new(key: &'a Arc<str>, api: Api, operation: Operation, now: Timestamp) -> Self {
        Self { key, key_concurrency: 0, group: None, group_concurrency: 0, api, operation, now }
    }
}

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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Principal {
    /// Those of a key, by its id.
    Key(Arc<str>),
    /// Those of all keys of a group, by its name.
    Group(Arc<str>),
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

/// An amount taken from a bucket, unless that would exceed the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Take {
    /// The bucket.
    pub bucket: Bucket,
    /// How much is taken.
    pub amount: u64,
    /// What may be taken from it at once.
    pub limit: u64,
}

impl Take {
    /// One request, of as many as there may be at once.
    #[must_use]
    pub const fn one(bucket: Bucket, limit: u64) -> Self {
        Self { bucket, amount: 1, limit }
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

    /// What all limiters say, each in its turn.
    #[must_use]
    pub fn by(limiters: &[AtWork], subject: &Subject<'_>) -> Vec<Take> {
        let mut takes = Self::of("");
        for AtWork { kind, limiter } in limiters {
            takes.limiter = kind;
            limiter.takes(subject, &mut takes);
        }
        takes.all
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
}

/// A take that had no room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denial {
    /// The take.
    pub take: Take,
    /// How long until there is room for it, where the store can know.
    pub wait: Option<Duration>,
}

impl Denial {
    /// One of which nobody knows when there will be room.
    #[must_use]
    pub const fn new(take: Take) -> Self {
        Self { take, wait: None }
    }
}
