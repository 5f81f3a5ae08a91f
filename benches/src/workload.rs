//! The workloads and their targets, in the order in which they run.

use std::time::Duration;

use crate::figure::{Figure, Reading, Target};
use crate::kind::Kind;

/// A workload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    /// Its name for `--only`.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) title: &'static str,
    /// What is sent.
    pub(crate) kind: Kind,
    /// How it is sent.
    pub(crate) load: Load,
    /// In which rounds.
    pub(crate) when: When,
    /// What is read off it.
    pub(crate) figures: &'static [Figure],
}

/// How requests are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// Not at all.
    Idle,
    /// This many clients, each in a closed loop, starting evenly over a time.
    Closed(usize, Duration),
    /// One request every so often; also without a proxy.
    Open(Duration),
    /// This many streams, one a client, opened evenly over a time and open together after it.
    Together(usize, Duration),
}

/// In which rounds a workload runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum When {
    /// In all of them.
    Always,
    /// In the first, before anything else was asked of the proxies.
    First,
    /// In the last, because the memory that it takes would count against the others.
    Last,
}

impl When {
    /// Whether this round, counted from zero, is one of them.
    pub(crate) fn includes(self, round: u32, rounds: u32) -> bool {
        match self {
            Self::Always => true,
            Self::First => round == 0,
            Self::Last => round + 1 == rounds,
        }
    }
}

/// The name for `--only` of what is measured without a proxy.
pub(crate) const CHOOSING: &str = "choosing";

/// All workloads.
pub(crate) const WORKLOADS: [Workload; 7] = [
    Workload {
        name: "idle",
        title: "idle after start",
        kind: Kind::Small,
        load: Load::Idle,
        when: When::First,
        figures: &[resident(20.0)],
    },
    Workload {
        name: "small",
        title: "2 KB request, 2 KB JSON answer, 64 connections",
        kind: Kind::Small,
        load: Load::Closed(64, Duration::ZERO),
        when: When::Always,
        figures: &[
            cpu("CPU per request", Reading::CpuPerAnswer, Some(Target::Ratio(2.0, Some(1.6)))),
            Figure {
                name: "throughput",
                unit: "requests/s",
                reading: Reading::Rate,
                target: Some(Target::Above(10_000.0)),
            },
            resident(30.0),
        ],
    },
    Workload {
        name: "rate",
        title: "the same at 1,000 requests/s",
        kind: Kind::Small,
        load: Load::Open(Duration::from_millis(1)),
        when: When::Always,
        figures: &[
            latency("latency p50", 0.5, 0.15),
            latency("latency p99", 0.99, 0.5),
            cpu("CPU per request", Reading::CpuPerAnswer, None),
        ],
    },
    Workload {
        name: "large",
        title: "100 KB request, 2 KB JSON answer, 64 connections",
        kind: Kind::Large,
        load: Load::Closed(64, Duration::ZERO),
        when: When::Always,
        figures: &[cpu("CPU per request", Reading::CpuPerAnswer, Some(Target::Ratio(1.5, None)))],
    },
    Workload {
        name: "burst",
        title: "stream of 512 events at once, 16 connections",
        kind: Kind::Burst,
        load: Load::Closed(16, Duration::ZERO),
        when: When::Always,
        figures: &[
            cpu("CPU per stream", Reading::CpuPerAnswer, Some(Target::Ratio(10.0, Some(8.0)))),
            cpu("CPU per event", Reading::CpuPerEvent, None),
        ],
    },
    Workload {
        name: "paced",
        title: "stream of 64 events 10 ms apart, 200 at once",
        kind: Kind::Paced,
        load: Load::Closed(200, Duration::from_millis(100)),
        when: When::Always,
        figures: &[cpu("CPU per event", Reading::CpuPerEvent, Some(Target::Ratio(2.0, None)))],
    },
    Workload {
        name: "held",
        title: "2,000 streams open, an event every 100 ms in each",
        kind: Kind::Held,
        load: Load::Together(2_000, Duration::from_millis(1_500)),
        when: When::Last,
        figures: &[resident(100.0)],
    },
];

const fn cpu(name: &'static str, reading: Reading, target: Option<Target>) -> Figure {
    Figure { name, unit: "µs", reading, target }
}

const fn latency(name: &'static str, part: f64, added: f64) -> Figure {
    Figure { name, unit: "ms", reading: Reading::Latency(part), target: Some(Target::Added(added)) }
}

const fn resident(most: f64) -> Figure {
    Figure {
        name: "resident, highest",
        unit: "MB",
        reading: Reading::Resident,
        target: Some(Target::Below(most)),
    }
}
