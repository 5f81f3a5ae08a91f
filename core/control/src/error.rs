//! Why what is in force could not be changed at run time.

use sluice_api::settings::Problem;
use sluice_api::store::StoreError;
use sluice_upstream::TransportError;

/// Why a key could not be made, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such key.
    #[error("there is no key `{0}`")]
    NotFound(String),
    /// It is in a configuration file.
    #[error("the key `{0}` is in the configuration: change it there")]
    ManagedByConfig(String),
    /// Another key has this name.
    #[error("there is a key named `{0}` already")]
    NameTaken(String),
    /// Its fields are wrong.
    #[error("{}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Invalid(Vec<Problem>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is deleted, but not in the store.
    #[error("the key has stopped, but {0}, so that a restart would bring it back: delete it again")]
    NotForgotten(StoreError),
    /// Sluice itself failed.
    #[error("{0}")]
    Internal(String),
}

/// Why a group could not be made, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// There is no such group.
    #[error("there is no group `{0}`")]
    NotFound(String),
    /// It is in a configuration file.
    #[error("the group `{0}` is in the configuration: change it there")]
    ManagedByConfig(String),
    /// Another group has this name.
    #[error("there is a group named `{0}` already")]
    NameTaken(String),
    /// It has keys, of which this is one.
    #[error("the group `{name}` has keys, `{key}` among them: move or delete them first")]
    HasKeys {
        /// The group.
        name: String,
        /// The key.
        key: String,
    },
    /// Its fields are wrong.
    #[error("{}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Invalid(Vec<Problem>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sluice itself failed.
    #[error("{0}")]
    Internal(String),
}

impl From<TransportError> for KeyError {
    fn from(error: TransportError) -> Self {
        Self::Internal(error.to_string())
    }
}
