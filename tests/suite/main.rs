//! The suite over the whole gateway, as a process on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests stop where they can't go on"
)]

mod amounts;
mod architecture;
mod audit;
mod badinput;
mod bedrock;
mod blame;
mod certificates;
mod check;
mod clients;
mod config;
mod conformance;
mod console;
mod cuts;
mod demo;
mod distribution;
mod documents;
mod estimates;
mod explain;
mod failover;
mod framing;
mod generated;
mod groups;
mod health;
mod holder;
mod http2;
mod identity;
mod keys;
mod ledger;
mod limits;
mod live;
mod logs;
mod metrics;
mod models;
mod oauth;
mod openapi;
mod operations;
mod pages;
mod pools;
mod prices;
mod proxies;
mod real;
mod references;
mod refusals;
mod registry;
mod relay;
mod requests;
mod server;
mod sessions;
mod shapes;
mod shared;
mod sizes;
mod stale;
mod streams;
mod timeouts;
mod traces;
mod translation;
mod usage;
mod visitors;
mod warnings;
mod way;
