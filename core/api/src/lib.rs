//! What a plugin author depends on, and all of it: the traits that a plugin implements, the data that
//! passes through them, and the macro that registers an implementation.
//!
//! A provider crate needs this crate and nothing else of Sluice; see `providers/README.md`.

mod call;
pub mod cost;
pub mod dialect;
pub mod endpoint;
pub mod error;
pub mod exact;
pub mod flat;
mod guarded;
pub mod limiter;
pub mod money;
pub mod plugin;
pub mod problem;
pub mod provider;
pub mod record;
pub mod renewal;
pub mod scheduler;
pub mod secret;
pub mod section;
pub mod store;
pub mod testing;
pub mod units;
pub mod usage;
pub mod vault;
pub mod wait;
pub mod wording;

pub use async_trait::async_trait;
pub use bytes::Bytes;
pub use dialect::{Api, Family, Form, Operation};
pub use endpoint::Endpoint;
pub use error::{Condition, Error, Fault, Kind, Scope};
pub use guarded::guarded;
pub use inventory;
pub use jiff::Timestamp;
pub use money::Money;
pub use plugin::{BuildCx, Origin, Plugin};
pub use problem::Problem;
pub use secret::Secret;
pub use section::Section;
pub use usage::Usage;
pub use utoipa;
