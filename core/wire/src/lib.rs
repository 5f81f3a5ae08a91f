//! Pure functions over bytes: what the protocols look like, and what is to be seen, changed and said in them.
//!
//! Nothing here awaits or does I/O, and nothing builds a tree of a body that is only relayed.

pub mod json;
pub mod peek;
pub mod splice;
pub mod sse;
pub mod capture;
pub mod usage;
pub mod meter;
pub mod hide;
pub mod render;
pub mod tail;
pub mod headers;
pub mod encode;
