//! Configuration: what was read, checked whole and resolved into the only type that the engine accepts.
//!
//! Beside it stands what it speaks of and others look up by it: keys, plugins, addresses, cool-downs.

mod address;
mod check;
mod cooldown;
mod credentials;
mod describe;
mod fields;
mod globs;
pub mod key;
#[cfg(any(test, fuzzing))]
pub mod laws;
pub mod plugins;
#[cfg(test)]
mod properties;
mod read;
mod reference;
mod resolved;
mod schema;
pub mod settings;
mod tls;
mod warn;

#[cfg(test)]
use sluice_fixtures as _;

pub use address::{ClientAddress, TrustedProxies};
pub use check::{check, store};
pub use cooldown::Policy;
pub use credentials::Credentials;
pub use describe::describe;
pub use fields::{check_key_fields, read_key_fields, with_section};
pub use globs::{Globs, WrongGlob};
pub use key::{GroupConfig, KeyConfig};
pub use read::{Read, admin_token_place, wanted_format};
pub use reference::reference;
pub use resolved::{
    AccountConfig, LogFormat, Resolved, RouteConfig, ServerConfig, TelemetryConfig, Timeouts, needs_restart,
};
pub(crate) use schema::Schema;
pub use settings::{HttpVersion, KeyFields};
pub use sluice_reading::{Loaded, Sources, load, load_text};
pub use tls::{Identity, TlsError};
pub use warn::warnings;
