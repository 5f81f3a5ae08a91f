//! The straight line of a request, and what it needs: configuration, accounts, keys, transport, records.
//!
//! Read `line` first: it is the whole life of a request on one screen.

pub mod config;
pub mod plugins;
pub mod key;
pub mod keys;
pub mod account;
pub mod snapshot;
pub mod gateway;
pub mod ask;
pub mod line;
mod inbound;
mod route;
mod admit;
mod attempt;
mod decode;
mod relay;
mod settle;
pub mod record;
pub mod records;
pub mod measure;
pub mod catalogue;
mod transport;

pub use ask::{Ask, ClientRoute};
pub use gateway::Gateway;
pub use inbound::{Asking, request_id};
pub use relay::{Relay, identify};
