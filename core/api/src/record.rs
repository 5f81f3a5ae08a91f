//! What is kept of each request, where, and how it is asked for.

mod columns;
mod outcome;
mod packed;
mod query;
mod show;
mod store;
pub mod traced;
mod tries;

pub use columns::{Holder, Record, RecordView};
pub use outcome::Outcome;
pub use query::{Dimension, Filter, Page, RecordQuery, Span, SumQuery, SumRow, Sums};
pub use sluice_money::{Bill, Cost, Interned, Rate, Source, Terms};
pub use store::{RecordStore, Unwritable};
pub use tries::{Billed, Other, Try};

#[cfg(test)]
mod tests;
