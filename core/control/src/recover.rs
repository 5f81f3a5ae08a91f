//! What the process before has left of requests, priced and brought to the store before the first one is served.

use sluice_api::record::Record;
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
    let Some(model) = record.upstream_model.clone() else { return };
    // As it is configured now: what it was then nobody has written down.
    let account = record.account.as_ref().and_then(|name| snapshot.roster.account(name));
    let account = account.map(|account| &account.config);
    let mut served = Served::new(&model);
    if let Some(account) = account {
        served.model = account.provider.stands_for(&model).unwrap_or(&model);
        (served.geo, served.multiplier) = (account.provider.geo(), account.cost_multiplier);
    }
    bills.charge(record, &*snapshot.cost, served);
}
