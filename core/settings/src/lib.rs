//! The settings as operators write them: types whose comments are the reference, and what can be told of them.
//!
//! Plugins have settings of their own; those of all that are linked in are found here too.

pub mod account;
mod defaults;
pub mod globs;
pub mod key;
pub mod limit;
pub mod plugins;
mod reference;
pub mod schema;
pub mod server;
pub mod tables;

pub use reference::reference;
