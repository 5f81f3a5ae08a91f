//! The vault of accounts, in the store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::error::{Error, Kind};
use sluice_api::provider::{Replacement, Vault};
use sluice_api::settings::Secret;
use sluice_api::store::Store;

/// What documents of the vault are called in the store.
const KIND: &str = "vault";

/// Longest time that a renewal may take: all that need the secret wait for it.
const RENEWAL_MAX: Duration = Duration::from_secs(30);

/// Secrets that change, kept in the store.
#[derive(Debug)]
pub(crate) struct StoreVault(pub(crate) Arc<dyn Store>);

#[async_trait]
impl Vault for StoreVault {
    async fn get(&self, name: &str) -> Result<Option<Secret>, Error> {
        let all = self.0.list(KIND).await.map_err(Error::from)?;
        Ok(all.into_iter().find(|(found, _)| found == name).map(|(_, text)| Secret::new(text)))
    }

    async fn put(&self, name: &str, secret: &Secret) -> Result<(), Error> {
        self.0.put(KIND, name, secret.expose()).await.map_err(Error::from)
    }

    // Known limit: others who share the secret are not kept from it. They are gateways with one store, and for the
    // moment of a reload the account's own value before. Each looks into the vault before it asks for a new secret, so
    // two ask only when neither has put its one yet.
    async fn renewing(&self, _name: &str, renewal: Replacement<'_>) -> Result<(), Error> {
        bounded(RENEWAL_MAX, renewal).await
    }
}

async fn bounded(most: Duration, renewal: Replacement<'_>) -> Result<(), Error> {
    tokio::time::timeout(most, renewal).await.unwrap_or_else(|_| {
        let message = format!("the account's credentials could not be renewed in {} s", most.as_secs());
        Err(Error::new(Kind::UpstreamTimeout, message))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sluice_api::error::Kind;

    use super::bounded;

    #[tokio::test]
    async fn a_renewal_that_hangs_ends() {
        let hangs = bounded(Duration::ZERO, Box::pin(std::future::pending()));
        let error = hangs.await.unwrap_err();
        assert_eq!((error.kind(), error.facts().elsewhere), (Kind::UpstreamTimeout, true));
        assert!(bounded(Duration::ZERO, Box::pin(async { Ok(()) })).await.is_ok());
    }
}
