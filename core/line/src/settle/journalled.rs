//! What the journal has of a request.

use std::time::Instant;

use sluice_api::cost::Usage;
use sluice_api::record::Outcome;
use sluice_ledger::book::Traces;

/// What the journal has of a request, and what it was told last.
#[derive(Debug, Default)]
pub(super) struct Journalled {
    pub(super) traces: Traces,
    /// When it was told what was used by then, and whether the dialect had told any of it.
    pub(super) told: Option<(Instant, bool)>,
    /// What the record says that is logged, as the client may have all of the answer.
    pub(super) whole: Option<(Option<Usage>, Outcome)>,
}
