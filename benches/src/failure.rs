//! What may go wrong in a run.

/// What went wrong, as a sentence.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
