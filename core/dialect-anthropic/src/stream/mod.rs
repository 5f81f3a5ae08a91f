//! Streams.

mod read;
mod write;

pub(crate) use read::Events;
pub(crate) use write::Stream;
