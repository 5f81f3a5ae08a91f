//! Which account a request goes to, and what is known of each. Time is passed in, and nothing here speaks HTTP.

pub mod account;
pub mod candidates;
pub mod choosing;
pub mod eligible;
mod fleet;
pub mod health;
mod in_flight;
pub mod listed;
pub mod models;
pub mod order;
pub mod reference;
mod roster;
pub mod session;
#[cfg(test)]
mod simulation;
mod wanted;

pub use fleet::Fleet;
pub use in_flight::InFlight;
pub use roster::Roster;
pub use wanted::Wanted;
