//! Against real servers, each test with one of its own.

mod counts;
mod faults;
mod kept;
mod proxy;
mod sent;
mod server;
