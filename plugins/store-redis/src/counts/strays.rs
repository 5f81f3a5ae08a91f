//! What a server and this gateway know otherwise of one another: a failover, or a power cut, loses what was answered last.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use sluice_api::store::{StoreError, Used};
use tokio::time::Instant;

use super::Own;
use super::encode::Tail;
use super::queue::{Name, Op, Queue};

/// How often what this gateway holds is compared with what its server knows of that.
const COMPARE: Duration = Duration::from_secs(60);

/// When it is compared again where it could not be: what is lost may be in everybody's way.
const AGAIN: Duration = Duration::from_secs(1);

/// How long a server has held something that nobody here knows of until it is given back, beside twice the time of an
/// operation: longer than any answer to who asked for it may be on its way.
const UNKNOWN: Duration = Duration::from_secs(5);

/// What a server holds that nobody here knows of, and since when that is seen.
#[derive(Debug, Default)]
pub(super) struct Strays(HashMap<Name, Instant>);

/// Goes on for as long as the store is used.
pub(super) async fn compares(own: Weak<Own>) {
    let mut tick = tokio::time::interval(COMPARE);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick.tick().await;
    let (mut strays, mut failed) = (Strays::default(), false);
    loop {
        // At once where the way is back, as it may lead to another server; and again when what was strange then may be given
        // back: it may be in everybody's way.
        let Some((back, unknown)) = own.upgrade().map(|own| (Arc::clone(&own.anew), own.unknown_max()))
        else {
            return;
        };
        tokio::select! {
            _ = tick.tick() => {}
            () = back.notified() => {}
            () = tokio::time::sleep(unknown), if !strays.0.is_empty() => {}
            () = tokio::time::sleep(AGAIN), if failed => {}
        }
        let Some(own) = own.upgrade() else { return };
        let compared = strays.compare(&own, Instant::now()).await;
        failed = compared.is_err();
        if let Err(error) = compared {
            tracing::debug!(%error, "what this gateway holds could not be compared with what its server knows of that");
        }
    }
}

impl Strays {
    /// Tells the server of what it has forgotten, and gives back what has long been strange to this gateway.
    pub(super) async fn compare(&mut self, own: &Arc<Own>, now: Instant) -> Result<(), StoreError> {
        let running = own.running.names();
        let kept = own.scanned(&own.leases_key(&own.gateway)).await?;
        let known: HashSet<&String> = kept.iter().map(|(name, _)| name).collect();
        for name in running.into_iter().filter(|name| !known.contains(name)) {
            own.restore_one(name).await?;
        }
        let mut strange = HashMap::new();
        for (name, written) in &kept {
            let lease = Name::Lease(name.clone());
            if own.running.get(name).is_none() && !own.queue.knows(&lease) {
                strange.extend(ended(written).map(|op| (lease, op)));
            }
        }
        // Before the look: whoever has a place by then is there.
        let waiting = own.bells.all();
        let waiters = own.scanned(&own.link.key("waiters")).await?;
        let there: HashSet<u64> = waiters.iter().filter_map(|(number, _)| number.parse().ok()).collect();
        own.bells.ring_each(waiting.difference(&there));
        strange.extend(waiters.iter().filter_map(|(number, written)| left(own, number, written)));
        self.0.retain(|name, _| strange.contains_key(name));
        for (name, op) in strange {
            let since = *self.0.entry(name.clone()).or_insert(now);
            if now.duration_since(since) >= own.unknown_max() {
                tracing::warn!(
                    ?name,
                    "the store's server had forgotten that this was given back: it is told again"
                );
                Queue::push_unless_pending(own, name, op);
            }
        }
        Ok(())
    }
}

impl Own {
    /// How long something may be unknown here that its server holds.
    pub(super) fn unknown_max(&self) -> Duration {
        2 * self.link.timeout() + UNKNOWN
    }
}

/// That a lease has ended which a server holds, as far as it was told of; nothing where nothing is held by it.
fn ended(written: &str) -> Option<Op> {
    let mut parts = written.splitn(4, ' ');
    // What only waits, was given back, or is kept of a dead one begins otherwise.
    parts.next()?.parse::<u64>().ok()?;
    let (tokens, cost) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let tail = Arc::new(Tail::read(parts.next()?)?);
    Some(Op::ends(Used::new(tokens, cost), tail))
}

/// That a place is left which is this gateway's, and at which nobody waits here.
fn left(own: &Own, number: &str, written: &str) -> Option<(Name, Op)> {
    let mut parts = written.split(' ');
    let (whose, _, line) = (parts.next()?, parts.next()?, parts.next()?.to_owned());
    let number: u64 = number.parse().ok()?;
    let name = Name::Place(number);
    let is_strange = whose == own.gateway && !own.bells.has(number) && !own.queue.knows(&name);
    is_strange.then_some((name, Op::Leave { line }))
}
