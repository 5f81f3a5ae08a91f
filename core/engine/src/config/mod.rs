//! Configuration: read with figment, checked whole, and resolved into the only type that the engine accepts.

mod check;
mod describe;
mod environment;
mod fields;
mod globs;
mod load;
mod reference;
mod resolved;
pub mod settings;
mod yaml;

pub use check::check;
pub use describe::describe;
pub use fields::check_key_fields;
pub use globs::Globs;
pub use load::{Loaded, load, load_text};
pub use reference::reference;
pub use resolved::{
    AccountConfig, GroupConfig, KeyConfig, LogFormat, Resolved, RouteConfig, ServerConfig, TelemetryConfig,
    Timeouts, TlsFiles, needs_restart,
};
pub use settings::KeyFields;
