//! Requests: read from clients, written for upstreams.

pub(crate) mod calls;
pub(crate) mod config;
pub(crate) mod contents;
pub(crate) mod media;
pub(crate) mod parts;
pub(crate) mod read;
pub(crate) mod settings;
pub(crate) mod tools;
pub(crate) mod turns;
pub(crate) mod write;
