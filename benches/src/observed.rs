//! What one run of a workload cost.

use std::time::Duration;

/// Of one side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    /// CPU time of the proxy.
    pub(crate) cpu: Duration,
    /// Whole answers.
    pub(crate) answers: u64,
    /// Events in each answer.
    pub(crate) events: usize,
    /// How long it took.
    pub(crate) elapsed: Duration,
    /// Until the last stream had begun; only of streams that are open together.
    pub(crate) begun: Duration,
    /// Latencies, lowest first; only of the open loop.
    pub(crate) latencies: Vec<Duration>,
    /// Highest resident memory of the proxy, in bytes.
    pub(crate) resident: u64,
}
