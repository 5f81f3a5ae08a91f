//! What limits count: windows, what a request takes of them, and what comes of it in the end.

pub mod demand;
pub mod figure;
pub mod lease;
pub mod limit;
pub mod take;
pub mod windows;
