//! `[telemetry]`: what is logged, and how.

use sluice_api::settings::Problem;
use sluice_reading::Loaded;
use tracing_subscriber::EnvFilter;

use crate::resolved::TelemetryConfig;
use crate::section::{file_of, table};
use sluice_settings::server::Telemetry;

/// Levels that a log filter names.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// What is logged, and how; the table as a whole besides, for what is not at work yet.
pub(super) fn check(loaded: &Loaded, problems: &mut Vec<Problem>) -> (TelemetryConfig, Telemetry) {
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
    let config = TelemetryConfig {
        log: telemetry.log.clone(),
        format: telemetry.format,
        usage_by: telemetry.usage_by.clone(),
    };
    (config, telemetry)
}

/// A lone word that is no level: the filter's parser takes it for a module, and then nothing else is logged.
fn no_level(filter: &str) -> Option<&str> {
    let words = filter.split(',').map(str::trim).filter(|word| !word.contains(['=', '[', ':']));
    let level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    words.into_iter().find(|word| !level(word))
}
