//! Against real servers, each test with one of its own.

mod alone;
mod bounded;
mod cluster;
mod encrypted;
pub(crate) mod event;
mod faults;
mod kept;
mod lives;
mod memory;
mod model;
mod moving;
mod mute;
pub(crate) mod proxy;
mod sent;
pub(crate) mod server;
mod suite;
mod together;
mod valkey;
