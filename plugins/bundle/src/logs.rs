//! Logs on standard error, as text or JSON.

use sluice_engine::config::{LogFormat, TelemetryConfig};
use tracing_subscriber::EnvFilter;

/// Starts logging; a filter that can't be read is told and `info` taken.
pub(crate) fn start(config: &TelemetryConfig) {
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    match config.format {
        LogFormat::Text => builder.with_ansi(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}
