//! What must hold for any bytes at all: each law is held by a test here, and by a fuzzer in `fuzz/`.
//!
//! A law takes bytes of any kind. It is put to them as they are, and to what [`made`] puts together from them, so that
//! bytes at random reach deep too.

#[expect(clippy::indexing_slicing, reason = "a law fails by panicking")]
mod grammar;
mod made;
#[expect(clippy::indexing_slicing, reason = "a law fails by panicking")]
mod pairs;
mod requests;
mod streams;
#[cfg(test)]
mod tests;

pub use pairs::{any_answer, any_request, any_stream, next, returned, told};
pub use requests::requested;
pub use streams::{answered, mixed, streamed};
