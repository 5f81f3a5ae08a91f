//! The straight line of a request, and what it needs: configuration, accounts, keys, transport, records.
//!
//! Read `line` first: it is the whole life of a request on one screen.

pub mod account;
pub mod ask;
mod attempt;
mod body;
pub mod catalogue;
mod cut;
mod decode;
pub mod discover;
mod eligible;
mod estimate;
pub mod explain;
pub mod gateway;
pub mod health;
mod inbound;
pub mod keys;
pub mod line;
pub mod operate;
mod order;
pub mod overrides;
#[cfg(test)]
mod panics;
mod reference;
pub mod rehearse;
mod relay;
mod route;
mod session;
mod settle;
#[cfg(test)]
mod simulation;
pub mod snapshot;
mod source;
mod upkeep;
mod vault;

pub use ask::{Ask, ClientRoute};
pub use gateway::{Gateway, Loss};
pub use inbound::{Asking, request_id};
pub use relay::{Relay, identify};
