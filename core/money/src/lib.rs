//! Exact amounts of US dollars: whole numbers, never floats.

mod exact;
mod rounded;

pub use exact::{Exact, Factor, divided};
pub use rounded::{Money, NotMoney};
