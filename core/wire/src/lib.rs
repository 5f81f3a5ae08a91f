//! Pure functions over bytes: what the protocols look like, and what is to be seen, changed and said in them.
//!
//! Nothing here awaits or does I/O, and nothing builds a tree of a body that is only relayed.

pub mod capture;
pub mod case;
pub mod count;
pub mod encode;
pub mod fingerprint;
pub mod framing;
pub mod headers;
pub mod hide;
mod items;
pub mod json;
#[cfg(any(test, fuzzing))]
pub mod laws;
pub mod listing;
mod member;
pub mod meter;
pub mod object;
pub mod peek;
mod plain;
pub mod refusal;
pub mod render;
pub mod session;
pub mod splice;
pub mod sse;
pub mod tail;
pub mod usage;
mod words;
