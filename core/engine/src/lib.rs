//! The straight line of a request, and what it needs: configuration, accounts, keys, transport, records.
//!
//! Read `line` first: it is the whole life of a request on one screen.

pub mod account;
mod admit;
pub mod ask;
mod attempt;
pub mod catalogue;
pub mod config;
mod decode;
pub mod gateway;
mod inbound;
pub mod key;
pub mod keys;
pub mod line;
pub mod measure;
pub mod plugins;
pub mod record;
pub mod records;
mod relay;
mod route;
mod settle;
pub mod snapshot;
mod transport;

pub use ask::{Ask, ClientRoute};
pub use gateway::Gateway;
pub use inbound::{Asking, request_id};
pub use relay::{Relay, identify};
