//! What is measured, and what it stands beside: a program on a way.

use std::fmt;

use crate::way::Way;

/// A server under test.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Side {
    /// What runs.
    pub(crate) program: Program,
    /// Which way it is on.
    pub(crate) way: Way,
}

/// What runs.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Program {
    /// nginx.
    Nginx,
    /// Sluice.
    Sluice,
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = match self.program {
            Program::Nginx => "nginx",
            Program::Sluice => "Sluice",
        };
        write!(formatter, "{program}, {}", self.way.name)
    }
}
