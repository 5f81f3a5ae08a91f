//! What usage costs, as cost models tell it, and what they tell people of their prices.

pub mod asked;
mod known;
pub mod listed;
mod priced;
pub mod review;

pub use known::of_prices;
pub use priced::{Line, PriceEntry, PriceSource, Priced};
