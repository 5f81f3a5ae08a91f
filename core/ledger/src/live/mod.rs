//! What goes on now: figures of the requests that ended in the last seconds or minutes, overall, by model, by account.
//!
//! Time is passed in. Requests are counted in batches, off their path; nothing is known here that they would wait for.

mod figures;
mod slice;
mod spans;
#[cfg(test)]
mod tests;
mod windows;

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use serde::Serialize;
use sluice_api::record::Record;
use utoipa::ToSchema;

use figures::Sums;
use windows::Windows;

pub use figures::{Figures, Percentiles};
pub use windows::WINDOW_MAX;

/// Requests that ended in the last minutes.
#[derive(Debug)]
pub struct Live {
    windows: Mutex<Windows>,
    /// What stands for models that are no labels.
    other: Arc<str>,
}

/// What stands for a model that nobody knows, so that clients can't make the figures grow.
pub const OTHER: &str = "other";

/// What is asked of it besides: requests that an account has now.
#[derive(Clone, Debug, Default)]
pub struct InFlight {
    /// Those of each model, by its label.
    pub models: BTreeMap<String, u64>,
    /// Those of each account, by its name.
    pub accounts: BTreeMap<String, u64>,
}

/// What goes on now: figures of the requests that ended in the window, and of those in flight.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveView {
    /// Its length in seconds: what was asked for, or less where so much ended that memory holds no more.
    pub window: u32,
    /// All requests.
    pub overall: Figures,
    /// Those of each model, by the name that clients ask by; those that no account, route, key or price list names are
    /// `other`.
    pub by_model: BTreeMap<String, Figures>,
    /// Those of each account that had any.
    pub by_account: BTreeMap<String, Figures>,
}

impl Live {
    /// Nothing yet; the first second begins now.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        let other = Arc::from(OTHER);
        Self { windows: Mutex::new(Windows::new(now, Arc::clone(&other))), other }
    }

    /// Counts requests that have ended just now, each under its model's name where that is a label.
    pub(crate) fn count(&self, batch: &[impl Borrow<Record>], is_label: impl Fn(&str) -> bool, now: Instant) {
        let mut windows = self.windows.lock();
        let slice = windows.open(now);
        for record in batch.iter().map(Borrow::borrow) {
            let model = if is_label(&record.model) { &record.model } else { &self.other };
            slice.count(record, Arc::clone(model), &self.other);
        }
    }

    /// The figures of the last `window` seconds, and what is in flight. Takes some milliseconds where there are hundreds of
    /// models and accounts; what is counted meanwhile waits for none of them.
    #[must_use]
    pub fn view(&self, window: u32, in_flight: &InFlight, now: Instant) -> LiveView {
        let seen = self.windows.lock().seen(window, now);
        let mut overall = Sums::default();
        let mut models: BTreeMap<&str, Sums> =
            in_flight.models.keys().map(|name| (&**name, Sums::default())).collect();
        let mut accounts: BTreeMap<&str, Sums> = in_flight
            .accounts
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(name, _)| (&**name, Sums::default()))
            .collect();
        for slice in &seen.slices {
            for series in slice.series() {
                overall.add(&series);
                models.entry(series.model()).or_default().add(&series);
                if let Some(account) = series.account() {
                    accounts.entry(account).or_default().add(&series);
                }
            }
        }
        let of = |now: &BTreeMap<String, u64>, all: BTreeMap<&str, Sums>| {
            let figures = |(name, sums): (&str, Sums)| {
                let in_flight = now.get(name).copied().unwrap_or_default();
                (name.to_owned(), sums.figures(seen.seconds, in_flight))
            };
            all.into_iter().map(figures).collect()
        };
        LiveView {
            window: seen.window,
            overall: overall.figures(seen.seconds, in_flight.accounts.values().sum()),
            by_model: of(&in_flight.models, models),
            by_account: of(&in_flight.accounts, accounts),
        }
    }
}
