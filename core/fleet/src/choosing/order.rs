//! The plan of a request: bound accounts first, then its session's, then the scheduler's choice, pool by pool.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sluice_api::dialect::Operation;
use sluice_api::error::figure::at_least;
use sluice_api::error::wait::whole_seconds;
use sluice_api::error::{Condition, Error, Kind};
use sluice_api::scheduler::{self, Candidate};
use sluice_config::key::Key;
use sluice_wire::request::session::Session;

use crate::account::{Account, Entrant, InFlight};
use crate::choosing::candidates::{Candidates, Pool, Target, binds};
use crate::choosing::eligible::{Admission, Passed, standing};
use crate::choosing::{Choosing, Criteria};
use crate::fleet::Fleet;
use crate::health::later;
use crate::session::Conversation;

/// The least that a client is told to wait.
const SOON: Duration = Duration::from_secs(1);

/// What a client is told to wait for an operator: long enough that none tries again by itself.
const OPERATOR: Duration = Duration::from_secs(300);

/// What a pick is made from.
#[derive(Clone, Copy, Debug)]
pub struct Picking<'a> {
    /// What is known of all accounts.
    pub fleet: &'a Fleet,
    /// How accounts are chosen.
    pub choosing: &'a Arc<Choosing>,
    /// Whose request it is.
    pub key: &'a Key,
    /// What is asked for.
    pub wanted: Criteria<'a>,
    /// When.
    pub now: Timestamp,
}

/// A request's account, with its place on it.
#[derive(Debug)]
pub struct Picked {
    /// The account, and how it is asked.
    pub target: Target,
    /// The pool that it was picked from.
    pub pool: Arc<str>,
    /// Its place on it.
    pub place: InFlight,
}

/// The accounts of a request that are still to be tried.
#[derive(Debug)]
pub struct Order {
    candidates: Arc<Candidates>,
    session: Option<Session>,
    /// The account that alone knows what the request refers to.
    bound: Option<Arc<str>>,
    tried: Vec<Tried>,
    /// Accounts whose limits had no room for it, by their places in the roster, and why.
    full: Vec<(usize, NoRoom)>,
}

/// Why an account's limits have no room for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// All its slots are in use.
    Slots,
    /// What is left of them is set aside for requests that run, for so long at least.
    Reserved(Timestamp),
    /// They are used up until then.
    Used(Timestamp),
    /// This request may use more than they ever have.
    TooMuch,
}

/// An account that was tried for the request.
#[derive(Clone, Copy, Debug)]
struct Tried {
    /// Its place in the roster.
    index: usize,
    /// The place of its pool among the candidates'.
    pool: usize,
    /// Until when it is out, as its upstream told.
    until: Option<Timestamp>,
    turn: Turn,
}

/// What became of an account's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It has had it.
    Had,
    /// Its upstream has no such call: it has had none.
    Missing,
    /// It can't be asked for this in its dialect: it has had none, and never serves it.
    Unasked,
}

impl Order {
    /// What is to be tried for a request; one that is `bound` goes to that account alone.
    #[must_use]
    pub fn new(candidates: Arc<Candidates>, session: Option<Session>, bound: Option<Arc<str>>) -> Self {
        Self { candidates, session, bound, tried: Vec::new(), full: Vec::new() }
    }

    /// The session's name, for the record.
    pub fn session(&self) -> Option<&str> {
        self.session.as_ref().map(|session| session.name.as_str())
    }

    /// The account that alone knows what the request refers to.
    pub fn bound(&self) -> Option<&str> {
        self.bound.as_deref()
    }

    /// The accounts that could serve it, for the log.
    pub fn candidates(&self) -> &Candidates {
        &self.candidates
    }

    /// Picks an account and counts the request in flight on it: one synchronous step, so that a burst spreads. Of each
    /// pool `attempts` accounts have their turn, then the next pool's.
    ///
    /// # Errors
    ///
    /// 503 with the time of the first recovery when none is left.
    pub fn pick(&mut self, cx: &Picking<'_>) -> Result<Picked, Error> {
        let candidates = Arc::clone(&self.candidates);
        let mut turn = cx.fleet.turn();
        for (at, pool) in candidates.pools.iter().enumerate() {
            let tried = self.tried.iter().filter(|tried| tried.pool == at && tried.turn == Turn::Had).count();
            if tried >= cx.choosing.attempts.max(1) as usize {
                continue;
            }
            let Some((target, admission)) = self.pick_of(pool, cx) else { continue };
            *turn += 1;
            self.tried.push(Tried { index: target.account.index, pool: at, until: None, turn: Turn::Had });
            let Picking { fleet, choosing, key, now, .. } = *cx;
            let (body, alone) = (cx.wanted.body, candidates.is_one());
            let in_flight = &candidates.in_flight;
            let entrant = Entrant { fleet, choosing, in_flight, key: &key.id, body, alone, now };
            let place = InFlight::begin(target, &entrant, admission, *turn);
            return Ok(Picked { target: target.clone(), pool: Arc::clone(&pool.name), place });
        }
        Err(self.none_left(cx))
    }

    fn pick_of<'a>(&mut self, pool: &'a Pool, cx: &Picking<'_>) -> Option<(&'a Target, Admission)> {
        if let Some(bound) = self.bound.clone() {
            let target = pool.targets.iter().find(|target| target.account.name == bound)?;
            return self.look(target, pool, cx).ok().map(|admission| (target, admission));
        }
        let ttl = cx.choosing.sticky_ttl;
        let session = self.session.take();
        let picked = self.pick_for(pool, cx, session.as_ref().filter(|_| !ttl.is_zero()));
        self.session = session;
        picked
    }

    fn pick_for<'a>(
        &mut self,
        pool: &'a Pool,
        cx: &Picking<'_>,
        session: Option<&Session>,
    ) -> Option<(&'a Target, Admission)> {
        let ttl = cx.choosing.sticky_ttl;
        let scope =
            session.map(|session| Conversation { key: &cx.key.id, pool: &pool.name, session: &session.name });
        let sessions = &cx.fleet.sessions;
        let mut keeps = false;
        if let (Some(scope), Some(true)) = (scope, session.map(|session| session.follows))
            && let Some(name) = sessions.account(scope, cx.now)
            && let Some(target) = pool.targets.iter().find(|target| target.account.name == name)
        {
            match self.look(target, pool, cx) {
                Ok(admission) => {
                    sessions.bind(scope, &name, cx.now, ttl);
                    return Some((target, admission));
                }
                // What can't be asked for this is not asked for what follows on it either.
                Err(Passed::Tried) if !self.may_ask(target) => {}
                // What failed for this request, but not for all of them: the session goes elsewhere this once.
                Err(Passed::Tried) => {
                    let may = binds(cx.key, &pool.name, &target.account.name);
                    keeps = may && standing(target, cx.key, cx.fleet, cx.now).is_ok();
                }
                // So it does where it is only full.
                Err(passed) => keeps = !passed.is_lost(),
            }
        }
        let chosen = self.schedule(pool, cx)?;
        if let Some(scope) = scope.filter(|_| !keeps) {
            sessions.bind(scope, &chosen.0.account.name, cx.now, ttl);
        }
        Some(chosen)
    }

    fn schedule<'a>(&mut self, pool: &'a Pool, cx: &Picking<'_>) -> Option<(&'a Target, Admission)> {
        let mut open = Vec::with_capacity(pool.targets.len());
        for target in &pool.targets {
            if let Ok(admission) = self.look(target, pool, cx) {
                open.push((target, admission));
            }
        }
        // Who speaks the client's own dialect loses nothing of the request: the others have their turn where none can.
        let speaks = |(target, _): &(&Target, Admission)| target.speaks == cx.wanted.api;
        if open.iter().any(speaks) {
            open.retain(speaks);
        }
        let candidates: Vec<Candidate<'_>> = open.iter().map(|(target, _)| candidate(target)).collect();
        if candidates.is_empty() {
            return None;
        }
        let Criteria { api, operation, .. } = cx.wanted;
        let question = scheduler::Ask::new(api, operation, &self.candidates.model, cx.now);
        open.get(cx.choosing.scheduler.pick(&question, &candidates)?).copied()
    }

    /// Whether an account can take the request.
    fn look(&self, target: &Target, pool: &Pool, cx: &Picking<'_>) -> Result<Admission, Passed> {
        if self.tried(target).is_some() || !binds(cx.key, &pool.name, &target.account.name) {
            return Err(Passed::Tried);
        }
        match self.no_room(target) {
            // A session on it goes elsewhere, and stays there: that may be until the next month.
            Some(NoRoom::Used(until)) => {
                let reason = "its own limit is used up".into();
                return Err(Passed::Out { condition: Condition::QuotaExceeded, until, reason });
            }
            Some(_) => return Err(Passed::Full),
            None => {}
        }
        // What is counted says nothing of an account's health, and so proves nothing either; and it takes no slot.
        let counts = cx.wanted.operation == Operation::CountTokens;
        match standing(target, cx.key, cx.fleet, cx.now) {
            Ok(_) | Err(Passed::Full) if counts => Ok(Admission::Open),
            Ok(admission) => Ok(admission),
            Err(passed) => {
                let (account, pool, model) = (&*target.account.name, &*pool.name, &*target.model);
                tracing::trace!(account, pool, model, %passed, "an account is passed over");
                Err(passed)
            }
        }
    }

    /// The limits of the account that was picked last have no room for the request: it was not tried, and is passed over.
    pub fn has_no_room(&mut self, why: NoRoom) {
        if let Some(Tried { index, .. }) = self.tried.pop() {
            self.full.push((index, why));
        }
    }

    /// The account that was picked last is not tried yet: the request waits.
    pub fn waits(&mut self) {
        self.tried.pop();
    }

    /// Accounts that had no room may have some now.
    pub fn looks_again(&mut self) {
        self.full.clear();
    }

    /// The accounts that have nothing against the request but that all their slots are in use.
    pub fn without_slots<'a>(&'a self, cx: &'a Picking<'a>) -> impl Iterator<Item = &'a Arc<Account>> {
        let waits = move |target: &&Target| {
            let no_room = self.no_room(target);
            let full = matches!(standing(target, cx.key, cx.fleet, cx.now), Err(Passed::Full));
            self.tried(target).is_none() && (full || no_room == Some(NoRoom::Slots))
        };
        self.usable(cx).filter(waits).map(|target| &target.account)
    }

    /// Whether the request is too much for the limits of every account that may serve it.
    pub fn is_too_much(&self, cx: &Picking<'_>) -> bool {
        self.usable(cx).all(|target| self.no_room(target) == Some(NoRoom::TooMuch))
    }

    /// Why an account's limits had no room, where they had none.
    fn no_room(&self, target: &Target) -> Option<NoRoom> {
        self.full.iter().find(|(index, _)| *index == target.account.index).map(|(_, why)| *why)
    }

    fn tried(&self, target: &Target) -> Option<&Tried> {
        self.tried.iter().find(|tried| tried.index == target.account.index)
    }

    /// The account that was picked last failed.
    pub fn failed(&mut self, error: &Error, cx: &Picking<'_>) {
        let until = error.facts().recovers.map(|wait| later(cx.now, wait.min(cx.choosing.health.max)));
        if let Some(tried) = self.tried.last_mut() {
            tried.until = until;
            if error.facts().missing {
                tried.turn = Turn::Missing;
            }
        }
    }

    /// A failure as it comes back to the client, as nobody else serves it: where the upstream's own answer is relayed, with
    /// the wait until the first recovery, as the client has to do with all of the accounts and not with that one.
    #[must_use]
    pub fn told(&self, error: Error, cx: &Picking<'_>) -> Error {
        if !error.facts().elsewhere || error.facts().answer.is_none() {
            return error;
        }
        match self.recovery(cx) {
            Some(wait) => error.retry_after(wait),
            None => error,
        }
    }

    /// Whether an account is not known to be none that can be asked for this.
    fn may_ask(&self, target: &Target) -> bool {
        self.tried(target).is_none_or(|tried| tried.turn != Turn::Unasked)
    }

    /// The account that was picked last can't be asked for this, and was not.
    pub fn not_asked(&mut self) {
        if let Some(tried) = self.tried.last_mut() {
            tried.turn = Turn::Unasked;
        }
    }

    /// Whether one of the accounts that can be asked for it may take it in time.
    #[must_use]
    pub fn recovers(&self, cx: &Picking<'_>) -> bool {
        self.recovery(cx).is_some()
    }

    /// How long until the first of the accounts that could serve the request can take it; `None` where none of them is
    /// enabled.
    fn recovery(&self, cx: &Picking<'_>) -> Option<Duration> {
        let first = self.usable(cx).filter(|target| self.may_ask(target)).filter_map(|target| {
            match standing(target, cx.key, cx.fleet, cx.now) {
                // What its own limits say.
                Ok(_) | Err(Passed::Full) if self.no_room(target).is_some() => match self.no_room(target) {
                    Some(NoRoom::Reserved(until) | NoRoom::Used(until)) => Some(until),
                    _ => Some(cx.now),
                },
                // One that is well for others may still have told this request when to come back.
                Ok(_) => Some(self.tried(target).and_then(|tried| tried.until).unwrap_or(cx.now)),
                // One that is only full may have room at any time.
                Err(Passed::Full) => Some(cx.now),
                Err(passed) => passed.until(),
            }
        });
        let wait = Duration::try_from(first.min()?.duration_since(cx.now)).unwrap_or_default();
        Some(wait.max(SOON))
    }

    /// The accounts that may serve the request at all.
    fn usable<'a>(&'a self, cx: &'a Picking<'a>) -> impl Iterator<Item = &'a Target> {
        let all = self
            .candidates
            .pools
            .iter()
            .flat_map(|pool| pool.targets.iter().map(move |target| (pool, target)));
        all.filter(move |(pool, target)| {
            binds(cx.key, &pool.name, &target.account.name)
                && self.bound.as_ref().is_none_or(|bound| *bound == target.account.name)
        })
        .map(|(_, target)| target)
    }

    fn none_left(&self, cx: &Picking<'_>) -> Error {
        let model = cx.wanted.model;
        if let Some(bound) = &self.bound
            && self.usable(cx).next().is_none()
            && self.candidates.targets().any(|target| target.account.name == *bound)
        {
            let message = "this key may not use the account that made the response, item or conversation which this request continues";
            return Error::new(Kind::Forbidden, message);
        }
        let Some(wait) = self.recovery(cx) else {
            let message = match &self.bound {
                Some(_) => {
                    "the account that made the response, item or conversation which this request continues is gone or disabled: send the whole conversation instead".to_owned()
                }
                None => format!("the accounts that serve `{model}` are all disabled: ask your operator"),
            };
            return Error::new(Kind::NoAccount, message).retry_after(OPERATOR);
        };
        // A rate limit's it is not, and must not read so.
        let seconds = at_least(whole_seconds(wait));
        let message = match &self.bound {
            Some(_) => format!(
                "the account that made the response, item or conversation which this request continues can't take it now: try again in {seconds} s"
            ),
            None => format!(
                "the accounts that serve `{model}` can't take a request now: try again in {seconds} s"
            ),
        };
        Error::new(Kind::NoAccount, message).retry_after(wait)
    }
}

/// A target as schedulers see it.
pub fn candidate(target: &Target) -> Candidate<'_> {
    let account = &target.account;
    let mut candidate = Candidate::new(&account.name, account.index);
    candidate.priority = account.config.priority;
    candidate.weight = account.config.weight.max(1);
    candidate.in_flight = account.state.in_flight();
    candidate.last_used = account.state.picked();
    candidate.provider = target.provider;
    candidate.model = &target.model;
    candidate
}
