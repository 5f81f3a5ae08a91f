//! Whether there is room for what is asked, and what is in its way.

use sluice_api::limiter::{Denial, Principal, Take, Why};
use sluice_api::store::Lease;
use smallvec::SmallVec;

use crate::shards::Locked;

/// The principals whose slots are in a request's way; a request has few.
pub(crate) type Principals = SmallVec<[Principal; 3]>;

/// What all leases take.
pub(crate) fn takes(leases: &[Lease]) -> impl Iterator<Item = &Take> + Clone {
    leases.iter().flat_map(|lease| &lease.takes)
}

/// How much is taken of the same bucket by those that stand before one.
fn own<'a>(before: impl Iterator<Item = &'a Take>, take: &Take) -> u128 {
    // What differs most often first: most takes are of other windows, or of another's requests.
    let same = before.filter(|one| one.window == take.window && one.bucket == take.bucket);
    same.map(|one| u128::from(one.amount)).sum()
}

/// The window that has no room: of several the one for which it takes longest, so that it is worth to come again when it
/// says.
pub(crate) fn full_window(locked: &mut Locked<'_>, leases: &[Lease], now: i64) -> Option<Denial> {
    let mut full: Option<Denial> = None;
    for (at, take) in takes(leases).enumerate().filter(|(_, take)| !take.is_slot()) {
        let own = own(takes(leases).take(at), take);
        let fits_alone = u64::try_from(own).is_ok_and(|own| take.fits(own));
        let why = if fits_alone {
            let party = locked.get(&take.bucket.principal);
            let count = party.and_then(|party| party.count_mut(&take.bucket, take.window));
            count.and_then(|count| count.refuses(take, own, now))
        } else {
            Some(Why::TooMuch)
        };
        if let Some(why) = why
            && full.as_ref().is_none_or(|full| lasts(why) > lasts(full.why))
        {
            full = Some(Denial::new(take.clone(), why));
        }
    }
    full
}

/// How long a reason lasts, for comparison.
fn lasts(why: Why) -> (u8, std::time::Duration) {
    match why {
        Why::TooMuch => (3, std::time::Duration::MAX),
        Why::Used(None) => (2, std::time::Duration::MAX),
        Why::Used(Some(wait)) => (1, wait),
        Why::Reserved | Why::Line => (0, std::time::Duration::ZERO),
    }
}

/// Whether a slot is in the way of a request with a place of this number: none is free, or somebody waits for it who came
/// before.
pub(crate) fn is_in_way(locked: &mut Locked<'_>, slot: &Take, own: u128, number: Option<u64>) -> bool {
    let party = locked.get(&slot.bucket.principal);
    let Some(party) = party else { return u64::try_from(own).map_or(true, |own| !slot.fits(own)) };
    let there = party.count_mut(&slot.bucket, slot.window).and_then(|count| count.refuses(slot, own, 0));
    let alone = u64::try_from(own).is_ok_and(|own| slot.fits(own));
    !alone || there.is_some() || party.is_wanted_before(number)
}

/// The slots that are in a request's way: the first of them, and whose they are.
pub(crate) fn full_slots<'a>(
    locked: &mut Locked<'_>,
    leases: &'a [Lease],
    number: Option<u64>,
) -> (Option<&'a Take>, Principals) {
    let (mut first, mut principals) = (None, Principals::new());
    for (at, slot) in takes(leases).enumerate().filter(|(_, take)| take.is_slot()) {
        if !is_in_way(locked, slot, own(takes(leases).take(at), slot), number) {
            continue;
        }
        first = first.or(Some(slot));
        if !principals.contains(&slot.bucket.principal) {
            principals.push(slot.bucket.principal.clone());
        }
    }
    (first, principals)
}
