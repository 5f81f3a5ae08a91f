//! Usage as it is asked for: which time, in which buckets, by which fields; and the rows that are answered. And what it would
//! have cost by other prices.

mod asked;
mod buckets;
mod moment;
mod reprice;
mod rows;

pub use asked::{UsageQuery, WrongQuery, refuse_unknown};
pub use buckets::Bucket;
pub use moment::moment;
pub use reprice::{RepriceAsked, Repriced};
pub use rows::UsageRow;

#[cfg(test)]
mod tests;
