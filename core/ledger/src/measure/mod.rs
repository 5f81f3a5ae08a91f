//! What is counted and timed, under the names that dashboards depend on.

mod series;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use parking_lot::{Mutex, RwLock};
use sluice_api::dialect::Api;
use sluice_api::record::{Outcome, Record};

use crate::live::{Live, OTHER};
use crate::refused::Realm;
use series::{Counters, Kind, head, sample, written};

pub use series::Histogram;

/// Every metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// 1, with the version that runs.
    BuildInfo,
    /// Requests with a valid key, by api, model, account and status.
    Requests,
    /// Seconds from the request's head to the answer's last byte.
    Duration,
    /// Seconds from the request's head to the answer's first byte.
    FirstByte,
    /// Seconds that the gateway itself took.
    Overhead,
    /// Tokens, by model and class.
    Tokens,
    /// Requests of which no price is known, by model.
    Unpriced,
    /// Members of upstreams' usage that nobody knows, by client API and name.
    UnknownUsage,
    /// Requests in flight, by account.
    InFlight,
    /// Requests that were refused, by reason.
    Refusals,
    /// Credentials that were refused, by whose they were.
    CredentialsRefused,
    /// 1 for the state that an account is in, else 0.
    AccountState,
    /// Seconds that the store took, by operation.
    Store,
    /// Lines that the log had no room for.
    LogLinesDropped,
}

impl Metric {
    /// Its name, what it is, and what Prometheus tells of it.
    const fn about(self) -> (&'static str, Kind, &'static str) {
        match self {
            Self::BuildInfo => {
                ("sluice_build_info", Kind::Gauge, "Always 1; the version that runs is a label.")
            }
            Self::Requests => (
                "sluice_requests_total",
                Kind::Counter,
                "Requests with a valid key, by client API, model, account and status.",
            ),
            Self::Duration => (
                "sluice_request_duration_seconds",
                Kind::Histogram,
                "Time from a request's head to its answer's last byte.",
            ),
            Self::FirstByte => (
                "sluice_time_to_first_byte_seconds",
                Kind::Histogram,
                "Time from a request's head to its answer's first byte.",
            ),
            Self::Overhead => (
                "sluice_overhead_seconds",
                Kind::Histogram,
                "The gateway's own part of a request's time, before it goes upstream.",
            ),
            Self::Tokens => ("sluice_tokens_total", Kind::Counter, "Tokens used, by model and class."),
            Self::Unpriced => (
                "sluice_unpriced_requests_total",
                Kind::Counter,
                "Requests that used something of which no price is known, by model.",
            ),
            Self::UnknownUsage => (
                "sluice_unknown_usage_fields_total",
                Kind::Counter,
                "Fields of upstreams' usage that are not known, and so not priced, by client API and name.",
            ),
            Self::InFlight => ("sluice_in_flight", Kind::Gauge, "Requests that an account has now."),
            Self::Refusals => (
                "sluice_refusals_total",
                Kind::Counter,
                "Requests that the gateway refused, by reason; those without a valid key too.",
            ),
            Self::CredentialsRefused => (
                "sluice_credentials_refused_total",
                Kind::Counter,
                "Requests whose credentials were refused, by whose they were: a client's, the admin's, those of /metrics.",
            ),
            Self::AccountState => {
                ("sluice_account_state", Kind::Gauge, "1 for the state that an account is in, else 0.")
            }
            Self::Store => {
                ("sluice_store_seconds", Kind::Histogram, "Time that an operation of the store took.")
            }
            Self::LogLinesDropped => (
                "sluice_log_lines_dropped_total",
                Kind::Counter,
                "Log lines that were lost because standard error was read too slowly.",
            ),
        }
    }
}

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

/// Counts and times, for Prometheus.
pub struct Measures {
    requests: Counters,
    tokens: Counters,
    unpriced: Counters,
    unknown_usage: Counters,
    refusals: Counters,
    credentials: Counters,
    duration: Arc<Histogram>,
    first_byte: Arc<Histogram>,
    overhead: Arc<Histogram>,
    store: Mutex<Vec<Arc<Histogram>>>,
    /// What goes on now, under the same labels.
    live: Live,
    /// Models that may be labels.
    models: RwLock<HashSet<String>>,
    /// How many lines the log has dropped, where a log is written.
    log_lines_dropped: OnceLock<Box<dyn Fn() -> u64 + Send + Sync>>,
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
            tokens: Counters::default(),
            unpriced: Counters::default(),
            unknown_usage: Counters::default(),
            refusals: Counters::default(),
            credentials: Counters::default(),
            duration: Histogram::new(&[]),
            first_byte: Histogram::new(&[]),
            overhead: Histogram::new(&[]),
            store: Mutex::default(),
            live: Live::new(Instant::now()),
            models: RwLock::default(),
            log_lines_dropped: OnceLock::new(),
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
    pub fn know(&self, models: HashSet<String>) {
        *self.models.write() = models;
    }

    /// Lets more models be labels, until which ones may is set anew.
    pub fn know_also(&self, models: impl IntoIterator<Item = String>) {
        let mut known = self.models.write();
        let room = MODELS_MAX.saturating_sub(known.len());
        known.extend(models.into_iter().take(room));
    }

    /// Says who counts the lines that the log has dropped; asked whenever the metrics are read.
    pub fn watch_log(&self, dropped: impl Fn() -> u64 + Send + Sync + 'static) {
        let _ = self.log_lines_dropped.set(Box::new(dropped));
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
            (Metric::Tokens, &self.tokens),
            (Metric::Unpriced, &self.unpriced),
            (Metric::UnknownUsage, &self.unknown_usage),
            (Metric::Refusals, &self.refusals),
            (Metric::CredentialsRefused, &self.credentials),
        ] {
            told(metric, &|name, text| counters.render(name, text));
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
        let dropped = self.log_lines_dropped.get().map_or(0, |dropped| dropped());
        told(Metric::LogLinesDropped, &|name, text| sample(text, name, "", dropped));
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

    fn refused(&self, reason: &str) {
        self.refusals.add(&[("reason", reason)], 1);
    }

    /// Counts a batch of requests that have ended just now: what is the same in it is summed first, as labels cost more
    /// than sums.
    pub fn count(&self, batch: &[Record], now: Instant) {
        let models = self.models.read();
        self.live.count(batch, |model| models.contains(model), now);
        let mut requests: HashMap<(Api, &str, &str, u16), u64> = HashMap::new();
        let mut tokens: HashMap<(&str, &'static str), u64> = HashMap::new();
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
            if record.is_unpriced() {
                self.unpriced.add(&[("model", model)], 1);
            }
            let usage = record.usage.unwrap_or_default();
            for (class, count) in [
                ("input", usage.input),
                ("output", usage.output),
                ("cache_write", usage.cache_write()),
                ("cache_read", usage.cache_read),
                ("reasoning", usage.reasoning),
            ] {
                if count > 0 {
                    *tokens.entry((model, class)).or_default() += count;
                }
            }
        }
        for ((api, model, account, status), count) in requests {
            let status = status.to_string();
            let labels = [("api", api.name()), ("model", model), ("account", account), ("status", &status)];
            self.requests.add(&labels, count);
        }
        for ((model, class), count) in tokens {
            self.tokens.add(&[("model", model), ("class", class)], count);
        }
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
