//! Which account a request goes to, and what is known of each. Time is passed in, and nothing here speaks HTTP.

pub mod account;
pub mod choosing;
mod fleet;
pub mod health;
pub mod models;
pub mod reference;
mod roster;
mod running;
pub mod session;
#[cfg(test)]
mod simulation;

pub use fleet::Fleet;
pub use roster::Roster;
