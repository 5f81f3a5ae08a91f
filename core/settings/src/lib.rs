//! The settings as operators write them: types whose comments are the reference, and what can be told of them.
//!
//! Plugins have settings of their own; those of all that are linked in are found here too.

mod account;
mod defaults;
mod globs;
mod key;
mod limit;
pub mod plugins;
mod reference;
mod schema;
mod server;
mod tables;

pub use account::{Account, Route};
pub use globs::{Globs, WrongGlob};
pub use key::{Families, Group, KeyFields, KeySecret, Mode, Queue};
pub use limit::{Decimal, Limit, Per};
pub use reference::reference;
pub use schema::{Place, Schema};
pub use server::{Admin, Format, HttpVersion, Server, Telemetry, Tls, Upstream};
pub use tables::{Cooldown, Cost, Limits, Scheduler, Stats, Store, UnknownModel};
