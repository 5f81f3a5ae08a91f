//! Configuration: what was read, checked whole and resolved into the only type that the engine accepts.
//!
//! Beside it stands what it speaks of and others look up by it: keys, plugins, addresses, cool-downs.

pub mod address;
pub mod check;
pub mod cooldown;
mod credentials;
mod describe;
pub mod key;
#[cfg(any(test, fuzzing))]
pub mod laws;
mod limits;
#[cfg(test)]
mod properties;
pub mod read;
pub mod resolved;
mod section;
pub mod settings;
pub mod tls;
mod warn;

#[cfg(test)]
use sluice_fixtures as _;

pub use describe::describe;
pub use warn::warnings;
