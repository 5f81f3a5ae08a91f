//! What operators see and do with accounts: their state, a switch, a recovery, a try.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::{Error, Kind};
use sluice_api::provider::Call;
use sluice_api::record::{Dimension, Outcome, Record, RecordQuery};
use sluice_fleet::Fleet;
use sluice_fleet::account::Account;
use sluice_fleet::choosing::candidates::fits;
use sluice_fleet::health::Noted;
use sluice_ledger::live::{InFlight, LiveView};
use sluice_ledger::measure::{AccountNow, Measures};
use sluice_line::caller::Caller;
use sluice_line::snapshot::Snapshot;
use sluice_upstream::tasks::Tasks;
use utoipa::ToSchema;

use crate::control::Control;

/// Requests that are looked through for a model that an account has served.
const LOOKED_THROUGH: usize = 100;

/// An account as operators see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AccountView {
    /// Its name.
    pub name: String,
    /// Its provider.
    pub provider: &'static str,
    /// The pools it is in.
    pub pools: Vec<String>,
    /// Whether the operator has it enabled.
    pub enabled: bool,
    /// `ready`, `rate_limited`, `overloaded`, `unauthorized`, `quota_exceeded`, `failing` or `disabled`; as this gateway
    /// has seen it, or heard of another one with its store.
    pub state: &'static str,
    /// Since when it is in this state; null where it is ready or disabled.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Until when, unless the upstream says something else before; a failing one is then probed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// What the upstream said.
    pub reason: Option<String>,
    /// Until when its provider is overloaded, as two accounts of it saw; it takes one request at a time until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub provider_overloaded_until: Option<Timestamp>,
    /// Models that it is limited for, while it serves others.
    pub models: Vec<LimitedModel>,
    /// Its priority; lower is tried first.
    pub priority: u32,
    /// Its weight.
    pub weight: u32,
    /// Requests it may have at once; 0 = no bound.
    pub concurrency: u32,
    /// Requests it has now, of the gateway that is asked; `GET /admin/v1/concurrency` has the slots that all gateways hold.
    pub in_flight: u32,
    /// When a request of this gateway last went to it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Timestamp>,
}

/// A model that an account is limited for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LimitedModel {
    /// The model, as it is named upstream.
    pub model: String,
    /// Its state, as an account's.
    pub state: &'static str,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// What the upstream said.
    pub reason: String,
}

/// What came of a try.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Tested {
    /// Whether the account answered as it should.
    pub ok: bool,
    /// The upstream's status; null where nothing came.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
    /// The model that was asked for, as it is named upstream.
    pub model: String,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl AccountView {
    pub(crate) fn of(account: &Account, fleet: &Fleet, now: Timestamp) -> Self {
        let (config, health) = (&account.config, &account.health);
        let noted: Option<Noted> = health.noted(now).filter(|_| config.enabled);
        let models = health.noted_models(now).into_iter().map(|(model, noted)| LimitedModel {
            model: model.to_string(),
            state: noted.condition.name(),
            since: noted.since,
            until: noted.until,
            reason: noted.reason.to_string(),
        });
        Self {
            name: account.name.to_string(),
            provider: config.provider.info().kind,
            pools: config.pools.clone(),
            enabled: config.enabled,
            state: state(account, now),
            since: noted.as_ref().map(|noted| noted.since),
            until: noted.as_ref().map(|noted| noted.until),
            reason: noted.map(|noted| noted.reason.to_string()),
            provider_overloaded_until: fleet.overloaded_until(account, now),
            models: models.collect(),
            priority: config.priority,
            weight: config.weight,
            concurrency: config.concurrency,
            in_flight: account.state.in_flight(),
            last_used: account.state.last_used(),
        }
    }
}

/// States that an account may be in.
pub const STATES: [&str; 7] =
    ["ready", "rate_limited", "overloaded", "unauthorized", "quota_exceeded", "failing", "disabled"];

/// The state that an account is in.
#[must_use]
pub fn state(account: &Account, now: Timestamp) -> &'static str {
    if !account.config.enabled {
        return "disabled";
    }
    account.health.noted(now).map_or("ready", |noted| noted.condition.name())
}

/// Every account of a snapshot, as the metrics tell of it.
#[must_use]
pub fn accounts_now(snapshot: &Snapshot, now: Timestamp) -> Vec<AccountNow<'_>> {
    let accounts = snapshot.roster.accounts.iter();
    accounts
        .map(|account| AccountNow {
            name: &account.name,
            in_flight: account.state.in_flight(),
            state: state(account, now),
        })
        .collect()
}

/// What each model and each account has in flight.
fn in_flight(snapshot: &Snapshot, measures: &Measures) -> InFlight {
    let mut now = InFlight::default();
    snapshot.roster.in_flight(|model, count| {
        *now.models.entry(measures.label(model).to_owned()).or_default() += u64::from(count);
    });
    for account in &snapshot.roster.accounts {
        now.accounts.insert(account.name.to_string(), account.state.in_flight().into());
    }
    now
}

impl Control {
    /// What goes on now: the figures of the last `window` seconds, and what is in flight.
    pub async fn live(&self, window: u32) -> LiveView {
        let gateway = Arc::clone(self.gateway());
        let view = move || {
            gateway.records().collect();
            let measures = gateway.records().measures();
            measures.live().view(window, &in_flight(&gateway.snapshot(), measures), Instant::now())
        };
        // With hundreds of models and accounts it takes longer than any request may wait for a worker.
        Tasks::aside(view).await
    }

    /// Every account, in the order of the configuration.
    #[must_use]
    pub fn account_views(&self) -> Vec<AccountView> {
        let gateway = self.gateway();
        let (snapshot, now) = (gateway.snapshot(), gateway.now());
        let accounts = snapshot.roster.accounts.iter();
        accounts.map(|account| AccountView::of(account, gateway.fleet(), now)).collect()
    }

    /// One account.
    #[must_use]
    pub fn account_view(&self, name: &str) -> Option<AccountView> {
        let gateway = self.gateway();
        let snapshot = gateway.snapshot();
        Some(AccountView::of(snapshot.roster.account(name)?, gateway.fleet(), gateway.now()))
    }

    /// Ends every state that an account is in, as an operator knows better, here at once and on other gateways with this
    /// store within a second; `None` where there is no such account.
    #[must_use]
    pub fn recover_account(&self, name: &str) -> Option<AccountView> {
        let snapshot = self.gateway().snapshot();
        self.gateway().fleet().recover(snapshot.roster.account(name)?);
        self.account_view(name)
    }

    /// Sends one tiny request to an account, whatever state it is in; an answer ends what is over.
    ///
    /// # Errors
    ///
    /// 404 where there is no such account, 400 where no model is known to ask it for.
    pub async fn test_account(&self, name: &str, model: Option<&str>) -> Result<Tested, Error> {
        let snapshot = self.gateway().snapshot();
        let unknown = || Error::new(Kind::ModelNotFound, format!("there is no account `{name}`"));
        let account = snapshot.roster.account(name).ok_or_else(unknown)?;
        let mut asked = model.map(ToOwned::to_owned).or_else(|| some_model(&snapshot, account));
        if asked.is_none() {
            asked = self.served_model(account).await;
        }
        let asked = asked.ok_or_else(|| {
            let message = "the account's configuration names no model, and it has served none yet: send {\"model\":\"…\"}";
            Error::bad_request(Some("model"), message)
        })?;
        let (call, upstream) = tiny(account, &asked)?;
        let started = Instant::now();
        let wait = account.config.timeouts.first_byte;
        let caller = Caller::new(self.gateway(), &snapshot, account)?;
        let ended = tokio::time::timeout(wait, caller.succeeds(call)).await;
        let ended = ended.unwrap_or_else(|_| {
            let message = format!("no answer came within {} s", wait.as_secs_f32());
            Err(Error::new(Kind::UpstreamTimeout, message))
        });
        let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let tested =
            |ok, status, error| Tested { ok, status, latency_ms, model: upstream.to_string(), error };
        Ok(match ended {
            Ok(status) => {
                account.health.works(&upstream, self.gateway().now());
                tested(true, Some(status.as_u16()), None)
            }
            Err(error) => {
                let status = error.facts().answer.as_ref().map(|answer| answer.status.as_u16());
                tested(false, status, Some(error.to_string()))
            }
        })
    }

    /// The model that it was last asked for and served.
    async fn served_model(&self, account: &Arc<Account>) -> Option<String> {
        let mut query = RecordQuery::newest(LOOKED_THROUGH);
        query.filter.also(Dimension::Account, account.name.to_string());
        query.filter.outcomes.push(Outcome::Completed.to_string());
        let gateway = self.gateway();
        let page = gateway.records().page(&**gateway.store(), &query).await.ok()?;
        let served = |record: &&Record| {
            record.operation == Operation::Generate
                && record.status < 400
                && tiny(account, &record.model).is_ok()
        };
        page.records.iter().find(served).map(|record| record.model.to_string())
    }
}

/// A model that an account can be asked for, by what its configuration and its provider name.
fn some_model(snapshot: &Snapshot, account: &Account) -> Option<String> {
    let config = &account.config;
    let mapped = config.model_map.keys().min().cloned();
    let listed = || {
        config.list.iter().chain(&*account.listed.names()).find(|name| config.models.matches(name)).cloned()
    };
    let exact = || config.models.exact_names().next().map(ToOwned::to_owned);
    let priced = || snapshot.cost.models().into_iter().find(|model| config.models.matches(model));
    let provided = || config.provider.models().into_iter().next();
    mapped.or_else(exact).or_else(provided).or_else(listed).or_else(priced)
}

/// The smallest request that a model answers, in a dialect that the account speaks.
fn tiny(account: &Arc<Account>, asked: &str) -> Result<(Call, Arc<str>), Error> {
    let target = Api::ALL.into_iter().find_map(|api| {
        let target = fits(account, api, Operation::Generate, asked)?;
        (target.speaks == api).then_some((api, target))
    });
    let Some((api, target)) = target else {
        return Err(Error::bad_request(
            Some("model"),
            format!("the account does not serve the model `{asked}`"),
        ));
    };
    let (model, text) = (&target.model, "Say ok.");
    let body = match api {
        Api::Anthropic => {
            json!({ "model": model, "max_tokens": 16, "messages": [{ "role": "user", "content": text }] })
        }
        Api::OpenaiResponses => json!({ "model": model, "max_output_tokens": 16, "input": text }),
        Api::Gemini => json!({
            "contents": [{ "role": "user", "parts": [{ "text": text }] }],
            "generationConfig": { "maxOutputTokens": 16 },
        }),
        _ => json!({
            "model": model, "max_completion_tokens": 16, "messages": [{ "role": "user", "content": text }],
        }),
    };
    let mut call = Call::new(api, Operation::Generate, Form::Whole, Arc::clone(&target.model));
    call.asked = asked.into();
    call.body = Bytes::from(body.to_string());
    Ok((call, target.model))
}
