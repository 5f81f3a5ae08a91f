//! Why a request would go where it goes, told by the same rules that decide it, with nothing sent.

mod limits;

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_api::cost::{PriceAsk, Usage};
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::Kind;
use sluice_api::plugin::guarded;
use sluice_api::scheduler::{self, Candidate};
use sluice_api::store::StoreError;
use sluice_config::key::Key;
use sluice_fleet::Fleet;
use sluice_fleet::choosing::Criteria;
use sluice_fleet::choosing::candidates::{Candidates, Pool, Target, binds, fits};
use sluice_fleet::choosing::eligible::standing;
use sluice_fleet::choosing::order::candidate;
use sluice_fleet::session::Conversation;
use sluice_line::snapshot::Snapshot;
use utoipa::ToSchema;

use crate::control::Control;
use crate::keys::Found;

/// Tokens of a request, and of its answer, that nothing is known of.
const USUAL: u64 = 1_000;

/// Why accounts have no room in limits of their own, by their places in the roster.
type WithoutRoom = HashMap<usize, String>;

/// What is asked about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Name or id of a key.
    pub key: String,
    /// The client API.
    pub api: Api,
    /// The model that the client asks for.
    pub model: String,
    /// The session that the request belongs to.
    #[serde(default)]
    pub session: Option<String>,
}

/// What would happen.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Explanation {
    /// Whether a request would be sent upstream now.
    pub allowed: bool,
    /// What is decided, in order.
    pub steps: Vec<Step>,
    /// Every account: whether it could be taken, and why not.
    pub accounts: Vec<Considered>,
    /// The account that would be asked first.
    pub account: Option<String>,
    /// What the request would cost in US dollars, were it of 1,000 tokens in and 1,000 out, at the price list and by what
    /// the account charges of it; null where no price is known.
    pub expected_price: Option<String>,
}

/// One decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct Step {
    /// What is decided: `key`, `permission`, `limit`, `route`, `accounts`, `session` or `scheduler`.
    pub step: &'static str,
    /// How.
    pub decision: String,
    /// Why.
    pub reason: String,
}

/// An account that was considered.
#[derive(Debug, Serialize, ToSchema)]
pub struct Considered {
    /// Its name.
    pub name: String,
    /// Whether the request could go there now.
    pub taken: bool,
    /// Why, or why not.
    pub reason: String,
}

impl Explanation {
    fn step(&mut self, step: &'static str, decision: impl Into<String>, reason: impl Into<String>) {
        self.steps.push(Step { step, decision: decision.into(), reason: reason.into() });
    }
}

impl Control {
    /// Explains what would become of a request.
    ///
    /// # Errors
    ///
    /// When the store is out of reach, which counts what limits have left.
    pub async fn explain(&self, question: &Question) -> Result<Explanation, StoreError> {
        let snapshot = self.gateway().snapshot();
        let mut told = Explanation::default();
        let Some(key) = self.find_key(&question.key).and_then(Found::in_force) else {
            told.step("key", "refused", format!("there is no key `{}`: 401", question.key));
            return Ok(told);
        };
        if key.expires.is_some_and(|end| end <= self.gateway().now()) {
            told.step("key", "refused", "it has expired: 401");
            return Ok(told);
        }
        told.step("key", "known", format!("it is `{}`", key.name));
        if !self.permits(&mut told, &key, question) {
            return Ok(told);
        }
        let asks = (&*key, question.model.as_str());
        let Some(full) = self.weigh_limits(&mut told, &snapshot, asks).await? else { return Ok(told) };
        let (model, pools) = snapshot.roster.routed(question.api, &question.model);
        let by = match snapshot.roster.route(question.api, &question.model) {
            Some(_) => "the first route that takes this model and API".to_owned(),
            None => format!("no route takes it: the pool of the family {}", question.api.family()),
        };
        told.step("route", format!("`{model}` of the pools {}", pools.join(", ")), by);
        let wanted = Criteria::of(question.api, operation(question.api), &question.model);
        let candidates = snapshot.roster.candidates(wanted);
        let (fleet, now) = (self.gateway().fleet(), self.gateway().now());
        let session = question.session.clone().filter(|_| !snapshot.choosing.sticky_ttl.is_zero());
        let session = session.map(sluice_wire::request::session::known_as);
        if let Some(session) = &session {
            let pools = candidates.pools.iter().map(|pool| &*pool.name);
            let of = |pool| Conversation { key: &key.id, pool, session };
            fleet.sessions().recall(pools.map(of), &**self.gateway().store(), now).await;
        }
        let (snapshot, key, candidates) = (&*snapshot, &*key, &*candidates);
        let asked = Asked { fleet, snapshot, key, question, session, candidates, full, now };
        asked.consider(&mut told);
        asked.choose(&mut told);
        Ok(told)
    }

    fn permits(&self, told: &mut Explanation, key: &Key, question: &Question) -> bool {
        let family = question.api.family();
        if !key.allow.contains(&family) {
            told.step("permission", "refused", format!("the key may not use the {family} APIs: 403"));
            return false;
        }
        if !key.models.matches(&question.model) {
            let message = format!("the key's models leave `{}` out: 403", question.model);
            told.step("permission", "refused", message);
            return false;
        }
        told.step(
            "permission",
            "granted",
            format!("the key may ask for `{}` through {}", question.model, question.api),
        );
        true
    }
}

/// What is decided about, once the key may ask for the model.
struct Asked<'a> {
    fleet: &'a Fleet,
    snapshot: &'a Snapshot,
    key: &'a Key,
    question: &'a Question,
    /// The session that it names, where there are any.
    session: Option<String>,
    candidates: &'a Candidates,
    full: WithoutRoom,
    now: Timestamp,
}

impl Asked<'_> {
    fn consider(&self, told: &mut Explanation) {
        let Self { fleet, snapshot, key, question, candidates, now, ref full, .. } = *self;
        for account in &snapshot.roster.accounts {
            let found = candidates.pools.iter().find_map(|pool| {
                let target = pool.targets.iter().find(|target| target.account.index == account.index)?;
                Some((pool, target))
            });
            let (taken, reason) = match found {
                Some((pool, target)) if !binds(key, &pool.name, &account.name) => (
                    false,
                    format!(
                        "the key is bound to others than pool {} and account {}",
                        pool.name, target.account.name
                    ),
                ),
                Some((pool, target)) => match standing(target, key, fleet, now) {
                    Ok(_) if full.contains_key(&account.index) => {
                        (false, full.get(&account.index).cloned().unwrap_or_default())
                    }
                    Ok(admission) => {
                        let asked = match target.speaks == question.api {
                            true => String::new(),
                            false => format!(" in {}", target.speaks.title()),
                        };
                        let (pool, model) = (&pool.name, &target.model);
                        (true, format!("in pool {pool}, asked for `{model}`{asked}: {admission}"))
                    }
                    Err(passed) => (false, passed.to_string()),
                },
                None => match fits(account, question.api, operation(question.api), &candidates.model) {
                    Some(_) => (false, "it is in none of the route's pools".to_owned()),
                    None => (false, "it does not serve this model".to_owned()),
                },
            };
            told.accounts.push(Considered { name: account.name.to_string(), taken, reason });
        }
        let open = told.accounts.iter().filter(|account| account.taken).count();
        told.step("accounts", format!("{open} of {} can be taken", told.accounts.len()), "see `accounts`");
    }

    fn choose(&self, told: &mut Explanation) {
        let Self { fleet, snapshot, key, question, candidates, now, ref full, ref session } = *self;
        for pool in &candidates.pools {
            let open: Vec<_> = pool
                .targets
                .iter()
                .filter(|target| binds(key, &pool.name, &target.account.name))
                .filter(|target| standing(target, key, fleet, now).is_ok())
                .filter(|target| !full.contains_key(&target.account.index))
                .collect();
            if open.is_empty() {
                continue;
            }
            let scope =
                session.as_deref().map(|session| Conversation { key: &key.id, pool: &pool.name, session });
            let sticks = scope.and_then(|scope| fleet.sessions().account(scope, now));
            if let Some(name) = sticks
                && open.iter().any(|target| target.account.name == name)
            {
                told.step("session", name.to_string(), "the session is on this account");
                told.account = Some(name.to_string());
            } else {
                let listed: Vec<Candidate<'_>> = open.iter().map(|target| candidate(target)).collect();
                let operation = operation(question.api);
                let ask = scheduler::Ask::new(question.api, operation, &candidates.model, now);
                let _turn = fleet.turn();
                let best = snapshot.choosing.scheduler.foresee(&ask, &listed).and_then(|best| open.get(best));
                told.account = best.map(|target| target.account.name.to_string());
                let name = told.account.clone().unwrap_or_else(|| "none".to_owned());
                told.step("scheduler", name, format!("its choice now in pool {}", pool.name));
            }
            told.allowed = told.account.is_some();
            let taken = open.iter().find(|target| Some(&*target.account.name) == told.account.as_deref());
            told.expected_price = taken.and_then(|target| self.expected_price(target));
            return;
        }
        let bound =
            |pool: &Pool| pool.targets.iter().any(|target| binds(key, &pool.name, &target.account.name));
        if candidates.pools.iter().any(bound) {
            return told.step("scheduler", "none", "no account can be taken now: 503");
        }
        let error = candidates.explain(&question.model, question.api);
        let status = match error.kind() {
            Kind::Forbidden => 403,
            Kind::ModelNotFound => 404,
            _ => 400,
        };
        told.step("accounts", "refused", format!("{error}: {status}"));
    }
}

impl Asked<'_> {
    /// What a request of usual length would cost on an account.
    fn expected_price(&self, target: &Target) -> Option<String> {
        let output = match operation(self.question.api) {
            Operation::Generate => USUAL,
            Operation::Embed => 0,
            _ => return None,
        };
        let usage = Usage::new(USUAL, output);
        let asked = PriceAsk::new(target.provider, target.priced_as(), &usage, self.now);
        let priced = guarded("CostModel::price", || self.snapshot.cost.price(&asked)).flatten()?;
        Some(priced.charged(target.account.config.cost_multiplier).to_string())
    }
}

/// What is usually asked of an API.
const fn operation(api: Api) -> Operation {
    match api {
        Api::OpenaiEmbeddings => Operation::Embed,
        Api::OpenaiImages => Operation::Images,
        Api::Anthropic | Api::OpenaiChat | Api::OpenaiResponses | Api::Gemini => Operation::Generate,
    }
}
