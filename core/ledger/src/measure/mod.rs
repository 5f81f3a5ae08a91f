//! What is counted and timed, under the names that dashboards depend on.

mod holders;
mod metric;
mod series;
mod spent;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use foldhash::fast::RandomState;
use parking_lot::{Mutex, RwLock};
use sluice_api::dialect::Api;
use sluice_api::record::{Outcome, Record};
use sluice_api::store::ServedAlone;

use crate::live::{Live, OTHER};
use crate::refused::Realm;
use holders::Holders;
use metric::Metric;
use series::{Counters, head, sample, written};
use spent::{Amounts, Spent};

pub use series::Histogram;

/// An account as it is now.
#[derive(Clone, Copy, Debug)]
pub struct AccountNow<'a> {
    /// Its name.
    pub name: &'a str,
    /// Requests that it has now.
    pub in_flight: u32,
    /// The state that it is in.
    pub state: &'a str,
}

/// Members of usage that nobody knows which may be labels.
const FIELDS_MAX: usize = 64;

/// Models that may be labels, where upstreams' lists and keys made at run time add some; only those that are asked for
/// are.
const MODELS_MAX: usize = 65_536;

/// Names that may be labels.
pub type Labels = HashSet<String, RandomState>;

/// Tells how many there were so far.
type Count = Box<dyn Fn() -> u64 + Send + Sync>;

/// Counts and times, for Prometheus.
pub struct Measures {
    requests: Counters,
    spent: Spent,
    unpriced: Counters,
    unknown_usage: Counters,
    inconsistent_usage: Counters,
    keys: Holders,
    groups: Holders,
    refusals: Counters,
    credentials: Counters,
    duration: Arc<Histogram>,
    first_byte: Arc<Histogram>,
    overhead: Arc<Histogram>,
    store: Mutex<Vec<Arc<Histogram>>>,
    /// What goes on now, under the same labels.
    live: Live,
    /// Models that may be labels.
    models: RwLock<Labels>,
    /// What was served while the store was out of reach.
    alone: OnceLock<Box<dyn Fn() -> ServedAlone + Send + Sync>>,
    /// How many records were set aside, as the store can't write them.
    set_aside: OnceLock<Count>,
    /// How many lines the log has dropped, where a log is written.
    log_lines_dropped: OnceLock<Count>,
    /// How many spans were lost, where traces are sent.
    spans_dropped: OnceLock<Count>,
}

impl fmt::Debug for Measures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Measures")
    }
}

impl Default for Measures {
    fn default() -> Self {
        Self::new()
    }
}

impl Measures {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            requests: Counters::default(),
            spent: Spent::of("model"),
            unpriced: Counters::default(),
            unknown_usage: Counters::default(),
            inconsistent_usage: Counters::default(),
            keys: Holders::of("key"),
            groups: Holders::of("group"),
            refusals: Counters::default(),
            credentials: Counters::default(),
            duration: Histogram::new(&[]),
            first_byte: Histogram::new(&[]),
            overhead: Histogram::new(&[]),
            store: Mutex::default(),
            live: Live::new(Instant::now()),
            models: RwLock::default(),
            alone: OnceLock::new(),
            set_aside: OnceLock::new(),
            log_lines_dropped: OnceLock::new(),
            spans_dropped: OnceLock::new(),
        }
    }

    /// Times of an operation of the store.
    #[must_use]
    pub fn store(&self, operation: &'static str) -> Arc<Histogram> {
        let times = Histogram::new(&[("operation", operation)]);
        self.store.lock().push(Arc::clone(&times));
        times
    }

    /// What goes on now.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// A model's label: its name, where it is one that a client could not have made up.
    #[must_use]
    pub fn label<'a>(&self, model: &'a str) -> &'a str {
        if self.models.read().contains(model) { model } else { OTHER }
    }

    /// Sets which models may be labels.
    pub fn know(&self, models: Labels) {
        *self.models.write() = models;
    }

    /// Lets more models be labels, until which ones may is set anew.
    pub fn know_also(&self, models: impl IntoIterator<Item = String>) {
        let mut known = self.models.write();
        let room = MODELS_MAX.saturating_sub(known.len());
        known.extend(models.into_iter().take(room));
    }

    /// Tells cost and tokens by each client key too.
    pub fn tell_keys(&self) {
        self.keys.tell();
    }

    /// Tells cost and tokens by each group too.
    pub fn tell_groups(&self) {
        self.groups.tell();
    }

    /// Says who knows what was served while the store was out of reach; asked whenever the metrics are read.
    pub(crate) fn watch_store(&self, alone: impl Fn() -> ServedAlone + Send + Sync + 'static) {
        let _ = self.alone.set(Box::new(alone));
    }

    /// Says who counts the records that were set aside; asked whenever the metrics are read.
    pub(crate) fn watch_set_aside(&self, count: impl Fn() -> u64 + Send + Sync + 'static) {
        let _ = self.set_aside.set(Box::new(count));
    }

    /// Says who counts the lines that the log has dropped; asked whenever the metrics are read.
    pub fn watch_log(&self, dropped: impl Fn() -> u64 + Send + Sync + 'static) {
        let _ = self.log_lines_dropped.set(Box::new(dropped));
    }

    /// Says who counts the spans that were lost.
    pub fn watch_traces(&self, dropped: impl Fn() -> u64 + Send + Sync + 'static) {
        let _ = self.spans_dropped.set(Box::new(dropped));
    }

    /// The metrics in Prometheus's text format. `states` are all that an account may be in.
    #[must_use]
    pub fn render(&self, states: &[&str], accounts: &[AccountNow<'_>]) -> String {
        let mut text = String::new();
        let mut told = |metric: Metric, samples: &dyn Fn(&str, &mut String)| {
            let (name, kind, help) = metric.about();
            head(&mut text, name, kind, help);
            samples(name, &mut text);
        };
        told(Metric::BuildInfo, &|name, text| {
            sample(text, name, &written(&[("version", env!("CARGO_PKG_VERSION"))]), 1);
        });
        for (metric, counters) in [
            (Metric::Requests, &self.requests),
            (Metric::Tokens, self.spent.tokens()),
            (Metric::Unpriced, &self.unpriced),
            (Metric::UnknownUsage, &self.unknown_usage),
            (Metric::InconsistentUsage, &self.inconsistent_usage),
            (Metric::Refusals, &self.refusals),
            (Metric::CredentialsRefused, &self.credentials),
        ] {
            told(metric, &|name, text| counters.render(name, text));
        }
        told(Metric::Cost, &|name, text| self.spent.cost().render(name, text));
        let held = [
            (&self.keys, Metric::KeyTokens, Metric::KeyCost),
            (&self.groups, Metric::GroupTokens, Metric::GroupCost),
        ];
        for (spent, tokens, cost) in
            held.into_iter().filter_map(|(of, tokens, cost)| Some((of.spent()?, tokens, cost)))
        {
            told(tokens, &|name, text| spent.tokens().render(name, text));
            told(cost, &|name, text| spent.cost().render(name, text));
        }
        for (metric, times) in [
            (Metric::Duration, &self.duration),
            (Metric::FirstByte, &self.first_byte),
            (Metric::Overhead, &self.overhead),
        ] {
            told(metric, &|name, text| times.render(name, text));
        }
        told(Metric::Store, &|name, text| {
            self.store.lock().iter().for_each(|times| times.render(name, text));
        });
        told(Metric::InFlight, &|name, text| in_flight(accounts, name, text));
        told(Metric::AccountState, &|name, text| each_state(states, accounts, name, text));
        let ServedAlone { requests, untold, .. } = self.alone.get().map(|alone| alone()).unwrap_or_default();
        told(Metric::OutageRequests, &|name, text| sample(text, name, "", requests));
        told(Metric::OutageUnsettled, &|name, text| sample(text, name, "", untold));
        for (metric, dropped) in [
            (Metric::RecordsSetAside, &self.set_aside),
            (Metric::LogLinesDropped, &self.log_lines_dropped),
            (Metric::SpansDropped, &self.spans_dropped),
        ] {
            let dropped = dropped.get().map_or(0, |dropped| dropped());
            told(metric, &|name, text| sample(text, name, "", dropped));
        }
        text
    }

    /// Counts a request that was refused before a key was known.
    pub fn count_refusal(&self, reason: &'static str) {
        self.refused(reason);
    }

    /// Counts credentials that were refused.
    pub fn count_credentials(&self, realm: Realm) {
        self.credentials.add(&[("realm", realm.name())], 1);
    }

    /// Counts a member of an upstream's usage that nobody knows. Upstreams could tell any number of names: those beyond a
    /// bound are counted together.
    pub fn count_unknown_usage(&self, api: Api, field: &str) {
        self.unknown_usage.add_within(
            FIELDS_MAX,
            &[("api", api.name()), ("field", field)],
            &[("api", api.name()), ("field", OTHER)],
        );
    }

    /// Counts a request whose upstream told a usage that contradicts itself.
    pub fn count_inconsistent_usage(&self, api: Api, account: &str) {
        self.inconsistent_usage.add(&[("api", api.name()), ("account", account)], 1);
    }

    fn refused(&self, reason: &str) {
        self.refusals.add(&[("reason", reason)], 1);
    }

    /// Counts a batch of requests that have ended just now: what is the same in it is summed first, as labels cost more
    /// than sums.
    pub fn count(&self, batch: &[Arc<Record>], now: Instant) {
        let models = self.models.read();
        self.live.count(batch, |model| models.contains(model), now);
        let mut requests: HashMap<(Api, &str, &str, u16), u64, RandomState> = HashMap::default();
        let mut spent: HashMap<&str, Amounts, RandomState> = HashMap::default();
        let (mut by_key, mut by_group) = (self.keys.batch(), self.groups.batch());
        for record in batch {
            let model = if models.contains(&*record.model) { &*record.model } else { OTHER };
            let account = record.account.as_deref().unwrap_or_default();
            *requests.entry((record.api, model, account, record.status)).or_default() += 1;
            self.duration.record(record.duration);
            self.overhead.record(record.overhead);
            if let Some(first_byte) = record.first_byte {
                self.first_byte.record(first_byte);
            }
            if let Outcome::Refused(reason) = &record.outcome {
                self.refused(reason);
            }
            let amounts = Amounts::of(record);
            if amounts != Amounts::default() {
                *spent.entry(model).or_default() += amounts;
                by_key.add(Some(&record.key), amounts);
                by_group.add(record.group.as_ref(), amounts);
            }
        }
        for ((api, model, account, status), count) in requests {
            let status = status.to_string();
            let labels = [("api", api.name()), ("model", model), ("account", account), ("status", &status)];
            self.requests.add(&labels, count);
        }
        for (model, amounts) in spent {
            self.spent.add(model, &amounts);
            if amounts.unpriced > 0 {
                self.unpriced.add(&[("model", model)], amounts.unpriced);
            }
        }
        by_key.count();
        by_group.count();
    }
}

fn in_flight(accounts: &[AccountNow<'_>], name: &str, text: &mut String) {
    for account in accounts {
        sample(text, name, &written(&[("account", account.name)]), account.in_flight);
    }
}

fn each_state(states: &[&str], accounts: &[AccountNow<'_>], name: &str, text: &mut String) {
    for account in accounts {
        for state in states {
            let labels = written(&[("account", account.name), ("state", state)]);
            sample(text, name, &labels, u8::from(*state == account.state));
        }
    }
}
