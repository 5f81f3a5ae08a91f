//! The tables that stand alone.

use std::net::SocketAddr;
use std::path::PathBuf;

use sluice_api::section::Origins as _;
use sluice_api::units::Span;
use sluice_api::{Problem, Secret};

use super::section::{split, table};
use crate::config::load::Loaded;
use crate::config::settings::{
    Admin, Cooldown, Cost, Limits, Scheduler, Server, Stats, Telemetry, UnknownModel, Upstream,
};
use crate::config::{ServerConfig, TelemetryConfig, Timeouts, TlsFiles};

/// What the tables say.
pub(super) struct Simple {
    pub(super) server: ServerConfig,
    pub(super) admin_token: Option<Secret>,
    pub(super) upstream: Timeouts,
    pub(super) scheduler: Scheduler,
    pub(super) limiter_kinds: Option<Vec<String>>,
    pub(super) cost_kind: String,
    pub(super) telemetry: TelemetryConfig,
}

/// Most accounts that may be tried for one request.
const ATTEMPTS_MAX: u32 = 100;

pub(super) fn check(loaded: &Loaded, problems: &mut Vec<Problem>) -> Simple {
    let server: Server = table(loaded, "server", problems);
    let admin: Admin = table(loaded, "admin", problems);
    let upstream: Upstream = table(loaded, "upstream", problems);
    let scheduler: Scheduler = table(loaded, "scheduler", problems);
    let limits: Limits = table(loaded, "limits", problems);
    let cost: Cost = table(loaded, "cost", problems);
    let stats: Stats = table(loaded, "stats", problems);
    let telemetry: Telemetry = table(loaded, "telemetry", problems);

    let listen = address(loaded, "server.listen", &server.listen, problems);
    let admin_listen =
        admin.listen.as_deref().and_then(|text| address(loaded, "admin.listen", text, problems));
    if !(1..=ATTEMPTS_MAX).contains(&scheduler.attempts) {
        let problem =
            Problem::at(file_of(loaded, "scheduler.attempts"), "scheduler.attempts", "invalid value");
        problems.push(problem.found(scheduler.attempts.to_string()).allowed(format!("1 to {ATTEMPTS_MAX}")));
    }
    let tls = server
        .tls
        .as_ref()
        .map(|files| TlsFiles { cert: PathBuf::from(&files.cert), key: PathBuf::from(&files.key) });
    for (path, key) in
        tls.iter().flat_map(|files| [(&files.cert, "server.tls.cert"), (&files.key, "server.tls.key")])
    {
        if let Err(error) = std::fs::metadata(path) {
            let message = format!("the file {} can't be read: {error}", path.display());
            problems.push(Problem::at(file_of(loaded, key), key, message));
        }
    }
    for path in not_yet(&scheduler, &cost, &stats, &telemetry) {
        problems.push(Problem::at(
            file_of(loaded, path),
            path,
            "this value is not available yet: leave the default",
        ));
    }
    Simple {
        server: ServerConfig {
            listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
            admin_listen,
            max_body: server.max_body.0,
            max_buffered: server.max_buffered.0,
            header_timeout: server.header_timeout.0,
            body_timeout: server.body_timeout.0,
            tls,
            shutdown_grace: server.shutdown_grace.0,
            reveal_route: server.reveal_route,
            metrics_token: server.metrics_token,
        },
        admin_token: admin.token,
        upstream: Timeouts {
            connect: upstream.connect_timeout.0,
            first_byte: upstream.first_byte_timeout.0,
            idle: upstream.idle_timeout.0,
        },
        scheduler,
        limiter_kinds: limits.kinds,
        cost_kind: cost.kind,
        telemetry: TelemetryConfig { log: telemetry.log, format: telemetry.format },
    }
}

/// Values that ask for what is not at work yet.
fn not_yet(scheduler: &Scheduler, cost: &Cost, stats: &Stats, telemetry: &Telemetry) -> Vec<&'static str> {
    let usual = Scheduler::default();
    let none = Span(std::time::Duration::ZERO);
    let stats_usual = Stats::default();
    [
        ("scheduler.sticky_ttl", scheduler.sticky_ttl == usual.sticky_ttl || scheduler.sticky_ttl == none),
        ("scheduler.reference_ttl", scheduler.reference_ttl == usual.reference_ttl),
        ("scheduler.failures", scheduler.failures == usual.failures),
        ("scheduler.cooldown", scheduler.cooldown == Cooldown::default()),
        ("cost.files", cost.files.is_empty()),
        ("cost.unknown_model", cost.unknown_model == UnknownModel::Allow),
        ("stats.retention_days", stats.retention_days == stats_usual.retention_days),
        ("stats.archive", stats.archive.is_none()),
        ("stats.timezone", stats.timezone == stats_usual.timezone),
        ("telemetry.otlp_endpoint", telemetry.otlp_endpoint.is_empty()),
    ]
    .into_iter()
    .filter_map(|(path, usual)| (!usual).then_some(path))
    .collect()
}

fn address(loaded: &Loaded, path: &str, text: &str, problems: &mut Vec<Problem>) -> Option<SocketAddr> {
    match text.parse() {
        Ok(address) => Some(address),
        Err(_) => {
            let problem = Problem::at(file_of(loaded, path), path, "invalid value");
            problems.push(
                problem
                    .found(format!("\"{text}\""))
                    .allowed("an IP address and a port, like 127.0.0.1:8080 or [::]:8080"),
            );
            None
        }
    }
}

/// The file that the value at a path comes from.
fn file_of(loaded: &Loaded, path: &str) -> String {
    let (name, key) = path.split_once('.').unwrap_or((path, ""));
    let key = key.split('.').next().unwrap_or_default();
    let (found, _) = split(loaded, name, &[key]);
    found.get(key).map_or_else(|| "default".to_owned(), |value| loaded.of(value))
}
