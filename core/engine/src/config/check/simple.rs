//! The other tables that the engine reads alone: waits and logs.

use sluice_api::Problem;
use tracing_subscriber::EnvFilter;

use super::section::{file_of, table};
use crate::config::load::Loaded;
use crate::config::settings::{Telemetry, Upstream};
use crate::config::{TelemetryConfig, Timeouts};

/// Levels that a log filter names.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

pub(super) fn upstream(loaded: &Loaded, problems: &mut Vec<Problem>) -> Timeouts {
    let upstream: Upstream = table(loaded, "upstream", problems);
    for (key, span) in [
        ("connect_timeout", upstream.connect_timeout),
        ("first_byte_timeout", upstream.first_byte_timeout),
        ("idle_timeout", upstream.idle_timeout),
    ] {
        if span.0.is_zero() {
            let path = format!("upstream.{key}");
            problems.push(Problem::at(file_of(loaded, &path), path, NO_WAIT));
        }
    }
    Timeouts {
        connect: upstream.connect_timeout.0,
        first_byte: upstream.first_byte_timeout.0,
        idle: upstream.idle_timeout.0,
    }
}

/// What is wrong with a wait for an upstream that is no wait.
pub(super) const NO_WAIT: &str = "it must be more than 0, or every request fails";

/// What is logged, and how; the table as a whole besides, for what is not at work yet.
pub(super) fn telemetry(loaded: &Loaded, problems: &mut Vec<Problem>) -> (TelemetryConfig, Telemetry) {
    let telemetry: Telemetry = table(loaded, "telemetry", problems);
    let path = "telemetry.log";
    let at = |message: String| Problem::at(file_of(loaded, path), path, message);
    if let Err(error) = EnvFilter::try_new(&telemetry.log) {
        problems.push(at(format!("the filter `{}` can't be read: {error}", telemetry.log)));
    }
    if let Some(word) = no_level(&telemetry.log) {
        let problem = at("a level is wanted".to_owned()).found(format!("`{word}`"));
        problems.push(problem.allowed(LEVELS.join(", ")).nearest(word, LEVELS));
    }
    (TelemetryConfig { log: telemetry.log.clone(), format: telemetry.format }, telemetry)
}

/// A lone word that is no level: the filter's parser takes it for a module, and then nothing else is logged.
fn no_level(filter: &str) -> Option<&str> {
    let words = filter.split(',').map(str::trim).filter(|word| !word.contains(['=', '[', ':']));
    let level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    words.into_iter().find(|word| !level(word))
}
