//! Whole answers: of upstreams, read; for clients, written.

pub(crate) mod logprobs;
pub(crate) mod pieces;
pub(crate) mod read;
pub(crate) mod usage;
pub(crate) mod write;
