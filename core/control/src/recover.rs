//! What the process before has left of requests, priced and brought to the store before the first one is served.

use sluice_api::cost::Money;
use sluice_api::dialect::Operation;
use sluice_api::record::{Cost, Record};
use sluice_api::store::{Store, StoreError};
use sluice_config::resolved::StatsConfig;
use sluice_ledger::book::Book;
use sluice_ledger::records::bills::{Bills, Served};
use sluice_ledger::recovery;
use sluice_line::snapshot::Snapshot;

/// Brings what the journal has to the store, and opens it for those to come.
pub(crate) async fn recovered(
    store: &dyn Store,
    snapshot: &Snapshot,
    stats: &StatsConfig,
) -> Result<Book, StoreError> {
    store.records().keep_days_of(&stats.timezone).await?;
    let bills = Bills::default();
    let priced = |record: &mut Record| price(record, &bills, snapshot);
    let (book, recovered) = recovery::open(store, priced).await?;
    if recovered != recovery::Recovered::default() {
        tracing::info!(
            ended = recovered.ended,
            interrupted = recovered.interrupted,
            "the process before was ended in the midst of its work: its requests are in the records now"
        );
    }
    Ok(book)
}

/// What a request cost that did not come to its end, as far as is known of it.
fn price(record: &mut Record, bills: &Bills, snapshot: &Snapshot) {
    if record.operation == Operation::CountTokens {
        record.cost = Cost::new(Some(Money::ZERO), Some(Money::ZERO));
        return;
    }
    let as_told = record.clone();
    if let Some(served) = Served::of(&as_told) {
        bills.charge(record, &*snapshot.cost, served);
    }
}
