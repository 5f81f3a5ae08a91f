//! What the journal has of a request.

use std::time::Instant;

use sluice_api::cost::Usage;
use sluice_ledger::book::Traces;

/// What the journal has of a request, and what it was told last.
#[derive(Debug, Default)]
pub(super) struct Journalled {
    pub(super) traces: Traces,
    pub(super) told: Option<(Instant, Option<Usage>)>,
    /// The usage of the record that is logged, as the client may have all of the answer.
    pub(super) whole: Option<Option<Usage>>,
}
