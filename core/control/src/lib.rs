//! What changes what is in force, and what operators see of it: reload, keys made at run time, accounts, `explain`; and what
//! is done beside requests all the while.

mod changing;
mod control;
mod counted;
mod discover;
mod error;
pub mod explain;
mod follow;
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
mod seen;
mod shown;
mod tell;
mod upkeep;

pub use control::{Control, Loss, StartError};
pub use error::{GroupError, KeyError};
