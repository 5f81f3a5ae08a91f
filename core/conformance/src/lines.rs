//! Lines: served in their order, never longer than they may be, left at any moment, and nobody in them is forgotten.

mod many;

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sluice_api::limiter::{Bucket, Principal, Take, Why};
use sluice_api::store::{Asked, Lease, LeaseId, Line, Lined, Owner, Place, Store, Taken, Used};

use crate::held::{Checked, Stores, hold};

pub use many::everybody_in_a_line_is_served;

/// How long a test waits for a turn that has come: a store that is elsewhere tells of it a moment later.
const SOON: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
enum Step {
    /// Somebody comes: a key's request for an account, who may wait or not.
    Come(usize, usize, bool),
    /// One that waits asks again, for this account.
    Again(Index, usize),
    /// One that waits does so for any account.
    LineUp(Index),
    /// One that waits goes away.
    Leave(Index),
    /// One that runs has ended.
    Settle(Index),
}

const KEYS: usize = 3;
const ACCOUNTS: usize = 2;
const SIZE: u32 = 3;

/// Slots of a key, of the group that all but the last key have, and of an account.
const SLOTS: [u64; 3] = [2, 3, 2];

fn step() -> impl Strategy<Value = Step> {
    let index = || any::<Index>();
    prop_oneof![
        6 => (0..KEYS, 0..ACCOUNTS, prop::bool::weighted(0.8)).prop_map(|(key, account, waits)| Step::Come(key, account, waits)),
        4 => (index(), 0..ACCOUNTS).prop_map(|(which, account)| Step::Again(which, account)),
        2 => index().prop_map(Step::LineUp),
        1 => index().prop_map(Step::Leave),
        3 => index().prop_map(Step::Settle),
    ]
}

fn id(key: usize) -> String {
    format!("key-{key}")
}

fn slot(principal: Principal, which: usize) -> Take {
    Take::one(Bucket::new("concurrency", principal), SLOTS[which])
}

fn account(account: usize) -> Take {
    slot(Principal::Account(format!("account-{account}").into()), 2)
}

/// The slots of a request of a key for an account.
fn slots(key: usize, to: usize) -> Vec<Take> {
    let group = (key + 1 < KEYS).then(|| slot(Principal::Group("group".into()), 1));
    [slot(Principal::Key(id(key).into()), 0)].into_iter().chain(group).chain([account(to)]).collect()
}

/// What is asked: the key and its group as one lease, the account as another.
fn asked(number: &mut u64, mut slots: Vec<Take>) -> Asked {
    let account = slots.split_off(slots.len() - 1);
    let mut lease = |takes| {
        *number += 1;
        Lease::new(LeaseId::new(Owner(1), *number), Timestamp::now(), takes)
    };
    Asked::new(vec![lease(slots), lease(account)])
}

/// One that waits, and for which account; for any where there is none.
#[derive(Clone, Debug)]
struct Waiting {
    place: Place,
    key: usize,
    account: Option<usize>,
    /// The slots that were not free when it asked last, if it was the first of its line then: they are nobody's before.
    wanted: Vec<Take>,
}

/// Who waits and who runs.
struct Scene {
    lines: [VecDeque<Waiting>; KEYS],
    running: Vec<(Vec<Take>, Vec<Lease>)>,
    number: u64,
    last: Option<u64>,
}

/// A line is served in its order, and of several that want a slot who has waited longest has it first; no line is longer than
/// it may be; whoever leaves is in nobody's way, and nobody misses a slot that is free.
///
/// # Panics
///
/// Where that is not so.
pub fn lines_are_served_in_their_order(stores: &dyn Stores) {
    hold(64, &vec(step(), 1..80), async |steps| run(stores, steps).await);
}

async fn run(stores: &dyn Stores, steps: Vec<Step>) -> Checked {
    let store = stores.fresh().await;
    let mut scene = Scene { lines: Default::default(), running: Vec::new(), number: 0, last: None };
    for step in steps {
        match step {
            Step::Come(key, to, waits) => scene.come(&*store, (key, to), waits).await?,
            Step::Again(which, to) => {
                if let Some(waiting) = scene.one(which) {
                    scene.again(&*store, &waiting, to).await?;
                }
            }
            Step::LineUp(which) => {
                if let Some(waiting) = scene.one(which) {
                    scene.line_up(&*store, &waiting).await?;
                }
            }
            Step::Leave(which) => {
                if let Some(waiting) = scene.one(which) {
                    scene.lines[waiting.key].retain(|one| one.place != waiting.place);
                    store.leave(waiting.place);
                }
            }
            Step::Settle(which) if !scene.running.is_empty() => {
                let at = which.index(scene.running.len());
                scene.settle(&*store, at);
            }
            Step::Settle(_) => {}
        }
        stores.settled(&store).await;
        scene.check(&*store).await?;
    }
    // Nobody starves: each that has its turn asks, and all who run end one after the other.
    for _ in 0..200 {
        while let Some(waiting) = scene.oldest() {
            let ready = scene.has_room(&waiting);
            if !ready {
                break;
            }
            let turn = tokio::time::timeout(SOON, store.turn(&waiting.place)).await;
            prop_assert!(turn.is_ok(), "{:?} was never told", waiting);
            let to = (0..ACCOUNTS).find(|to| scene.is_free(&account(*to)));
            let to = waiting.account.or(to).unwrap();
            scene.again(&*store, &waiting, to).await?;
        }
        if scene.running.is_empty() {
            break;
        }
        scene.settle(&*store, 0);
        stores.settled(&store).await;
    }
    prop_assert!(scene.oldest().is_none(), "{:?} was never served", scene.oldest());
    Ok(())
}

impl Scene {
    fn all(&self) -> impl Iterator<Item = &Waiting> {
        self.lines.iter().flatten()
    }

    fn one(&self, which: Index) -> Option<Waiting> {
        let all: Vec<_> = self.all().collect();
        (!all.is_empty()).then(|| all[which.index(all.len())].clone())
    }

    /// Who has waited longest of all.
    fn oldest(&self) -> Option<Waiting> {
        self.all().min_by_key(|waiting| waiting.place.number).cloned()
    }

    fn held(&self, slot: &Take) -> u64 {
        let all = self.running.iter().flat_map(|(slots, _)| slots);
        all.filter(|one| one.bucket == slot.bucket).map(|one| one.amount).sum()
    }

    fn is_free(&self, slot: &Take) -> bool {
        self.held(slot) < slot.limit
    }

    /// Whether the slots of one that waits are free: all of those of its account, or that of any.
    fn has_room(&self, waiting: &Waiting) -> bool {
        match waiting.account {
            Some(to) => slots(waiting.key, to).iter().all(|slot| self.is_free(slot)),
            None => (0..ACCOUNTS).any(|to| self.is_free(&account(to))),
        }
    }

    fn settle(&mut self, store: &dyn Store, which: usize) {
        for lease in self.running.swap_remove(which).1 {
            store.settle(lease, Used::new(0, 0), Timestamp::now());
        }
    }

    async fn come(&mut self, store: &dyn Store, (key, to): (usize, usize), waits: bool) -> Checked {
        let slots = slots(key, to);
        let mut asked = asked(&mut self.number, slots.clone());
        if waits {
            asked = asked.in_line(Line::new(id(key).into(), SIZE));
        }
        let line = self.lines[key].len();
        match store.take_all(asked).await.unwrap() {
            Taken::All(leases) => {
                prop_assert!(line == 0 || !waits, "who has just come was before those who wait");
                self.passes_nobody(&slots)?;
                self.took(slots, leases)?;
            }
            Taken::Refused(denial) => {
                let full = line >= SIZE as usize;
                let why = if waits { Why::Line } else { Why::Reserved };
                prop_assert!(denial.why == why && (full || !waits), "{:?} in a line of {}", denial, line);
                prop_assert!(slots.contains(&denial.take));
                let free = slots.iter().all(|slot| self.is_free(slot));
                prop_assert!(waits || !free || self.oldest().is_some(), "{:?} was free", denial.take);
            }
            Taken::Waits(place) => {
                prop_assert!(waits && line < SIZE as usize);
                prop_assert!(self.last.is_none_or(|last| last < place.number), "{:?} came last", place);
                self.last = Some(place.number);
                let free = slots.iter().all(|slot| self.is_free(slot));
                prop_assert!(!free || self.oldest().is_some(), "nothing was in the way");
                let waiting = Waiting { place, key, account: Some(to), wanted: Vec::new() };
                self.lines[key].push_back(waiting.clone());
                self.waits_for(&waiting, Some(to));
            }
        }
        Ok(())
    }

    /// None of these slots is one that somebody else has waited for longest.
    fn passes_nobody(&self, slots: &[Take]) -> Checked {
        let oldest = self.oldest();
        let wanted = oldest.iter().flat_map(|oldest| &oldest.wanted).find(|one| slots.contains(one));
        prop_assert_eq!(wanted, None, "it was taken before {:?}", oldest);
        Ok(())
    }

    fn took(&mut self, slots: Vec<Take>, leases: Vec<Lease>) -> Checked {
        self.running.push((slots.clone(), leases));
        for slot in slots {
            prop_assert!(self.held(&slot) <= slot.limit, "one too many of {:?}", slot);
        }
        Ok(())
    }

    /// One that waits asks again, for this account.
    async fn again(&mut self, store: &dyn Store, waiting: &Waiting, to: usize) -> Checked {
        let line = Line::new(id(waiting.key).into(), SIZE).at(Some(waiting.place.clone()));
        let slots = slots(waiting.key, to);
        let first = self.lines[waiting.key].front().unwrap().place == waiting.place;
        let oldest = self.oldest().unwrap().place == waiting.place;
        match store.take_all(asked(&mut self.number, slots.clone()).in_line(line)).await.unwrap() {
            Taken::All(leases) => {
                prop_assert!(first, "{:?} is not the first", waiting);
                if !oldest {
                    self.passes_nobody(&slots)?;
                }
                self.lines[waiting.key].pop_front();
                self.took(slots, leases)?;
            }
            Taken::Waits(place) => {
                prop_assert_eq!(&place, &waiting.place);
                let free = slots.iter().all(|slot| self.is_free(slot));
                prop_assert!(!(oldest && free), "{:?} has waited longest", waiting);
                self.waits_for(waiting, Some(to));
            }
            Taken::Refused(denial) => prop_assert!(false, "{:?} of one that waits", denial),
        }
        Ok(())
    }

    async fn line_up(&mut self, store: &dyn Store, waiting: &Waiting) -> Checked {
        let line = Line::new(id(waiting.key).into(), SIZE).at(Some(waiting.place.clone()));
        let first = self.lines[waiting.key].front().unwrap().place == waiting.place;
        let oldest = self.oldest().unwrap().place == waiting.place;
        let accounts: Vec<Take> = (0..ACCOUNTS).map(account).collect();
        let free = accounts.iter().any(|slot| self.is_free(slot));
        match store.line_up(line, accounts).await.unwrap() {
            Lined::Free => prop_assert!(first && free, "nothing is free"),
            Lined::Waits(place) => {
                prop_assert_eq!(&place, &waiting.place);
                prop_assert!(!(oldest && free), "{:?} has waited longest", waiting);
                self.waits_for(waiting, None);
            }
            Lined::Full => prop_assert!(false, "it had a place"),
        }
        Ok(())
    }

    /// One has asked, and waits on, for this account or for any.
    fn waits_for(&mut self, waiting: &Waiting, to: Option<usize>) {
        let first = self.lines[waiting.key].front().unwrap().place == waiting.place;
        let asked = to.map_or_else(|| (0..ACCOUNTS).map(account).collect(), |to| slots(waiting.key, to));
        let wanted = asked.into_iter().filter(|slot| first && !self.is_free(slot)).collect();
        let mut line = self.lines[waiting.key].iter_mut();
        let one = line.find(|one| one.place == waiting.place).unwrap();
        (one.account, one.wanted) = (to, wanted);
    }

    /// Whoever has waited longest of all knows when its slots are free; lines are as long as they are.
    async fn check(&self, store: &dyn Store) -> Checked {
        let keys = (0..KEYS).map(|key| id(key).into()).collect();
        let lengths: Vec<u64> = self.lines.iter().map(|line| line.len() as u64).collect();
        prop_assert_eq!(store.waiting(keys).await.unwrap(), lengths);
        if let Some(waiting) = self.oldest()
            && self.has_room(&waiting)
        {
            let turn = tokio::time::timeout(SOON, store.turn(&waiting.place)).await;
            prop_assert!(turn.is_ok(), "{:?} was never told", waiting);
        }
        Ok(())
    }
}
