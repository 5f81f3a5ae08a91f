//! Limits that bind nobody: of models that nobody is served, or of what no limiter at work counts.

use jiff::Timestamp;
use sluice_api::limiter::{AtWork, Limit, Party, Principal};
use sluice_api::settings::Problem;
use sluice_reading::Loaded;

use crate::check::reach::Reach;
use crate::limits::each;
use crate::resolved::Resolved;
use crate::section::{Entry, entries};
use sluice_settings::limit::Limit as Written;

/// Warnings about them.
pub(super) fn idle(loaded: &Loaded, config: &Resolved) -> Vec<Problem> {
    let reach = Reach::of(&config.accounts).and(&config.routes);
    let mut told = Told { loaded, config, all: Vec::new() };
    for (account, entry) in config.accounts.iter().zip(listed(loaded, "accounts")) {
        let written: Option<Vec<Written>> =
            entry.values.get("limits").and_then(|limits| limits.deserialize().ok());
        told.look(&entry, &written.unwrap_or_default(), &Reach::of([account]));
    }
    for (group, entry) in config.groups.iter().zip(listed(loaded, "groups")) {
        told.look(&entry, &group.fields.limits, &reach);
    }
    for (key, entry) in config.keys.iter().zip(listed(loaded, "keys")) {
        told.look(&entry, &key.fields.limits, &reach);
    }
    told.all
}

fn listed(loaded: &Loaded, table: &'static str) -> Vec<Entry> {
    entries(loaded, table, &mut Vec::new())
}

struct Told<'a> {
    loaded: &'a Loaded,
    config: &'a Resolved,
    all: Vec<Problem>,
}

impl Told<'_> {
    fn look(&mut self, entry: &Entry, limits: &[Written], reach: &Reach) {
        for (at, limit) in limits.iter().enumerate() {
            let mut warn = |key: &str, message: String| {
                let problem =
                    Problem::at(entry.file(self.loaded), entry.at(&format!("limits[{at}].{key}")), message);
                self.all.push(problem);
            };
            let globs = limit.models.iter().flat_map(|models| models.written());
            for glob in reach.missed(globs) {
                warn(
                    "models",
                    format!("`{glob}` matches no model that any account serves: {}", reach.names()),
                );
            }
            for one in each(limit) {
                let unit = one.unit.name();
                if !is_counted(self.config, one) {
                    let message = format!(
                        "no limiter at work counts {unit}, so that it binds nobody: see limits.kinds"
                    );
                    warn(unit, message);
                }
            }
        }
    }
}

/// Whether some limiter at work takes from a limit.
fn is_counted(config: &Resolved, limit: Limit) -> bool {
    let alone = [limit];
    let party = Party::new(Principal::Key("".into()), 0, &alone);
    !AtWork::counts(&config.limiters, &party, (Timestamp::UNIX_EPOCH, &config.stats.timezone)).is_empty()
}
