//! What is changed in a body that goes on in its client's own dialect, and all else of it stays as it is written.

pub use crate::lower::lower;
pub use crate::unsealed::unsealed;
