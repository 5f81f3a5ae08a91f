//! What one gateway at a time may do, of all that have the store open.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_api::store::{Owner, Store, StoreError};
use sluice_upstream::tasks::Tasks;

/// The shortest wait for what another gateway has claimed; it doubles, and each gateway's is another one.
const LEAST_WAIT: Duration = Duration::from_millis(5);

/// Doublings after which that wait grows no more.
const DOUBLINGS: u32 = 5;

/// How something is claimed.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// For how long at most: whoever claims it has done by then what it is claimed for, or is dead.
    pub length: Duration,
    /// How long it is waited for while another gateway has it.
    pub wait: Duration,
}

/// A claim, which nobody else has meanwhile: no other gateway, and nobody in this one. It ends when this is dropped, and
/// where the store is out of reach then by itself.
pub struct Claim(Option<Held>);

/// What is claimed in a store that gateways share.
struct Held {
    store: Arc<dyn Store>,
    tasks: Tasks,
    name: String,
    by: Owner,
}

impl Claim {
    /// Claims what has this name; `None` where others had it all the while. Where nobody else has the store open, it is
    /// had at once.
    ///
    /// # Errors
    ///
    /// When the store is out of reach.
    pub async fn take(
        store: &Arc<dyn Store>,
        tasks: &Tasks,
        name: &str,
        terms: Terms,
    ) -> Result<Option<Self>, StoreError> {
        if !store.is_shared() {
            return Ok(Some(Self(None)));
        }
        let (_, random) = uuid::Uuid::now_v7().as_u64_pair();
        // There before it is asked for: an answer that is lost, or that nobody waits for any more, may have granted it.
        let held =
            Held { store: Arc::clone(store), tasks: tasks.clone(), name: name.to_owned(), by: Owner(random) };
        let until = Instant::now() + terms.wait;
        for turn in 0.. {
            if store.claim(name, held.by, terms.length).await? {
                return Ok(Some(Self(Some(held))));
            }
            if Instant::now() >= until {
                break;
            }
            tokio::time::sleep(wait(turn, random)).await;
        }
        Ok(None)
    }
}

impl Claim {
    /// Writes a document of the store, or deletes it where there is none, as long as this lasts; whether there was one that
    /// was deleted.
    ///
    /// # Errors
    ///
    /// When the store is out of reach, or this has ended meanwhile, and others may have changed the same since: nothing
    /// is done then.
    pub async fn write(
        &self,
        store: &dyn Store,
        (kind, id): (&str, &str),
        document: Option<&str>,
    ) -> Result<bool, StoreError> {
        let done = match (&self.0, document) {
            (Some(held), _) => {
                store.write_claimed((&held.name, held.by), (kind, id), document).await?.ok_or_else(|| {
                    StoreError(
                        "the change took so long that others may have changed the same: try again".to_owned(),
                    )
                })?
            }
            (None, Some(document)) => store.put(kind, id, document).await.map(|()| true)?,
            (None, None) => store.delete(kind, id).await?,
        };
        Ok(done)
    }

    /// Writes one that can be made again: where nobody else has the store open, it is durable after the next flush.
    ///
    /// # Errors
    ///
    /// As [`Claim::write`].
    pub async fn write_soon(
        &self,
        store: &dyn Store,
        (kind, id): (&str, &str),
        document: &str,
    ) -> Result<(), StoreError> {
        match &self.0 {
            Some(_) => self.write(store, (kind, id), Some(document)).await.map(drop),
            None => store.put_soon(kind, id, document).await,
        }
    }
}

/// How long is waited after so many turns, between one and two lengths of it as chance has it.
fn wait(turn: u32, random: u64) -> Duration {
    let length = LEAST_WAIT.saturating_mul(1 << turn.min(DOUBLINGS));
    let part = random.rotate_right(turn.wrapping_mul(7)) % 256;
    length + length.saturating_mul(u32::try_from(part).unwrap_or(0)) / 256
}

impl Drop for Held {
    fn drop(&mut self) {
        // Where the runtime itself ends, it ends by its time.
        if tokio::runtime::Handle::try_current().is_ok() {
            let (store, name, by) = (Arc::clone(&self.store), std::mem::take(&mut self.name), self.by);
            drop(self.tasks.spawn(async move { store.release(&name, by).await }));
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.as_ref().map(|held| &held.name);
        f.debug_tuple("Claim").field(&name).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use sluice_fixtures::AWAY;
    use sluice_upstream::tasks::Tasks;

    use super::{Claim, DOUBLINGS, LEAST_WAIT, Terms, wait};

    const NOW: Terms = Terms { length: Duration::from_secs(1), wait: Duration::ZERO };

    #[tokio::test]
    async fn what_one_has_claimed_nobody_else_has_until_it_ends() {
        let [one, other] = sluice_fixtures::shared();
        let tasks = Tasks::default();
        let claim = Claim::take(&one, &tasks, "it", NOW).await.unwrap().unwrap();
        for store in [&one, &other] {
            assert!(Claim::take(store, &tasks, "it", NOW).await.unwrap().is_none());
        }
        assert!(Claim::take(&other, &tasks, "else", NOW).await.unwrap().is_some());
        let mut waits =
            Box::pin(Claim::take(&other, &tasks, "it", Terms { wait: Duration::from_secs(600), ..NOW }));
        assert!(waits.as_mut().now_or_never().is_none());
        drop(claim);
        assert!(waits.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_store_that_is_away_grants_nothing_and_one_of_one_gateway_everything() {
        let [one, _] = sluice_fixtures::shared();
        let tasks = Tasks::default();
        one.put(AWAY, "", "").await.unwrap();
        assert!(Claim::take(&one, &tasks, "it", NOW).await.is_err());
        one.delete(AWAY, "").await.unwrap();
        tasks.end().await;
        assert!(Claim::take(&one, &tasks, "it", NOW).await.unwrap().is_some());

        let own = sluice_fixtures::store();
        let all = [(); 2].map(|()| Claim::take(&own, &tasks, "it", NOW).now_or_never());
        assert!(all.into_iter().all(|claim| claim.unwrap().unwrap().is_some()));
    }

    #[test]
    fn a_claim_may_outlive_its_runtime() {
        let [one, _] = sluice_fixtures::shared();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let claim = runtime.block_on(Claim::take(&one, &Tasks::default(), "it", NOW)).unwrap();
        drop(runtime);
        assert!(claim.is_some());
        drop(claim);
    }

    #[test]
    fn waits_grow_and_differ_from_gateway_to_gateway() {
        for turn in 0..40 {
            let least = LEAST_WAIT * (1 << turn.min(DOUBLINGS));
            for random in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
                let waits = wait(turn, random);
                assert!(least <= waits && waits < 2 * least, "{turn} {random:x}: {waits:?}");
            }
        }
        assert_ne!(wait(0, 0x10), wait(0, 0x20));
    }
}
