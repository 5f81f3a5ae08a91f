//! Logs on standard error, as text or JSON, written by a thread of their own.

use std::io::{BufWriter, stderr};

use sluice_engine::config::{LogFormat, TelemetryConfig};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines that may wait to be written. Beyond it lines are dropped: a reader of the log that stalls must not stall requests.
const LINES_MAX: usize = 4 * 1024;

/// Starts logging. The filter was checked with the configuration, by the same parser.
#[must_use = "dropping the guard writes what waits and ends the log"]
pub(crate) fn start(config: &TelemetryConfig) -> WorkerGuard {
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    // Buffered: lines that come together take one system call.
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(LINES_MAX)
        .thread_name("log")
        .finish(BufWriter::new(stderr()));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    match config.format {
        LogFormat::Text => builder.with_ansi(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    // What is not caught would else be told in lines that are no log's.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let reason = panic.payload_as_str().unwrap_or("it gave none");
        tracing::error!(place, reason, "a thread panicked");
    }));
    guard
}
