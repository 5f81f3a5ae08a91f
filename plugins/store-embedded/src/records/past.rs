//! Sums of hours and days that are over, kept in memory: questions ask for them again and again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use sluice_api::record::Sums;

use super::time::Unit;

/// Rows that are kept, about 110 bytes each. Beyond it all are read again.
const KEPT: usize = 64 * 1_024;

/// The sums of one unit, by label.
pub(super) type Rows = Arc<[(i64, Sums)]>;

/// Sums that were read, until one of them changes.
#[derive(Debug, Default)]
pub(super) struct Past(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_start: HashMap<(Unit, i64), Rows, RandomState>,
    rows: usize,
    /// How often something was changed.
    changes: u64,
}

impl Past {
    /// How often something was changed: asked before a reader's moment begins.
    pub(super) fn changes(&self) -> u64 {
        self.0.lock().changes
    }

    /// What is kept of a unit.
    pub(super) fn get(&self, unit: Unit, start: i64) -> Option<Rows> {
        self.0.lock().by_start.get(&(unit, start)).map(Arc::clone)
    }

    /// Keeps what a reader has read, unless something was changed since its moment began: it may not have seen that.
    pub(super) fn keep(&self, unit: Unit, start: i64, rows: Rows, changes: u64) {
        let mut kept = self.0.lock();
        if kept.changes != changes {
            return;
        }
        if kept.rows.saturating_add(rows.len()) > KEPT {
            kept.by_start.clear();
            kept.rows = 0;
        }
        kept.rows = kept.rows.saturating_add(rows.len());
        if let Some(before) = kept.by_start.insert((unit, start), rows) {
            kept.rows = kept.rows.saturating_sub(before.len());
        }
    }

    /// Forgets what was changed, once that is committed.
    pub(super) fn changed(&self, places: BTreeSet<(Unit, i64)>) {
        let mut kept = self.0.lock();
        kept.changes = kept.changes.wrapping_add(1);
        for place in places {
            if let Some(gone) = kept.by_start.remove(&place) {
                kept.rows = kept.rows.saturating_sub(gone.len());
            }
        }
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        let mut kept = self.0.lock();
        let changes = kept.changes.wrapping_add(1);
        *kept = Kept { changes, ..Kept::default() };
    }
}
