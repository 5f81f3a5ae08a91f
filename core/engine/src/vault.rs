//! The vault of accounts, in the store.

use std::time::Duration;

use async_trait::async_trait;
use sluice_api::store::StoreError;
use sluice_api::vault::{Renewal, Vault};
use sluice_api::{Error, Kind, Secret};

use crate::gateway::Gateway;

/// What documents of the vault are called in the store.
const KIND: &str = "vault";

/// Longest time that a renewal may take: all that need the secret wait for it.
const RENEWAL_MAX: Duration = Duration::from_secs(30);

#[async_trait]
impl Vault for Gateway {
    async fn get(&self, name: &str) -> Result<Option<Secret>, Error> {
        let all = self.store().list(KIND).await.map_err(out_of_reach)?;
        Ok(all.into_iter().find(|(found, _)| found == name).map(|(_, text)| Secret::new(text)))
    }

    async fn put(&self, name: &str, secret: &Secret) -> Result<(), Error> {
        self.store().put(KIND, name, secret.expose()).await.map_err(out_of_reach)
    }

    // Known limit: others who share the secret are not kept from it. They are gateways with one store, and for the
    // moment of a reload the account's own value before. Each looks into the vault before it asks for a new secret, so
    // two ask only when neither has put its one yet.
    async fn renewing(&self, _name: &str, renewal: Renewal<'_>) -> Result<(), Error> {
        bounded(RENEWAL_MAX, renewal).await
    }
}

async fn bounded(most: Duration, renewal: Renewal<'_>) -> Result<(), Error> {
    tokio::time::timeout(most, renewal).await.unwrap_or_else(|_| {
        let message = format!("the account's credentials could not be renewed in {} s", most.as_secs());
        Err(Error::new(Kind::UpstreamTimeout, message))
    })
}

/// An error of the store, where a request needs what it keeps.
pub(crate) fn out_of_reach(error: StoreError) -> Error {
    Error::new(Kind::StoreUnavailable, format!("the gateway's store is out of reach: {error}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sluice_api::Kind;

    use super::bounded;

    #[tokio::test]
    async fn a_renewal_that_hangs_ends() {
        let hangs = bounded(Duration::ZERO, Box::pin(std::future::pending()));
        let error = hangs.await.unwrap_err();
        assert_eq!((error.kind(), error.facts().elsewhere), (Kind::UpstreamTimeout, true));
        assert!(bounded(Duration::ZERO, Box::pin(async { Ok(()) })).await.is_ok());
    }
}
