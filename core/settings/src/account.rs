//! Accounts and the routes to them, as they are written.

use std::collections::BTreeMap;

use serde::Deserialize;
use sluice_api::dialect::Api;
use sluice_api::settings::{Secret, Span};
use utoipa::ToSchema;

use crate::limit::{Decimal, Limit};
use crate::server::HttpVersion;

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
    #[schema(default = json!([]))]
    pub models: Vec<String>,
    /// Asked for → sent upstream.
    #[serde(default)]
    #[schema(default = json!({}))]
    pub model_map: BTreeMap<String, String>,
    /// Names that are listed beside those that are known, for `GET /v1/models`; they restrict nothing.
    #[serde(default)]
    #[schema(default = json!([]))]
    pub list: Vec<String>,
    /// Whether the upstream's own list of models is asked for, in the background, and kept for 10 minutes; unset: for
    /// `openai-compatible` and `ccr`, where `models` has no name without a `*`.
    pub discover: Option<bool>,
    /// Headers set on every request upstream. A value may be a secret, so it is kept like one.
    #[serde(default)]
    #[schema(default = json!({}))]
    pub headers: BTreeMap<String, Secret>,
    /// Ask OpenAI-like upstreams for usage in streams; false for servers that refuse it.
    #[serde(default = "default_true")]
    #[schema(default = default_true)]
    pub include_usage: bool,
    /// URL of http, https, socks5 or socks5h; if it fails there is no direct try.
    pub proxy: Option<Secret>,
    /// The account's own quota: once one of them is reached, requests go to other accounts.
    #[serde(default)]
    #[schema(default = json!([]))]
    pub limits: Vec<Limit>,
    /// What the upstream charges relative to the price list: costs are multiplied by it, list costs are not.
    #[serde(default = "Decimal::one")]
    #[schema(default = Decimal::one)]
    pub cost_multiplier: Decimal,
    /// Whether it takes requests.
    #[serde(default = "default_true")]
    #[schema(default = default_true)]
    pub enabled: bool,
    /// Path of certificate authorities that are trusted beside the system's, PEM; unset: those of `[upstream]`.
    pub ca: Option<String>,
    /// Path of the certificate chain that is shown to its upstream, PEM; unset: that of `[upstream]`.
    pub client_cert: Option<String>,
    /// Path of its private key, PEM.
    pub client_key: Option<String>,
    /// What is spoken to its upstream: auto, 1.1 or 2; unset: that of `[upstream]`.
    pub http: Option<HttpVersion>,
    /// Longest wait for a connection; unset: that of `[upstream]`.
    pub connect_timeout: Option<Span>,
    /// Longest wait for the first byte of an answer; unset: that of `[upstream]`.
    pub first_byte_timeout: Option<Span>,
    /// Longest wait between two chunks of an answer; unset: that of `[upstream]`.
    pub idle_timeout: Option<Span>,
}

/// Which pools serve a model; the first route that matches wins.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Glob over the model asked for.
    pub model: String,
    /// Client APIs it is for; empty = all.
    #[serde(default)]
    #[schema(default = json!([]))]
    pub api: Vec<Api>,
    /// Pools, tried in this order.
    pub pools: Vec<String>,
    /// The model to ask for instead.
    pub rewrite: Option<String>,
    /// The most output tokens of one request that takes it: what asks for more is lowered to it.
    #[schema(minimum = 1)]
    pub max_output_tokens: Option<u64>,
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
