//! What a plugin author depends on, and all of it: the traits that a plugin implements, the data that
//! passes through them, and the macro that registers an implementation.
//!
//! A provider crate needs this crate and nothing else of Sluice; see `providers/README.md`. Each trait has a module with what
//! it is shown and answers: [`provider`], [`scheduler`], [`limiter`], [`cost`], [`store`].

pub mod cost;
pub mod dialect;
pub mod error;
pub mod limiter;
pub mod plugin;
pub mod provider;
pub mod record;
pub mod scheduler;
pub mod settings;
pub mod store;
