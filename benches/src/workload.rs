//! What a workload is: what is sent, by which way, how, and what is read off it.

use std::time::Duration;

use crate::figure::Figure;
use crate::kind::Kind;
use crate::side::{Program, Side};
use crate::way::Way;

/// A workload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    /// Its name for `--only`.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) title: &'static str,
    /// The way that it takes.
    pub(crate) way: Way,
    /// What Sluice stands beside.
    pub(crate) floor: Floor,
    /// What is sent.
    pub(crate) kind: Kind,
    /// How it is sent.
    pub(crate) load: Load,
    /// In which rounds.
    pub(crate) when: When,
    /// What is read off it.
    pub(crate) figures: &'static [Figure],
}

/// What Sluice stands beside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Floor {
    /// nginx on the same way.
    Nginx,
    /// Sluice on another way, or with another kind of request.
    Sluice(Way, Kind),
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
    /// This many streams at once, after as many have been.
    Crowd(usize),
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

impl Workload {
    /// What is measured beside the floor.
    pub(crate) fn side(&self) -> Side {
        Side { program: Program::Sluice, way: self.way }
    }

    /// The floor.
    pub(crate) fn floor(&self) -> Side {
        match self.floor {
            Floor::Nginx => Side { program: Program::Nginx, way: self.way },
            Floor::Sluice(way, _) => Side { program: Program::Sluice, way },
        }
    }

    /// What is sent to the floor.
    pub(crate) fn floor_kind(&self) -> Kind {
        match self.floor {
            Floor::Nginx => self.kind,
            Floor::Sluice(_, kind) => kind,
        }
    }
}
