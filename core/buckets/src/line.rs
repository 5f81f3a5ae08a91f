//! The lines of keys: who stands where, and who is told when one moves up.

use std::sync::Arc;

use sluice_api::limiter::Principal;
use sluice_api::store::{Line, Place};

use crate::bell::{Bell, Later};
use crate::party::{Party, Waiter};
use crate::room::Principals;
use crate::shards::Locked;

/// Where a request stands in its line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stands {
    /// It is the first, by this number.
    First(u64),
    /// Others stand before it.
    Behind(u64),
    /// It has no place; so many wait.
    Outside(usize),
}

impl Stands {
    /// Where it stands now. What made it worth asking is answered by this question.
    pub(crate) fn of(locked: &mut Locked<'_>, key: &Principal, line: &Line) -> Self {
        let Some(party) = locked.get(key) else { return Self::Outside(0) };
        let number = line.place.as_ref().map(|place| place.number);
        match number.and_then(|number| position(party, number)) {
            None => Self::Outside(party.line.len()),
            Some(at) => {
                let waiter = party.line.get(at);
                waiter.inspect(|waiter| waiter.bell.hush());
                match (at, number) {
                    (0, Some(number)) => Self::First(number),
                    (_, number) => Self::Behind(number.unwrap_or_default()),
                }
            }
        }
    }
}

fn position(party: &Party, number: u64) -> Option<usize> {
    party.line.binary_search_by_key(&number, |waiter| waiter.number).ok()
}

/// Its bell, where it is in the line.
pub(crate) fn bell(party: &Party, place: &Place) -> Option<Arc<Bell>> {
    position(party, place.number).and_then(|at| party.line.get(at)).map(|waiter| Arc::clone(&waiter.bell))
}

/// The first of a line is told that it is worth asking.
pub(crate) fn tell_first(locked: &mut Locked<'_>, key: &Principal, later: &mut Later) {
    if let Some(first) = locked.get(key).and_then(|party| party.line.front()) {
        later.push(&first.bell);
    }
}

/// Goes to the end of a line.
pub(crate) fn join(locked: &mut Locked<'_>, key: &Principal, number: u64) {
    let waiter = Waiter { number, bell: Arc::default(), at: Vec::new() };
    locked.open(key, |party| party.line.push_back(waiter));
}

/// The first of a line waits for slots of these principals from now on. Says where it need not be looked for any more.
pub(crate) fn wait_at(locked: &mut Locked<'_>, key: &Principal, at: &Principals) -> Vec<Principal> {
    let first = locked.get(key).and_then(|party| party.line.front_mut());
    let Some(first) = first else { return Vec::new() };
    let before = std::mem::replace(&mut first.at, at.to_vec());
    let (number, bell) = (first.number, Arc::clone(&first.bell));
    for principal in at {
        locked.open(principal, |party| party.wanted.insert(number, Arc::clone(&bell)));
    }
    before.into_iter().filter(|one| !at.contains(one)).collect()
}

/// The first of a line has what it waited for and goes; the next one is the first. It waits where that one has taken, until
/// it has asked itself: nobody who came after it is before it there.
pub(crate) fn go(
    locked: &mut Locked<'_>,
    key: &Principal,
    taken: &Principals,
    later: &mut Later,
) -> Vec<Principal> {
    let Some(party) = locked.get(key) else { return Vec::new() };
    let gone = party.line.pop_front();
    if let Some(next) = party.line.front() {
        later.push(&next.bell);
        wait_at(locked, key, taken);
    }
    gone.map(|gone| gone.at).unwrap_or_default()
}

/// Somebody gives a place up. Says for whose slots it has waited.
pub(crate) fn leave(party: &mut Party, number: u64, later: &mut Later) -> Vec<Principal> {
    let Some(at) = position(party, number) else { return Vec::new() };
    let gone = party.line.remove(at);
    if at == 0
        && let Some(next) = party.line.front()
    {
        later.push(&next.bell);
    }
    gone.map(|gone| {
        // Whoever may still listen has nothing to wait for.
        later.push(&gone.bell);
        gone.at
    })
    .unwrap_or_default()
}

/// Who does not wait for the slots of some principals any more.
#[derive(Debug, Default)]
pub(crate) struct Left {
    number: u64,
    /// Those that are still to be told.
    pub(crate) at: Vec<Principal>,
}

impl Left {
    pub(crate) const fn new(number: u64, at: Vec<Principal>) -> Self {
        Self { number, at }
    }

    /// Tells those that are locked.
    pub(crate) fn forget_in(&mut self, locked: &mut Locked<'_>, later: &mut Later) {
        let at = std::mem::take(&mut self.at);
        let is_elsewhere = |principal: &Principal| !self.forget_in_one(locked, principal, later);
        self.at = at.into_iter().filter(is_elsewhere).collect();
    }

    /// Tells one, if it is locked: who has waited longest among the others may have a slot. Says whether it was there.
    pub(crate) fn forget_in_one(
        &self,
        locked: &mut Locked<'_>,
        principal: &Principal,
        later: &mut Later,
    ) -> bool {
        let Some(party) = locked.get(principal) else { return false };
        if party.wanted.remove(&self.number).is_some() {
            party.tell_first(later);
        }
        true
    }
}
