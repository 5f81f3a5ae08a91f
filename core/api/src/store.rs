//! Where keys live, and where limits are counted.

pub(crate) mod failed;

use std::fmt;
use std::path::Path;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::limiter::{Bucket, Denial, Take};
use crate::record::RecordStore;

pub use failed::StoreError;

/// State that outlives a request, and in a remote store a gateway.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Opens it. Called once, at start; building a store only checks its settings.
    ///
    /// # Errors
    ///
    /// When it can't be opened, or another process has it open.
    async fn open(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// The folder of this machine that it keeps files in, where it has one. Known before it is opened.
    fn folder(&self) -> Option<&Path> {
        None
    }

    /// Where the records of requests are kept.
    fn records(&self) -> &dyn RecordStore;

    /// Takes all that a lease says, from every bucket or from none.
    ///
    /// Takes of one bucket add up. Where the future is dropped before it is done, nothing stays taken: whoever asked has gone,
    /// and a store that is elsewhere gives back by the lease's name what may have been taken there.
    ///
    /// # Errors
    ///
    /// When the store is out of reach. Nothing is taken then, and nobody gives it back: a store that can't know whether it
    /// was, as the answer was lost, gives it back itself, by the lease's id.
    async fn take_all(&self, lease: Lease) -> Result<Taken, StoreError>;

    /// Gives a lease back. Called exactly once for each lease that was taken, also from `Drop`, so it must not block:
    /// a remote store queues it, and tells by the id what it has done already.
    fn give(&self, lease: Lease);

    /// How much is taken from a bucket now.
    ///
    /// # Errors
    ///
    /// When the store is out of reach.
    async fn held(&self, bucket: &Bucket) -> Result<u64, StoreError>;

    /// Writes a document, replacing one of the same kind and id; durable when it returns.
    ///
    /// # Errors
    ///
    /// When it could not be written.
    async fn put(&self, kind: &str, id: &str, document: &str) -> Result<(), StoreError>;

    /// The same for what can be made again: it outlives the process when this returns, and a power cut only after the
    /// next [`Store::flush`]. A store whose writes cost little writes it as [`Store::put`] does.
    ///
    /// # Errors
    ///
    /// When it could not be written.
    async fn put_soon(&self, kind: &str, id: &str, document: &str) -> Result<(), StoreError> {
        self.put(kind, id, document).await
    }

    /// Makes durable what [`Store::put_soon`] has written. Called ten times a second, and at the end.
    ///
    /// # Errors
    ///
    /// When it could not be made so; it is tried again with the next call.
    async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Deletes a document; says whether there was one.
    ///
    /// # Errors
    ///
    /// When it could not be deleted.
    async fn delete(&self, kind: &str, id: &str) -> Result<bool, StoreError>;

    /// Every document of a kind, as id and text, by id.
    ///
    /// # Errors
    ///
    /// When they could not be read.
    async fn list(&self, kind: &str) -> Result<Vec<(String, String)>, StoreError>;

    /// Keeps small values for a time, each in place of one of the same kind and id. Called in batches, off every
    /// request's path; durable when it returns.
    ///
    /// # Errors
    ///
    /// When they could not be written; none of them is then.
    async fn remember(&self, kind: &str, values: Vec<Remembered>) -> Result<(), StoreError>;

    /// A value that was kept; what it says of its own time is for the caller to look at.
    ///
    /// # Errors
    ///
    /// When it could not be read.
    async fn recall(&self, kind: &str, id: &str) -> Result<Option<String>, StoreError>;

    /// Deletes values whose time is over, at most so many, and tells how many it were. Called after each
    /// [`Store::remember`] for more than that wrote, else every few seconds, and soon again while all that was asked for
    /// is deleted: so it keeps up with whatever is made.
    ///
    /// # Errors
    ///
    /// When they could not be deleted.
    async fn forget(&self, now: Timestamp, most: usize) -> Result<usize, StoreError>;

    /// Whether the store can be reached and written to, for `/readyz`.
    ///
    /// # Errors
    ///
    /// When it can't.
    async fn ready(&self) -> Result<(), StoreError>;
}

/// A small value that is kept for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remembered {
    /// Its id, unique in its kind.
    pub id: String,
    /// The value.
    pub value: String,
    /// Until when it is kept.
    pub until: Timestamp,
}

impl Remembered {
    /// A value by its id, and until when it is kept.
    #[must_use]
    pub const fn new(id: String, value: String, until: Timestamp) -> Self {
        Self { id, value, until }
    }
}

/// What came of [`Store::take_all`].
#[derive(Debug)]
pub enum Taken {
    /// All was taken.
    Lease(Lease),
    /// Nothing was taken; this take would have exceeded its limit.
    Refused(Denial),
}

/// What is taken, by whom and for how long, as plain data: the settlement owns it and gives it back.
#[derive(Debug)]
#[must_use = "a lease that is not given back stays taken"]
#[non_exhaustive]
pub struct Lease {
    /// Names it among those of all gateways.
    pub id: LeaseId,
    /// When it was asked for, by the gateway's clock.
    pub since: Timestamp,
    /// Until when it is held at least, by the same clock. Nothing renews it yet, so that a store which more than one
    /// gateway shares may free it then only where its owner has gone: a request may run for longer. In a store that ends
    /// with its gateway nothing outlives that.
    pub until: Timestamp,
    /// What is taken.
    pub takes: Vec<Take>,
}

impl Lease {
    /// One that begins and ends so.
    pub const fn new(id: LeaseId, since: Timestamp, until: Timestamp, takes: Vec<Take>) -> Self {
        Self { id, since, until, takes }
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
