//! The scripted world: accounts that limit, fail and take their time, and a clock that is an event queue.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use sluice_api::plugin::NoSettings;
use sluice_api::provider::{Call, CallCx, ModelPlace, Offer, Provider, ProviderInfo};
use sluice_api::{
    Api, Bytes, Condition, Error, Family, Fault, Kind, Operation, Scope, Timestamp, async_trait, register,
};
use sluice_schedulers as _;
use sluice_wire::session::Session;

use crate::account::InFlight;
use crate::ask::{Ask, ClientRoute};
use crate::config;
use crate::gateway::Gateway;
use crate::key::Key;
use crate::order::{Order, Picked, Picking};
use crate::route;
use crate::snapshot::Snapshot;

#[derive(Debug)]
struct Scripted(ProviderInfo);

#[async_trait]
impl Provider for Scripted {
    fn info(&self) -> &ProviderInfo {
        &self.0
    }

    fn offer(&self, _operation: Operation, _model: &str) -> Option<Offer> {
        Some(Offer { apis: &[Api::Anthropic], model_in: ModelPlace::Body })
    }

    async fn prepare(&self, _cx: &CallCx<'_>, _call: Call) -> Result<Request<Bytes>, Error> {
        Err(Error::new(Kind::Internal, "a simulation sends nothing"))
    }
}

register! {
    dyn Provider: "test-scripted",
    summary: "Answers as the simulation says",
    settings: NoSettings,
    build: |section| {
        section.read::<NoSettings>()?;
        let info = ProviderInfo { kind: "test-scripted", account: section.name.to_owned(), families: &[Family::Claude] };
        Ok(Arc::new(Scripted(info)))
    },
}

/// What an upstream does in a stretch of time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
    /// Refuses with 429, and says when the stretch ends.
    Limits,
    /// Refuses with 401.
    Unauthorized,
    /// Fails with 500.
    Fails,
    /// Fails with 529.
    Overloaded,
}

/// An account: how long its answers take, and what it does when, in seconds from the start.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) latency_ms: u64,
    pub(super) stretches: Vec<(u64, u64, Does)>,
}

impl Script {
    /// What it does at a time, in milliseconds, and when that ends.
    pub(super) fn at(&self, now_ms: u64) -> Option<(Does, u64)> {
        let inside = |(from, to, _): &&(u64, u64, Does)| (from * 1000..to * 1000).contains(&now_ms);
        self.stretches.iter().find(inside).map(|(_, to, does)| (*does, to * 1000))
    }
}

/// A request from its first attempt to its end.
struct Running {
    order: Order,
    session: Option<String>,
    attempts: u32,
}

/// One attempt that an upstream saw.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) account: usize,
    pub(super) at_ms: u64,
    pub(super) refused: bool,
    pub(super) session: Option<String>,
}

/// What came of all requests.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) seen: Vec<Seen>,
    pub(super) served: usize,
    /// When requests failed that had no account left.
    pub(super) failed_ms: Vec<u64>,
    /// The largest number of requests in flight on each account.
    pub(super) in_flight_max: Vec<u32>,
}

/// The world.
pub(super) struct World {
    pub(super) gateway: Arc<Gateway>,
    snapshot: Arc<Snapshot>,
    key: Arc<Key>,
    scripts: Vec<Script>,
    start: Timestamp,
}

impl World {
    /// One with these accounts; `lines` go into each account's table, `more` stands before them.
    pub(super) async fn new(more: &str, accounts: Vec<(&str, Script)>) -> Self {
        let mut text = format!("{more}\nstore.kind = \"test-store\"\ncost.kind = \"test-cost\"\n");
        for (number, (lines, _)) in accounts.iter().enumerate() {
            text.push_str(&format!(
                "[[accounts]]\nname = \"a{number}\"\nprovider = \"test-scripted\"\n{lines}\n"
            ));
        }
        text.push_str("[[keys]]\nname = \"k\"\nkey = \"k\"\n");
        let loaded = config::load_text(&text).unwrap();
        let gateway =
            Gateway::start(&loaded, config::check(&loaded).unwrap(), config::Given::Text(String::new()))
                .await
                .unwrap();
        let snapshot = gateway.snapshot();
        let key = Arc::clone(snapshot.keys.find(b"k").unwrap());
        let scripts = accounts.into_iter().map(|(_, script)| script).collect();
        Self { gateway, snapshot, key, scripts, start: "2026-11-25T00:00:00Z".parse().unwrap() }
    }

    pub(super) fn time(&self, ms: u64) -> Timestamp {
        self.start + Duration::from_millis(ms)
    }

    /// Runs requests that arrive at these times, each in its session if it has one, until all have ended.
    pub(super) fn run(&self, arrivals: &[(u64, Option<String>)]) -> Report {
        let mut report = Report { in_flight_max: vec![0; self.scripts.len()], ..Report::default() };
        let ask =
            Ask::read(ClientRoute::body(Api::Anthropic, Operation::Generate), br#"{"model":"m"}"#).unwrap();
        let mut running: Vec<Option<Running>> = Vec::new();
        let mut places: Vec<Option<InFlight>> = Vec::new();
        // Times first; among equal ones those that came first.
        let mut events: BinaryHeap<Reverse<(u64, usize, usize)>> = BinaryHeap::new();
        for (number, (at, session)) in arrivals.iter().enumerate() {
            let candidates = route::permitted(&self.snapshot, &self.key, &ask).unwrap();
            let named = session.clone().map(|name| Session { name, follows: true });
            running.push(Some(Running {
                order: Order::new(candidates, named, None),
                session: session.clone(),
                attempts: 0,
            }));
            places.push(None);
            events.push(Reverse((*at, number, 0)));
        }
        while let Some(Reverse((now_ms, number, account))) = events.pop() {
            let now = self.time(now_ms);
            let Some(mut request) = running[number].take() else { continue };
            if let Some(mut place) = places[number].take() {
                match self.refusal(account, now_ms) {
                    None => {
                        place.answered(now);
                        place.completed();
                        report.served += 1;
                        continue;
                    }
                    Some(error) => place.failed(error.facts(), now),
                }
            }
            let picking =
                Picking { gateway: &self.gateway, snapshot: &self.snapshot, key: &self.key, ask: &ask, now };
            let picked = if request.attempts < self.snapshot.attempts {
                request.order.pick(picking).ok()
            } else {
                None
            };
            let Some(Picked { target, place, .. }) = picked else {
                report.failed_ms.push(now_ms);
                continue;
            };
            request.attempts += 1;
            let account = target.account.index;
            let most = &mut report.in_flight_max[account];
            *most = (*most).max(target.account.state.in_flight());
            let refused = self.scripts[account].at(now_ms).is_some();
            report.seen.push(Seen { account, at_ms: now_ms, refused, session: request.session.clone() });
            // A refusal comes at once, an answer takes its time.
            let ends = now_ms + if refused { 1 } else { self.scripts[account].latency_ms };
            running[number] = Some(request);
            places[number] = Some(place);
            events.push(Reverse((ends, number, account)));
        }
        report
    }

    fn refusal(&self, account: usize, now_ms: u64) -> Option<Error> {
        let (does, ends) = self.scripts[account].at(now_ms)?;
        let error = Error::new(Kind::Upstream, "scripted");
        Some(match does {
            Does::Limits => error
                .blame(Fault::Account, Scope::Model)
                .condition(Some(Condition::RateLimited))
                .recovers(Some(Duration::from_millis(ends - now_ms))),
            Does::Unauthorized => {
                error.blame(Fault::Account, Scope::Account).condition(Some(Condition::Unauthorized))
            }
            Does::Fails => error.blame(Fault::Provider, Scope::Account).condition(Some(Condition::Failing)),
            Does::Overloaded => {
                error.blame(Fault::Provider, Scope::Model).condition(Some(Condition::Overloaded))
            }
        })
    }

    /// Whether any account would answer at a time.
    pub(super) fn could_serve(&self, now_ms: u64) -> bool {
        self.scripts.iter().any(|script| script.at(now_ms).is_none())
    }
}
