//! What many records cost a store: how fast they are written, and how long questions about them take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan as _};
use sluice_api::record::{Dimension, RecordQuery, RecordStore, Span, SumQuery};

use crate::usual::usual;

/// Records of one batch.
const BATCH: u64 = 1_000;

/// How often each question is asked.
const ASKED: usize = 100;

/// Over how many days the records are spread.
const DAYS: i64 = 30;

/// When the last of them begins.
fn now() -> Timestamp {
    "2026-11-28T13:37:42.123456Z".parse().unwrap()
}

fn days_ago(days: i64) -> Timestamp {
    now() - (days * 24).hours()
}

/// Writes so many records, of 20 keys, 5 models and 3 accounts over 30 days; says how long that took.
///
/// # Panics
///
/// Where the store fails.
pub async fn write_many(store: &dyn RecordStore, number: u64) -> Duration {
    let apart = Duration::from_secs(86_400 * u64::try_from(DAYS).unwrap()) / u32::try_from(number).unwrap();
    let mut taken = Duration::ZERO;
    for first in (0..number).step_by(usize::try_from(BATCH).unwrap()) {
        let one = |at: u64| usual(at, days_ago(DAYS) + apart * u32::try_from(at).unwrap());
        let batch: Vec<_> = (first..number.min(first + BATCH)).map(|at| Arc::new(one(at))).collect();
        let begun = Instant::now();
        store.append(batch).await.unwrap();
        taken += begun.elapsed();
    }
    taken
}

/// Asks each question many times; gives its name, and how long it took in the middle and at worst of a hundred.
///
/// # Panics
///
/// Where the store fails.
pub async fn ask_much(store: &dyn RecordStore) -> Vec<(&'static str, Duration, Duration)> {
    let mut all = Vec::new();
    for (name, query) in sums() {
        let mut times = Vec::new();
        for _ in 0..ASKED {
            let begun = Instant::now();
            assert!(!store.sums(&query).await.unwrap().is_empty(), "{name}");
            times.push(begun.elapsed());
        }
        all.push(of(name, times));
    }
    for (name, query) in pages() {
        let mut times = Vec::new();
        let mut query = query;
        for _ in 0..ASKED {
            let begun = Instant::now();
            let page = store.page(&query).await.unwrap();
            times.push(begun.elapsed());
            query.before = page.next;
        }
        all.push(of(name, times));
    }
    all
}

fn of(name: &'static str, mut times: Vec<Duration>) -> (&'static str, Duration, Duration) {
    times.sort_unstable();
    (name, times[ASKED / 2], times[ASKED * 99 / 100 - 1])
}

fn sums() -> Vec<(&'static str, SumQuery)> {
    // As buckets are: whole, but for the first and the last.
    let over = |from: Timestamp, seconds: i64| {
        let mut spans = Vec::new();
        let mut at = from;
        while at < now() {
            let next = (at.as_second().div_euclid(seconds) + 1) * seconds;
            let next = Timestamp::from_second(next).unwrap().min(now());
            spans.push(Span::new(at, next));
            at = next;
        }
        spans
    };
    let query = |spans: Vec<Span>, by: &[Dimension], filter: &[(Dimension, &str)]| {
        let mut query = SumQuery::over(spans);
        query.group_by = by.to_vec();
        query.filter =
            filter.iter().map(|(dimension, value)| (*dimension, vec![(*value).to_owned()])).collect();
        query
    };
    let whole = |from: Timestamp| vec![Span::new(from, now())];
    let key_and_model = [Dimension::Key, Dimension::Model];
    vec![
        ("the last 24 hours", query(whole(days_ago(1)), &[], &[])),
        ("the last 24 hours by hour", query(over(days_ago(1), 3_600), &[], &[])),
        ("the last 24 hours by hour and model", query(over(days_ago(1), 3_600), &[Dimension::Model], &[])),
        ("30 days", query(whole(days_ago(DAYS)), &[], &[])),
        ("30 days by day", query(over(days_ago(DAYS), 86_400), &[], &[])),
        ("30 days by key and model", query(whole(days_ago(DAYS)), &key_and_model, &[])),
        ("30 days by day, key and model", query(over(days_ago(DAYS), 86_400), &key_and_model, &[])),
        ("30 days by tag", query(whole(days_ago(DAYS)), &[Dimension::Tag], &[])),
        (
            "30 days by day of one key",
            query(over(days_ago(DAYS), 86_400), &[], &[(Dimension::Key, "team-3")]),
        ),
        (
            "30 days by model of one account",
            query(whole(days_ago(DAYS)), &[Dimension::Model], &[(Dimension::Account, "account-1")]),
        ),
    ]
}

fn pages() -> Vec<(&'static str, RecordQuery)> {
    let page = |change: fn(&mut RecordQuery)| {
        let mut query = RecordQuery::newest(100);
        change(&mut query);
        query
    };
    vec![
        ("pages of 100", page(|_| {})),
        (
            "pages of one day long ago",
            page(|query| (query.from, query.to) = (Some(days_ago(20)), Some(days_ago(19)))),
        ),
        ("pages of one key", page(|query| query.filter.also(Dimension::Key, "team-3".to_owned()))),
        (
            "pages of one key, model and account",
            page(|query| {
                query.filter.also(Dimension::Key, "team-3".to_owned());
                query.filter.also(Dimension::Model, "claude-sonnet-4-1".to_owned());
                query.filter.also(Dimension::Account, "account-1".to_owned());
            }),
        ),
        ("pages of a status that one in 50 has", page(|query| query.filter.statuses = vec![429])),
        ("pages of a status that none has", page(|query| query.filter.statuses = vec![503])),
        (
            "pages of a model that none has",
            page(|query| query.filter.also(Dimension::Model, "none".to_owned())),
        ),
        ("one request by its id", {
            let apart = Duration::from_secs(86_400 * 15);
            let mut query = RecordQuery::newest(100);
            query.filter.request_ids = vec![usual(0, days_ago(DAYS) + apart).request_id.to_string()];
            query
        }),
    ]
}
