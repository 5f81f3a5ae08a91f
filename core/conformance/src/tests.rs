//! The store that all of this is held against does it too.

use std::sync::Arc;

use async_trait::async_trait;
use sluice_api::store::Store;

use crate::Stores;

/// Stores in memory.
struct InMemory;

#[async_trait]
impl Stores for InMemory {
    async fn fresh(&self) -> Arc<dyn Store> {
        sluice_fixtures::store()
    }

    async fn again(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        store
    }
}

crate::every_test! {
    InMemory;
    the_last_document_is_there,
    all_is_taken_or_nothing,
    lines_are_served_in_their_order,
    everybody_in_a_line_is_served,
    what_is_told_is_what_was_appended,
    what_is_appended_at_once_is_there_once
}

crate::every_test_of_told_time!(InMemory);
