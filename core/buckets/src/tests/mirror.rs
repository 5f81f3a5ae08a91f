//! Counts that follow another place go on from what it has told last.

use std::time::Duration;

use sluice_api::limiter::{Rule, Why, Window};
use sluice_api::store::{Level, Used};

use super::{at, key, lease, one, slot, take, tokens, why};
use crate::Buckets;

const MINUTE: Window = Window::Rolling(Duration::from_secs(60));

#[test]
fn what_is_more_elsewhere_others_have_used_and_what_is_reserved_here_is_not_counted_twice() {
    for window in [MINUTE, Window::Total] {
        let buckets = Buckets::default();
        let takes = |limit| vec![one("k", window, limit), tokens("k", window, (30, limit), Rule::Within)];
        let mut leases = [lease(at(0), takes(1_000))];
        // Others have had 4 requests, used 200 tokens, and reserved 50.
        leases[0].levels = vec![Level::new(5, 0, None), Level::new(200, 80, None)];
        buckets.mirror(&mut leases);
        let levels =
            |now| buckets.levels(&takes(1), now).iter().map(|one| (one.used, one.reserved)).collect();
        let levels = |now| -> Vec<(u64, u64)> { levels(now) };
        assert_eq!(levels(at(1)), [(5, 0), (250, 30)], "{window:?}");
        buckets.settle(&leases[0], Used::new(70, 0), at(2));
        assert_eq!(levels(at(2)), [(5, 0), (320, 0)], "{window:?}");
        assert_eq!(
            why(&buckets, at(3), vec![one("k", window, 5)]).map(|why| matches!(why, Why::Used(_))),
            Some(true)
        );
        drop(take(&buckets, at(3), vec![one("k", window, 6)]).unwrap());
        // It is told that others have given back, and used less than they had reserved.
        let told = takes(1).into_iter().zip([Level::new(3, 0, None), Level::new(210, 0, None)]);
        buckets.sees(&told.collect::<Vec<_>>(), at(4));
        assert_eq!(levels(at(4)), [(3, 0), (210, 0)], "{window:?}");
    }
}

#[test]
fn what_others_have_used_of_a_window_that_rolls_is_over_a_length_after_it_was_told() {
    let buckets = Buckets::default();
    let full = |now| why(&buckets, now, vec![one("k", MINUTE, 3)]);
    buckets.sees(&[(one("k", MINUTE, 3), Level::new(2, 0, None))], at(0));
    buckets.sees(&[(one("k", MINUTE, 3), Level::new(3, 0, None))], at(30_000));
    assert_eq!(full(at(59_999)), Some(Why::Used(Some(Duration::from_millis(1)))));
    assert_eq!((full(at(60_000)), full(at(60_000))), (None, None));
    assert_eq!(full(at(60_001)), Some(Why::Used(Some(Duration::from_millis(29_999)))));
    buckets.sees(&[(one("k", MINUTE, 3), Level::new(u64::MAX, u64::MAX, None))], at(60_002));
    assert!(full(at(60_003)).is_some());
}

#[test]
fn slots_that_others_hold_are_in_the_way_until_that_is_not_known_any_more() {
    let buckets = Buckets::default();
    let mut leases = [lease(at(0), vec![slot(key("k"), 3)])];
    leases[0].levels = vec![Level::new(2, 0, None)];
    buckets.mirror(&mut leases);
    drop(take(&buckets, at(1), vec![slot(key("k"), 3)]).unwrap());
    assert_eq!(why(&buckets, at(1), vec![slot(key("k"), 3)]), Some(Why::Reserved));
    buckets.settle(&leases[0], Used::NOTHING, at(2));
    assert_eq!(buckets.held(&slot(key("k"), 3).bucket), 2);
    buckets.forget_others();
    assert_eq!(buckets.held(&slot(key("k"), 3).bucket), 1);
}
