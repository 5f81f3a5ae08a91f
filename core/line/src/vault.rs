//! The vault of accounts, in the store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::error::{Error, Kind};
use sluice_api::provider::{Replacement, Vault};
use sluice_api::settings::Secret;
use sluice_api::store::Store;
use sluice_upstream::tasks::Tasks;

use crate::claim::{Claim, Terms};

/// What documents of the vault are called in the store.
const KIND: &str = "vault";

/// Longest time that a renewal may take: all that need the secret wait for it.
const RENEWAL_MAX: Duration = Duration::from_secs(30);

/// How a renewal is claimed: for longer than it may take by what an answer of the store may, and waited for as long as
/// another one's may take.
const TERMS: Terms = Terms { length: RENEWAL_MAX.saturating_add(Duration::from_secs(5)), wait: RENEWAL_MAX };

/// Secrets that change, kept in the store.
#[derive(Debug)]
pub(crate) struct StoreVault {
    store: Arc<dyn Store>,
    tasks: Tasks,
}

impl StoreVault {
    pub(crate) fn new(store: Arc<dyn Store>, tasks: Tasks) -> Self {
        Self { store, tasks }
    }
}

#[async_trait]
impl Vault for StoreVault {
    async fn get(&self, name: &str) -> Result<Option<Secret>, Error> {
        let all = self.store.list(KIND).await.map_err(Error::from)?;
        Ok(all.into_iter().find(|(found, _)| found == name).map(|(_, text)| Secret::new(text)))
    }

    async fn put(&self, name: &str, secret: &Secret) -> Result<(), Error> {
        self.store.put(KIND, name, secret.expose()).await.map_err(Error::from)
    }

    // Whoever has waited for another gateway looks into the vault before it asks for a new secret, and finds that one's.
    //
    // Known limit: where the store is one gateway's alone, nothing is claimed, and for the moment of a reload the
    // account's own value before may renew too. Two ask then only when neither has put its secret yet.
    async fn renewing(&self, name: &str, renewal: Replacement<'_>) -> Result<(), Error> {
        let claim = Claim::take(&self.store, &self.tasks, &format!("{KIND}/{name}"), TERMS).await;
        let Some(_claim) = claim.map_err(|error| Error::from(error).elsewhere(true))? else {
            return Err(late("another gateway has been renewing the account's credentials for"));
        };
        bounded(RENEWAL_MAX, renewal).await
    }
}

async fn bounded(most: Duration, renewal: Replacement<'_>) -> Result<(), Error> {
    let late = |_| Err(late("the account's credentials could not be renewed in"));
    tokio::time::timeout(most, renewal).await.unwrap_or_else(late)
}

fn late(what: &str) -> Error {
    Error::new(Kind::UpstreamTimeout, format!("{what} {} s", RENEWAL_MAX.as_secs()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sluice_api::error::Kind;

    use sluice_api::error::Error;
    use sluice_api::provider::Vault as _;
    use sluice_api::settings::Secret;
    use sluice_upstream::tasks::Tasks;
    use tokio::sync::Semaphore;

    use super::{StoreVault, bounded};

    #[tokio::test]
    async fn of_all_gateways_one_renews_at_a_time_and_the_next_one_finds_what_it_has_put() {
        let [one, other] = sluice_fixtures::shared().map(|store| StoreVault::new(store, Tasks::default()));
        let (asked, told) = (Semaphore::new(0), Semaphore::new(0));
        // Each looks first, and asks where nobody has put any.
        let renewal = async |vault: &StoreVault, secret: &str| {
            let found = vault.get("n").await?;
            if found.is_none() {
                asked.add_permits(1);
                told.acquire().await.unwrap().forget();
                vault.put("n", &Secret::new(secret.to_owned())).await?;
            }
            Ok::<_, Error>(())
        };
        let renewing = async |vault: &StoreVault, secret: &str| {
            vault.renewing("n", Box::pin(renewal(vault, secret))).await
        };
        let (first, second, ()) = tokio::join!(renewing(&one, "1"), renewing(&other, "2"), async {
            asked.acquire().await.unwrap().forget();
            told.add_permits(1);
        });
        assert!(first.is_ok() && second.is_ok());
        assert_eq!((asked.available_permits(), told.available_permits()), (0, 0), "one alone has asked");
        assert_eq!(other.get("n").await.unwrap().unwrap().expose(), "1");
    }

    #[tokio::test]
    async fn a_renewal_that_hangs_ends() {
        let hangs = bounded(Duration::ZERO, Box::pin(std::future::pending()));
        let error = hangs.await.unwrap_err();
        assert_eq!((error.kind(), error.facts().elsewhere), (Kind::UpstreamTimeout, true));
        assert!(bounded(Duration::ZERO, Box::pin(async { Ok(()) })).await.is_ok());
    }
}
