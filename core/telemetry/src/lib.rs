//! Traces of requests, sent over OTLP as the GenAI conventions have them: made of records that are finished, in batches,
//! off the requests' path.

pub mod context;
mod message;
mod queue;
mod span;
#[cfg(test)]
mod tests;
mod traces;

pub use traces::Traces;
