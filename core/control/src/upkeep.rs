//! What is done beside requests all the while: records are moved on, bindings kept, and what is over is forgotten.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use crate::control::Control;
use crate::follow::Following;
use crate::keeping::Keeping;

/// How often records are moved on; also the longest that one is behind.
const COLLECT_EVERY: Duration = Duration::from_millis(100);

/// How many of those between two looks at idle connections.
const SWEEP_EVERY: u32 = 50;

/// How much of what is over is deleted from the store at a time, where less is kept.
const FORGET_LEAST: usize = 1_000;

impl Control {
    /// Moves records on and brings them to the store, looks after idle connections, has lists of models asked for, and
    /// follows what other gateways change; runs until the process ends.
    pub async fn tend(self: Arc<Self>) {
        let keeping = Keeping::new(Arc::clone(&self));
        let following = Following::new(Arc::clone(&self), Instant::now());
        tokio::join!(self.look_after(), keeping.run(), following.run());
    }

    /// All but what waits for the store to take records.
    async fn look_after(self: Arc<Self>) {
        let mut tick = tokio::time::interval(COLLECT_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut upkeep = Upkeep { control: self, ticks: 0, behind: false };
        loop {
            tokio::select! {
                _ = tick.tick() => {
                    upkeep.ticks += 1;
                    upkeep.control.discover(upkeep.control.gateway().now());
                }
                () = upkeep.control.gateway().records().batch() => {}
            }
            upkeep.turn().await;
        }
    }

    /// Keeps what is still in memory alone, before the process ends.
    pub async fn finish(&self) {
        let gateway = self.gateway();
        gateway.records().collect();
        if let Err(error) = gateway.records().book().bring(&**gateway.store()).await {
            tracing::warn!(%error, "the store has not taken the last records: they are in its journal, and come with the next start");
        }
        gateway.references().keep(&**gateway.store()).await;
        gateway.fleet().sessions().keep(&**gateway.store()).await;
        self.tell().await;
        self.flush().await;
        gateway.store().close().await;
    }

    async fn flush(&self) {
        if let Err(error) = self.gateway().store().flush().await {
            tracing::warn!(%error, "what was written last would not outlive a power cut: trying again");
        }
    }
}

struct Upkeep {
    control: Arc<Control>,
    /// Since the last sweep.
    ticks: u32,
    /// Whether there was more to forget than was forgotten.
    behind: bool,
}

impl Upkeep {
    async fn turn(&mut self) {
        // Before any wait for the store: records that pile up meanwhile are work for requests, and lines for a log that
        // has no room.
        self.collect().await;
        let gateway = self.control.gateway();
        let store = &**gateway.store();
        let kept = gateway.references().keep(store).await + gateway.fleet().sessions().keep(store).await;
        let sweeps = self.ticks >= SWEEP_EVERY;
        self.control.tell().await;
        if self.behind || kept > 0 || sweeps {
            self.behind = self.forget(kept).await;
        }
        self.control.flush().await;
        if sweeps {
            self.ticks = 0;
            self.control.sweep();
        }
    }

    async fn collect(&self) {
        let gateway = Arc::clone(self.control.gateway());
        if !gateway.records().is_empty() {
            // Formatting a batch of log lines takes longer than any request may wait for a worker.
            let tasks = gateway.tasks().clone();
            let _ = tasks.spawn_blocking(move || gateway.records().collect()).await;
        }
    }

    /// Deletes what is over from the store, twice as much as was kept at least; whether there is more.
    async fn forget(&self, kept: usize) -> bool {
        let gateway = self.control.gateway();
        let most = FORGET_LEAST + 2 * kept;
        match gateway.store().forget(gateway.now(), most).await {
            Ok(forgotten) => forgotten >= most,
            Err(error) => {
                tracing::warn!(%error, "what is over could not be deleted from the store");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use http::Request;
    use http_body_util::{BodyExt as _, Full};
    use jiff::Timestamp;
    use sluice_api::dialect::{Api, Operation};
    use sluice_api::store::Remembered;
    use sluice_config::read::Sources;
    use sluice_config::{check, read};
    use sluice_fixtures::HANGS;
    use sluice_fleet::reference::Maker;
    use sluice_line::ask::ClientRoute;
    use sluice_line::gateway::Gateway;
    use sluice_line::line;

    use super::{FORGET_LEAST, SWEEP_EVERY, Upkeep};
    use crate::Control;

    async fn upkeep() -> Upkeep {
        let text = "store.kind = \"test-store\"\ncost.kind = \"test-cost\"\nscheduler.kind = \"test-scheduler\"\n\
                    limits.kinds = []\n[[keys]]\nname = \"k\"\nkey = \"k\"\n";
        let loaded = read::load_text(text).unwrap();
        let resolved = check::check(&loaded).unwrap();
        let control = Control::start(&loaded, resolved, Sources::Text(text.to_owned())).await.unwrap();
        Upkeep { control, ticks: 0, behind: false }
    }

    /// How many values are in the store, of those that were numbered.
    async fn kept(gateway: &Gateway, numbered: usize) -> usize {
        let mut found = 0;
        for number in 0..numbered {
            let value = gateway.store().recall("reference", &number.to_string()).await.unwrap();
            found += usize::from(value.is_some());
        }
        found
    }

    #[tokio::test]
    async fn what_is_forgotten_keeps_up_with_what_is_kept_at_any_rate() {
        let mut upkeep = upkeep().await;
        let gateway = Arc::clone(upkeep.control.gateway());
        let (key, account): (Arc<str>, Arc<str>) = ("k".into(), "a".into());
        for turn in 0..3 {
            // All of them are over when they are kept, so that none may be left.
            for number in 0..10_000 {
                let name = number.to_string();
                let by = Maker { key: Arc::clone(&key), account: Arc::clone(&account) };
                gateway.references().bind(
                    [name.as_str()].into_iter(),
                    by,
                    Timestamp::UNIX_EPOCH,
                    Duration::ZERO,
                );
            }
            upkeep.turn().await;
            assert_eq!(kept(&gateway, 10_000).await, 0, "after turn {turn}");
        }
    }

    #[tokio::test]
    async fn what_piled_up_is_forgotten_turn_by_turn_and_then_looked_for_now_and_then() {
        let mut upkeep = upkeep().await;
        let gateway = Arc::clone(upkeep.control.gateway());
        let over = |number: usize| Remembered::new(number.to_string(), String::new(), Timestamp::UNIX_EPOCH);
        let many = 5 * FORGET_LEAST + 1;
        gateway.store().remember("reference", (0..many).map(over).collect()).await.unwrap();
        for turn in 0..SWEEP_EVERY {
            upkeep.ticks += 1;
            upkeep.turn().await;
            // Nothing was kept, so nothing is looked for before the first sweep.
            assert_eq!(upkeep.behind, turn + 1 == SWEEP_EVERY, "turn {turn}");
        }
        assert_eq!(kept(&gateway, many).await, many - FORGET_LEAST);
        for left in [3 * FORGET_LEAST + 1, 2 * FORGET_LEAST + 1, FORGET_LEAST + 1, 1, 0] {
            assert!(upkeep.behind, "{left}");
            upkeep.turn().await;
            assert_eq!(kept(&gateway, many).await, left);
        }
        assert!(!upkeep.behind);
    }

    #[tokio::test]
    async fn records_are_moved_on_while_the_store_hangs() {
        let mut upkeep = upkeep().await;
        let gateway = Arc::clone(upkeep.control.gateway());
        gateway.store().put(HANGS, "", "").await.unwrap();
        let request = Request::post("http://g/v1/messages").header("x-api-key", "k");
        let request = request.body(Full::new(Bytes::from_static(b"{}"))).unwrap();
        let route = ClientRoute::body(Api::Anthropic, Operation::Generate);
        line::serve(&gateway, request, route).await.into_body().collect().await.unwrap();
        assert!(!gateway.records().is_empty());
        let mut turn = Box::pin(upkeep.turn());
        assert!(turn.as_mut().now_or_never().is_none());
        // The work that was begun ends by itself, the turn never.
        gateway.tasks().end().await;
        assert!(gateway.records().is_empty() && turn.as_mut().now_or_never().is_none());
    }
}
