//! A store's failure, and what a client is told of it.

use crate::error::{Error, Kind};

/// A store that could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(pub String);

impl From<StoreError> for Error {
    /// As clients are told it whose request needs what the store keeps.
    fn from(error: StoreError) -> Self {
        Self::new(Kind::StoreUnavailable, format!("the gateway's store is out of reach: {error}"))
    }
}
