//! Settings: a plugin's part of the configuration, the types that are written there, and what may be wrong with them.

pub mod flat;
mod problem;
mod secret;
mod section;
mod units;
mod wording;

pub use problem::{Problem, nearest};
pub use secret::{PLACEHOLDERS, Secret, may_be_secret, without_credentials};
pub use section::{Origins, Section};
pub use units::{Size, Span};
pub use wording::type_of;
