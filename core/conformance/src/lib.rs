//! What every store must do, as tests that any store can be put to: each holds it against a model in memory, whatever
//! is done in whatever order.
//!
//! A store's own tests make a [`Stores`] and name it in [`every_test`].

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of it is tests"
)]

mod documents;
mod figures;
mod leases;
mod made;
mod records;
mod retention;
mod usual;
mod values;

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
}

pub use documents::the_last_document_is_there;
pub use figures::{ask_much, write_many};
pub use leases::all_is_taken_or_nothing;
pub use records::what_is_told_is_what_was_appended;
pub use retention::days_answer_for_what_is_gone;
pub use usual::usual;
pub use values::what_is_over_goes_and_nothing_else;

/// Every test, of stores that an expression makes.
#[macro_export]
macro_rules! every_test {
    ($stores:expr) => {
        $crate::every_test! {
            $stores;
            the_last_document_is_there,
            what_is_over_goes_and_nothing_else,
            all_is_taken_or_nothing,
            what_is_told_is_what_was_appended,
            days_answer_for_what_is_gone
        }
    };
    ($stores:expr; $($name:ident),*) => {
        $(#[test]
        fn $name() {
            $crate::$name(&$stores);
        })*
    };
}

/// Smaller cases that are tried where one fails.
const SMALLER: u32 = 300;

/// What a case comes to, with what was wrong.
type Checked = Result<(), TestCaseError>;

/// Runs a test with so many cases, and with ever smaller ones where one fails.
fn hold<S: Strategy>(cases: u32, strategy: &S, test: impl AsyncFn(S::Value) -> Checked) {
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

#[cfg(test)]
mod tests;
