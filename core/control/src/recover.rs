//! What the process before has left of requests, priced and brought to the store before the first one is served.

use sluice_api::cost::{Factor, PriceAsk};
use sluice_api::plugin::guarded;
use sluice_api::record::{Cost, Record};
use sluice_api::store::{Store, StoreError};
use sluice_config::resolved::StatsConfig;
use sluice_ledger::book::Book;
use sluice_ledger::recovery;
use sluice_line::snapshot::Snapshot;

/// Brings what the journal has to the store, and opens it for those to come.
pub(crate) async fn recovered(
    store: &dyn Store,
    snapshot: &Snapshot,
    stats: &StatsConfig,
) -> Result<Book, StoreError> {
    store.records().keep_days_of(&stats.timezone).await?;
    let priced = |record: &mut Record| price(record, snapshot);
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
fn price(record: &mut Record, snapshot: &Snapshot) {
    let (Some(usage), Some(provider), Some(model)) =
        (&record.usage, &record.provider, &record.upstream_model)
    else {
        return;
    };
    // As it is configured now: what it was then nobody has written down.
    let account = record.account.as_ref().and_then(|name| snapshot.roster.account(name));
    let account = account.map(|account| &account.config);
    let model = account.and_then(|account| account.provider.stands_for(model)).unwrap_or(model);
    let mut ask = PriceAsk::new(provider, model, usage, record.time);
    ask.geo = account.and_then(|account| account.provider.geo());
    let priced = guarded("CostModel::price", || snapshot.cost.price(&ask)).flatten();
    let multiplier = account.map_or(Factor::ONE, |account| account.cost_multiplier);
    let own = priced.as_ref().map(|priced| priced.charged(multiplier));
    record.cost = Cost::new(own, priced.map(|priced| priced.cost));
}
