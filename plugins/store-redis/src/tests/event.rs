//! Waiting for what comes about.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// How long anything may take until it is there: far more than it needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often one looks at what tells nobody that it has changed.
const LOOK: Duration = Duration::from_millis(5);

/// Ends when something is so that tells nobody when it is: a server of its own process.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        if is_so().await {
            return;
        }
        assert!(Instant::now() < until, "{what} never came about");
    }
}

/// A number that grows, and tells whoever waits for it.
#[derive(Debug)]
pub(crate) struct Counter(watch::Sender<u64>);

impl Default for Counter {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Counter {
    pub(crate) fn one_more(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    pub(crate) fn now(&self) -> u64 {
        *self.0.borrow()
    }

    /// Ends when it has come to this.
    pub(crate) fn reaches(&self, goal: u64) -> impl Future<Output = ()> + use<> {
        let mut count = self.0.subscribe();
        async move {
            let reached = tokio::time::timeout(PATIENCE, count.wait_for(|count| *count >= goal)).await;
            let _ = reached.unwrap_or_else(|_| panic!("it never came to {goal}"));
        }
    }

    /// Ends when so many more have come.
    pub(crate) fn grows(&self, more: u64) -> impl Future<Output = ()> + use<> {
        self.reaches(self.now() + more)
    }
}
