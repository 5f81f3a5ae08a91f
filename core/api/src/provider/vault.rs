//! Where an account keeps secrets that change while it runs: tokens that were refreshed.

use std::fmt;
use std::pin::Pin;

use async_trait::async_trait;

use crate::error::Error;
use crate::settings::Secret;

/// What replaces a secret by another one: asks for it, and puts it.
pub type Replacement<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// Secrets by name, kept over restarts. The engine has the only implementation; tests may have their own.
#[async_trait]
pub trait Vault: fmt::Debug + Send + Sync {
    /// The secret of this name, if one was put.
    ///
    /// # Errors
    ///
    /// When the store is out of reach.
    async fn get(&self, name: &str) -> Result<Option<Secret>, Error>;

    /// Keeps a secret under a name, in place of one that was there; durable when it returns.
    ///
    /// # Errors
    ///
    /// When it could not be written.
    async fn put(&self, name: &str, secret: &Secret) -> Result<(), Error>;

    /// Runs what replaces the secret of this name, within a bound on its time. An account sees to it that it has one
    /// renewal under way at a time; the vault, that others who share the secret have none meanwhile.
    ///
    /// The default only runs it: it suits a vault that nobody shares, where time is bounded elsewhere.
    ///
    /// # Errors
    ///
    /// Those of the renewal, or that it took too long.
    async fn renewing(&self, _name: &str, renewal: Replacement<'_>) -> Result<(), Error> {
        renewal.await
    }
}
