//! What is kept of requests: the way of their records to the log, the metrics and the list; and the store, timed.

pub mod measure;
pub mod records;
mod refused;
mod timed;

pub use records::Records;
pub use refused::{Realm, Refused};
pub use timed::Timed;
