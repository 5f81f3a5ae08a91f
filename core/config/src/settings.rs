//! The settings as operators write them. Their comments are the reference.

mod account;
mod key;
mod limit;
mod plugins;
mod server;

use sluice_api::units::Span;

pub use account::{Account, Route};
pub use key::{Families, Group, KeyFields, KeySecret, Mode, Queue};
pub use limit::{Decimal, Limit, Per};
pub use plugins::{Cooldown, Cost, Limits, Scheduler, Stats, Store, UnknownModel};
pub use server::{Admin, Format, HttpVersion, Server, Telemetry, Tls, Upstream};

/// A default that is written as operators would write it.
fn span(text: &str) -> Span {
    Span::parse(text).unwrap_or(Span(std::time::Duration::ZERO))
}
