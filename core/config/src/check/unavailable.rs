//! Values that ask for what is not at work yet: each is checked like any other, and then refused, never ignored.

use std::time::Duration;

use jiff::tz::TimeZone;
use sluice_api::settings::{Problem, Span};
use sluice_reading::Loaded;

use crate::section::file_of;
use sluice_settings::globs::Globs;
use sluice_settings::key::{Mode, Queue};
use sluice_settings::limit::{Limit, Per};
use sluice_settings::tables::{Scheduler, Stats};

/// A day, which retention counts.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Notes problems of one section: the key within it, and the sentence.
pub(crate) type Wrong<'a> = dyn FnMut(&str, String) + 'a;

/// Limits under the key `limits`.
pub(crate) fn limits(limits: &[Limit], retention_days: u32, wrong: &mut Wrong<'_>) {
    for (at, limit) in limits.iter().enumerate() {
        let at = |key: &str| format!("limits[{at}]{key}");
        if limit.requests.is_none() && limit.tokens.is_none() && limit.cost.is_none() {
            wrong(&at(""), "a limit needs `requests`, `tokens` or `cost`".to_owned());
        }
        if let Per::Rolling(Span(length)) = limit.per
            && length > DAY * retention_days
        {
            let found = serde_json::to_string(&limit.per).unwrap_or_default();
            let message = format!(
                "a window is at most stats.retention_days long, which is {retention_days} days; found {found}"
            );
            wrong(&at(".per"), message);
        }
        let models = limit.models.iter().flatten().map(String::as_str);
        if let Err(error) = Globs::compile(models) {
            wrong(&at(".models"), error.to_string());
        }
    }
    if !limits.is_empty() {
        wrong("limits", "limits are not available yet".to_owned());
    }
}

/// How a key waits and how its limits are enforced.
pub(crate) fn key(queue: Option<Queue>, mode: Mode, wrong: &mut Wrong<'_>) {
    if let Some(queue) = queue {
        if queue.size == 0 {
            wrong("queue.size", "a queue in which nobody can wait: its size is at least 1".to_owned());
        }
        if queue.wait.0.is_zero() {
            wrong("queue.wait", "a queue in which nobody may wait: its wait is more than 0".to_owned());
        }
        wrong("queue", "a queue is not available yet".to_owned());
    }
    if mode == Mode::Hard {
        wrong("mode", "mode \"hard\" is not available yet".to_owned());
    }
}

/// The tables that stand alone.
pub(super) struct Tables<'a> {
    pub(super) scheduler: &'a Scheduler,
    pub(super) stats: &'a Stats,
}

impl Tables<'_> {
    /// What they ask for.
    pub(super) fn check(&self, loaded: &Loaded) -> Vec<Problem> {
        let Self { scheduler, stats } = self;
        let mut problems = Vec::new();
        let mut wrong =
            |path: &str, message: String| problems.push(Problem::at(file_of(loaded, path), path, message));
        if scheduler.failures == 0 {
            wrong(
                "scheduler.failures",
                "an account can't be taken out after 0 failures: at least 1".to_owned(),
            );
        }
        if scheduler.reference_ttl.0.is_zero() {
            wrong("scheduler.reference_ttl", "a response id must be kept for some time".to_owned());
        }
        if stats.retention_days == 0 {
            wrong("stats.retention_days", "records must be kept for at least 1 day".to_owned());
        }
        if TimeZone::get(&stats.timezone).is_err() {
            let message =
                format!("there is no time zone `{}`: an IANA name like Europe/Vienna", stats.timezone);
            wrong("stats.timezone", message);
        }
        if stats.archive.as_ref().is_some_and(String::is_empty) {
            wrong("stats.archive", "a folder needs a name".to_owned());
        }
        problems
    }
}
