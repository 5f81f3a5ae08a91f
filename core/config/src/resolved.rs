//! The configuration once it is checked: the only form that the engine accepts.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use jiff::tz::TimeZone;
use sluice_api::cost::{CostModel, Factor};
use sluice_api::dialect::Api;
use sluice_api::limiter::{AtWork, Limit};
use sluice_api::plugin::pages::Pages;
use sluice_api::provider::Provider;
use sluice_api::scheduler::Scheduler;
use sluice_api::settings::{Problem, Secret};
use sluice_api::store::Store;
use sluice_reading::Loaded;

use crate::address::TrustedProxies;
use crate::cooldown::Policy;
pub use crate::credentials::Credentials;
use crate::key::{GroupConfig, KeyConfig};
use crate::section::file_of;
use crate::tls::Identity;
use sluice_settings::globs::Globs;
use sluice_settings::server::{HttpVersion, Server};
use sluice_settings::tables::UnknownModel;
use url::Url;

/// Everything that was configured.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Listeners and bounds.
    pub server: ServerConfig,
    /// The admin token, where one is configured.
    pub admin_token: Option<Secret>,
    /// Accounts in order.
    pub accounts: Vec<AccountConfig>,
    /// Routes in order.
    pub routes: Vec<RouteConfig>,
    /// Groups.
    pub groups: Vec<GroupConfig>,
    /// Keys of the files.
    pub keys: Vec<KeyConfig>,
    /// Picks among candidates.
    pub scheduler: Arc<dyn Scheduler>,
    /// Accounts tried for one request.
    pub attempts: u32,
    /// How long a session stays on its account after its last request; zero: no sessions.
    pub sticky_ttl: Duration,
    /// How long a response stays bound to the account that made it.
    pub reference_ttl: Duration,
    /// Cool-downs.
    pub health: Policy,
    /// Limiters at work.
    pub limiters: Vec<AtWork>,
    /// Prices usage.
    pub cost: Arc<dyn CostModel>,
    /// What becomes of a model without a price.
    pub unknown_model: UnknownModel,
    /// The store, built but not opened.
    pub store: Arc<dyn Store>,
    /// The store's kind.
    pub store_kind: String,
    /// What the store was built from, to see whether it changed.
    pub store_settings: String,
    /// What is kept of requests.
    pub stats: StatsConfig,
    /// Bring pages for browsers.
    pub pages: Vec<Arc<dyn Pages>>,
    /// Logs.
    pub telemetry: TelemetryConfig,
}

/// What is kept of requests, and how it is summed.
#[derive(Clone, Debug)]
pub struct StatsConfig {
    /// Days that records are kept, and so the longest window of a limit.
    pub retention_days: u32,
    /// Where they go then, as compressed JSON lines; nowhere where it is not said.
    pub archive: Option<PathBuf>,
    /// Whose days, weeks and months they are, in statistics and limits alike.
    pub timezone: TimeZone,
}

/// Listeners and bounds.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where operators connect, if apart.
    pub admin_listen: Option<SocketAddr>,
    /// Largest body in bytes.
    pub max_body: u64,
    /// Bytes of all bodies held at once.
    pub max_buffered: u64,
    /// Wait for a head.
    pub header_timeout: Duration,
    /// Wait between pieces of a body.
    pub body_timeout: Duration,
    /// How long a client may take nothing.
    pub send_timeout: Duration,
    /// Connections of one address at once; 0 = no bound.
    pub max_connections_per_address: u32,
    /// The certificate to show, and its key; `None`: no TLS.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Time in which requests are still taken, though the gateway says that it is not ready.
    pub shutdown_delay: Duration,
    /// Time to drain.
    pub shutdown_grace: Duration,
    /// Names that are answered to.
    pub hosts: Vec<String>,
    /// Proxies that say for whom they ask.
    pub trusted_proxies: TrustedProxies,
    /// Whether answers tell the route.
    pub reveal_route: bool,
    /// Guards /metrics.
    pub metrics_token: Option<Secret>,
}

impl From<&Server> for ServerConfig {
    /// What needs no more than its type; addresses, networks and files are not read here.
    fn from(server: &Server) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin_listen: None,
            max_body: server.max_body.0,
            max_buffered: server.max_buffered.0,
            header_timeout: server.header_timeout.0,
            body_timeout: server.body_timeout.0,
            send_timeout: server.send_timeout.0,
            max_connections_per_address: server.max_connections_per_address,
            tls: None,
            shutdown_delay: server.shutdown_delay.0,
            shutdown_grace: server.shutdown_grace.0,
            hosts: server.hosts.clone(),
            trusted_proxies: TrustedProxies::default(),
            reveal_route: server.reveal_route,
            metrics_token: server.metrics_token.clone(),
        }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self::from(&Server::default())
    }
}

/// Waits for an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For the first byte of an answer.
    pub first_byte: Duration,
    /// Between chunks of an answer.
    pub idle: Duration,
}

/// An account.
#[derive(Clone, Debug)]
pub struct AccountConfig {
    /// Its name.
    pub name: String,
    /// Its provider, built.
    pub provider: Arc<dyn Provider>,
    /// What accounts of the same upstream have in common: the provider's kind and where it is reached.
    pub upstream: String,
    /// What it is let in by.
    pub credentials: Credentials,
    /// Pools it is in.
    pub pools: Vec<String>,
    /// Lower is tried first.
    pub priority: u32,
    /// Its share of the load.
    pub weight: u32,
    /// Requests at once; 0 = no bound.
    pub concurrency: u32,
    /// Its own quota.
    pub limits: Arc<[Limit]>,
    /// Names it serves.
    pub models: Globs,
    /// Asked for → sent upstream.
    pub model_map: HashMap<String, String>,
    /// Names that are listed beside those that are known.
    pub list: Vec<String>,
    /// Whether its upstream's own list is asked for.
    pub discover: bool,
    /// What its upstream charges, relative to the price list.
    pub cost_multiplier: Factor,
    /// Set on every request.
    pub headers: HeaderMap,
    /// Whether to ask for usage in streams.
    pub include_usage: bool,
    /// Its proxy, which may hold a password.
    pub proxy: Option<Secret>,
    /// What is spoken to its upstream.
    pub http: HttpVersion,
    /// Whom it trusts beside the system's authorities, and what it shows of itself.
    pub identity: Arc<Identity>,
    /// Its waits.
    pub timeouts: Timeouts,
    /// Whether it takes requests.
    pub enabled: bool,
}

/// A route.
#[derive(Clone, Debug)]
pub struct RouteConfig {
    /// Models it takes.
    pub model: Globs,
    /// Client APIs it is for; empty = all.
    pub apis: Vec<Api>,
    /// Pools in order.
    pub pools: Vec<String>,
    /// The model to ask for instead.
    pub rewrite: Option<String>,
    /// The most output tokens of one request; unset: no bound.
    pub max_output_tokens: Option<u64>,
}

/// Logs, metrics and traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetryConfig {
    /// Filter of what is logged.
    pub log: String,
    /// How lines look.
    pub format: LogFormat,
    /// By whom metrics tell tokens and cost, beside the model.
    pub usage_by: Vec<UsageBy>,
    /// Where traces are posted to.
    pub traces: Option<Url>,
}

/// How log lines look.
pub use sluice_settings::server::Format as LogFormat;
/// By whom metrics tell tokens and cost.
pub use sluice_settings::server::UsageBy;

/// What a reload can't change: a new listener or store needs a new process, and is refused rather than ignored.
#[must_use]
pub fn needs_restart(now: &Resolved, fresh: &Resolved, loaded: &Loaded) -> Vec<Problem> {
    let same_token = now.admin_token == fresh.admin_token;
    let fixed = [
        ("server.listen", now.server.listen == fresh.server.listen),
        // What it has is read again; only whether there is TLS at all was told to clients.
        ("server.tls", now.server.tls.is_some() == fresh.server.tls.is_some()),
        ("admin.listen", now.server.admin_listen == fresh.server.admin_listen),
        ("admin.token", same_token),
        ("store", now.store_settings == fresh.store_settings),
        ("telemetry", now.telemetry == fresh.telemetry),
    ];
    let changed = fixed.into_iter().filter(|(_, same)| !same);
    changed
        .map(|(path, _)| {
            let message = "this can't change while the gateway runs: restart it";
            loaded.placed(Problem::at(file_of(loaded, path), path, message))
        })
        .collect()
}
