//! Against real servers, each test with one of its own.

mod counts;
mod faults;
mod cluster;
mod encrypted;
mod kept;
pub(crate) mod proxy;
mod sent;
pub(crate) mod server;
