//! Client keys: what one may do, and how it is found by the hash of its secret.

mod client;
mod hash;
mod table;

pub use client::{Group, GroupConfig, Key, KeyConfig, Source};
pub use hash::{HashIsRandom, KeyHash, new_secret};
pub use table::KeyTable;
