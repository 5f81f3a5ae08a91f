//! The workloads and their targets, in the order in which they run.

use std::time::Duration;

use crate::figure::{Figure, Reading, Target};
use crate::kind::Kind;
use crate::way::Way;
use crate::workload::{Floor, Load, When, Workload};

/// The names for `--only` of what is measured without a proxy.
pub(crate) const CHOOSING: &str = "choosing";
pub(crate) const ADMITTING: &str = "admitting";

/// Clients in closed loops.
const MANY: Load = Load::Closed(64, Duration::ZERO);

/// Clients whose every answer is as much as many small ones.
const FEW: Load = Load::Closed(16, Duration::ZERO);

/// Clients of slow streams.
const SLOW: Load = Load::Closed(200, Duration::from_millis(100));

/// What most are: plain, beside nginx, in every round.
const USUAL: Workload = Workload {
    name: "small",
    title: "2 KB request, 2 KB JSON answer, 64 connections",
    way: Way::PLAIN,
    floor: Floor::Nginx,
    kind: Kind::Small,
    load: MANY,
    when: When::Always,
    figures: &[],
};

/// Streams of OpenAI's APIs, of many events at once, which nothing is compared with.
const EVENTS: Workload = Workload {
    way: Way::OPENAI,
    load: FEW,
    figures: &[
        cpu("CPU per stream", Reading::CpuPerAnswer, None),
        cpu("CPU per event", Reading::CpuPerEvent, None),
    ],
    ..USUAL
};

/// What a translated stream costs beside the same untranslated.
const TRANSLATED: &[Figure] = &[
    cpu("CPU per stream", Reading::CpuPerAnswer, Some(Target::Ratio(2.2, None))),
    cpu("CPU per event", Reading::CpuPerEvent, None),
];

/// All workloads.
pub(crate) const WORKLOADS: [Workload; 28] = [
    Workload {
        name: "idle",
        title: "idle after start",
        load: Load::Idle,
        when: When::First,
        figures: &[resident(20.0)],
        ..USUAL
    },
    Workload {
        name: "small",
        title: "2 KB request, 2 KB JSON answer, 64 connections",
        figures: &[
            cpu("CPU per request", Reading::CpuPerAnswer, Some(Target::Ratio(1.8, Some(1.6)))),
            Figure {
                name: "throughput",
                unit: "requests/s",
                reading: Reading::Rate,
                target: Some(Target::Above(10_000.0)),
            },
            resident(30.0),
        ],
        ..USUAL
    },
    Workload {
        name: "rate",
        title: "the same at 1,000 requests/s",
        load: Load::Open(Duration::from_millis(1)),
        figures: &[
            latency("latency p50", 0.5, 0.15),
            latency("latency p99", 0.99, 0.5),
            cpu("CPU per request", Reading::CpuPerAnswer, None),
        ],
        ..USUAL
    },
    Workload {
        name: "limited",
        title: "2 KB request with five limits on key, group and account; floor: Sluice without",
        way: Way::LIMITED,
        floor: Floor::Sluice(Way::PLAIN, Kind::Small),
        figures: &[cpu("CPU per request", Reading::CpuPerAnswer, Some(Target::Ratio(1.12, None)))],
        ..USUAL
    },
    Workload {
        name: "large",
        title: "100 KB request, 2 KB JSON answer, 64 connections",
        kind: Kind::Large,
        figures: &[cpu("CPU per request", Reading::CpuPerAnswer, Some(Target::Ratio(1.5, None)))],
        ..USUAL
    },
    Workload {
        name: "burst",
        title: "stream of 512 events at once, 16 connections",
        kind: Kind::Burst,
        load: FEW,
        figures: &[
            cpu("CPU per stream", Reading::CpuPerAnswer, Some(Target::Ratio(10.0, Some(8.0)))),
            cpu("CPU per event", Reading::CpuPerEvent, None),
        ],
        ..USUAL
    },
    Workload {
        name: "paced",
        title: "stream of 64 events 10 ms apart, 200 at once",
        kind: Kind::Paced,
        load: SLOW,
        figures: &[cpu("CPU per event", Reading::CpuPerEvent, Some(Target::Ratio(2.0, None)))],
        ..USUAL
    },
    Workload {
        name: "chat",
        title: "Chat stream of 512 events at once, its usage chunk hidden, 16 connections",
        kind: Kind::Chat,
        ..EVENTS
    },
    Workload {
        name: "responses",
        title: "Responses stream of 512 events at once, 16 connections",
        kind: Kind::Responses,
        ..EVENTS
    },
    Workload {
        name: "sessions",
        title: "2 KB JSON, 50 accounts, each request in a session of its own",
        way: Way::FIFTY,
        kind: Kind::Session,
        figures: &[cpu("CPU per request", Reading::CpuPerAnswer, None)],
        ..USUAL
    },
    Workload {
        name: "failing",
        title: "2 KB JSON, two accounts, 1 % of attempts fail",
        way: Way::PAIR,
        kind: Kind::Failing,
        figures: &[cpu("CPU per request", Reading::CpuPerAnswer, None)],
        ..USUAL
    },
    Workload {
        name: "front-small",
        title: "2 KB JSON, clients by TLS",
        way: Way::FRONT,
        figures: &[cpu("CPU per request", Reading::CpuPerAnswer, None)],
        ..USUAL
    },
    Workload {
        name: "front-paced",
        title: "64 events 10 ms apart, clients by TLS",
        way: Way::FRONT,
        kind: Kind::Paced,
        load: SLOW,
        figures: &[cpu("CPU per event", Reading::CpuPerEvent, None)],
        ..USUAL
    },
    Workload {
        name: "tls-small",
        title: "2 KB JSON, upstream by TLS",
        way: Way::TLS,
        figures: &[cpu("CPU per request", Reading::CpuPerAnswer, Some(Target::Ratio(1.7, None)))],
        ..USUAL
    },
    Workload {
        name: "tls-burst",
        title: "512 events at once, upstream by TLS",
        way: Way::TLS,
        kind: Kind::Burst,
        load: FEW,
        figures: &[
            cpu("CPU per stream", Reading::CpuPerAnswer, Some(Target::Ratio(1.8, None))),
            cpu("CPU per event", Reading::CpuPerEvent, None),
        ],
        ..USUAL
    },
    Workload {
        name: "tls-paced",
        title: "64 events 10 ms apart, upstream by TLS",
        way: Way::TLS,
        kind: Kind::Paced,
        load: SLOW,
        figures: &[cpu("CPU per event", Reading::CpuPerEvent, Some(Target::Ratio(1.3, None)))],
        ..USUAL
    },
    Workload {
        name: "tls-crowd",
        title: "400 streams at once, upstream by TLS",
        way: Way::TLS,
        kind: Kind::Crowd,
        load: Load::Crowd(400),
        figures: &[begun(None)],
        ..USUAL
    },
    Workload {
        name: "http2-small",
        title: "2 KB JSON, upstream by HTTP/2 (nginx: HTTP/1.1 and TLS)",
        way: Way::HTTP2,
        figures: &[cpu("CPU per request", Reading::CpuPerAnswer, Some(Target::Ratio(1.7, None)))],
        ..USUAL
    },
    Workload {
        name: "http2-burst",
        title: "512 events at once, upstream by HTTP/2",
        way: Way::HTTP2,
        kind: Kind::Burst,
        load: FEW,
        figures: &[
            cpu("CPU per stream", Reading::CpuPerAnswer, Some(Target::Ratio(1.8, None))),
            cpu("CPU per event", Reading::CpuPerEvent, None),
        ],
        ..USUAL
    },
    Workload {
        name: "http2-paced",
        title: "64 events 10 ms apart, upstream by HTTP/2",
        way: Way::HTTP2,
        kind: Kind::Paced,
        load: SLOW,
        figures: &[cpu("CPU per event", Reading::CpuPerEvent, Some(Target::Ratio(1.3, None)))],
        ..USUAL
    },
    Workload {
        name: "http2-crowd",
        title: "400 streams at once, upstream by HTTP/2, 100 streams a connection; floor: Sluice, HTTP/1.1 and TLS",
        way: Way::HTTP2,
        floor: Floor::Sluice(Way::TLS, Kind::Crowd),
        kind: Kind::Crowd,
        load: Load::Crowd(400),
        figures: &[begun(Some(Target::Ratio(1.2, None)))],
        ..USUAL
    },
    Workload {
        name: "turned",
        title: "2 KB of Chat, translated, 2 KB JSON answer of Anthropic's (nginx: relayed), 64 connections",
        way: Way::TURNED,
        kind: Kind::Turned,
        figures: &[cpu("CPU per request", Reading::CpuPerAnswer, Some(Target::Ratio(2.75, None)))],
        ..USUAL
    },
    Workload {
        name: "turned-long",
        title: "a conversation of 1 MB of Chat, translated, 2 KB JSON answer of Anthropic's (nginx: relayed)",
        way: Way::TURNED,
        kind: Kind::TurnedLong,
        load: FEW,
        figures: &[cpu("CPU per request", Reading::CpuPerAnswer, Some(Target::Below(10_000.0)))],
        ..USUAL
    },
    Workload {
        name: "turned-burst",
        title: "512 of Anthropic's events at once to a Chat client; floor: Sluice, the same to a client of Anthropic's",
        floor: Floor::Sluice(Way::PLAIN, Kind::Burst),
        way: Way::TURNED,
        kind: Kind::TurnedBurst,
        load: FEW,
        figures: TRANSLATED,
        ..USUAL
    },
    Workload {
        name: "turned-chat",
        title: "512 events of Chat at once to a client of Anthropic's; floor: Sluice, the same to a Chat client",
        way: Way::TURNED_CHAT,
        floor: Floor::Sluice(Way::OPENAI, Kind::Chat),
        kind: Kind::TurnedChat,
        load: FEW,
        figures: TRANSLATED,
        ..USUAL
    },
    Workload {
        name: "turned-rate",
        title: "16 of Anthropic's events at once to Chat clients, 500 streams/s",
        way: Way::TURNED,
        kind: Kind::TurnedFew,
        load: Load::Open(Duration::from_millis(2)),
        figures: &[latency("latency p50", 0.5, 0.15), latency("latency p99", 0.99, 0.3)],
        ..USUAL
    },
    Workload {
        name: "held",
        title: "2,000 streams open, an event every 100 ms in each",
        kind: Kind::Held,
        load: Load::Together(2_000, Duration::from_millis(1_500)),
        when: When::Last,
        figures: &[resident(100.0)],
        ..USUAL
    },
    Workload {
        name: "tls-held",
        title: "2,000 streams open, upstream by TLS",
        way: Way::TLS,
        kind: Kind::Held,
        load: Load::Together(2_000, Duration::from_millis(3_000)),
        when: When::Last,
        figures: &[resident(110.0)],
        ..USUAL
    },
];

const fn cpu(name: &'static str, reading: Reading, target: Option<Target>) -> Figure {
    Figure { name, unit: "µs", reading, target }
}

const fn latency(name: &'static str, part: f64, added: f64) -> Figure {
    Figure { name, unit: "ms", reading: Reading::Latency(part), target: Some(Target::Added(added)) }
}

const fn begun(target: Option<Target>) -> Figure {
    Figure { name: "until the last has begun", unit: "ms", reading: Reading::Begun, target }
}

const fn resident(most: f64) -> Figure {
    Figure {
        name: "resident, highest",
        unit: "MB",
        reading: Reading::Resident,
        target: Some(Target::Below(most)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_has_a_name_of_its_own_and_figures() {
        for (at, workload) in WORKLOADS.iter().enumerate() {
            assert!(!WORKLOADS[..at].iter().any(|other| other.name == workload.name), "{}", workload.name);
            assert!(
                ![CHOOSING, ADMITTING].contains(&workload.name) && !workload.figures.is_empty(),
                "{}",
                workload.name
            );
        }
    }
}
