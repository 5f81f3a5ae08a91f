//! Streams: of upstreams, read; for clients, written.

mod calls;
pub(crate) mod read;
pub(crate) mod whole;
pub(crate) mod write;
