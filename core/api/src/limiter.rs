//! Policy of limits: which buckets a request takes from, how much, and what that means to the client.

use std::fmt;
use std::sync::Arc;

/// Says which buckets a request takes from. Pure: the store takes them, all or none, in one step.
pub trait Limiter: fmt::Debug + Send + Sync + 'static {
    /// What a request of this subject takes. Called once for each request, before it goes upstream.
    fn takes(&self, subject: &Subject<'_>, takes: &mut Vec<Take>);
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The key's id.
    pub key: &'a Arc<str>,
    /// Requests that the key may have at once; 0 = no bound.
    pub key_concurrency: u32,
    /// The key's group, if it has one.
    pub group: Option<&'a Arc<str>>,
    /// Requests that the group may have at once; 0 = no bound.
    pub group_concurrency: u32,
}

/// What a bucket counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// Requests of a key at once.
    KeySlots(Arc<str>),
    /// Requests of a group at once.
    GroupSlots(Arc<str>),
}

/// An amount taken from a bucket, unless that would exceed the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    /// The bucket.
    pub bucket: Bucket,
    /// How much is taken.
    pub amount: u64,
    /// What may be taken from it at once.
    pub limit: u64,
}
