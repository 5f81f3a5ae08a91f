//! The suite over the whole gateway, as a process on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests stop where they can't go on"
)]

mod architecture;
mod badinput;
mod clients;
mod config;
mod distribution;
mod generated;
mod keys;
mod operations;
mod refusals;
mod registry;
mod relay;
mod streams;
