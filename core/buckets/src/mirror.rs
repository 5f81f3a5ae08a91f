//! What another place counts, as far as it tells of it: so these counts can go on by themselves where it is out of reach.

use jiff::Timestamp;
use sluice_api::limiter::Take;
use sluice_api::store::{Lease, Level};

use crate::buckets::Buckets;
use crate::clock::{moment, nanoseconds};
use crate::party::Party;
use crate::room::takes;
use crate::shards::Locked;

impl Buckets {
    /// Takes what was given elsewhere, whether there is room for it here or not. What its levels tell of there is counted here,
    /// too: what is more there than was taken here others have used, or hold. Of windows that roll it is as if they had used it
    /// now, as nobody tells when they have.
    pub fn mirror(&self, leases: &mut [Lease]) {
        let mut locked = self.shards.lock(takes(leases).map(|take| &take.bucket.principal));
        let since = leases.iter().map(|lease| lease.since).max();
        let now = since.map_or_else(|| self.clock.latest(), |since| self.clock.pass(since));
        for lease in &mut *leases {
            // By this it is found again where it was counted.
            if nanoseconds(lease.since) < now {
                lease.since = moment(now);
            }
            for take in &lease.takes {
                locked.open(&take.bucket.principal, |party| {
                    party.open(&take.bucket, take.window, now).take(take, now);
                });
            }
        }
        for lease in &*leases {
            sees(&mut locked, lease.takes.iter().zip(&lease.levels), now);
        }
        locked.tidy(now);
    }

    /// How full these are elsewhere is counted here, too.
    pub fn sees(&self, told: &[(Take, Level)], now: Timestamp) {
        let mut locked = self.shards.lock(told.iter().map(|(take, _)| &take.bucket.principal));
        let now = self.clock.pass(now);
        sees(&mut locked, told.iter().map(|(take, level)| (take, level)), now);
    }

    /// What others hold elsewhere is not known any more: their slots are free.
    pub fn forget_others(&self) {
        self.shards.each(Party::forget_others);
    }
}

fn sees<'a>(locked: &mut Locked<'_>, told: impl Iterator<Item = (&'a Take, &'a Level)>, now: i64) {
    for (take, level) in told {
        locked.open(&take.bucket.principal, |party| {
            party.open(&take.bucket, take.window, now).sees(take, *level, now);
        });
    }
}
