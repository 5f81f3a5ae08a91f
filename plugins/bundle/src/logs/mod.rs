//! Logs on standard error, as text or JSON, written by a thread of their own.

mod text;
mod writer;

use std::io::{self, stderr};

use sluice_config::resolved::{LogFormat, TelemetryConfig};
use sluice_line::gateway::Gateway;
use tracing_subscriber::EnvFilter;

use text::Text;
use writer::{Ending, Lines};

/// The log at work.
#[must_use = "dropping it writes what waits and ends the log"]
#[derive(Debug)]
pub(crate) struct Log {
    lines: Lines,
    format: LogFormat,
    _ending: Ending,
}

/// Starts logging. The filter was checked with the configuration, by the same parser.
///
/// # Errors
///
/// When the system has no thread to give.
pub(crate) fn start(config: &TelemetryConfig) -> io::Result<Log> {
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let (lines, _ending) = writer::start(stderr())?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines.clone());
    match config.format {
        LogFormat::Text => builder.event_format(Text).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    // What is not caught would else be told in lines that are no log's.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let reason = panic.payload_as_str().unwrap_or("it gave none");
        tracing::error!(place, reason, "a thread panicked");
    }));
    Ok(Log { lines, format: config.format, _ending })
}

impl Log {
    /// Tells a gateway who counts the lines that are dropped, and where whole batches of its records can go as text.
    pub(crate) fn serve(&self, gateway: &Gateway) {
        let lines = self.lines.clone();
        gateway.records().measures().watch_log(move || lines.dropped());
        if self.format == LogFormat::Text {
            let lines = self.lines.clone();
            gateway.records().write_text(move |text, count| lines.push(text.as_bytes(), count));
        }
    }
}
