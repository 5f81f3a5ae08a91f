//! What must hold for any bytes at all: each law is held by a test here, and by a fuzzer in `fuzz/`.
//!
//! A law takes bytes of any kind. It is put to them as they are, and to what [`made`] puts together from them, so that
//! bytes at random reach deep too.

mod grammar;
mod made;
mod requests;
mod streams;
#[cfg(test)]
mod tests;

pub use requests::requested;
pub use streams::{answered, mixed, streamed};
