//! A request that is understood, and what it is served with.

use std::sync::Arc;

use bytes::Bytes;
use sluice_api::cost::{Lengths, ListedAsk};
use sluice_api::plugin::guarded;
use sluice_fleet::choosing::candidates::Target;

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

impl Serving<'_> {
    /// How long prompts and answers of an account's model may be, where the cost model knows.
    pub(crate) fn lengths(self, target: &Target) -> Lengths {
        let Self { gateway, snapshot, .. } = self;
        let listed = ListedAsk::new(target.provider, target.priced_as(), gateway.now());
        guarded("CostModel::lengths", || snapshot.cost.lengths(&listed)).unwrap_or_default()
    }
}
