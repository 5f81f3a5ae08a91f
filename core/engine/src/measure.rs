//! What is counted and timed, under the names that dashboards depend on.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::{Histogram, Key, KeyName, Label, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use parking_lot::RwLock;
use sluice_api::{Api, Timestamp};

use crate::account::Account;
use crate::operate;
use crate::record::{Outcome, Record};
use crate::snapshot::Snapshot;

/// Every metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
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
    /// Requests in flight, by account.
    InFlight,
    /// Requests that were refused, by reason.
    Refusals,
    /// 1 for the state that an account is in, else 0.
    AccountState,
    /// Seconds that the store took, by operation.
    Store,
}

impl Metric {
    const fn name(self) -> &'static str {
        match self {
            Self::Requests => "sluice_requests_total",
            Self::Duration => "sluice_request_duration_seconds",
            Self::FirstByte => "sluice_time_to_first_byte_seconds",
            Self::Overhead => "sluice_overhead_seconds",
            Self::Tokens => "sluice_tokens_total",
            Self::InFlight => "sluice_in_flight",
            Self::Refusals => "sluice_refusals_total",
            Self::AccountState => "sluice_account_state",
            Self::Store => "sluice_store_seconds",
        }
    }
}

/// Upper bounds of the histograms' buckets, in seconds: from a local answer to the longest stream.
const BUCKETS: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0,
    600.0,
];

/// Records whose values histograms may keep before they sum them up: some 24 bytes each.
const UNSUMMED_MAX: usize = 4096;

/// What stands for a model that no account or route knows, so that a client can't grow the label sets.
const OTHER: &str = "other";

const METADATA: Metadata<'static> = Metadata::new("sluice", Level::INFO, None);

/// Counts and times, for Prometheus.
pub struct Measures {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    duration: Histogram,
    first_byte: Histogram,
    overhead: Histogram,
    /// Models that may be labels.
    models: RwLock<HashSet<String>>,
    /// Records that the histograms have not summed up yet: each keeps every value until then.
    unsummed: AtomicUsize,
}

impl std::fmt::Debug for Measures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Measures")
    }
}

impl Measures {
    pub(crate) fn new() -> Self {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets(&BUCKETS).unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        let histogram = |metric| recorder.register_histogram(&key(metric, Vec::new()), &METADATA);
        Self {
            duration: histogram(Metric::Duration),
            first_byte: histogram(Metric::FirstByte),
            overhead: histogram(Metric::Overhead),
            recorder,
            handle,
            models: RwLock::default(),
            unsummed: AtomicUsize::new(0),
        }
    }

    /// Times of an operation of the store.
    pub(crate) fn store(&self, operation: &'static str) -> Histogram {
        let labels = vec![Label::new("operation", operation)];
        self.recorder.register_histogram(&key(Metric::Store, labels), &METADATA)
    }

    /// Sets which models may be labels.
    pub(crate) fn know(&self, models: HashSet<String>) {
        *self.models.write() = models;
    }

    /// The metrics in Prometheus's text format.
    #[must_use]
    pub fn render(&self, snapshot: &Snapshot, now: Timestamp) -> String {
        self.handle.run_upkeep();
        let mut text = self.handle.render();
        text.push_str(&gauges(&snapshot.accounts, now));
        text
    }

    /// Sums up what histograms have taken in, so that they stay small when nobody reads them.
    pub(crate) fn upkeep(&self) {
        self.unsummed.store(0, Ordering::Relaxed);
        self.handle.run_upkeep();
    }

    /// Counts a request that was refused before a key was known.
    pub fn count_refusal(&self, reason: &'static str) {
        self.refused(reason);
    }

    fn refused(&self, reason: &'static str) {
        self.add(Metric::Refusals, vec![Label::new("reason", reason)], 1);
    }

    /// Counts a batch: what is the same in it is summed first, as labels cost more than sums.
    pub(crate) fn count(&self, batch: &[Record]) {
        let models = self.models.read();
        let mut requests: HashMap<(Api, &str, &str, u16), u64> = HashMap::new();
        let mut tokens: HashMap<(&str, &'static str), u64> = HashMap::new();
        for record in batch {
            let model = if models.contains(&*record.model) { &*record.model } else { OTHER };
            let account = record.account.as_deref().unwrap_or_default();
            *requests.entry((record.api, model, account, record.status)).or_default() += 1;
            self.duration.record(record.duration.as_secs_f64());
            self.overhead.record(record.overhead.as_secs_f64());
            if let Some(first_byte) = record.first_byte {
                self.first_byte.record(first_byte.as_secs_f64());
            }
            if let Outcome::Refused(reason) = record.outcome {
                self.refused(reason);
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
        if self.unsummed.fetch_add(batch.len(), Ordering::Relaxed) + batch.len() >= UNSUMMED_MAX {
            self.upkeep();
        }
        for ((api, model, account, status), count) in requests {
            let labels = vec![
                Label::new("api", api.name()),
                label("model", model),
                label("account", account),
                label("status", &status.to_string()),
            ];
            self.add(Metric::Requests, labels, count);
        }
        for ((model, class), count) in tokens {
            self.add(Metric::Tokens, vec![label("model", model), Label::new("class", class)], count);
        }
    }

    fn add(&self, metric: Metric, labels: Vec<Label>, by: u64) {
        self.recorder.register_counter(&key(metric, labels), &METADATA).increment(by);
    }
}

/// What holds of the accounts now. A recorder of its own each time: one that stays would go on telling of accounts
/// that have left the configuration, as it has no way to forget a gauge.
fn gauges(accounts: &[Arc<Account>], now: Timestamp) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    let set = |metric, labels, value| recorder.register_gauge(&key(metric, labels), &METADATA).set(value);
    for account in accounts {
        let in_flight = f64::from(account.state.in_flight());
        set(Metric::InFlight, vec![label("account", &account.name)], in_flight);
        let now_in = operate::state(account, now);
        for state in operate::STATES {
            let labels = vec![label("account", &account.name), Label::new("state", state)];
            set(Metric::AccountState, labels, f64::from(u8::from(state == now_in)));
        }
    }
    recorder.handle().render()
}

fn key(metric: Metric, labels: Vec<Label>) -> Key {
    Key::from_parts(KeyName::from(metric.name()), labels)
}

fn label(name: &'static str, value: &str) -> Label {
    Label::new(name, value.to_owned())
}
