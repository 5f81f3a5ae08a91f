//! Records in few bytes, for a store that keeps them in memory: what they have in common is kept once, as words. And what
//! spans of time are made of, and sums of them.

mod adding;
pub mod cover;
pub mod days;
pub mod past;
pub mod request_id;
mod small;
pub mod step;
pub mod sums;
mod word;
mod written;

pub use adding::Adding;
pub use word::Name;
pub use written::Read;
