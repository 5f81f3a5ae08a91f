//! A request: what in it decides something, which conversation it belongs to, and how it is changed on its way up.

pub mod encode;
pub mod fingerprint;
pub(crate) mod items;
pub mod peek;
pub mod session;
pub mod splice;
mod words;

pub use sluice_usage::{bounds, caching};
