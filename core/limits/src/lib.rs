//! What a key may take at once, and what a request holds of it until it ends.

mod held;
mod slots;
#[cfg(test)]
mod tests;

pub use held::Held;
pub use slots::Limits;
