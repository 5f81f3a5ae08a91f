//! Records: appended once however often, read as they were, in pages and sums that say exactly what they hold.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sluice_api::record::{Dimension, Filter, Page, Record, RecordQuery, RecordStore, Span, SumQuery};
use sluice_memory::RecordsInMemory;

use crate::held::{Checked, Stores, hold};
use crate::made::{moment, narrowed, number, record, shared};

/// Zones whose days begin at other quarter-hours, change their length, or both.
pub(crate) const ZONES: [&str; 4] = ["UTC", "Asia/Kathmandu", "Europe/Vienna", "Australia/Lord_Howe"];

#[derive(Clone, Debug)]
enum Step {
    /// Appends so many of the next records, and so many of the last ones again.
    Append(usize, usize),
    KeepDaysOf(&'static str),
    Restart,
    Page(RecordQuery),
    Sums(SumQuery),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..12_usize, 0..4_usize).prop_map(|(next, again)| Step::Append(next, again)),
        1 => select(&ZONES[..]).prop_map(Step::KeepDaysOf),
        1 => Just(Step::Restart),
        3 => page().prop_map(Step::Page),
        3 => sums().prop_map(Step::Sums),
    ]
}

fn page() -> impl Strategy<Value = RecordQuery> {
    let ids = vec(select(vec!["client.id", "req_0192d3a4b5c67d8e9f00112233445566", "none"]), 0..2);
    let filter = (narrowed(), vec(select(vec![200, 500]), 0..2), any::<u8>(), ids).prop_map(
        |(narrowed, statuses, outcome, ids)| {
            let mut filter = Filter::default();
            filter.dimensions = narrowed;
            filter.statuses = statuses;
            if outcome % 4 == 0 {
                filter.outcomes = vec!["completed".to_owned(), "refused:rate_limited".to_owned()];
            }
            filter.request_ids = ids.into_iter().map(str::to_owned).collect();
            filter
        },
    );
    (option::of(moment()), option::of(moment()), filter, 1..6_usize).prop_map(|(from, to, filter, limit)| {
        let mut query = RecordQuery::newest(limit);
        (query.from, query.to, query.filter) = (from, to, filter);
        query
    })
}

/// Spans one behind the other, with and without gaps, and now and then all of time.
pub(crate) fn spans() -> impl Strategy<Value = Vec<Span>> {
    let some = vec(moment(), 2..6).prop_map(|mut at| {
        at.sort_unstable();
        at.windows(2).map(|pair| Span::new(pair[0], pair[1])).collect()
    });
    prop_oneof![4 => some, 1 => Just(vec![Span::new(Timestamp::MIN, Timestamp::MAX)])]
}

fn sums() -> impl Strategy<Value = SumQuery> {
    let by = subsequence(Dimension::ALL.to_vec(), 0..4);
    (spans(), by, narrowed(), any::<bool>()).prop_map(|(spans, mut by, narrowed, turned)| {
        if turned {
            by.reverse();
        }
        let mut query = SumQuery::over(spans);
        (query.group_by, query.filter) = (by, narrowed);
        query
    })
}

/// Records are there once however often they were appended, and pages and sums say exactly what they hold.
///
/// # Panics
///
/// Where that is not so.
pub fn what_is_told_is_what_was_appended(stores: &dyn Stores) {
    let case = (vec(record(), 1..60), any::<bool>(), vec(step(), 1..25));
    hold(64, &case, async |(records, back, steps)| run(stores, &number(records, back), steps).await);
}

async fn run(stores: &dyn Stores, records: &[Record], steps: Vec<Step>) -> Checked {
    let mut store = stores.fresh().await;
    let model = RecordsInMemory::default();
    let mut appended = 0;
    prop_assert_eq!(store.records().last_id().await.unwrap(), 0);
    for step in steps {
        match step {
            Step::Append(next, again) => {
                let end = (appended + next).min(records.len());
                let batch = shared(&records[appended.saturating_sub(again)..end]);
                store.records().append(batch.clone()).await.unwrap();
                model.append(batch).await.unwrap();
                appended = end;
            }
            Step::KeepDaysOf(zone) => {
                store.records().keep_days_of(&TimeZone::get(zone).unwrap()).await.unwrap();
            }
            Step::Restart => store = stores.again(store).await,
            Step::Page(query) => same_pages(store.records(), &model, query).await?,
            Step::Sums(query) => {
                let found = store.records().sums(&query).await.unwrap();
                prop_assert_eq!(found, model.sums(&query).await.unwrap(), "{:?}", query);
            }
        }
    }
    prop_assert_eq!(store.records().last_id().await.unwrap(), model.last_id().await.unwrap());
    same_pages(store.records(), &model, RecordQuery::newest(7)).await?;
    for record in &records[..appended] {
        let found = store.records().record(record.id).await.unwrap();
        prop_assert_eq!(found.as_ref(), Some(record));
        let mut by_id = RecordQuery::newest(3);
        by_id.filter.request_ids = vec![record.request_id.to_string()];
        same_pages(store.records(), &model, by_id).await?;
    }
    prop_assert_eq!(store.records().record(u64::MAX).await.unwrap(), None);
    Ok(())
}

/// Reads all pages of a query one after another: together they hold the same in the same order, however much is on each.
pub(crate) async fn same_pages(
    store: &dyn RecordStore,
    model: &RecordsInMemory,
    query: RecordQuery,
) -> Checked {
    let (found, expected) = (all(store, query.clone()).await?, all(model, query.clone()).await?);
    prop_assert_eq!(found, expected, "{:?}", query);
    Ok(())
}

async fn all(store: &dyn RecordStore, mut query: RecordQuery) -> Result<Vec<Record>, TestCaseError> {
    let mut all = Vec::new();
    loop {
        let Page { records, next, .. } = store.page(&query).await.unwrap();
        prop_assert!(records.len() <= query.limit, "a page holds more than was asked for");
        all.extend(records);
        match next {
            Some(next) => {
                prop_assert!(query.before.is_none_or(|before| next < before), "pages go on for ever");
                query.before = Some(next);
            }
            None => return Ok(all),
        }
    }
}
