//! Admission: a request takes of the limits of its key, its group and the account that it is to go to, or waits until it
//! can.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sluice_api::dialect::Api;
use sluice_api::error::{Error, Kind};
use sluice_api::limiter::{
    AtWork, Bucket, CONCURRENCY, Demand, Denial, Party, Principal, Subject, Take, Why, Window,
};
use sluice_config::key::Key;
use sluice_fleet::account::Account;
use sluice_fleet::choosing::order::{NoRoom, Order, Picked, Picking};
use sluice_limits::{Admitted, Asking, Stood, Waiting, refusal};
use sluice_upstream::timer::in_time;
use sluice_wire::request::bounds::Bounds;

use crate::demand::{self, Asked, Worst};
use crate::serving::Serving;
use crate::settle::Settlement;

/// What a client is told to wait when how long can't be known.
const SOON: Duration = Duration::from_secs(1);

/// What it is told to wait for an operator.
const OPERATOR: Duration = Duration::from_secs(300);

/// How often a slot may be free and taken again before it is asked for: others are quicker all the time.
const FREES: u32 = 256;

/// Picks the next account of a request, once the limits have room for it: for all of it at first, for the account's part
/// where it goes to another one after that.
///
/// # Errors
///
/// Why no account can take it, or which limit of its key or its group has no room.
pub(crate) async fn next(
    serving: Serving<'_>,
    order: &mut Order,
    settlement: &mut Settlement,
) -> Result<Picked, Error> {
    let key = &settlement.key();
    let first = !settlement.is_admitted();
    let mut admission =
        Admission { serving, key, first, now: serving.gateway.now(), bounds: OnceLock::new() };
    let mut line = InLine::default();
    // What is more than an account may ever use is told the client where no other account takes it.
    let mut too_much: Option<Denial> = None;
    loop {
        let picking = picking(serving, key, admission.now);
        match order.pick(&picking) {
            Ok(mut picked) => match admission.admit(order, &picked, &mut line).await? {
                Admitted::Taken(own, account) => {
                    if account.has_slot() {
                        picked.place.takes_slot();
                    }
                    settlement.admitted(own, account);
                    return Ok(picked);
                }
                Admitted::Full(denial) => {
                    order.has_no_room(admission.no_room(&denial));
                    too_much = too_much.or(Some(denial).filter(|denial| denial.why == Why::TooMuch));
                    continue;
                }
                Admitted::Refused(denial) => return Err(admission.refused(denial, order)),
                Admitted::Waits => {
                    // Others were quicker there, and another account may have a slot: the place in line is kept.
                    if admission.is_full(order, &picked.target.account).await? {
                        order.has_no_room(NoRoom::Slots);
                        continue;
                    }
                    // Its place on the account is free for others as long as it waits.
                    order.waits();
                }
            },
            Err(none) => match admission.stand(order, &picking, &mut line).await? {
                None => {
                    let too_much = too_much.filter(|_| order.is_too_much(&picking));
                    return Err(too_much.map_or(none, |denial| admission.refused(denial, order)));
                }
                Some(Stood::Full) => return Err(admission.line_is_full()),
                Some(Stood::Free) => {
                    line.frees += 1;
                    if line.frees > FREES {
                        return Err(none);
                    }
                    tokio::task::yield_now().await;
                    order.looks_again();
                    continue;
                }
                Some(Stood::Waits) => {}
            },
        }
        settlement.waits_in_line();
        line.wait(key).await?;
        settlement.goes_on();
        admission.now = serving.gateway.now();
        order.looks_again();
    }
}

pub(crate) fn picking<'a>(serving: Serving<'a>, key: &'a Key, now: Timestamp) -> Picking<'a> {
    let Serving { gateway, snapshot, ask, .. } = serving;
    Picking { fleet: gateway.fleet(), choosing: &snapshot.choosing, key, wanted: ask.wanted(), now }
}

/// A request's place in the line of its key, and until when it waits there.
#[derive(Default)]
struct InLine {
    waiting: Option<Waiting>,
    until: Option<Instant>,
    /// How often a slot was free that was taken again before it was asked for.
    frees: u32,
}

impl InLine {
    /// Waits for its turn.
    async fn wait(&mut self, key: &Key) -> Result<(), Error> {
        let wait = key.queue.map_or(Duration::ZERO, |queue| queue.wait.0);
        let until = *self.until.get_or_insert_with(|| Instant::now() + wait);
        let Some(mut turn) = self.waiting.as_ref().and_then(Waiting::turn) else { return Ok(()) };
        if in_time(until, turn.as_mut()).await.is_some() && Instant::now() < until {
            return Ok(());
        }
        let message = format!(
            "requests wait for one of this key's, its group's or the accounts' slots, and in {} s it was not this one's turn: try again later",
            wait.as_secs_f32()
        );
        Err(Error::new(Kind::RateLimited, message).retry_after(SOON))
    }
}

/// What a request is admitted by.
struct Admission<'a> {
    serving: Serving<'a>,
    key: &'a Arc<Key>,
    /// Whether nothing is taken of its key and its group yet.
    first: bool,
    /// When it was its turn last.
    now: Timestamp,
    /// What bounds the request, once it was asked.
    bounds: OnceLock<Bounds>,
}

impl Admission<'_> {
    fn bounds(&self) -> &Bounds {
        let Serving { ask, body, .. } = self.serving;
        self.bounds.get_or_init(|| Bounds::of(ask.route.api, ask.route.operation, body))
    }

    async fn admit(&self, order: &Order, picked: &Picked, line: &mut InLine) -> Result<Admitted, Error> {
        let Serving { gateway, snapshot, .. } = self.serving;
        let account = &picked.target.account;
        let parties = (own(self.key), [account.party()]);
        let limits = parties.0.iter().chain(&parties.1).map(|party| party.limits);
        let asked = Asked { serving: self.serving, key: self.key, order, target: &picked.target };
        let demand = demand::of(&asked, limits, || self.bounds());
        let own = self.first.then(|| self.subject(parties.0.as_slice(), demand));
        let asking = Asking {
            limiters: &snapshot.limiters,
            own,
            account: self.subject(&parties.1, demand),
            key: &self.key.id,
            queue: if self.first { self.queue() } else { 0 },
        };
        gateway.limits().admit(&asking, &mut line.waiting).await
    }

    /// Where all slots of the accounts that would serve it are in use, it waits for one of them. `None` where it may not, or
    /// they have something else against it.
    async fn stand(
        &self,
        order: &Order,
        picking: &Picking<'_>,
        line: &mut InLine,
    ) -> Result<Option<Stood>, Error> {
        if !self.first || self.queue() == 0 {
            return Ok(None);
        }
        let Serving { gateway, snapshot, .. } = self.serving;
        let mut slots: Vec<Take> = Vec::new();
        for account in order.without_slots(picking) {
            let parties = [account.party()];
            let takes = AtWork::takes(&snapshot.limiters, &self.subject(&parties, Demand::NONE));
            slots.extend(takes.into_iter().filter(Take::is_slot));
        }
        if slots.is_empty() {
            return Ok(None);
        }
        let key = (&self.key.id, self.queue());
        gateway.limits().line_up(key, slots, &mut line.waiting).await.map(Some)
    }

    fn subject<'a>(&'a self, parties: &'a [Party<'a>], demand: Demand) -> Subject<'a> {
        let Serving { snapshot, ask, .. } = self.serving;
        let zone: &TimeZone = &snapshot.stats.timezone;
        let asks = (ask.route.api, ask.route.operation);
        let mut subject = Subject::new(parties, asks, &ask.model, (self.now, zone));
        (subject.mode, subject.demand) = (self.key.mode, demand);
        subject
    }

    fn queue(&self) -> u32 {
        self.key.queue.map_or(0, |queue| queue.size)
    }

    /// Whether all slots of an account are in use, where there is another one to ask.
    async fn is_full(&self, order: &Order, account: &Account) -> Result<bool, Error> {
        if order.candidates().is_one() {
            return Ok(false);
        }
        let Serving { gateway, snapshot, .. } = self.serving;
        let parties = [account.party()];
        let takes = AtWork::takes(&snapshot.limiters, &self.subject(&parties, Demand::NONE));
        let slots: Vec<Take> = takes.into_iter().filter(Take::is_slot).collect();
        gateway.limits().are_full(slots).await
    }

    /// Why an account has no room.
    fn no_room(&self, denial: &Denial) -> NoRoom {
        let at = |wait: Duration| self.now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        match denial.why {
            Why::Used(None) => NoRoom::Used(at(OPERATOR)),
            Why::Used(Some(wait)) => NoRoom::Used(at(self.by_the_wall(&denial.take, wait))),
            Why::TooMuch => NoRoom::TooMuch,
            Why::Reserved if !denial.take.is_slot() => NoRoom::Reserved(at(SOON)),
            Why::Reserved | Why::Line => NoRoom::Slots,
        }
    }

    /// How long a wait is by the wall clock, which days, weeks and months go by.
    fn by_the_wall(&self, take: &Take, wait: Duration) -> Duration {
        match take.window {
            Window::Calendar { to, .. } => {
                Duration::try_from(to.duration_since(self.serving.gateway.now())).unwrap_or(SOON)
            }
            _ => wait,
        }
    }

    fn refused(&self, mut denial: Denial, order: &Order) -> Error {
        match denial.why {
            Why::TooMuch => {
                denial.bound = bound(self.serving.ask.route.api);
                denial.fits = Worst::of(self.serving, order, self.bounds()).fits(&denial.take);
            }
            Why::Used(Some(wait)) => denial.why = Why::Used(Some(self.by_the_wall(&denial.take, wait))),
            Why::Used(None) | Why::Reserved | Why::Line => {}
        }
        refusal(&self.serving.snapshot.limiters, &denial)
    }

    fn line_is_full(&self) -> Error {
        let own = own(self.key);
        let bound = own.iter().find(|party| party.concurrency > 0);
        let principal =
            bound.map_or(Principal::Key(Arc::clone(&self.key.id)), |party| party.principal.clone());
        let most = bound.map_or(0, |party| party.concurrency);
        let take = Take::one(Bucket::new(CONCURRENCY, principal), most.into());
        refusal(&self.serving.snapshot.limiters, &Denial::new(take, Why::Line))
    }
}

/// What bounds an answer in an API's requests, as its clients know it.
const fn bound(api: Api) -> &'static str {
    match api {
        Api::OpenaiResponses => "max_output_tokens",
        Api::Gemini => "maxOutputTokens",
        _ => "max_tokens",
    }
}

/// A key, and its group where it has one.
pub(crate) enum Own<'a> {
    Key([Party<'a>; 1]),
    Both([Party<'a>; 2]),
}

impl<'a> Own<'a> {
    pub(crate) fn as_slice(&self) -> &[Party<'a>] {
        match self {
            Self::Key(one) => one,
            Self::Both(both) => both,
        }
    }

    fn iter(&self) -> std::slice::Iter<'_, Party<'a>> {
        self.as_slice().iter()
    }
}

pub(crate) fn own(key: &Key) -> Own<'_> {
    match &key.group {
        None => Own::Key([key.party()]),
        Some(group) => Own::Both([key.party(), group.party()]),
    }
}
