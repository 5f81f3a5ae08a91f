//! The life of a request, and what it is served with.
//!
//! Read `line` first: it is all of it on one screen.

mod admit;
pub mod ask;
mod attempt;
pub mod caller;
pub mod claim;
mod cut;
mod demand;
mod estimate;
pub mod gateway;
pub mod inbound;
pub mod line;
mod outgoing;
mod reading;
mod refusal;
pub mod refused;
pub mod relay;
mod serving;
mod settle;
pub mod snapshot;
mod source;
mod stages;
mod traced;
mod translating;
mod vault;
