//! What is said on standard error beside the log, in the log's format: a start that fails, what stands before the log.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::json;
use sluice_api::settings::Problem;
use sluice_config::resolved::LogFormat;

use crate::{FAILED, UNUSABLE};

/// Says every problem of a configuration.
pub(crate) fn refuse(format: LogFormat, problems: &[Problem]) -> ExitCode {
    for problem in problems {
        match format {
            LogFormat::Text => write(problem),
            LogFormat::Json => write(line("the configuration can't be used", ("problem", problem))),
        }
    }
    ExitCode::from(UNUSABLE)
}

/// Says why the gateway can't run.
pub(crate) fn fail(format: LogFormat, error: impl Display) -> ExitCode {
    match format {
        LogFormat::Text => write(format_args!("sluice: {error}")),
        LogFormat::Json => write(line("the gateway can't run", ("error", error))),
    }
    ExitCode::from(FAILED)
}

/// A line as the log would have it.
fn line(message: &str, (key, value): (&str, impl Display)) -> impl Display {
    let time = Timestamp::now().to_string();
    json!({ "timestamp": time, "level": "ERROR", "message": message, key: value.to_string() })
}

/// Writes a line; who has closed the pipe wants none.
pub(crate) fn write(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
