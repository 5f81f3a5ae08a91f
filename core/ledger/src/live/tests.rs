//! Windows over made-up time, held against what is computed from a plain list of all requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use parking_lot::Mutex;
use sluice_api::cost::Usage;
use sluice_api::dialect::{Api, Operation};
use sluice_api::record::{Holder, Outcome, Record};

use super::windows::Windows;
use super::{Figures, InFlight, Live, Percentiles, WINDOW_MAX};

/// Numbers at random, the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn record(model: &str, account: Option<&str>) -> Record {
    let (id, holder) = ("request".into(), Holder::default());
    let mut record = Record::new(Timestamp::UNIX_EPOCH, id, holder, Api::Anthropic, Operation::Generate);
    (record.status, record.outcome) = (200, Outcome::Completed);
    record.model = model.into();
    record.account = account.map(Into::into);
    record
}

fn any(dice: &mut Dice) -> Record {
    let account = ["a", "b", "c"].get(dice.below(4) as usize).copied();
    let mut record = record(&format!("m-{}", dice.below(3)), account);
    if dice.below(5) == 0 {
        record.status = [400, 429, 499, 502][dice.below(4) as usize];
    } else if dice.below(9) == 0 {
        record.outcome = Outcome::UpstreamError;
    }
    record.overhead = Duration::from_micros(dice.below(3_000));
    record.duration = Duration::from_micros(1 << dice.below(31)) + record.overhead;
    record.first_byte = (dice.below(3) > 0).then(|| record.duration / 2);
    record.usage = (dice.below(3) > 0).then(|| Usage::new(dice.below(9_000), dice.below(500)));
    record
}

/// The figures of some requests, by definition.
fn plain(records: &[&Record], seconds: f64) -> Figures {
    let failed = |record: &&&Record| record.status >= 400 || record.outcome != Outcome::Completed;
    let tokens: u64 = records.iter().filter_map(|record| record.usage).map(|usage| usage.total()).sum();
    let percentiles = |of: &dyn Fn(&Record) -> Option<Duration>| {
        let mut all: Vec<Duration> = records.iter().filter_map(|record| of(record)).collect();
        all.sort_unstable();
        let at = |percent: usize| {
            let rank = (all.len() * percent).div_ceil(100);
            all.get(rank.wrapping_sub(1)).map(|span| span.as_secs_f64() * 1_000.0)
        };
        Percentiles { p50: at(50), p90: at(90), p99: at(99) }
    };
    Figures {
        requests_per_second: records.len() as f64 / seconds,
        tokens_per_minute: tokens as f64 * 60.0 / seconds,
        in_flight: 0,
        error_rate: match records.len() {
            0 => 0.0,
            all => records.iter().filter(failed).count() as f64 / all as f64,
        },
        overhead_ms: percentiles(&|record| Some(record.overhead)),
        ttfb_ms: percentiles(&|record| record.first_byte),
        duration_ms: percentiles(&|record| Some(record.duration)),
    }
}

/// The same figures, percentiles to 1 %.
fn assert_same(found: &Figures, plain: &Figures, what: &str) {
    for (found, plain) in [
        (found.overhead_ms, plain.overhead_ms),
        (found.ttfb_ms, plain.ttfb_ms),
        (found.duration_ms, plain.duration_ms),
    ] {
        for (found, plain) in [(found.p50, plain.p50), (found.p90, plain.p90), (found.p99, plain.p99)] {
            let near = |(found, plain): (f64, f64)| (found - plain).abs() <= plain * 0.01;
            let same = found.zip(plain).map_or(found.is_none() && plain.is_none(), near);
            assert!(same, "{what}: {found:?} for {plain:?}");
        }
    }
    let (overhead_ms, ttfb_ms, duration_ms) = (plain.overhead_ms, plain.ttfb_ms, plain.duration_ms);
    assert_eq!(&Figures { overhead_ms, ttfb_ms, duration_ms, ..found.clone() }, plain, "{what}");
}

#[test]
fn figures_are_those_of_a_plain_list_of_the_requests_of_the_window() {
    let (began, dice) = (Instant::now(), &mut Dice(8));
    let live = Live::new(began);
    let mut all: Vec<(i64, Record)> = Vec::new();
    let mut millis = 0;
    for step in 0..4_000 {
        // Bursts, and gaps of up to three minutes.
        millis += match dice.below(100) {
            0 => dice.below(180_000),
            1..20 => dice.below(2_000),
            _ => dice.below(20),
        };
        let now = began + Duration::from_millis(millis);
        let second = (millis / 1_000) as i64;
        let batch: Vec<Record> = (0..dice.below(4)).map(|_| any(dice)).collect();
        live.count(&batch, |_| true, now);
        all.extend(batch.into_iter().map(|record| (second, record)));
        if step % 40 != 0 {
            continue;
        }
        let window = [1, 2, 10, 59, 60, 61, 65, 300, WINDOW_MAX][dice.below(9) as usize];
        let mut since = second + 1 - i64::from(window);
        if window > 60 {
            since = since.div_euclid(10) * 10;
        }
        let seconds = (second + 1 - since) as f64;
        let within: Vec<&Record> =
            all.iter().filter(|(ended, _)| *ended >= since).map(|(_, record)| record).collect();
        let view = live.view(window, &InFlight::default(), now);
        assert_eq!(view.window, window);
        assert_same(&view.overall, &plain(&within, seconds), "overall");
        let mut models: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
        let mut accounts: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
        for record in within {
            models.entry(record.model.to_string()).or_default().push(record);
            let of = record.account.iter();
            of.for_each(|name| accounts.entry(name.to_string()).or_default().push(record));
        }
        for (found, plainly) in [(view.by_model, models), (view.by_account, accounts)] {
            assert!(found.keys().eq(plainly.keys()), "{found:?}");
            for (name, records) in plainly {
                assert_same(&found[&name], &plain(&records, seconds), &name);
            }
        }
    }
}

#[test]
fn a_request_leaves_the_window_when_its_second_does() {
    let began = Instant::now();
    let live = Live::new(began);
    live.count(&[record("m", Some("a"))], |_| true, began + Duration::from_millis(900));
    for (window, millis, rate) in
        [(1, 999, 1.0), (1, 1_000, 0.0), (60, 1_000, 1.0 / 60.0), (60, 59_999, 1.0 / 60.0), (60, 60_000, 0.0)]
    {
        let view = live.view(window, &InFlight::default(), began + Duration::from_millis(millis));
        assert_eq!(view.overall.requests_per_second, rate, "{window} {millis}");
        assert_eq!(view.by_model.len(), usize::from(rate > 0.0), "{window} {millis}");
    }
}

#[test]
fn a_clock_that_was_read_earlier_and_comes_later_counts_all_the_same() {
    let began = Instant::now();
    let live = Live::new(began);
    for second in [7, 6, 7] {
        live.count(&[record("m", None)], |_| true, began + Duration::from_secs(second));
    }
    let view = live.view(1, &InFlight::default(), began + Duration::from_secs(7));
    assert_eq!(view.overall.requests_per_second, 3.0);
}

#[test]
fn what_no_client_could_have_made_up_is_a_name_and_all_else_is_other() {
    let began = Instant::now();
    let live = Live::new(began);
    let batch = ["known", "made-up-1", "made-up-2"].map(|model| record(model, Some("a")));
    live.count(&batch, |model| model == "known", began);
    let in_flight = InFlight {
        models: BTreeMap::from([("known".to_owned(), 2), ("waits".to_owned(), 1)]),
        accounts: BTreeMap::from([("a".to_owned(), 2), ("b".to_owned(), 1), ("idle".to_owned(), 0)]),
    };
    let view = live.view(1, &in_flight, began);
    let told = |all: BTreeMap<String, Figures>| -> Vec<(String, f64, u64)> {
        all.into_iter().map(|(name, of)| (name, of.requests_per_second, of.in_flight)).collect()
    };
    assert_eq!(
        told(view.by_model),
        [("known".to_owned(), 1.0, 2), ("other".to_owned(), 2.0, 0), ("waits".to_owned(), 0.0, 1)]
    );
    assert_eq!(told(view.by_account), [("a".to_owned(), 3.0, 2), ("b".to_owned(), 0.0, 1)]);
    assert_eq!(view.overall.in_flight, 3);
}

#[test]
fn memory_is_bounded_whatever_ends_and_the_window_tells_how_far_it_reaches() {
    let (began, dice) = (Instant::now(), &mut Dice(3));
    let windows = Windows::new(began, "other".into());
    let live = Live { windows: Mutex::new(windows), other: "other".into() };
    let (models, accounts) = (
        (0..200).map(|number| Arc::from(format!("model-{number}"))).collect::<Vec<Arc<str>>>(),
        (0..200).map(|number| Arc::from(format!("account-{number}"))).collect::<Vec<Arc<str>>>(),
    );
    let mut proto = record("m", None);
    for second in 0..40 {
        let batch: Vec<Record> = (0..6_000)
            .map(|_| {
                proto.model = Arc::clone(&models[dice.below(200) as usize]);
                proto.account = Some(Arc::clone(&accounts[dice.below(200) as usize]));
                proto.duration = Duration::from_micros(dice.below(1 << 31));
                proto.clone()
            })
            .collect();
        let now = began + Duration::from_secs(second);
        live.count(&batch, |_| true, now);
        assert!(live.windows.lock().bytes() < 6 << 20, "{second}");
    }
    let view = live.view(40, &InFlight::default(), began + Duration::from_secs(39));
    assert!((5..40).contains(&view.window), "{}", view.window);
    assert_eq!(view.overall.requests_per_second, 6_000.0);
    let told_apart: f64 = view.by_account.values().map(|of| of.requests_per_second).sum();
    assert!(view.by_model.contains_key("other") && told_apart > 4_000.0, "{told_apart}");
}
