//! What limits count, in memory: windows, slots and the lines of those who wait for them. One gateway's own; a store that
//! outlives it keeps the same elsewhere.

mod bell;
mod buckets;
mod calendar;
mod clock;
mod count;
mod line;
mod mirror;
mod party;
mod rolling;
mod room;
mod shards;

pub use buckets::Buckets;

#[cfg(test)]
mod tests;
