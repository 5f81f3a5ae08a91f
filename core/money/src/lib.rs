//! Exact amounts of US dollars: whole numbers, never floats. And the terms on which something was priced.

mod bill;
mod exact;
mod interned;
mod rounded;
mod terms;

pub use bill::{Bill, Cost};
pub use exact::{Exact, Factor, divided};
pub use interned::Interned;
pub use rounded::{Money, NotMoney};
pub use terms::{Rate, Source, Terms};
