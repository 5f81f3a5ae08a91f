//! Brings records to the store beside requests, and deletes there what is kept no longer.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sluice_api::store::StoreError;
use sluice_ledger::export::archive;
use sluice_line::claim::{Claim, Terms};
use tokio::time::MissedTickBehavior;

use crate::control::Control;

/// How often records are brought to the store; also how much of them a power cut may take, while the store takes them.
const BRING_EVERY: Duration = Duration::from_millis(100);

/// How many of those between two looks at what is kept no longer.
const EXPIRE_EVERY: u32 = 50;

/// Rows that are deleted in one step: so few that nobody waits for it.
const EXPIRED_AT_ONCE: usize = 500;

/// Records that are written to a file of the archive, and deleted, at once: some MB of memory, and so few that nobody waits
/// for it.
const ARCHIVED_AT_ONCE: usize = 2_000;

/// Records leave by whole hours of Unix time, in seconds: those of one go to few files.
const LEAVE_BY: i64 = 3_600;

/// Steps between two times that records are brought to the store.
const STEPS: usize = 4;

/// What is claimed by the gateway that deletes what is kept no longer: of two at once each would write the same records
/// to its archive. Whoever finds it claimed leaves it at that.
const RETENTION: &str = "retention";

/// Longer than all steps take.
const TERMS: Terms = Terms { length: Duration::from_secs(300), wait: Duration::ZERO };

/// A day that records are kept.
const DAY: Duration = Duration::from_hours(24);

/// Brings records to the store.
pub(crate) struct Keeping {
    control: Arc<Control>,
    /// Since the last look at what is kept no longer.
    turns: u32,
    /// Whether the store took nothing the last time.
    away: bool,
    /// Whether there is more to be deleted.
    behind: bool,
}

impl Keeping {
    pub(crate) fn new(control: Arc<Control>) -> Self {
        Self { control, turns: 0, away: false, behind: false }
    }

    /// Runs until the process ends.
    pub(crate) async fn run(mut self) {
        let mut tick = tokio::time::interval(BRING_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.turn().await;
        }
    }

    pub(crate) async fn turn(&mut self) {
        let gateway = self.control.gateway();
        if gateway.records().book().is_short() {
            let for_it = Arc::clone(gateway);
            gateway.tasks().spawn_blocking(move || for_it.records().book().prepare());
        }
        let brought = gateway.records().book().bring(&**gateway.store()).await;
        match (&brought, self.away) {
            (Err(error), false) => {
                tracing::error!(%error, "the store takes no records: they wait in memory and in its journal until it does");
            }
            (Ok(()), true) => tracing::info!("the store takes records again: none was lost"),
            _ => {}
        }
        self.away = brought.is_err();
        self.turns += 1;
        if (self.turns >= EXPIRE_EVERY || self.behind) && !self.away {
            self.turns = 0;
            self.behind = self.expire(gateway.now()).await;
        }
    }

    /// Deletes what is older than it may be, some steps of it, and writes it to the archive before; whether there is more.
    async fn expire(&self, now: Timestamp) -> bool {
        let stats = self.control.gateway().snapshot().stats.clone();
        let Some(before) = leaves_before(now, stats.retention_days) else { return false };
        let gateway = self.control.gateway();
        let claim = Claim::take(gateway.store(), gateway.tasks(), RETENTION, TERMS).await;
        // A store that is away says so of records, too.
        let Ok(Some(_claim)) = claim else { return false };
        for _ in 0..STEPS {
            match self.step(before, stats.archive.as_deref()).await {
                Ok(true) => {}
                Ok(false) => return false,
                Err(error) => {
                    tracing::warn!(%error, "records that are kept no longer could not be moved or deleted: they stay until they can");
                    return false;
                }
            }
        }
        true
    }

    /// One step of it; whether there may be more.
    async fn step(&self, before: Timestamp, archive: Option<&Path>) -> Result<bool, StoreError> {
        let gateway = self.control.gateway();
        let records = gateway.store().records();
        let Some(folder) = archive else {
            return Ok(records.expire(before, EXPIRED_AT_ONCE).await? > 0);
        };
        let oldest = records.oldest(before, ARCHIVED_AT_ONCE).await?;
        // Exactly those that are written are deleted then: older ones may come late.
        let ids: Vec<u64> = oldest.iter().map(|record| record.id).collect();
        if ids.is_empty() {
            // Sums of quarter-hours go when no record is left.
            return Ok(records.expire(before, EXPIRED_AT_ONCE).await? > 0);
        }
        let (folder, tasks) = (folder.to_owned(), gateway.tasks().clone());
        let written = tasks.spawn_blocking(move || {
            let at = |error| StoreError(format!("stats.archive, {}: {error}", folder.display()));
            archive::write(&folder, &oldest).map_err(at)
        });
        written.await.map_err(|error| StoreError(error.to_string()))??;
        records.delete(ids).await?;
        Ok(true)
    }
}

/// Before which time a record must have begun that is kept no longer.
fn leaves_before(now: Timestamp, retention_days: u32) -> Option<Timestamp> {
    let before = now.checked_sub(DAY.saturating_mul(retention_days)).ok()?;
    let hour = before.as_second().div_euclid(LEAVE_BY).saturating_mul(LEAVE_BY);
    Timestamp::from_second(hour).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::Request;
    use http_body_util::{BodyExt as _, Full};
    use jiff::{SignedDuration, Timestamp};
    use sluice_api::dialect::{Api, Operation};
    use sluice_config::{check, read};
    use sluice_line::ask::ClientRoute;
    use sluice_line::claim::Claim;
    use sluice_line::line;

    use super::{Keeping, RETENTION, TERMS, leaves_before};
    use crate::Control;

    #[tokio::test]
    async fn of_gateways_with_one_store_one_at_a_time_deletes_what_is_kept_no_longer() {
        let text = "store.kind = \"test-store\"\ncost.kind = \"test-cost\"\nscheduler.kind = \"test-scheduler\"\n\
                    limits.kinds = []\n[[keys]]\nname = \"k\"\nkey = \"k\"\n";
        let loaded = read::load_text(text).unwrap();
        let mut resolved = check::check(&loaded).unwrap();
        let [store, others] = sluice_fixtures::shared();
        resolved.store = store;
        let sources = read::Sources::Text(text.to_owned());
        let control = Control::start(&loaded, resolved, sources).await.unwrap();
        let gateway = Arc::clone(control.gateway());
        let request = Request::post("http://g/v1/messages").header("x-api-key", "k");
        let request = request.body(Full::new(Bytes::from_static(b"{}"))).unwrap();
        let route = ClientRoute::body(Api::Anthropic, Operation::Generate);
        line::serve(&gateway, request, route).await.into_body().collect().await.unwrap();
        control.finish().await;
        let kept = async || others.records().oldest(Timestamp::MAX, 9).await.unwrap().len();
        assert_eq!(kept().await, 1);

        let claim = Claim::take(&others, gateway.tasks(), RETENTION, TERMS).await.unwrap().unwrap();
        let keeping = Keeping::new(control);
        let later = gateway.now().saturating_add(SignedDuration::from_hours(24 * 365)).unwrap();
        assert!(!keeping.expire(later).await);
        assert_eq!(kept().await, 1);
        drop(claim);
        gateway.tasks().end().await;
        keeping.expire(later).await;
        assert_eq!(kept().await, 0);
    }

    #[test]
    fn records_are_kept_for_so_many_days_and_leave_by_whole_hours() {
        for (now, days, before) in [
            ("2026-11-28T17:59:59.9Z", 30, "2026-10-29T17:00:00Z"),
            ("2026-11-28T18:00:00Z", 30, "2026-10-29T18:00:00Z"),
            ("1970-01-02T00:30:00Z", 2, "1969-12-31T00:00:00Z"),
        ] {
            assert_eq!(leaves_before(now.parse().unwrap(), days), Some(before.parse().unwrap()), "{now}");
        }
    }
}
