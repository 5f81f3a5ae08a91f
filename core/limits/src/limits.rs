//! Admission: what a request takes of its limits, in one step of the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sluice_api::error::{Error, Kind};
use sluice_api::limiter::{AtWork, Bucket, CONCURRENCY, Denial, Party, Principal, Subject, Take, Why};
use sluice_api::store::{Asked, Lease, LeaseId, Line, Lined, Owner, Place, Store, StoreError, Taken};

use crate::clock::Clock;
use crate::gate::{Entered, Gate};
use crate::held::Held;
use crate::inner::Inner;
use crate::means::Means;
use crate::waiting::Waiting;

/// What a client is told to wait when how long can't be known.
const SOON: Duration = Duration::from_secs(1);

/// The limits of a gateway: who takes in its name, from where, and what is expected of requests.
#[derive(Debug)]
pub struct Limits {
    inner: Arc<Inner>,
    gate: Arc<Gate>,
    means: Means,
    owner: Owner,
    /// The number of the next lease.
    next: AtomicU64,
}

/// What is asked of the limits.
#[derive(Debug)]
pub struct Asking<'a> {
    /// Those at work.
    pub limiters: &'a [AtWork],
    /// The request, with its key and its group; nothing where it has taken of theirs already.
    pub own: Option<Subject<'a>>,
    /// The request, with the account that it is to go to.
    pub account: Subject<'a>,
    /// The key's id.
    pub key: &'a Arc<str>,
    /// How many of its requests may wait for slots; none where this one may not.
    pub queue: u32,
}

/// What came of it.
#[derive(Debug)]
pub enum Admitted {
    /// All was taken: of the key and its group, and of the account.
    Taken(Held, Held),
    /// Nothing was: the account has no room for it.
    Full(Denial),
    /// Nothing was: it waits in line.
    Waits,
    /// Nothing was: there is no room in a limit of its key or its group.
    Refused(Denial),
}

/// What came of standing in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stood {
    /// It waits.
    Waits,
    /// One of the slots is free by now.
    Free,
    /// As many wait as may.
    Full,
}

impl Limits {
    /// Those that are counted in a store, for this process, which begins now.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, (began, wall): (Instant, Timestamp)) -> Self {
        let (_, random) = uuid::Uuid::now_v7().as_u64_pair();
        Self {
            inner: Arc::new(Inner { store, clock: Clock::new(began, wall) }),
            gate: Arc::default(),
            means: Means::default(),
            owner: Owner(random),
            next: AtomicU64::new(0),
        }
    }

    /// This process, among all gateways.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// What requests are expected to use.
    #[must_use]
    pub fn means(&self) -> &Means {
        &self.means
    }

    /// The time that windows which roll go by.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.now()
    }

    /// Lets a request in before its body is read, so that what a key makes the gateway hold is bounded: as many as it may
    /// have at once, and as many as may wait. The first of the parties that has a bound says how many, of the key's own
    /// where it has a queue: who waits in its line is in nobody else's way. Nothing is taken yet, and who has no bound is
    /// let in.
    ///
    /// # Errors
    ///
    /// 429 in the words of the limiter whose bound it is.
    pub fn enter(
        &self,
        limiters: &[AtWork],
        parties: &[Party<'_>],
        queue: u32,
    ) -> Result<Option<Entered>, Error> {
        let bounds = limiters.iter().find(|one| one.kind == CONCURRENCY);
        let bound = parties.iter().find(|party| party.concurrency > 0);
        let Some((AtWork { limiter, .. }, party)) = bounds.zip(bound) else { return Ok(None) };
        let most = party.concurrency.saturating_add(queue);
        let of = parties.first().filter(|_| queue > 0).unwrap_or(party);
        let entered = self.gate.enter(of.principal.clone(), most).ok_or_else(|| {
            let bucket = Bucket::new(CONCURRENCY, party.principal.clone());
            let why = if queue > 0 { Why::Line } else { Why::Reserved };
            limiter.refusal(&Denial::new(Take::one(bucket, party.concurrency.into()), why))
        });
        entered.map(Some)
    }

    /// Takes what the limiters say, all or none, in one step. A place in line that it has is over then; one that it is given
    /// is put there.
    ///
    /// # Errors
    ///
    /// 503 when the store is out of reach.
    pub async fn admit(&self, asking: &Asking<'_>, waiting: &mut Option<Waiting>) -> Result<Admitted, Error> {
        let own = asking.own.as_ref().map(|own| AtWork::takes(asking.limiters, own)).unwrap_or_default();
        let account = AtWork::takes(asking.limiters, &asking.account);
        let (has_own, has_account) = (!own.is_empty(), !account.is_empty());
        if !has_own && !has_account {
            return Ok(Admitted::Taken(Held::default(), Held::default()));
        }
        let mut leases = Vec::with_capacity(2);
        leases.extend(
            [own, account].into_iter().filter(|takes| !takes.is_empty()).map(|takes| self.lease(takes)),
        );
        let mut asked = Asked::new(leases).of_mode(asking.account.mode);
        if asking.queue > 0 {
            let place = waiting.as_ref().and_then(Waiting::place);
            asked = asked.in_line(Line::new(Arc::clone(asking.key), asking.queue).at(place));
        }
        match self.inner.store.take_all(asked).await {
            Ok(Taken::All(leases)) => {
                if let Some(waiting) = waiting.take() {
                    waiting.ends();
                }
                let mut held = leases.into_iter().map(|lease| Held::new(&self.inner, lease));
                let own = if has_own { held.next() } else { None };
                let account = if has_account { held.next() } else { None };
                Ok(Admitted::Taken(own.unwrap_or_default(), account.unwrap_or_default()))
            }
            Ok(Taken::Refused(denial)) => Ok(match denial.take.bucket.principal {
                Principal::Account(_) => Admitted::Full(denial),
                _ => Admitted::Refused(denial),
            }),
            Ok(Taken::Waits(place)) => {
                self.waits(place, waiting);
                Ok(Admitted::Waits)
            }
            Err(error) => Err(out_of_reach(&error)),
        }
    }

    /// Whether one of these buckets of slots has none left.
    ///
    /// # Errors
    ///
    /// 503 when the store is out of reach.
    pub async fn are_full(&self, slots: Vec<Take>) -> Result<bool, Error> {
        if slots.is_empty() {
            return Ok(false);
        }
        let limits: Vec<u64> = slots.iter().map(|slot| slot.limit).collect();
        let levels =
            self.inner.store.levels(slots, self.now()).await.map_err(|error| out_of_reach(&error))?;
        Ok(levels.iter().zip(limits).any(|(level, limit)| level.used >= limit))
    }

    /// Has a request wait until one of these slots is free, of which none was.
    ///
    /// # Errors
    ///
    /// 503 when the store is out of reach.
    pub async fn line_up(
        &self,
        (key, queue): (&Arc<str>, u32),
        slots: Vec<Take>,
        waiting: &mut Option<Waiting>,
    ) -> Result<Stood, Error> {
        let place = waiting.as_ref().and_then(Waiting::place);
        let line = Line::new(Arc::clone(key), queue).at(place);
        match self.inner.store.line_up(line, slots).await {
            Ok(Lined::Waits(place)) => {
                self.waits(place, waiting);
                Ok(Stood::Waits)
            }
            Ok(Lined::Free) => Ok(Stood::Free),
            Ok(Lined::Full) => Ok(Stood::Full),
            Err(error) => Err(out_of_reach(&error)),
        }
    }

    /// It waits at this place, which is another where the store has lost the one before.
    fn waits(&self, place: Place, waiting: &mut Option<Waiting>) {
        if waiting.as_ref().and_then(Waiting::place).as_ref() != Some(&place) {
            *waiting = Some(Waiting::new(&self.inner, place));
        }
    }

    /// What is asked of the store, under a name that no other lease has.
    pub(crate) fn lease(&self, takes: Vec<Take>) -> Lease {
        let id = LeaseId::new(self.owner, self.next.fetch_add(1, Ordering::Relaxed));
        Lease::new(id, self.inner.now(), takes)
    }
}

#[cfg(test)]
impl Limits {
    pub(crate) fn has_nobody_inside(&self) -> bool {
        self.gate.is_empty()
    }
}

fn out_of_reach(error: &StoreError) -> Error {
    tracing::error!(%error, "the store refused to count a request");
    let message = "the gateway's store is out of reach: try again later";
    Error::new(Kind::StoreUnavailable, message).retry_after(SOON)
}

/// What a client is told, in the words of the limiter whose bucket had no room.
#[must_use]
pub fn refusal(limiters: &[AtWork], refused: &Denial) -> Error {
    let whose = limiters.iter().find(|one| one.kind == refused.take.bucket.limiter);
    whose.map_or_else(
        || Error::new(Kind::Internal, "the gateway's store refused what nobody asked of it: try again"),
        |one| one.limiter.refusal(refused),
    )
}
