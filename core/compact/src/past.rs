//! Sums of days that were read, kept in memory: questions ask for them again and again.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use sluice_api::record::Sums;

use crate::word::Name;

/// Rows that are kept, about 120 bytes each. Beyond it all are read again.
const KEPT: usize = 64 * 1_024;

/// A day as it was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Day {
    /// Its quarter-hours that there are, and which version of each was read.
    pub quarters: Vec<(i64, Vec<u8>)>,
    /// The sums of them all, by label.
    pub rows: Vec<(Name, Sums)>,
}

/// Days by their first quarter-hours. Whether one is still as it was is for the server to say.
#[derive(Debug, Default)]
pub struct Past(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    days: HashMap<i64, Arc<Day>, RandomState>,
    rows: usize,
}

impl Past {
    /// The day of these quarter-hours, where it was read.
    #[must_use]
    pub fn get(&self, quarters: &[i64]) -> Option<Arc<Day>> {
        let kept = self.0.lock();
        let day = kept.days.get(quarters.first()?)?;
        day.quarters.iter().map(|(start, _)| start).eq(quarters).then(|| Arc::clone(day))
    }

    /// Keeps a day, in place of what it was before.
    pub fn keep(&self, day: &Arc<Day>) {
        let Some((first, _)) = day.quarters.first() else { return };
        let mut kept = self.0.lock();
        if kept.rows.saturating_add(day.rows.len()) > KEPT {
            *kept = Kept::default();
        }
        kept.rows = kept.rows.saturating_add(day.rows.len());
        if let Some(before) = kept.days.insert(*first, Arc::clone(day)) {
            kept.rows = kept.rows.saturating_sub(before.rows.len());
        }
    }
}
