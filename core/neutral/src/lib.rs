//! What is the same in every dialect of model APIs: a request, an answer, and the events of a stream.
//!
//! A dialect's own crate reads its requests into what stands here, and writes its requests from it; likewise answers,
//! streams and refusals ([`Dialect`](dialect::Dialect)). So each dialect is known in one place, and any two of them meet
//! here. Nothing awaits or does I/O, texts are borrowed from the bodies they stand in, and what is JSON and the model's or
//! the client's own (arguments, schemas) stays as it is written, digit for digit.
//!
//! What one dialect has and another has not is no matter of code alone: each crate has a table of its fields
//! ([`fields`]), which says what becomes of each toward each other dialect.

pub mod answer;
pub mod at;
pub mod dialect;
pub mod effort;
pub mod fields;
pub mod json;
pub mod loss;
pub mod names;
pub mod order;
pub mod request;
pub mod seal;
