//! Configuration: read with figment, checked whole, and resolved into the only type that the engine accepts.

pub mod settings;
mod load;
mod yaml;
mod environment;
mod check;
mod fields;
mod globs;
mod resolved;
mod describe;
mod reference;

pub use check::check;
pub use describe::describe;
pub use fields::check_key_fields;
pub use globs::Globs;
pub use load::{Loaded, load, load_text};
pub use reference::reference;
pub use resolved::{
    AccountConfig, GroupConfig, KeyConfig, LogFormat, Resolved, RouteConfig, ServerConfig, TelemetryConfig, Timeouts,
    TlsFiles, needs_restart,
};
pub use settings::KeyFields;
