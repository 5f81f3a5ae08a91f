//! The figures of the table: how each is read off an observation, and what it should be.

use std::fmt;
use std::time::Duration;

use crate::observed::Observed;
use crate::statistics::percentile;

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// What is measured.
    pub(crate) name: &'static str,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// How it is read.
    pub(crate) reading: Reading,
    /// What it should be.
    pub(crate) target: Option<Target>,
}

/// What is read off an observation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reading {
    /// CPU time of the proxy per answer, µs.
    CpuPerAnswer,
    /// CPU time of the proxy per event, µs.
    CpuPerEvent,
    /// Whole answers per second.
    Rate,
    /// A percentile of the latency, ms.
    Latency(f64),
    /// Time until the last of streams that are open together had begun, ms.
    Begun,
    /// Highest resident memory of the proxy, MB (10⁶ bytes).
    Resident,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// At most this many times the floor's; the second is the aim.
    Ratio(f64, Option<f64>),
    /// Less than this above the same without a proxy.
    Added(f64),
    /// More than this.
    Above(f64),
    /// Less than this.
    Below(f64),
}

impl Reading {
    /// The value in the figure's unit.
    pub(crate) fn of(self, observed: &Observed) -> f64 {
        let microseconds = |whole: Duration| whole.as_secs_f64() * 1e6;
        match self {
            Self::CpuPerAnswer => microseconds(observed.cpu) / observed.answers as f64,
            Self::CpuPerEvent => {
                microseconds(observed.cpu) / (observed.answers * observed.events as u64) as f64
            }
            Self::Rate => observed.answers as f64 / observed.elapsed.as_secs_f64(),
            Self::Latency(part) => percentile(&observed.latencies, part).as_secs_f64() * 1e3,
            Self::Begun => observed.begun.as_secs_f64() * 1e3,
            Self::Resident => observed.resident as f64 / 1e6,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ratio(most, None) => write!(formatter, "≤ {most} ×"),
            Self::Ratio(most, Some(aim)) => write!(formatter, "≤ {most} ×, aim {aim} ×"),
            Self::Added(most) => write!(formatter, "added < {most}"),
            Self::Above(least) => write!(formatter, "> {least}"),
            Self::Below(most) => write!(formatter, "< {most}"),
        }
    }
}
