//! What a request takes of its limits, what it holds of them until it ends, and what comes of it.

mod clock;
mod gate;
mod held;
mod inner;
pub mod levels;
mod limits;
mod means;
mod now;
pub mod seeds;
#[cfg(test)]
mod tests;
mod waiting;

pub use gate::Entered;
pub use held::Held;
pub use limits::{Admitted, Asking, Limits, Stood, refusal};
pub use now::Now;
pub use waiting::Waiting;
