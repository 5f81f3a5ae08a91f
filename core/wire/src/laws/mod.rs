//! What must hold for any bytes at all: each law is held by a test here, and by a fuzzer in `fuzz/`.
//!
//! A law takes bytes of any kind. It is put to them as they are, and to what [`made`] puts together from them, so that
//! bytes at random reach deep too.

mod answers;
mod cuts;
mod documents;
mod looks;
mod made;
mod streams;
#[cfg(test)]
mod tests;

pub use answers::answers;
pub use documents::{scanner, spliced};
pub use looks::{peeked, referred};
pub use streams::{ended, events, hidden, metered};
