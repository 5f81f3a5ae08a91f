//! Usage as it is asked for: which time, in which buckets, by which fields; and the rows that are answered.

mod asked;
mod buckets;
mod rows;

pub use asked::{UsageQuery, WrongQuery};
pub use buckets::Bucket;
pub use rows::UsageRow;

#[cfg(test)]
mod tests;
