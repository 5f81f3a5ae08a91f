//! What is kept of requests: records, their way to the log, the metrics and the list; and the store, timed.

pub mod measure;
pub mod record;
pub mod records;
mod refused;
mod timed;

pub use record::{Outcome, Record, RecordView};
pub use records::Records;
pub use refused::{Realm, Refused};
pub use timed::Timed;
