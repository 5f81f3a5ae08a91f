//! Credentials that end and are renewed.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::Error;
use crate::provider::CallCx;

/// Renews an account's credentials: once for all who need it, and ahead of their end where that can be had.
#[async_trait]
pub trait Renewal: Send + Sync {
    /// Renews what a request was refused with, by 401, unless that was done since; `true` says that there is something
    /// new now. `cx` is the one with which the request was prepared.
    ///
    /// # Errors
    ///
    /// When that can't be done: the account's fault where who renews it refuses or answers nonsense, the provider's where
    /// that is out of reach, the gateway's where the store is.
    async fn renew(&self, cx: &CallCx<'_>) -> Result<bool, Error>;

    /// Whether it ends so soon that it is to be renewed beside the requests that still use it. Says so once for each
    /// renewal: who is told calls [`Renewal::renew_ahead`].
    fn begins_renewal(&self, now: Timestamp) -> bool;

    /// Renews it ahead of its end. Where that fails it is used on, and renewed a little later.
    ///
    /// # Errors
    ///
    /// Why it failed.
    async fn renew_ahead(&self, cx: &CallCx<'_>) -> Result<(), Error>;
}
