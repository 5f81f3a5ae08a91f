//! What is kept of requests: the way of their records to the log, the metrics and the list, and what goes on now; and the
//! store, timed.

mod aside;
pub mod book;
pub mod export;
mod ids;
pub mod live;
pub mod measure;
pub mod records;
pub mod recovery;
mod refused;
mod timed;
pub mod usage;

pub use records::Records;
pub use refused::{Realm, RefusedCredentials};
pub use timed::Timed;
