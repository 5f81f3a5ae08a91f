//! Whether the store can be written to, asked at most once in a while however many ask.

use std::time::{Duration, Instant};

use sluice_api::store::StoreError;
use tokio::sync::Mutex;

/// How long an answer holds: a probe writes to the disk, and probes need no token.
const HOLDS: Duration = Duration::from_secs(1);

/// The last answer, and when it was had.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Result<(), String>)>>);

impl Readiness {
    /// The answer as of `now`, which is passed in; `probe` is run only where the last one no longer holds. Who comes
    /// while a probe runs waits for it and takes its answer.
    pub(crate) async fn ask(
        &self,
        now: impl Fn() -> Instant,
        probe: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        let mut last = self.0.lock().await;
        let answer = match &*last {
            Some((had, answer)) if now().saturating_duration_since(*had) < HOLDS => answer.clone(),
            _ => {
                let answer = probe.await.map_err(|error| error.0);
                *last = Some((now(), answer.clone()));
                answer
            }
        };
        answer.map_err(StoreError)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    use sluice_api::store::StoreError;

    use super::Readiness;

    #[tokio::test]
    async fn an_answer_holds_for_a_second_and_no_longer() {
        let (readiness, start, probes) = (Readiness::default(), Instant::now(), Cell::new(0));
        for (ms, probed, fails) in
            [(0, 1, false), (1, 1, true), (999, 1, true), (1000, 2, true), (1500, 2, false), (2000, 3, false)]
        {
            let probe = async {
                probes.set(probes.get() + 1);
                if fails { Err(StoreError("the disk is full".to_owned())) } else { Ok(()) }
            };
            let answer = readiness.ask(|| start + Duration::from_millis(ms), probe).await;
            assert_eq!(probes.get(), probed, "at {ms} ms");
            // What fails at 1000 ms is the answer until 2000 ms.
            assert_eq!(answer.is_err(), (1000..2000).contains(&ms), "at {ms} ms");
        }
    }
}
