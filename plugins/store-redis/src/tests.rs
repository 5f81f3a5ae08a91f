//! Against real servers, each test with one of its own.

mod proxy;
mod sent;
mod server;
