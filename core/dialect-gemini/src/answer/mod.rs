//! Answers: read from upstreams, written for clients.

pub(crate) mod chunk;
pub(crate) mod cited;
pub(crate) mod part;
pub(crate) mod saying;
pub(crate) mod telling;
pub(crate) mod usage;
pub(crate) mod whole;
