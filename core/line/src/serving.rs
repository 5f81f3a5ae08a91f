//! A request that is understood, and what it is served with.

use std::sync::Arc;

use bytes::Bytes;

use crate::ask::Ask;
use crate::gateway::Gateway;
use crate::snapshot::Snapshot;

/// What a request is served with.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) gateway: &'a Arc<Gateway>,
    pub(crate) snapshot: &'a Arc<Snapshot>,
}

/// What each stage of a request is given.
#[derive(Clone, Copy)]
pub(crate) struct Serving<'a> {
    pub(crate) gateway: &'a Arc<Gateway>,
    pub(crate) snapshot: &'a Arc<Snapshot>,
    pub(crate) ask: &'a Ask,
    pub(crate) body: &'a Bytes,
}
