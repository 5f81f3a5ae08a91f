//! Lines: who came first has it first, nobody is forgotten, and nobody who has gone is in the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use sluice_api::limiter::{Principal, Take, Why, Window};
use sluice_api::store::{Asked, Lease, Line, Lined, Place, Taken, Turn, Used};

use super::{at, key, lease, one, seconds, slot};
use crate::Buckets;

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn is_over(turn: &mut Turn) -> bool {
    turn.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
}

fn account(name: &str) -> Principal {
    Principal::Account(name.into())
}

fn line(id: &str, place: Option<&Place>) -> Line {
    Line::new(id.into(), 3).at(place.cloned())
}

/// One that waits in the line of a key where these slots are not free.
fn ask(buckets: &Buckets, id: &str, place: Option<&Place>, takes: Vec<Take>) -> Taken {
    buckets.take_all(Asked::new(vec![lease(at(0), takes)]).in_line(line(id, place)))
}

fn taken(taken: Taken) -> Lease {
    match taken {
        Taken::All(leases) => leases.into_iter().next().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn waits(taken: Taken) -> Place {
    match taken {
        Taken::Waits(place) => place,
        other => panic!("{other:?}"),
    }
}

fn refused(taken: Taken) -> Why {
    match taken {
        Taken::Refused(denial) => denial.why,
        other => panic!("{other:?}"),
    }
}

fn give(buckets: &Buckets, lease: &Lease) {
    buckets.settle(lease, Used::new(0, 0), at(0));
}

#[test]
fn a_line_is_served_in_its_order_and_has_an_end() {
    let buckets = Buckets::default();
    let slots = || vec![slot(key("k"), 1)];
    let held = taken(ask(&buckets, "k", None, slots()));
    let places: Vec<Place> = (0..3).map(|_| waits(ask(&buckets, "k", None, slots()))).collect();
    assert_eq!(refused(ask(&buckets, "k", None, slots())), Why::Line);
    assert_eq!(buckets.waiting(&["k".into(), "other".into()]), [3, 0]);
    let mut turns: Vec<Turn> = places.iter().map(|place| buckets.turn(place)).collect();
    assert!(!turns.iter_mut().any(is_over));
    give(&buckets, &held);
    assert_eq!(turns.iter_mut().map(is_over).collect::<Vec<_>>(), [true, false, false]);
    // The slot is free, but not for who was not the first, nor for who has just come.
    assert_eq!(waits(ask(&buckets, "k", Some(&places[1]), slots())), places[1]);
    assert_eq!(refused(ask(&buckets, "k", None, slots())), Why::Line);
    let no_line = Asked::new(vec![lease(at(0), slots())]);
    assert_eq!(refused(buckets.take_all(no_line)), Why::Reserved);
    let held = taken(ask(&buckets, "k", Some(&places[0]), slots()));
    assert_eq!(buckets.waiting(&["k".into()]), [2]);
    assert!(is_over(&mut turns[1]), "it has moved up, and is to ask itself");
    assert_eq!(waits(ask(&buckets, "k", Some(&places[1]), slots())), places[1]);
    assert!(!is_over(&mut buckets.turn(&places[1])), "it has asked");
    give(&buckets, &held);
    assert!(is_over(&mut buckets.turn(&places[1])), "what happens between two questions is told");
}

#[test]
fn whoever_leaves_is_in_nobodys_way() {
    let slots = || vec![slot(key("k"), 1), slot(account("a"), 1)];
    for leaves in 0..3 {
        for after_the_slot_is_free in [false, true] {
            let buckets = Buckets::default();
            let held = taken(ask(&buckets, "k", None, slots()));
            let mut places: Vec<Place> = (0..3).map(|_| waits(ask(&buckets, "k", None, slots()))).collect();
            if after_the_slot_is_free {
                give(&buckets, &held);
            }
            let gone = places.remove(leaves);
            buckets.leave(&gone);
            buckets.leave(&gone);
            if !after_the_slot_is_free {
                give(&buckets, &held);
            }
            assert!(is_over(&mut buckets.turn(&gone)));
            for place in &places {
                assert!(is_over(&mut buckets.turn(place)));
                let held = taken(ask(&buckets, "k", Some(place), slots()));
                give(&buckets, &held);
            }
            assert_eq!(buckets.waiting(&["k".into()]), [0]);
            give(&buckets, &taken(ask(&buckets, "other", None, slots())));
        }
    }
}

#[test]
fn a_window_without_room_refuses_at_once_also_who_waits() {
    let buckets = Buckets::default();
    let takes = || vec![slot(key("k"), 1), one("k", Window::Rolling(seconds(60)), 2)];
    let held = taken(ask(&buckets, "k", None, takes()));
    let place = waits(ask(&buckets, "k", None, takes()));
    let others = taken(buckets.take_all(Asked::new(vec![lease(at(0), takes().split_off(1))])));
    assert_eq!(refused(ask(&buckets, "k", Some(&place), takes())), Why::Used(Some(seconds(60))));
    assert_eq!(refused(ask(&buckets, "k", None, takes())), Why::Used(Some(seconds(60))));
    buckets.settle(&others, Used::NOTHING, at(0));
    give(&buckets, &held);
    drop(taken(ask(&buckets, "k", Some(&place), takes())));
}

#[test]
fn a_slot_that_several_keys_share_goes_to_who_has_waited_longest() {
    let buckets = Buckets::default();
    let group = || Principal::Group("g".into());
    let of = |id: &str| vec![slot(key(id), 9), slot(group(), 2)];
    let held = [taken(ask(&buckets, "a", None, of("a"))), taken(ask(&buckets, "b", None, of("b")))];
    let [first, second] = ["b", "a"].map(|id| waits(ask(&buckets, id, None, of(id))));
    let third = waits(ask(&buckets, "b", None, of("b")));
    give(&buckets, &held[0]);
    assert!(is_over(&mut buckets.turn(&first)) && !is_over(&mut buckets.turn(&second)));
    assert_eq!(waits(ask(&buckets, "a", Some(&second), of("a"))), second);
    waits(ask(&buckets, "c", None, of("c")));
    let held_by_first = taken(ask(&buckets, "b", Some(&first), of("b")));
    // What is next in the line of who was served came after the other key's.
    give(&buckets, &held_by_first);
    assert_eq!(waits(ask(&buckets, "b", Some(&third), of("b"))), third);
    drop(taken(ask(&buckets, "a", Some(&second), of("a"))));
    give(&buckets, &held[1]);
    drop(taken(ask(&buckets, "b", Some(&third), of("b"))));
}

#[test]
fn who_waits_for_any_of_several_accounts_is_told_of_each_and_passes_on_what_it_does_not_take() {
    let buckets = Buckets::default();
    let (slots, size) = (|| ["a", "b"].map(|name| slot(account(name), 1)), 3);
    let held = slots().map(|slot| taken(buckets.take_all(Asked::new(vec![lease(at(0), vec![slot])]))));
    let waiting = |lined| match lined {
        Lined::Waits(place) => place,
        other => panic!("{other:?}"),
    };
    let up = |id: &str, place: Option<&Place>| {
        buckets.line_up(Line::new(id.into(), size).at(place.cloned()), &slots())
    };
    let first = waiting(up("k", None));
    let second = waiting(up("l", None));
    assert!(matches!(buckets.line_up(Line::new("m".into(), 0), &slots()), Lined::Full));
    // Both are free, and each is the first's until it has asked.
    held.iter().for_each(|lease| give(&buckets, lease));
    assert!(is_over(&mut buckets.turn(&first)) && !is_over(&mut buckets.turn(&second)));
    assert!(matches!(up("k", Some(&first)), Lined::Free));
    let [a, b] = slots();
    let no_line = |slot: &Take| Asked::new(vec![lease(at(0), vec![slot.clone()])]);
    assert_eq!(refused(buckets.take_all(no_line(&b))), Why::Reserved);
    drop(taken(ask(&buckets, "k", Some(&first), vec![a])));
    assert!(is_over(&mut buckets.turn(&second)), "the other one is his now");
    assert!(matches!(up("l", Some(&second)), Lined::Free));
    drop(taken(ask(&buckets, "l", Some(&second), vec![b])));
}

#[test]
fn a_turn_is_told_to_everybody_who_listens_and_once() {
    let buckets = Buckets::default();
    let held = taken(ask(&buckets, "k", None, vec![slot(key("k"), 1)]));
    let place = waits(ask(&buckets, "k", None, vec![slot(key("k"), 1)]));
    let (woken, mut turns) = (Arc::new(Woken::default()), [buckets.turn(&place), buckets.turn(&place)]);
    let waker = Waker::from(Arc::clone(&woken));
    for turn in turns.iter_mut().chain([&mut buckets.turn(&place)]) {
        assert_eq!(turn.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
    }
    give(&buckets, &held);
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert!(turns.iter_mut().all(is_over));
}
