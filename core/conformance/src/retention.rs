//! What leaves and what stays: the oldest records go first and few at a time, the sums of days answer for them.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sluice_api::record::{Dimension, Record, RecordQuery, RecordStore, Span, SumQuery};
use sluice_memory::RecordsInMemory;

use crate::held::{Checked, Stores, hold};
use crate::made::{BEGIN, LONG, moment, number, record, shared};
use crate::records::{ZONES, same_pages, spans};

#[derive(Clone, Debug)]
enum Step {
    /// Appends so many of the next records.
    Append(usize),
    /// What began before this leaves, so many at a time; whether until nothing is left, and whether by their ids.
    Expire(Timestamp, usize, bool, bool),
    Restart,
    Sums(Vec<Span>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..15_usize).prop_map(Step::Append),
        2 => (moment(), 1..9_usize, any::<bool>(), any::<bool>()).prop_map(|(at, most, all, exactly)| {
            Step::Expire(at, most, all, exactly)
        }),
        1 => Just(Step::Restart),
        3 => spans().prop_map(Step::Sums),
    ]
}

/// The oldest records go first and few at a time, and the sums of days answer for them.
///
/// # Panics
///
/// Where that is not so.
pub fn days_answer_for_what_is_gone(stores: &dyn Stores) {
    let zones = (select(&ZONES[..]), select(&ZONES[..]));
    let case = (vec(record(), 1..80), zones, vec(step(), 1..20));
    hold(40, &case, async |(records, zones, steps)| {
        let mut records = records;
        records.sort_by_key(|record| record.time);
        run(stores, &number(records, false), zones, steps).await
    });
}

async fn run(
    stores: &dyn Stores,
    records: &[Record],
    (zone, next_zone): (&str, &str),
    steps: Vec<Step>,
) -> Checked {
    let mut store = stores.fresh().await;
    let (ever, kept) = (RecordsInMemory::default(), RecordsInMemory::default());
    let (zone, next_zone) = (TimeZone::get(zone).unwrap(), TimeZone::get(next_zone).unwrap());
    store.records().keep_days_of(&zone).await.unwrap();
    let (mut appended, mut horizon) = (0, Timestamp::MIN);
    for step in steps {
        match step {
            Step::Append(next) => {
                let end = (appended + next).min(records.len());
                let batch = shared(&records[appended..end]);
                for store in [store.records(), &ever, &kept] {
                    store.append(batch.clone()).await.unwrap();
                }
                appended = end;
            }
            Step::Expire(before, most, all, exactly) => {
                horizon = horizon.max(before);
                loop {
                    let next = store.records().oldest(before, most).await.unwrap();
                    prop_assert_eq!(&next, &kept.oldest(before, most).await.unwrap());
                    if exactly {
                        // As whoever has put them into an archive: these, whatever came meanwhile, and never twice.
                        let ids: Vec<u64> = next.iter().map(|record| record.id).collect();
                        for expected in [ids.len(), 0] {
                            prop_assert_eq!(store.records().delete(ids.clone()).await.unwrap(), expected);
                        }
                        kept.delete(ids).await.unwrap();
                        if next.is_empty() || !all {
                            break;
                        }
                        continue;
                    }
                    let gone = store.records().expire(before, most).await.unwrap();
                    prop_assert!(gone <= most && gone >= next.len(), "{} of {}", gone, most);
                    kept.expire(before, next.len()).await.unwrap();
                    // Sums take the place of records that are not there to be deleted.
                    if gone == 0 || !all {
                        break;
                    }
                }
            }
            Step::Restart => store = stores.again(store).await,
            Step::Sums(spans) => {
                let mut query = SumQuery::over(whole(spans, &zone, horizon));
                query.group_by = vec![Dimension::Key, Dimension::Model];
                let found = store.records().sums(&query).await.unwrap();
                prop_assert_eq!(found, ever.sums(&query).await.unwrap(), "{:?}", query);
            }
        }
    }
    same_pages(store.records(), &kept, RecordQuery::newest(7)).await?;
    same_days(store.records(), &ever, &zone, Timestamp::MIN).await?;
    prop_assert_eq!(store.records().last_id().await.unwrap(), ever.last_id().await.unwrap());

    // By the days of another zone nothing is lost of it all, and days of which the hours are there are as they were.
    store.records().keep_days_of(&next_zone).await.unwrap();
    let query = SumQuery::over(vec![Span::new(Timestamp::MIN, Timestamp::MAX)]);
    prop_assert_eq!(store.records().sums(&query).await.unwrap(), ever.sums(&query).await.unwrap());
    let from = if zone == next_zone { horizon } else { horizon.checked_add(48.hours()).unwrap_or(horizon) };
    same_days(store.records(), &ever, &next_zone, from).await
}

/// Spans of which the sums are exact: from the horizon on any, before it whole days.
fn whole(spans: Vec<Span>, zone: &TimeZone, horizon: Timestamp) -> Vec<Span> {
    let day = |time: Timestamp| match time.to_zoned_datetime(zone.clone()).start_of_day() {
        Ok(day) => day.timestamp(),
        Err(_) => time,
    };
    let whole = |span: Span| match span.from < horizon {
        true if day(span.to) < horizon => Span::new(day(span.from), day(span.to)),
        true => Span::new(day(span.from), span.to),
        false => span,
    };
    let spans = spans.into_iter().map(whole);
    spans.filter(|span| span.from < span.to).collect()
}

/// Holds each day of a zone against what there ever was of it.
async fn same_days(
    store: &dyn RecordStore,
    ever: &RecordsInMemory,
    zone: &TimeZone,
    from: Timestamp,
) -> Checked {
    let mut day =
        Timestamp::from_second(BEGIN).unwrap().to_zoned_datetime(zone.clone()).start_of_day().unwrap();
    day = day.yesterday().unwrap().start_of_day().unwrap();
    let mut spans = Vec::new();
    while day.timestamp().as_second() < BEGIN + LONG + 86_400 {
        let next = day.tomorrow().unwrap().start_of_day().unwrap();
        if day.timestamp() >= from {
            spans.push(Span::new(day.timestamp(), next.timestamp()));
        }
        day = next;
    }
    let mut query = SumQuery::over(spans);
    query.group_by = vec![Dimension::Group, Dimension::Tag];
    prop_assert_eq!(store.sums(&query).await.unwrap(), ever.sums(&query).await.unwrap(), "{:?}", query);
    Ok(())
}
