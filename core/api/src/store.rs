//! Where keys live, and where limits are counted.

pub(crate) mod failed;
mod process;

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::limiter::{Bucket, Take};
use crate::record::RecordStore;

pub use failed::StoreError;
pub use process::Process;

pub use sluice_quota::lease::ServedAlone;
pub use sluice_quota::lease::{Asked, Lease, LeaseId, Level, Line, Lined, Owner, Place, Seed, Taken, Used};

/// Ends when a place in a line is worth asking with again.
pub type Turn = Pin<Box<dyn Future<Output = ()> + Send>>;

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

    /// Whether other gateways may have it open too, and so see what this one writes.
    fn is_shared(&self) -> bool {
        false
    }

    /// Whether requests are to be served while it is out of reach, by what this gateway knows: leases are given then by what it
    /// has seen last, and told when the store is back. Those of keys in hard mode never are. With what was. Asked at any time.
    fn serves_alone(&self) -> Option<ServedAlone> {
        None
    }

    /// Which of the processes that share it this one is; of no two that run at a time it is the same. Asked when it is open.
    ///
    /// # Errors
    ///
    /// When the store is out of reach.
    async fn process(&self) -> Result<Process, StoreError> {
        Ok(Process::ALONE)
    }

    /// Where the records of requests are kept.
    fn records(&self) -> &dyn RecordStore;

    /// Takes all that the leases say, from every bucket or from none.
    ///
    /// Takes of one bucket add up. Windows are looked at before slots, so that nobody waits for what has no room. Where
    /// slots are in its way, or others wait before it in the line of its key, a request that may wait is given a place; one
    /// that has a place keeps it. Who has waited longest for a slot has it first, and who has just come never before. Where
    /// the future is dropped before it is done, nothing stays taken: whoever asked has gone, and a store that is elsewhere
    /// gives back by the leases' names what may have been taken there.
    ///
    /// # Errors
    ///
    /// When the store is out of reach. Nothing is taken then, and nobody settles it: a store that can't know whether it
    /// was, as the answer was lost, gives it back itself, by the leases' ids.
    async fn take_all(&self, asked: Asked) -> Result<Taken, StoreError>;

    /// Settles a lease: slots are free, what was reserved is given back, and what was used is counted, in windows that roll
    /// as of now, in others as of the lease's own. Called exactly once for each lease that was taken, also from `Drop`, so
    /// it must not block: a remote store queues it, and tells by the id what it has done already. A slot that somebody
    /// waits for is theirs: they are told.
    fn settle(&self, lease: Lease, used: Used, now: Timestamp);

    /// Counts what a request that runs has used by now, in place of as much of what it has reserved. It never blocks.
    fn land(&self, lease: &mut Lease, used: Used, now: Timestamp);

    /// Waits in a line until one of these slots is free, none of which was when it was looked at last: for who can't know
    /// which of several it will get. A place that it has it keeps.
    ///
    /// # Errors
    ///
    /// When the store is out of reach.
    async fn line_up(&self, line: Line, slots: Vec<Take>) -> Result<Lined, StoreError>;

    /// Ends when it is worth asking again with a place: its slot may be free. It may end for nothing, but never misses one.
    fn turn(&self, place: &Place) -> Turn;

    /// Gives a place up; the next one moves up. Nothing where it is not there any more. It must not block.
    fn leave(&self, place: Place);

    /// How many wait in the line of each of these keys, by their ids.
    ///
    /// # Errors
    ///
    /// When the store is out of reach.
    async fn waiting(&self, keys: Vec<Arc<str>>) -> Result<Vec<u64>, StoreError>;

    /// How full buckets are, each in the window of a take, whose amounts say nothing here.
    ///
    /// # Errors
    ///
    /// When the store is out of reach.
    async fn levels(&self, takes: Vec<Take>, now: Timestamp) -> Result<Vec<Level>, StoreError>;

    /// Those of these takes whose windows it has no count of, as it forgets them when it ends: they are to be told by
    /// [`Store::seed`].
    ///
    /// # Errors
    ///
    /// When the store is out of reach.
    async fn forgotten(&self, takes: Vec<Take>) -> Result<Vec<Take>, StoreError> {
        drop(takes);
        Ok(Vec::new())
    }

    /// Is told what was used of windows that it has [forgotten](Store::forgotten), by the clock that leases go by, which says
    /// `now`; one that it has a count of by now keeps it, as another gateway may have told of it first.
    ///
    /// # Errors
    ///
    /// When the store is out of reach; it may have been told of some.
    async fn seed(&self, seeds: Vec<Seed>, now: Timestamp) -> Result<(), StoreError> {
        let _ = (seeds, now);
        Ok(())
    }

    /// Is told that whose limits these were is deleted: what was counted of them may go once what runs has ended. A store
    /// that forgets with its process has nothing to do.
    ///
    /// # Errors
    ///
    /// When it can't be told; they stay then, and do no harm.
    async fn drop_counts(&self, takes: Vec<Take>) -> Result<(), StoreError> {
        let _ = takes;
        Ok(())
    }

    /// How much is taken from a bucket of slots now.
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

    /// Tells others what is still to be told of leases and places, as far as that is done within a few seconds. Called once,
    /// after the last request.
    async fn close(&self) {}

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

    /// How often a document of this kind was written or deleted, by any gateway: one more each time. Who asks, and reads
    /// documents then, has all that was done before it asked. `None` where nobody else has the store open. Called a few
    /// times a second.
    ///
    /// # Errors
    ///
    /// When it could not be read.
    async fn revision(&self, kind: &str) -> Result<Option<u64>, StoreError> {
        let _ = kind;
        Ok(None)
    }

    /// Claims what one gateway at a time may do, for this long or until it is [released](Store::release); whether it is
    /// the gateway's from now on. Whoever has it already has it for longer. Where nobody else has the store open, it is
    /// everybody's who asks.
    ///
    /// # Errors
    ///
    /// When the store is out of reach: it may have been claimed.
    async fn claim(&self, name: &str, by: Owner, length: Duration) -> Result<bool, StoreError> {
        let _ = (name, by, length);
        Ok(true)
    }

    /// Gives up a claim, where it is still the gateway's. One that can't be given up ends by itself.
    async fn release(&self, name: &str, by: Owner) {
        let _ = (name, by);
    }

    /// Writes a document, or deletes the one that there is, in the same step in which it is seen that a name is still claimed
    /// by this owner: who took longer than a claim lasts must not undo what others have done since. Gives whether
    /// there was one that was deleted; `None` where the claim has ended, and nothing is done then. Only asked where gateways
    /// share the store.
    ///
    /// # Errors
    ///
    /// When it could not be done.
    async fn write_claimed(
        &self,
        claim: (&str, Owner),
        (kind, id): (&str, &str),
        document: Option<&str>,
    ) -> Result<Option<bool>, StoreError> {
        let _ = claim;
        match document {
            Some(document) => self.put(kind, id, document).await.map(|()| Some(true)),
            None => self.delete(kind, id).await.map(Some),
        }
    }

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

    /// The same of many, in their order: a request may refer to some thousands of things, and waits for all of them. A
    /// store that is elsewhere should be asked once.
    ///
    /// # Errors
    ///
    /// When one could not be read.
    async fn recall_all(&self, kind: &str, ids: Vec<String>) -> Result<Vec<Option<String>>, StoreError> {
        let mut values = Vec::with_capacity(ids.len());
        for id in ids {
            values.push(self.recall(kind, &id).await?);
        }
        Ok(values)
    }

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
