//! Tables whose kinds are plugins, and statistics, as they are written.

use serde::{Deserialize, Serialize};
use sluice_api::settings::Span;
use utoipa::ToSchema;

use crate::defaults::span;

/// Where keys and slots are kept. Every other key is the plugin's.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// A store plugin.
    pub kind: String,
}

/// How accounts are chosen. Every other key is the plugin's.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scheduler {
    /// A scheduler plugin.
    pub kind: String,
    /// How long a session sticks to its account after its last request; 0: no sticky sessions.
    pub sticky_ttl: Span,
    /// How long the ids of a response and of its items are bound to the account that made them, and to the key that they
    /// were made for; the embedded store keeps 2,000,000 at most. An id that is not known, or no longer, goes to any
    /// account, for the first key that is served with it.
    pub reference_ttl: Span,
    /// Accounts tried in one pool before the route's next pool has its turn; never one twice.
    pub attempts: u32,
    /// Failures in a row (5xx, broken or refused connections, time-outs) that take an account out; those of one key
    /// alone keep that key off it, unless other keys are answered meanwhile, and never another key.
    pub failures: u32,
    /// How long an account is spared where its upstream names no time; doubling while it goes on.
    pub cooldown: Cooldown,
}

/// Cool-downs of accounts, where the upstream names no time; each doubles while the state goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cooldown {
    /// After a rate limit.
    pub rate_limited: Span,
    /// After an overload.
    pub overloaded: Span,
    /// After failures; of an account that no other could stand in for the longest, which begins with a second.
    pub failing: Span,
    /// After refused credentials.
    pub unauthorized: Span,
    /// After a used-up quota.
    pub quota: Span,
    /// The longest; it bounds what an upstream names, too.
    pub max: Span,
}

/// Which limiters are at work. A limiter's own settings stand in a table of its kind, like `[limits.concurrency]`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Limiter plugins; unset: all that are linked in.
    pub kinds: Option<Vec<String>>,
}

/// What usage costs. Every other key is the plugin's.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cost {
    /// A cost model plugin.
    pub kind: String,
    /// What becomes of a model without a price.
    pub unknown_model: UnknownModel,
}

/// What becomes of a model without a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnknownModel {
    /// It is served, and recorded with no cost.
    #[default]
    Allow,
    /// It is refused.
    Reject,
}

/// Statistics.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stats {
    /// Days that records and the sums of quarter-hours are kept; at least 1. The sums of days stay.
    pub retention_days: u32,
    /// Folder that records are written to before they are deleted: files of compressed JSON lines, each of a part of one day.
    pub archive: Option<String>,
    /// IANA time zone of days, weeks and months, in statistics and limits alike.
    pub timezone: String,
}

impl Default for Store {
    fn default() -> Self {
        Self { kind: "embedded".to_owned() }
    }
}

impl Default for Scheduler {
    fn default() -> Self {
        Self {
            kind: "least-loaded".to_owned(),
            sticky_ttl: span("1h"),
            reference_ttl: span("30d"),
            attempts: 3,
            failures: 3,
            cooldown: Cooldown::default(),
        }
    }
}

impl Default for Cooldown {
    fn default() -> Self {
        Self {
            rate_limited: span("15s"),
            overloaded: span("5s"),
            failing: span("10s"),
            unauthorized: span("5m"),
            quota: span("15m"),
            max: span("30m"),
        }
    }
}

impl Default for Cost {
    fn default() -> Self {
        Self { kind: "price-list".to_owned(), unknown_model: UnknownModel::Allow }
    }
}

impl Default for Stats {
    fn default() -> Self {
        Self { retention_days: 30, archive: None, timezone: "UTC".to_owned() }
    }
}
