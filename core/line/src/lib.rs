//! The life of a request, and what it is served with.
//!
//! Read `line` first: it is all of it on one screen.

mod ask;
mod attempt;
mod body;
mod caller;
mod cut;
mod decode;
mod estimate;
mod gateway;
mod inbound;
pub mod line;
mod refusal;
mod refused;
mod relay;
mod reserved;
mod serving;
mod settle;
mod snapshot;
mod source;
mod stages;
mod vault;

pub use ask::{Ask, ClientRoute};
pub use caller::Caller;
pub use gateway::{Gateway, InForce};
pub use inbound::{Asking, request_id};
pub use refused::{identify, refused};
pub use relay::Relay;
pub use snapshot::{Snapshot, Ways};
