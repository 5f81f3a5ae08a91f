//! Windows: never more than the limit in any of them, whatever is taken, used and given back.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use sluice_api::limiter::{Rule, Unit, Why, Window};
use sluice_api::store::{Asked, Level, Seed, Taken, Used};

use super::{at, bucket, key, lease, one, seconds, slot, take, tokens, why};
use crate::Buckets;
use crate::rolling::Rolling;

const MINUTE: Window = Window::Rolling(Duration::from_secs(60));

fn day(day: i64) -> Window {
    let midnight = |day: i64| Timestamp::from_second(1_795_000_000 + 86_400 * day).unwrap();
    Window::Calendar { from: midnight(day), to: midnight(day + 1) }
}

#[test]
fn a_refused_request_leaves_every_bucket_as_it_was() {
    let buckets = Buckets::default();
    let both = |now| {
        let first = lease(now, vec![slot(key("k"), 9), one("k", MINUTE, 9)]);
        Asked::new(vec![first, lease(now, vec![slot(key("a"), 1), one("a", Window::Total, 3)])])
    };
    let Taken::All(taken) = buckets.take_all(both(at(0))) else { panic!("there is room") };
    let before = buckets.levels(&taken[0].takes, at(0));
    let Taken::Refused(denial) = buckets.take_all(both(at(1))) else { panic!("there is none") };
    assert_eq!((denial.why, denial.take), (Why::Reserved, slot(key("a"), 1)));
    assert_eq!(buckets.levels(&taken[0].takes, at(1)), before);
    assert_eq!(taken[0].levels, before, "it was told as it was taken");
    // Each is given back by itself.
    buckets.settle(&taken[1], Used::NOTHING, at(2));
    assert_eq!((buckets.held(&slot(key("k"), 1).bucket), buckets.held(&slot(key("a"), 1).bucket)), (1, 0));
    let Taken::All(again) = buckets.take_all(both(at(3))) else { panic!("there is room again") };
    assert_eq!(again[0].levels.iter().map(|level| level.used).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn takes_of_one_bucket_add_up_and_what_can_not_be_counted_is_refused() {
    let buckets = Buckets::default();
    let some = |amount, limit| tokens("k", MINUTE, (amount, limit), Rule::Within);
    assert_eq!(why(&buckets, at(0), vec![some(2, 3), some(2, 3)]), Some(Why::TooMuch));
    assert_eq!(why(&buckets, at(0), vec![some(u64::MAX, 9)]), Some(Why::TooMuch));
    let most = || some(u64::MAX, u64::MAX);
    assert_eq!(why(&buckets, at(0), vec![most(), most()]), Some(Why::TooMuch));
    drop(take(&buckets, at(0), vec![most()]).unwrap());
    assert_eq!(why(&buckets, at(0), vec![some(1, u64::MAX)]), Some(Why::Reserved));
    let slots = || vec![slot(key("s"), 3), slot(key("s"), 3)];
    drop(take(&buckets, at(0), slots()).unwrap());
    assert_eq!(why(&buckets, at(0), slots()), Some(Why::Reserved));
    drop(take(&buckets, at(0), vec![slot(key("s"), 3)]).unwrap());
}

#[test]
fn windows_are_looked_at_before_slots_and_the_longest_wait_is_told() {
    let buckets = Buckets::default();
    let takes = || vec![slot(key("k"), 1), one("k", MINUTE, 1), tokens("k", day(0), (1, 1), Rule::Within)];
    let held = take(&buckets, at(0), takes()).unwrap();
    assert_eq!(
        take(&buckets, at(1), takes()).unwrap_err(),
        ("requests".into(), Why::Used(Some(Duration::from_millis(59_999))))
    );
    buckets.settle(&held, Used::new(1, 0), at(2));
    let wait = Why::Used(Some(seconds(86_400) - Duration::from_millis(3)));
    assert_eq!(take(&buckets, at(3), takes()).unwrap_err(), ("tokens".into(), wait));
    let ever = vec![one("t", MINUTE, 1), one("t", Window::Total, 1)];
    let first = take(&buckets, at(4), ever.clone()).unwrap();
    assert_eq!(why(&buckets, at(5), ever.clone()), Some(Why::Used(None)));
    buckets.settle(&first, Used::NOTHING, at(6));
    assert_eq!(why(&buckets, at(7), ever), None);
}

#[test]
fn what_lands_takes_the_place_of_what_was_reserved_and_the_end_corrects_it() {
    for window in [MINUTE, day(0), Window::Total] {
        let buckets = Buckets::default();
        let some = || vec![tokens("k", window, (100, 1_000), Rule::Within)];
        let level = |now| {
            let level = buckets.levels(&some(), now)[0];
            (level.used, level.reserved)
        };
        let mut first = take(&buckets, at(0), some()).unwrap();
        let second = take(&buckets, at(0), some()).unwrap();
        assert_eq!(level(at(0)), (0, 200));
        buckets.land(&mut first, Used::new(30, 0), at(1_000));
        assert_eq!(level(at(1_000)), (30, 170));
        buckets.land(&mut first, Used::new(130, 0), at(2_000));
        assert_eq!(level(at(2_000)), (130, 100), "no more comes off than it has reserved");
        buckets.settle(&second, Used::new(7, 0), at(3_000));
        assert_eq!(level(at(3_000)), (137, 0));
        buckets.settle(&first, Used::new(50, 0), at(4_000));
        assert_eq!(level(at(4_000)), (57, 0), "less was used than had landed");
    }
}

#[test]
fn what_is_taken_back_is_never_what_others_used() {
    for (others_at, ended_at, there) in [(50_000, 70_000, 40), (50_000, 55_000, 40), (5_000, 55_000, 40)] {
        let buckets = Buckets::default();
        let some = || vec![tokens("k", MINUTE, (100, 1_000), Rule::Within)];
        let mut first = take(&buckets, at(0), some()).unwrap();
        let second = take(&buckets, at(0), some()).unwrap();
        buckets.land(&mut first, Used::new(100, 0), at(1_000));
        buckets.settle(&second, Used::new(40, 0), at(others_at));
        buckets.settle(&first, Used::new(0, 0), at(ended_at));
        let used = |now| buckets.levels(&some(), now)[0].used;
        assert_eq!(used(at(ended_at)), there);
        // It is there at least as long as it would be if it had been there alone.
        assert_eq!(used(at(others_at + 59_999)), 40);
        assert_eq!(used(at(others_at + 61_000)), 0);
    }
}

#[test]
fn a_clock_that_jumps_over_midnight_and_back_forgets_nothing() {
    let buckets = Buckets::default();
    let ask = |number| why(&buckets, at(0), vec![one("k", day(number), 1)]);
    assert_eq!(ask(3), None);
    let full = |number| {
        let Some(Why::Used(Some(_))) = ask(number) else { panic!("day {number} was forgotten") };
    };
    assert_eq!((ask(4), ask(2)), (None, None));
    [2, 3, 4].into_iter().for_each(full);
    // A fourth one is counted, whenever it was; the earliest of the others goes.
    assert_eq!(ask(-5_000), None);
    [-5_000, 3, 4].into_iter().for_each(full);
    let late = take(&buckets, at(0), vec![tokens("l", day(3), (9, 9), Rule::Within)]).unwrap();
    drop(take(&buckets, at(0), vec![tokens("l", day(4), (9, 9), Rule::Within)]).unwrap());
    buckets.settle(&late, Used::new(5, 0), at(100_000_000));
    let of = |number| buckets.levels(&[tokens("l", day(number), (0, 9), Rule::Within)], at(0))[0].used;
    assert_eq!((of(3), of(4)), (5, 0), "it is settled in the window in which it began");
}

#[test]
fn what_is_forgotten_is_told_once_and_what_has_been_counted_stays() {
    let buckets = Buckets::default();
    let windows = || [MINUTE, day(0), Window::Total];
    let takes = || windows().map(|window| tokens("k", window, (1, 100), Rule::Within)).to_vec();
    assert_eq!(buckets.forgotten([takes(), vec![slot(key("k"), 1)]].concat()), takes());
    let seed = |amount| {
        let used = vec![(at(-70_000), 50), (at(-10_000), amount), (at(-20_000), amount)];
        let of = |window| Seed::new(bucket(key("k"), "tokens"), window, used.clone());
        buckets.seed(windows().map(of).to_vec());
    };
    seed(10);
    seed(99);
    assert_eq!(buckets.forgotten(takes()), []);
    assert_eq!(buckets.forgotten(vec![tokens("k", day(1), (1, 9), Rule::Within)]).len(), 1);
    let used = |now| buckets.levels(&takes(), now).iter().map(|level| level.used).collect::<Vec<_>>();
    assert_eq!(used(at(0)), [20, 70, 70]);
    assert_eq!(used(at(45_000)), [10, 70, 70]);
    let [rolls, of_day, total] = buckets.levels(&takes(), at(0))[..] else { panic!("three were asked for") };
    assert_eq!(rolls.resets, Some(at(50_000)));
    let Window::Calendar { to, .. } = day(0) else { panic!("it is one") };
    assert_eq!((of_day.resets, total), (Some(to), Level::new(70, 0, None)));
}

#[test]
fn nothing_is_kept_of_who_is_idle() {
    let buckets = Buckets::default();
    let hour = |hour: i64| at(hour * 3_600_000);
    for round in 0..20 {
        for number in 0..500 {
            let id = format!("{round}-{number}");
            let takes = vec![slot(key(&id), 1), one(&id, MINUTE, 5), one(&id, day(0), 5)];
            let held = take(&buckets, hour(round * 72), takes).unwrap();
            buckets.settle(&held, Used::new(0, 0), hour(round * 72));
        }
        assert!(buckets.shards.len() <= 1_500, "{} in round {round}", buckets.shards.len());
    }
    let kept = take(&buckets, hour(0), vec![one("total", Window::Total, 1)]).unwrap();
    buckets.settle(&kept, Used::new(0, 0), hour(0));
    for number in 0..2_000 {
        drop(take(&buckets, hour(9_999), vec![one(&number.to_string(), MINUTE, 1)]).unwrap());
    }
    assert_eq!(why(&buckets, hour(9_999), vec![one("total", Window::Total, 1)]), Some(Why::Used(None)));
}

#[test]
fn requests_are_exact_up_to_a_thousand_and_beyond_that_rounded_against_the_client() {
    for (limit, late) in [(1_000, 0), (3_000, 600)] {
        let buckets = Buckets::default();
        for number in 0..limit {
            let now = at(i64::try_from(number * 30_000 / limit).unwrap());
            drop(take(&buckets, now, vec![one("k", MINUTE, limit)]).unwrap());
        }
        let wait = why(&buckets, at(30_000), vec![one("k", MINUTE, limit)]);
        let Some(Why::Used(Some(wait))) = wait else { panic!("more than {limit} are admitted") };
        let late = seconds(30) + Duration::from_millis(late);
        assert!(wait >= seconds(30) && wait <= late, "{limit}: {wait:?}");
    }
}

#[test]
fn no_more_is_kept_of_a_window_than_its_slices() {
    let mut window = Rolling::new(seconds(100));
    for moment in 0..1_000_000 {
        window.land(Unit::Cost, moment * 1_000_000, 1);
        window.pass(moment * 1_000_000);
        assert!(window.moments() <= 130);
    }
    assert!((100_000..=100_800).contains(&window.used()), "{}", window.used());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// However time goes, and whatever is given back.
    #[test]
    fn a_time_that_goes_back_lets_no_more_through(
        steps in prop::collection::vec((-8_000..10_000_i64, 0..4_u8), 1..120),
        limit in 1..6_u64,
    ) {
        let buckets = Buckets::default();
        let window = Window::Rolling(seconds(5));
        let (mut now, mut latest) = (0, i64::MIN);
        let mut admitted: Vec<(i64, bool)> = Vec::new();
        let mut leases = Vec::new();
        for (step, what) in steps {
            now += step;
            // What no clock can take back.
            latest = now.max(latest);
            if what == 0 && let Some((number, lease)) = leases.pop() {
                let lease: sluice_api::store::Lease = lease;
                buckets.settle(&lease, Used::NOTHING, at(now));
                let (_, counts): &mut (i64, bool) = &mut admitted[number];
                *counts = false;
            } else if let Ok(lease) = take(&buckets, at(now), vec![one("k", window, limit)]) {
                leases.push((admitted.len(), lease));
                admitted.push((latest, true));
                let there = admitted.iter().filter(|(at, counts)| *counts && at + 5_000 > latest);
                prop_assert!(there.count() as u64 <= limit);
            }
        }
    }
}
