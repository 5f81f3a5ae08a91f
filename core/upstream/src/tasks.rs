//! The tasks of the process: one tracker, so that a stop waits for all that must run to its end.

#![expect(clippy::disallowed_types, reason = "this is the tracker that all tasks are started by")]

use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::Poll;

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// Starts tasks; every copy is the same tracker.
#[derive(Clone, Debug, Default)]
pub struct Tasks(TaskTracker);

impl Tasks {
    /// Runs work beside whoever asks for it, to its end: a stop waits for it, within its grace.
    pub fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.0.spawn(work)
    }

    /// The same for work that blocks its thread.
    pub fn spawn_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        self.0.spawn_blocking(work)
    }

    /// Runs what goes on as long as the process does. Nobody waits for it: it is dropped with the runtime, wherever it
    /// is.
    #[expect(clippy::disallowed_methods, reason = "a stop that waited for it would never end")]
    pub fn upkeep(upkeep: impl Future<Output: Send> + Send + 'static) {
        drop(tokio::spawn(async move { drop(upkeep.await) }));
    }

    /// Runs work that blocks its thread for a moment, apart from the threads that serve requests. A panic in it goes on
    /// in the caller.
    #[expect(
        clippy::disallowed_methods,
        reason = "a stop has nothing to wait for: what it comes to is the caller's"
    )]
    pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        joined(tokio::task::spawn_blocking(work)).await
    }

    /// Runs work to its end also where the caller is dropped while it waits, as with its client. What is ready at once
    /// costs no task. A panic in the work goes on in the caller.
    pub fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        // Boxed before anything waits, so that the caller's future need not have its size.
        self.boxed_to_its_end(Box::pin(work))
    }

    async fn boxed_to_its_end<T: Send + 'static>(
        &self,
        mut work: Pin<Box<dyn Future<Output = T> + Send>>,
    ) -> T {
        if let Poll::Ready(done) = std::future::poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
            return done;
        }
        joined(self.spawn(work)).await
    }

    /// Waits until nothing runs any more, once this was asked.
    pub async fn end(&self) {
        self.0.close();
        self.0.wait().await;
    }

    /// How many are running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.len()
    }
}

async fn joined<T>(task: JoinHandle<T>) -> T {
    match task.await.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => resume_unwind(panic),
        // A task ends unfinished with the runtime alone, and the caller with it.
        Err(Err(_)) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_util::FutureExt as _;
    use tokio::sync::Notify;

    use super::Tasks;

    #[tokio::test]
    async fn work_whose_caller_has_gone_runs_to_its_end_and_a_stop_waits_for_it() {
        let tasks = Tasks::default();
        let (go, done) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (waits, says) = (Arc::clone(&go), Arc::clone(&done));
        let caller = tasks.to_its_end(async move {
            waits.notified().await;
            says.store(true, Ordering::SeqCst);
        });
        assert!(caller.now_or_never().is_none(), "it waits, and is dropped");
        assert_eq!(tasks.running(), 1);
        assert!(tasks.end().now_or_never().is_none());
        go.notify_one();
        tasks.end().await;
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn what_is_ready_at_once_costs_no_task_and_a_panic_goes_on() {
        let tasks = Tasks::default();
        assert_eq!(tasks.to_its_end(async { 7 }).now_or_never(), Some(7));
        let panics = tasks.to_its_end(async {
            tokio::task::yield_now().await;
            panic!("as it is meant to")
        });
        assert!(std::panic::AssertUnwindSafe(panics).catch_unwind().await.is_err());
    }
}
