//! The record of a request while it runs: kept in one place, as what owns it is moved often, and shared as it is in the end.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sluice_api::record::Record;

/// A record as far as it is known.
#[derive(Debug)]
pub(super) struct Draft(Arc<Record>);

impl Draft {
    pub(super) fn of(record: Record) -> Self {
        Self(Arc::new(record))
    }

    /// The record as it is now, for whoever takes it; what is changed from here on is changed in another.
    pub(super) fn share(&self) -> Arc<Record> {
        Arc::clone(&self.0)
    }
}

impl Deref for Draft {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.0
    }
}

impl DerefMut for Draft {
    fn deref_mut(&mut self) -> &mut Record {
        Arc::make_mut(&mut self.0)
    }
}
