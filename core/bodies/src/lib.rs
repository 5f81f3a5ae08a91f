//! Bodies within bounds: clients' requests, read whole and in time, and content codings of both ways made plain.
//!
//! What all of them hold is counted together, so that no number of clients takes more memory than the gateway may have.

mod decode;
mod read;
mod reserved;

pub use decode::answer;
pub use read::{Body, read};
pub use reserved::Bodies;
