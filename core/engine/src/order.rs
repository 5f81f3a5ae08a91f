//! The plan of a request: bound accounts first, then its session's, then the scheduler's choice, pool by pool.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::scheduler::{self, Candidate};
use sluice_api::{Error, Kind, Timestamp};
use sluice_wire::session::Session;

use crate::account::{AccountState, InFlight};
use crate::admit::SOON;
use crate::ask::Ask;
use crate::eligible::{Admission, Passed, standing};
use crate::gateway::Gateway;
use crate::key::Key;
use crate::route::{Candidates, Pool, Target, binds};
use crate::session::Scope;
use crate::snapshot::Snapshot;

/// What a client is told to wait for an operator: long enough that none tries again by itself.
const OPERATOR: Duration = Duration::from_secs(300);

/// What a pick is made from.
#[derive(Clone, Copy)]
pub(crate) struct Picking<'a> {
    pub(crate) gateway: &'a Gateway,
    pub(crate) snapshot: &'a Arc<Snapshot>,
    pub(crate) key: &'a Key,
    pub(crate) ask: &'a Ask,
    pub(crate) now: Timestamp,
}

/// A request's account, with its place on it.
pub(crate) struct Picked {
    pub(crate) target: Target,
    pub(crate) pool: Arc<str>,
    pub(crate) place: InFlight,
}

/// The accounts of a request that are still to be tried.
pub(crate) struct Order {
    candidates: Arc<Candidates>,
    session: Option<Session>,
    /// The account that alone knows what the request refers to.
    bound: Option<Arc<str>>,
    /// Places of the accounts that were tried, in the snapshot.
    tried: Vec<usize>,
    /// When the first of those that were passed over can take requests again.
    recovery: Option<Timestamp>,
    some_enabled: bool,
}

impl Order {
    pub(crate) fn new(
        candidates: Arc<Candidates>,
        session: Option<Session>,
        bound: Option<Arc<str>>,
    ) -> Self {
        Self { candidates, session, bound, tried: Vec::new(), recovery: None, some_enabled: false }
    }

    /// The session's name, for the record.
    pub(crate) fn session(&self) -> Option<&str> {
        self.session.as_ref().map(|session| session.name.as_str())
    }

    /// Picks an account and counts the request in flight on it: one synchronous step, so that a burst spreads.
    ///
    /// # Errors
    ///
    /// 503 with the time of the first recovery when none is left.
    pub(crate) fn pick(&mut self, cx: Picking<'_>) -> Result<Picked, Error> {
        let candidates = Arc::clone(&self.candidates);
        let mut turn = cx.gateway.pick_lock();
        for pool in &candidates.pools {
            let Some((target, admission)) = self.pick_of(pool, cx) else { continue };
            *turn += 1;
            self.tried.push(target.account.index);
            let place =
                AccountState::enter(target, cx.snapshot, cx.gateway.overloads(), admission, *turn, cx.now);
            return Ok(Picked { target: target.clone(), pool: Arc::clone(&pool.name), place });
        }
        Err(self.none_left(cx))
    }

    fn pick_of<'a>(&mut self, pool: &'a Pool, cx: Picking<'_>) -> Option<(&'a Target, Admission)> {
        if let Some(bound) = self.bound.clone() {
            let target = pool.targets.iter().find(|target| target.account.name == bound)?;
            return self.look(target, pool, cx).ok().map(|admission| (target, admission));
        }
        let ttl = cx.snapshot.sticky_ttl;
        let session = self.session.take();
        let picked = self.pick_for(pool, cx, session.as_ref().filter(|_| !ttl.is_zero()));
        self.session = session;
        picked
    }

    fn pick_for<'a>(
        &mut self,
        pool: &'a Pool,
        cx: Picking<'_>,
        session: Option<&Session>,
    ) -> Option<(&'a Target, Admission)> {
        let ttl = cx.snapshot.sticky_ttl;
        let scope =
            session.map(|session| Scope { key: &cx.key.id, pool: &pool.name, session: &session.name });
        let sessions = cx.gateway.sessions();
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
                // What failed for this request, but not for all of them: the session goes elsewhere this once.
                Err(Passed::Tried) => {
                    let may = binds(cx.key, &pool.name, &target.account.name);
                    keeps = may && standing(target, cx.gateway.overloads(), cx.now).is_ok();
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

    fn schedule<'a>(&mut self, pool: &'a Pool, cx: Picking<'_>) -> Option<(&'a Target, Admission)> {
        let mut open = Vec::with_capacity(pool.targets.len());
        let mut candidates = Vec::with_capacity(pool.targets.len());
        for target in &pool.targets {
            if let Ok(admission) = self.look(target, pool, cx) {
                open.push((target, admission));
                candidates.push(candidate(target));
            }
        }
        if candidates.is_empty() {
            return None;
        }
        let route = &cx.ask.route;
        let question =
            scheduler::Ask { api: route.api, operation: route.operation, model: &self.candidates.model };
        open.get(cx.snapshot.scheduler.pick(&question, &candidates)?).copied()
    }

    /// Whether an account can take the request, and if not, when it can.
    fn look(&mut self, target: &Target, pool: &Pool, cx: Picking<'_>) -> Result<Admission, Passed> {
        if self.tried.contains(&target.account.index) || !binds(cx.key, &pool.name, &target.account.name) {
            return Err(Passed::Tried);
        }
        self.some_enabled |= target.account.config.enabled;
        let standing = standing(target, cx.gateway.overloads(), cx.now);
        if let Err(passed) = &standing
            && self.bound.as_ref().is_none_or(|bound| *bound == target.account.name)
        {
            // An account that is only full may have room at any time.
            let until = if *passed == Passed::Full { Some(cx.now) } else { passed.until() };
            self.recovery = match (self.recovery, until) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        standing
    }

    fn none_left(&self, cx: Picking<'_>) -> Error {
        let model = &cx.ask.model;
        if let Some(bound) = &self.bound {
            let mut made = self.candidates.pools.iter().filter_map(|pool| {
                let target = pool.targets.iter().find(|target| target.account.name == *bound)?;
                Some(binds(cx.key, &pool.name, &target.account.name))
            });
            if made.next() == Some(false) {
                let message = "this key may not use the account that made the response or conversation which this request continues";
                return Error::new(Kind::Forbidden, message);
            }
        }
        let wait =
            self.recovery.map(|until| Duration::try_from(until.duration_since(cx.now)).unwrap_or_default());
        let (message, wait) = match (&self.bound, wait) {
            (Some(_), Some(wait)) => (
                "the account that made the response or conversation which this request continues can't take it now: try again later".to_owned(),
                wait.max(SOON),
            ),
            (Some(_), None) => (
                "the account that made the response or conversation which this request continues is gone or disabled: send the whole conversation instead".to_owned(),
                OPERATOR,
            ),
            (None, Some(wait)) => (format!("the accounts that serve `{model}` can't take a request now: try again later"), wait.max(SOON)),
            (None, None) if self.some_enabled => (format!("every account that serves `{model}` was tried: try again shortly"), SOON),
            (None, None) => (format!("the accounts that serve `{model}` are all disabled: ask your operator"), OPERATOR),
        };
        Error::new(Kind::NoAccount, message).retry_after(wait)
    }
}

/// A target as schedulers see it.
pub(crate) fn candidate(target: &Target) -> Candidate<'_> {
    let account = &target.account;
    Candidate {
        account: &account.name,
        index: account.index,
        priority: account.config.priority,
        weight: account.config.weight.max(1),
        in_flight: account.state.in_flight(),
        last_used: account.state.picked(),
    }
}
