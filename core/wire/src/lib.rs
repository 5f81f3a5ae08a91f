//! Pure functions over bytes: what the protocols look like, and what is to be seen, changed and said in them.
//!
//! Nothing here awaits or does I/O, and nothing builds a tree of a body that is only relayed.

pub mod answer;
pub mod headers;
#[cfg(any(test, fuzzing))]
pub mod laws;
pub mod refusal;
pub mod request;
pub mod sse;
