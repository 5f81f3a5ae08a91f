//! Why something was not answered, and whether it may have been done.

use std::fmt;

use sluice_api::store::StoreError;

/// Why something was not answered.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was surely not done.
    NotDone(String),
    /// It may have been done.
    Unknown(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDone(why) | Self::Unknown(why) => f.write_str(why),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self(failure.to_string())
    }
}
