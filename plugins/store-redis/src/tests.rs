//! Against real servers, each test with one of its own.

mod cluster;
mod encrypted;
mod faults;
mod kept;
mod lives;
mod moving;
pub(crate) mod proxy;
mod sent;
pub(crate) mod server;
mod suite;
