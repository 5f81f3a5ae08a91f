//! What changes what is in force, and what operators see of it: reload, keys made at run time, accounts, `explain`; and what
//! is done beside requests all the while.

mod control;
mod counted;
mod discover;
mod error;
pub mod explain;
pub mod groups;
mod keeping;
pub mod keys;
mod made;
mod merge;
pub mod operate;
pub mod overrides;
#[cfg(test)]
mod panics;
mod recover;
pub mod rehearse;
mod shown;
mod upkeep;

pub use control::{Control, Loss, StartError};
pub use error::{GroupError, KeyError};
