//! Configuration: read with figment, checked whole, and resolved into the only type that the engine accepts.

mod check;
mod credentials;
mod describe;
mod environment;
mod fields;
mod file;
#[cfg(test)]
pub(crate) mod fixtures;
mod globs;
mod lines;
mod load;
mod read;
mod reference;
mod resolved;
mod schema;
pub mod settings;
mod tls;
mod walk;
mod warn;
mod yaml;

pub use check::{check, store};
pub use credentials::Credentials;
pub use describe::describe;
pub(crate) use fields::with_section;
pub use fields::{check_key_fields, read_key_fields};
pub use globs::Globs;
pub use load::{Given, Loaded, load, load_text};
pub use read::{Read, admin_token_place, wanted_format};
pub use reference::reference;
pub use resolved::{
    AccountConfig, GroupConfig, KeyConfig, LogFormat, Resolved, RouteConfig, ServerConfig, TelemetryConfig,
    Timeouts, needs_restart,
};
pub(crate) use schema::Schema;
pub use settings::{HttpVersion, KeyFields};
pub use tls::{Identity, TlsError};
pub use warn::warnings;
