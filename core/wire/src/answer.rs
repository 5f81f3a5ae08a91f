//! An answer: how it begins, what it used, and what its client is not to see of it.

pub mod framing;
pub mod hide;
pub mod listing;
pub mod meter;
