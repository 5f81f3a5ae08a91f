//! Values of tables that stand alone, which their types do not tell.

use jiff::tz::TimeZone;
use sluice_api::settings::Problem;
use sluice_reading::Loaded;

use crate::section::file_of;
use sluice_settings::tables::{Scheduler, Stats};

/// The tables.
pub(super) struct Tables<'a> {
    pub(super) scheduler: &'a Scheduler,
    pub(super) stats: &'a Stats,
}

impl Tables<'_> {
    /// What is wrong with them.
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
