//! Leases: all is taken or nothing, whose take had no room is said and why, and what is used or given back is counted.

use std::time::Duration;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sluice_api::limiter::{Bucket, Principal, Rule, Take, Unit, Window};
use sluice_api::store::{Asked, Lease, LeaseId, Owner, Taken, Used};

use crate::held::{Checked, Stores, hold};
use crate::model::{Bound, Model};

#[derive(Clone, Debug)]
enum Step {
    /// Takes from buckets: which, how much, of how much; so many of them by a lease of their own.
    Take(Vec<(usize, u64, u64)>, usize),
    /// A running request has used so much by now.
    Land(Index, u64),
    /// One has ended, and has used so much; nothing where it never was.
    Settle(Index, Option<u64>),
    /// So many milliseconds pass.
    Pass(i64),
}

/// What a bucket counts, of whom, in what windows.
type Counts = (Principal, fn(Timestamp) -> Window, Unit, Rule);

fn step() -> impl Strategy<Value = Step> {
    let most = || prop_oneof![8 => 0..8_u64, 1 => Just(u64::MAX)];
    let takes = vec((0..usize::MAX, most(), most()), 0..5);
    prop_oneof![
        4 => (takes, 0..5_usize).prop_map(|(takes, own)| Step::Take(takes, own)),
        1 => (any::<Index>(), 0..9_u64).prop_map(|(which, used)| Step::Land(which, used)),
        2 => (any::<Index>(), prop::option::of(0..9_u64)).prop_map(|(which, used)| Step::Settle(which, used)),
        3 => prop_oneof![0..700_i64, 0..9_000_i64].prop_map(Step::Pass),
    ]
}

fn key() -> Principal {
    Principal::Key("key-1".into())
}

fn account() -> Principal {
    Principal::Account("account".into())
}

fn rolling(_now: Timestamp) -> Window {
    Window::Rolling(Duration::from_millis(6_400))
}

/// Days of ten seconds.
fn day(now: Timestamp) -> Window {
    let first = now.as_second().div_euclid(10) * 10;
    let [from, to] = [first, first + 10].map(|second| Timestamp::from_second(second).unwrap());
    Window::Calendar { from, to }
}

fn without_a_clock() -> Vec<Counts> {
    let (held, total): (fn(_) -> _, fn(_) -> _) = (|_| Window::Held, |_| Window::Total);
    vec![
        (key(), held, Unit::Requests, Rule::Within),
        (account(), held, Unit::Requests, Rule::Within),
        (Principal::Group("group".into()), total, Unit::Requests, Rule::Within),
        (key(), total, Unit::Tokens, Rule::Below),
        (account(), total, Unit::Cost, Rule::Within),
    ]
}

fn with_a_clock() -> Vec<Counts> {
    vec![
        (key(), rolling, Unit::Requests, Rule::Within),
        (key(), rolling, Unit::Tokens, Rule::Below),
        (account(), rolling, Unit::Cost, Rule::Within),
        (Principal::Group("group".into()), day, Unit::Requests, Rule::Within),
        (key(), day, Unit::Tokens, Rule::Within),
        (account(), |_| Window::Held, Unit::Requests, Rule::Within),
    ]
}

/// A lease takes all that it says or nothing, from slots and totals; what is given back is there again, and what was used
/// takes the place of what was reserved.
///
/// # Panics
///
/// Where that is not so.
pub fn all_is_taken_or_nothing(stores: &dyn Stores) {
    hold(48, &vec(step(), 1..60), async |steps| run(stores, steps, &without_a_clock(), Time::Real).await);
}

/// In no stretch of a rolling window's length is more taken than its limit, nor in any calendar window; how long there is no
/// room is said as it is. Needs a store whose time is the one that it is told.
///
/// # Panics
///
/// Where that is not so.
pub fn no_window_has_more_than_its_limit(stores: &dyn Stores) {
    hold(96, &vec(step(), 1..90), async |steps| run(stores, steps, &with_a_clock(), Time::Told).await);
}

/// Whose time it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    Real,
    Told,
}

fn take_of((principal, window, unit, rule): &Counts, part: usize, (amount, limit): (u64, u64)) -> Take {
    let window = window(Timestamp::UNIX_EPOCH);
    let bucket = Bucket::new("limits", principal.clone()).part(format!("part {part}").into());
    Take::within(bucket, window, amount, limit).of(*unit, *rule)
}

fn used(used: u64) -> Used {
    Used::new(used, used)
}

async fn run(stores: &dyn Stores, steps: Vec<Step>, counts: &[Counts], time: Time) -> Checked {
    let store = stores.fresh().await;
    let mut model = Model::default();
    let mut now = if time == Time::Told { Timestamp::UNIX_EPOCH } else { Timestamp::now() };
    let take = |which: usize, amounts, now| {
        let which = which % counts.len();
        let mut take = take_of(&counts[which], which, amounts);
        take.window = counts[which].1(now);
        take
    };
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Pass(milliseconds) => now += Duration::from_millis(milliseconds.unsigned_abs()),
            Step::Take(takes, first) => {
                let takes = takes.into_iter().map(|(which, amount, limit)| take(which, (amount, limit), now));
                let takes: Vec<Take> = takes.collect();
                let parts = takes.split_at(first.min(takes.len()));
                let number = u64::try_from(2 * number).unwrap();
                let lease =
                    |number, takes: &[Take]| Lease::new(LeaseId::new(Owner(1), number), now, takes.to_vec());
                let leases = vec![lease(number, parts.0), lease(number + 1, parts.1)];
                let taken = store.take_all(Asked::new(leases)).await.unwrap();
                took(&mut model, &takes, taken, now)?;
            }
            Step::Land(which, amount) if !model.running.is_empty() => {
                let which = which.index(model.running.len());
                model.land(which, used(amount), now);
                store.land(&mut model.running[which], used(amount), now);
                prop_assert_eq!(model.running[which].landed, used(amount));
            }
            Step::Settle(which, amount) if !model.running.is_empty() => {
                let amount = amount.map_or(Used::NOTHING, used);
                let lease = model.settle(which.index(model.running.len()), amount, now);
                store.settle(lease, amount, now);
            }
            Step::Land(..) | Step::Settle(..) => continue,
        }
        stores.settled(&store).await;
        let all: Vec<Take> = (0..counts.len()).map(|which| take(which, (1, 1), now)).collect();
        for (take, level) in all.iter().zip(store.levels(all.clone(), now).await.unwrap()) {
            let (least, most) = (model.used(take, now, Bound::Least), model.used(take, now, Bound::Most));
            let (used, reserved) = (u128::from(level.used), u128::from(level.reserved));
            if take.is_slot() {
                prop_assert_eq!((used, reserved), (model.reserved(take), 0), "{:?}", take);
                prop_assert_eq!(store.held(&take.bucket).await.unwrap(), level.used);
                continue;
            }
            prop_assert!(least <= used && used <= most, "{} of {}..={} in {:?}", used, least, most, take);
            let whole = |sum: u128| sum.min(u128::from(u64::MAX));
            prop_assert_eq!(reserved, whole(model.reserved(take)), "{:?}", take);
            if let Window::Calendar { to, .. } = take.window
                && used > 0
            {
                prop_assert_eq!(level.resets, Some(to));
            }
        }
    }
    Ok(())
}

/// What came of takes is what the model says, or may be.
fn took(model: &mut Model, takes: &[Take], taken: Taken, now: Timestamp) -> Checked {
    let each = || (0..takes.len()).map(|at| &takes[..=at]);
    match taken {
        Taken::All(leases) => {
            let none = each().find(|takes| !model.has_room(takes, now, Bound::Least));
            prop_assert_eq!(none, None, "taken, where there is no room for the last");
            let told = leases.iter().flat_map(|lease| &lease.takes);
            prop_assert!(told.eq(takes), "not the leases that were asked for");
            for lease in leases {
                prop_assert_eq!(lease.levels.len(), lease.takes.len());
                model.take(lease, now);
            }
        }
        Taken::Refused(denial) => {
            let same = each().filter(|takes| takes[takes.len() - 1] == denial.take);
            let full: Vec<_> = same.filter(|takes| !model.has_room(takes, now, Bound::Most)).collect();
            let wrong: Vec<_> = full.iter().map(|takes| model.wrong(takes, now, denial.why)).collect();
            prop_assert!(wrong.contains(&None), "{:?}: {:?}", denial, wrong);
            let windows = || each().filter(|takes| !takes[takes.len() - 1].is_slot());
            let full = windows().find(|takes| !model.has_room(takes, now, Bound::Least));
            prop_assert!(full.is_none() || !denial.take.is_slot(), "a window is looked at before slots");
        }
        Taken::Waits(place) => prop_assert!(false, "it waits at {:?}", place),
    }
    Ok(())
}
