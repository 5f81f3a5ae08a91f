//! The settings as operators write them. Their comments are the reference.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sluice_api::units::{Size, Span};
use sluice_api::{Api, Family, Secret, Timestamp};
use utoipa::ToSchema;

/// Where and how clients are served.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port that clients connect to; port 0 takes a free one.
    pub listen: String,
    /// Largest request body, also after decompression.
    pub max_body: Size,
    /// All request bodies held at once; beyond it requests get 503.
    pub max_buffered: Size,
    /// A client that has not sent its headers by then is dropped.
    pub header_timeout: Span,
    /// Longest wait between two pieces of a request's body.
    pub body_timeout: Span,
    /// Certificate chain and key, PEM files; unset: plain HTTP/1.1 and h2c.
    pub tls: Option<Tls>,
    /// How long running requests may take to end when the process is told to stop.
    pub shutdown_grace: Span,
    /// Answers carry x-sluice-account, x-sluice-provider and x-sluice-attempts.
    pub reveal_route: bool,
    /// Bearer token that guards /metrics; unset: it is open.
    #[schema(default = json!(null))]
    pub metrics_token: Option<Secret>,
}

/// TLS files.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Path of the certificate chain, PEM.
    pub cert: String,
    /// Path of the private key, PEM.
    pub key: String,
}

/// The admin API.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Token of the admin API; unset: one is made, kept in the store and printed once.
    #[schema(default = json!(null))]
    pub token: Option<Secret>,
    /// Address for operators alone; unset: the clients' own.
    pub listen: Option<String>,
}

/// Waits for upstreams; also allowed on an account.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Upstream {
    /// Longest wait for a connection.
    pub connect_timeout: Span,
    /// Longest wait for the first byte of an answer; one that is not streamed comes only when it is whole.
    pub first_byte_timeout: Span,
    /// Longest wait between two chunks of an answer; its whole length has no bound.
    pub idle_timeout: Span,
}

/// What the engine reads of an account; every other key is its provider's.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its name, unique.
    pub name: String,
    /// Kind of its provider: see `sluice plugins`.
    pub provider: String,
    /// Pools it is in; unset: the pools of the provider's families (claude, gemini, openai).
    pub pools: Option<Vec<String>>,
    /// Lower is tried first.
    #[serde(default = "default_priority")]
    #[schema(default = default_priority)]
    pub priority: u32,
    /// Its share of the load among accounts of the same priority; at least 1.
    #[serde(default = "default_weight")]
    #[schema(default = default_weight)]
    pub weight: u32,
    /// Requests at once; 0 = no bound.
    #[serde(default)]
    #[schema(default = 0)]
    pub concurrency: u32,
    /// Globs over the names that clients ask for; empty = all that the provider serves.
    #[serde(default)]
    pub models: Vec<String>,
    /// Asked for → sent upstream.
    #[serde(default)]
    pub model_map: BTreeMap<String, String>,
    /// Headers set on every request upstream.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Ask OpenAI-like upstreams for usage in streams; false for servers that refuse it.
    #[serde(default = "default_true")]
    #[schema(default = default_true)]
    pub include_usage: bool,
    /// http, https, socks5 or socks5h; if it fails there is no direct try.
    pub proxy: Option<Secret>,
    /// The account's own quota. Not available yet.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// What the upstream charges relative to the price list, a decimal. Other than "1": not available yet.
    #[serde(default = "default_multiplier")]
    #[schema(default = default_multiplier)]
    pub cost_multiplier: String,
    /// Whether it takes requests.
    #[serde(default = "default_true")]
    #[schema(default = default_true)]
    pub enabled: bool,
    /// OAuth 2 bearer with refresh. Not available yet.
    pub oauth: Option<BTreeMap<String, serde_json::Value>>,
    /// Longest wait for a connection; unset: that of `[upstream]`.
    pub connect_timeout: Option<Span>,
    /// Longest wait for the first byte of an answer; unset: that of `[upstream]`.
    pub first_byte_timeout: Option<Span>,
    /// Longest wait between two chunks of an answer; unset: that of `[upstream]`.
    pub idle_timeout: Option<Span>,
}

/// A limit. Not available yet.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// "60s", "5h" (a rolling window), "day", "week", "month" (calendar) or "total".
    pub per: String,
    /// Requests.
    pub requests: Option<u64>,
    /// Tokens: input, output, cache writes and reads.
    pub tokens: Option<u64>,
    /// US dollars, a decimal.
    pub cost: Option<String>,
    /// Globs over the model asked for.
    pub models: Option<Vec<String>>,
}

/// Which pools serve a model; the first route that matches wins.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Glob over the model asked for.
    pub model: String,
    /// Client APIs it is for; unset: all.
    #[serde(default)]
    pub api: Vec<Api>,
    /// Pools, tried in this order.
    pub pools: Vec<String>,
    /// The model to ask for instead.
    pub rewrite: Option<String>,
}

/// How accounts are chosen.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scheduler {
    /// A scheduler plugin.
    pub kind: String,
    /// How long a session sticks to its account; other than "1h" or 0: not available yet.
    pub sticky_ttl: Span,
    /// How long a response id is bound to its account; other than "30d": not available yet.
    pub reference_ttl: Span,
    /// Accounts tried for one request before the client sees the failure; never one twice.
    pub attempts: u32,
    /// Failures in a row that take an account out; other than 3: not available yet.
    pub failures: u32,
    /// Cool-downs; other than the defaults: not available yet.
    pub cooldown: Cooldown,
}

/// Cool-downs of accounts. Other than the defaults: not available yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cooldown {
    /// After a rate limit.
    pub rate_limited: Span,
    /// After an overload.
    pub overloaded: Span,
    /// After failures.
    pub failing: Span,
    /// After refused credentials.
    pub unauthorized: Span,
    /// After a used-up quota.
    pub quota: Span,
    /// The longest.
    pub max: Span,
}

/// Which limiters are at work.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Limiter plugins; unset: all that are linked in.
    pub kinds: Option<Vec<String>>,
}

/// A team or a customer, whose limits bind all its keys together.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name, unique.
    pub name: String,
    /// Requests at once; 0 = no bound.
    #[serde(default)]
    #[schema(default = 0)]
    pub concurrency: u32,
    /// Limits. Not available yet.
    #[serde(default)]
    pub limits: Vec<Limit>,
}

/// A client key: what it may do. `name` and the secret stand beside these.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyFields {
    /// Its name, unique.
    pub name: String,
    /// The group it belongs to.
    pub group: Option<String>,
    /// A label to query usage by.
    pub user: Option<String>,
    /// Further labels.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Families of client API that it may use; default all.
    #[serde(default = "default_allow")]
    #[schema(default = default_allow)]
    pub allow: Vec<Family>,
    /// Globs over the model asked for, `!` excludes; empty = all.
    #[serde(default)]
    pub models: Vec<String>,
    /// Pools it is bound to; empty = any.
    #[serde(default)]
    pub pools: Vec<String>,
    /// Accounts it is bound to; empty = any.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// When it stops working, RFC 3339.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Timestamp>,
    /// Requests at once; 0 = no bound.
    #[serde(default)]
    #[schema(default = 0)]
    pub concurrency: u32,
    /// Where requests beyond `concurrency` wait. Not available yet.
    #[schema(value_type = Option<Object>)]
    pub queue: Option<serde_json::Value>,
    /// Limits. Not available yet.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// "soft"; "hard" is not available yet.
    #[serde(default)]
    pub mode: Mode,
}

/// How a key's limits are enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Refuse once what is settled and what is expected reach a limit.
    #[default]
    Soft,
    /// Reserve the worst case. Not available yet.
    Hard,
}

/// What usage costs.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cost {
    /// A cost model plugin.
    pub kind: String,
    /// Price files over the built-in list. Not available yet.
    pub files: Vec<String>,
    /// What becomes of a model without a price: "allow"; "reject" is not available yet.
    pub unknown_model: UnknownModel,
}

/// What becomes of a model without a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnknownModel {
    /// It is served, and recorded with no cost.
    #[default]
    Allow,
    /// It is refused. Not available yet.
    Reject,
}

/// Statistics. Other than the defaults: not available yet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stats {
    /// Days that records are kept.
    pub retention_days: u32,
    /// Folder that old rows are moved to.
    pub archive: Option<String>,
    /// IANA time zone of days, weeks and months.
    pub timezone: String,
}

/// Logs and traces.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// What is logged: error, warn, info, debug, trace, or a filter like "info,sluice_engine=debug".
    pub log: String,
    /// "text" or "json".
    pub format: Format,
    /// OpenTelemetry endpoint. Not available yet.
    pub otlp_endpoint: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object a line.
    Json,
}

fn span(text: &str) -> Span {
    Span::parse(text).unwrap_or(Span(std::time::Duration::ZERO))
}

fn default_priority() -> u32 {
    50
}

fn default_weight() -> u32 {
    1
}

fn default_true() -> bool {
    true
}

fn default_multiplier() -> String {
    "1".to_owned()
}

fn default_allow() -> Vec<Family> {
    Family::ALL.to_vec()
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            max_body: Size(32 << 20),
            max_buffered: Size(512 << 20),
            header_timeout: span("10s"),
            body_timeout: span("30s"),
            tls: None,
            shutdown_grace: span("30s"),
            reveal_route: false,
            metrics_token: None,
        }
    }
}

impl Default for Upstream {
    fn default() -> Self {
        Self { connect_timeout: span("10s"), first_byte_timeout: span("600s"), idle_timeout: span("300s") }
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
        Self { kind: "price-list".to_owned(), files: Vec::new(), unknown_model: UnknownModel::Allow }
    }
}

impl Default for Stats {
    fn default() -> Self {
        Self { retention_days: 30, archive: None, timezone: "UTC".to_owned() }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { log: "info".to_owned(), format: Format::Text, otlp_endpoint: String::new() }
    }
}
