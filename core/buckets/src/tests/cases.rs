//! Cases met in the field, at the level of buckets.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sluice_api::limiter::{Limit, ModelNames, Per, Rule, Take, Unit, Why, Window};
use sluice_api::store::Used;

use super::{at, bucket, key, one, seconds, take, tokens, why};
use crate::Buckets;

#[test]
fn a_soft_limit_is_held_by_what_is_expected_of_running_requests_and_then_by_what_they_used() {
    let buckets = Buckets::default();
    let expected = || vec![tokens("k", Window::Rolling(seconds(60)), (1_000, 100), Rule::Below)];
    let first = take(&buckets, at(0), expected()).unwrap();
    assert_eq!(why(&buckets, at(1), expected()), Some(Why::Reserved));
    buckets.settle(&first, Used::new(30, 0), at(2));
    let second = take(&buckets, at(3), expected()).unwrap();
    buckets.settle(&second, Used::new(70, 0), at(4));
    assert_eq!(why(&buckets, at(1_002), expected()), Some(Why::Used(Some(seconds(59) + ROUNDED))));
}

/// By how much the moment is rounded in the test above: to the end of its slice, of which a minute has 128.
const ROUNDED: std::time::Duration = std::time::Duration::from_nanos(
    // The 1,795,000,000 s and 2 ms at which it was used, up to a multiple of a minute / 128 and a nanosecond.
    468_750_001 - 1_795_000_000_002_000_000 % 468_750_001,
);

#[test]
fn requests_for_all_models_of_a_limit_share_its_count_and_others_have_none() {
    #[derive(Debug)]
    struct Claudes;
    impl ModelNames for Claudes {
        fn matches(&self, model: &str) -> bool {
            model.starts_with("claude-")
        }
    }
    let buckets = Buckets::default();
    let limit =
        Limit::new(Unit::Requests, 3, Per::Day).of_models(Arc::new(Claudes), &["claude-*".to_owned()]);
    let ask = |model: &str| {
        let window = limit.per.window(at(0), &TimeZone::UTC);
        let bucket = bucket(key("k"), &limit.part);
        let takes = limit.counts(model).then(|| Take::within(bucket, window, 1, limit.most));
        take(&buckets, at(0), takes.into_iter().collect()).is_ok()
    };
    let asked = ["claude-a", "claude-a", "claude-b", "claude-a", "claude-b", "gpt-x"].map(ask);
    assert_eq!(asked, [true, true, true, false, false, true]);
}

#[test]
fn who_has_used_up_a_day_or_a_month_waits_for_the_next_midnight_of_the_zone() {
    let zone = TimeZone::get("Asia/Tokyo").unwrap();
    let now: Timestamp = "2026-11-28T20:00:00Z".parse().unwrap();
    for (per, next) in [(Per::Day, "2026-11-29T15:00:00Z"), (Per::Month, "2026-11-30T15:00:00Z")] {
        let buckets = Buckets::default();
        let takes = |now| vec![one("k", per.window(now, &zone), 1)];
        let next: Timestamp = next.parse().unwrap();
        drop(take(&buckets, now, takes(now)).unwrap());
        let later = now + seconds(7);
        let wait = next.duration_since(later).unsigned_abs();
        assert_eq!(why(&buckets, later, takes(later)), Some(Why::Used(Some(wait))), "{per}");
        let before = next - seconds(1);
        assert_eq!(why(&buckets, before, takes(before)), Some(Why::Used(Some(seconds(1)))), "{per}");
        assert_eq!(why(&buckets, next, takes(next)), None, "{per}");
    }
}

#[test]
fn who_waits_as_long_as_it_was_told_is_admitted_and_who_comes_a_second_earlier_is_not() {
    let takes = || vec![one("k", Window::Rolling(seconds(5)), 1)];
    for early in [true, false] {
        let buckets = Buckets::default();
        drop(take(&buckets, at(0), takes()).unwrap());
        let Some(Why::Used(Some(wait))) = why(&buckets, at(1_300), takes()) else {
            panic!("it was admitted")
        };
        let rounded = i64::try_from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).unwrap();
        assert_eq!(rounded, 4);
        let then = 1_300 + 1_000 * (rounded - i64::from(early));
        assert_eq!(take(&buckets, at(then), takes()).is_err(), early);
    }
}
