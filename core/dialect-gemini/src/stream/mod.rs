//! Streams: read from upstreams, written for clients.

pub(crate) mod read;
pub(crate) mod write;
