//! Configuration: what was read, checked whole and resolved into the only type that the engine accepts.
//!
//! Beside it stands what it speaks of and others look up by it: keys, plugins, addresses, cool-downs.

mod address;
mod check;
mod cooldown;
mod credentials;
mod describe;
pub mod key;
#[cfg(any(test, fuzzing))]
pub mod laws;
#[cfg(test)]
mod properties;
mod read;
mod resolved;
mod section;
mod tls;
mod warn;

#[cfg(test)]
use sluice_fixtures as _;

pub use address::{ClientAddress, TrustedProxies};
pub use check::{check, check_key_fields, read_key_fields, store, with_section};
pub use cooldown::Policy;
pub use credentials::Credentials;
pub use describe::describe;
pub use key::{GroupConfig, KeyConfig};
pub use read::{Read, admin_token_place, wanted_format};
pub use resolved::{
    AccountConfig, LogFormat, Resolved, RouteConfig, ServerConfig, TelemetryConfig, Timeouts, needs_restart,
};
pub use sluice_reading::{Loaded, Sources, load, load_text};
pub use sluice_settings::{Globs, HttpVersion, KeyFields, WrongGlob, plugins, reference};
pub use tls::{Identity, TlsError};
pub use warn::warnings;
