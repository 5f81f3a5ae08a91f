//! How a store is put to a test: made anew for each case, of which ever smaller ones are tried where one fails.

use std::sync::Arc;

use async_trait::async_trait;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use sluice_api::store::Store;

/// Makes the stores that are tested.
#[async_trait]
pub trait Stores: Send + Sync {
    /// An open store with nothing in it.
    async fn fresh(&self) -> Arc<dyn Store>;

    /// The same store as a process finds it that starts after this one has ended; itself where nothing outlives that.
    async fn again(&self, store: Arc<dyn Store>) -> Arc<dyn Store>;

    /// Ends when what the store was told to settle, land or leave so far is done, where it queues that.
    async fn settled(&self, store: &Arc<dyn Store>) {
        let _ = store;
    }
}

/// Smaller cases that are tried where one fails.
const SMALLER: u32 = 300;

/// What a case comes to, with what was wrong.
pub(crate) type Checked = Result<(), TestCaseError>;

/// Runs a test with so many cases, and with ever smaller ones where one fails.
pub(crate) fn hold<S: Strategy>(cases: u32, strategy: &S, test: impl AsyncFn(S::Value) -> Checked) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config {
        cases,
        max_shrink_iters: SMALLER,
        failure_persistence: None,
        ..Config::default()
    });
    if let Err(wrong) = runner.run(strategy, |case| runtime.block_on(test(case))) {
        panic!("{wrong}");
    }
}
