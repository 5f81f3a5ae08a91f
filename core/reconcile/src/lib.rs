//! The ledger held against what a vendor's own usage and cost reports say: by day, model and class, exactly, and with what
//! is likely behind each difference. Pure: files come as text, records one by one.

mod cause;
mod class;
mod compare;
mod decimal;
mod ledger;
mod models;
mod read;
mod report;
mod told;

pub use compare::compare;
pub use ledger::{Kept, Ledger};
pub use read::{File, Unreadable, read};
pub use report::{Line, Report};
pub use told::{Told, Vendor};
