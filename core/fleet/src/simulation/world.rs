//! The scripted world: accounts that limit, fail and take their time, and a clock that is an event queue.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use sluice_api::dialect::{Api, Family, Operation};
use sluice_api::error::{Answer, Condition, Error, Fault, Kind, Scope};
use sluice_api::plugin::{NoSettings, async_trait};
use sluice_api::provider::{Call, CallCx, ModelPlace, Offer, Prepared, Provider, ProviderInfo};
use sluice_api::register;
use sluice_config::key::Key;
use sluice_config::{check, read};
use sluice_fixtures as _;
use sluice_schedulers as _;
use sluice_wire::request::fingerprint::fingerprint;
use sluice_wire::request::session::Session;

use crate::account::{InFlight, States};
use crate::choosing::order::{Order, Picked, Picking};
use crate::choosing::{Choosing, Criteria};
use crate::{Fleet, Roster};

#[derive(Debug)]
struct Scripted(ProviderInfo);

#[async_trait]
impl Provider for Scripted {
    fn info(&self) -> &ProviderInfo {
        &self.0
    }

    fn offer(&self, _operation: Operation, _model: &str) -> Option<Offer> {
        Some(Offer::new(&[Api::Anthropic], ModelPlace::Body))
    }

    async fn prepare(&self, _cx: &CallCx<'_>, _call: Call) -> Result<Prepared, Error> {
        Err(Error::new(Kind::Internal, "a simulation sends nothing"))
    }
}

register! {
    dyn Provider: "test-scripted",
    summary: "Answers as the simulation says",
    settings: NoSettings,
    build: |_, section| {
        section.read::<NoSettings>()?;
        let info = ProviderInfo::new("test-scripted", section.name, &[Family::Claude]);
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
    /// Takes requests and never answers them.
    Hangs,
}

/// How long a request waits for an upstream that never answers.
const PATIENCE_MS: u64 = 600_000;

/// Client keys.
const CLIENTS: usize = 3;

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

/// A request as it arrives.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrival {
    pub(super) at_ms: u64,
    pub(super) session: Option<String>,
    /// The number of its client key.
    pub(super) client: usize,
    /// The number of its body, where every upstream fails on that.
    pub(super) poison: Option<u64>,
}

/// A request from its first attempt to its end.
struct Running {
    arrival: Arrival,
    wanted: Criteria<'static>,
    order: Order,
    /// What comes of the attempt under way, and when the upstream is well again.
    fate: Option<(Does, u64)>,
    failure: Option<Error>,
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
    /// Whose they were, and how long each was told to wait.
    pub(super) failed: Vec<(usize, Option<Duration>)>,
    /// The largest number of requests in flight on each account.
    pub(super) in_flight_max: Vec<u32>,
}

/// The world.
pub(super) struct World {
    pub(super) fleet: Fleet,
    pub(super) roster: Roster,
    choosing: Arc<Choosing>,
    keys: Vec<Arc<Key>>,
    scripts: Vec<Script>,
    start: Timestamp,
}

impl World {
    /// One with these accounts; `lines` go into each account's table, `more` stands before them.
    pub(super) fn new(more: &str, accounts: Vec<(&str, Script)>) -> Self {
        let mut text = format!("{more}\nstore.kind = \"test-store\"\ncost.kind = \"test-cost\"\n");
        for (number, (lines, _)) in accounts.iter().enumerate() {
            text.push_str(&format!(
                "[[accounts]]\nname = \"a{number}\"\nprovider = \"test-scripted\"\n{lines}\n"
            ));
        }
        for number in 0..CLIENTS {
            text.push_str(&format!("[[keys]]\nname = \"k{number}\"\nkey = \"k{number}\"\n"));
        }
        let loaded = read::load_text(&text).unwrap();
        let config = check::check(&loaded).unwrap();
        let keys = config.keys.iter().map(|key| Arc::new(Key::from_config(key, &HashMap::new()))).collect();
        let choosing = Arc::new(Choosing::new(&config));
        let roster = Roster::new(config.accounts, config.routes, &mut States::default());
        let scripts = accounts.into_iter().map(|(_, script)| script).collect();
        Self {
            fleet: Fleet::default(),
            roster,
            choosing,
            keys,
            scripts,
            start: "2026-11-25T00:00:00Z".parse().unwrap(),
        }
    }

    pub(super) fn time(&self, ms: u64) -> Timestamp {
        self.start + Duration::from_millis(ms)
    }

    /// Runs requests of one client that arrive at these times, each in its session if it has one, until all have ended.
    pub(super) fn run(&self, arrivals: &[(u64, Option<String>)]) -> Report {
        let arrivals = arrivals.iter().map(|(at_ms, session)| Arrival {
            at_ms: *at_ms,
            session: session.clone(),
            ..Arrival::default()
        });
        self.run_all(arrivals.collect())
    }

    /// Runs requests until all have ended.
    pub(super) fn run_all(&self, arrivals: Vec<Arrival>) -> Report {
        let mut report = Report { in_flight_max: vec![0; self.scripts.len()], ..Report::default() };
        let mut running: Vec<Option<Running>> = Vec::new();
        let mut places: Vec<Option<InFlight>> = Vec::new();
        // Times first; among equal ones those that came first.
        let mut events: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        for (number, arrival) in arrivals.into_iter().enumerate() {
            events.push(Reverse((arrival.at_ms, number)));
            running.push(Some(self.begin(number, arrival)));
            places.push(None);
        }
        while let Some(Reverse((now_ms, number))) = events.pop() {
            let now = self.time(now_ms);
            let Some(mut request) = running[number].take() else { continue };
            let key = &self.keys[request.arrival.client];
            let Self { fleet, choosing, .. } = self;
            let picking = Picking { fleet, choosing, key, wanted: request.wanted, now };
            if let Some(mut place) = places[number].take() {
                // What goes down breaks the answers that are on their way.
                let fate = request.fate.or_else(|| self.scripts[place.account().index].at(now_ms));
                let Some((does, ends)) = fate else {
                    place.answered(now);
                    place.completed(now);
                    report.served += 1;
                    continue;
                };
                let error = refusal(does, ends.saturating_sub(now_ms));
                place.failed(error.facts(), now);
                drop(place);
                request.order.failed(&error, &picking);
                request.failure = Some(request.order.told(error, &picking));
            }
            let Picked { target, mut place, .. } = match request.order.pick(&picking) {
                Ok(picked) => picked,
                Err(none) => {
                    let error = request.failure.unwrap_or(none);
                    report.failed_ms.push(now_ms);
                    report.failed.push((request.arrival.client, error.facts().retry_after));
                    continue;
                }
            };
            if target.account.config.concurrency > 0 {
                place.takes_slot();
            }
            let account = target.account.index;
            let most = &mut report.in_flight_max[account];
            *most = (*most).max(target.account.state.in_flight());
            request.fate = match request.arrival.poison {
                Some(_) => Some((Does::Fails, now_ms)),
                None => self.scripts[account].at(now_ms),
            };
            let session = request.arrival.session.clone();
            report.seen.push(Seen { account, at_ms: now_ms, refused: request.fate.is_some(), session });
            // A refusal comes at once, an answer takes its time.
            let takes = match request.fate {
                Some((Does::Hangs, _)) => PATIENCE_MS,
                Some(_) => 1,
                None => self.scripts[account].latency_ms,
            };
            running[number] = Some(request);
            places[number] = Some(place);
            events.push(Reverse((now_ms + takes, number)));
        }
        report
    }

    fn begin(&self, number: usize, arrival: Arrival) -> Running {
        let body = match arrival.poison {
            Some(poison) => format!("{{\"model\":\"m\",\"poison\":{poison}}}"),
            None => format!("{{\"model\":\"m\",\"number\":{number}}}"),
        };
        let body = fingerprint("m", body.as_bytes());
        let wanted = Criteria { body, ..Criteria::of(Api::Anthropic, Operation::Generate, "m") };
        let candidates = self.roster.permitted(&self.keys[arrival.client], wanted).unwrap();
        let named = arrival.session.clone().map(|name| Session { name, follows: true });
        Running { order: Order::new(candidates, named, None), arrival, wanted, fate: None, failure: None }
    }

    /// Whether any account would answer at a time.
    pub(super) fn could_serve(&self, now_ms: u64) -> bool {
        self.scripts.iter().any(|script| script.at(now_ms).is_none())
    }
}

/// What an upstream tells that is well again in so many milliseconds.
fn refusal(does: Does, left_ms: u64) -> Error {
    let error = Error::new(Kind::Upstream, "scripted");
    match does {
        Does::Limits => error
            .blame(Fault::Account, Scope::Model)
            .condition(Some(Condition::RateLimited))
            .recovers(Some(Duration::from_millis(left_ms)))
            .answer(Answer::new(StatusCode::TOO_MANY_REQUESTS, HeaderMap::new(), Bytes::new())),
        Does::Unauthorized => {
            error.blame(Fault::Account, Scope::Account).condition(Some(Condition::Unauthorized))
        }
        Does::Fails | Does::Hangs => {
            error.blame(Fault::Provider, Scope::Account).condition(Some(Condition::Failing))
        }
        Does::Overloaded => error.blame(Fault::Provider, Scope::Model).condition(Some(Condition::Overloaded)),
    }
}
