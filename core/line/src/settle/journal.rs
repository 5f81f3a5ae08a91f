//! What the journal is told of a request while it runs, so that its record outlives a process that is killed.

use std::time::{Duration, Instant};

use sluice_api::record::{Outcome, Record};
use sluice_wire::answer::meter::Seen;

use super::Settlement;

/// How often at most it is told what a running answer has used by now.
const TOLD_EVERY: Duration = Duration::from_secs(1);

impl Settlement {
    /// The request runs: should the process be killed now, this is what it used.
    pub(super) fn runs(&mut self, seen: Option<&Seen>) {
        let usage = self.used(seen);
        let as_it_is = (self.record.usage, self.record.outcome.clone());
        (self.record.usage, self.record.outcome) = (usage, Outcome::Interrupted);
        if let Some(usage) = &mut self.record.usage {
            // More may have been used than was told.
            usage.estimated = true;
        }
        let told = self.gateway.records().book().runs(&mut self.journalled.traces, &self.record);
        (self.record.usage, self.record.outcome) = as_it_is;
        self.journalled.told = Some((Instant::now(), seen.and_then(|seen| seen.usage)));
        if let Err(full) = told {
            tracing::warn!(request_id = %self.record.request_id, error = %full, "a request runs that the journal has nothing of");
        }
    }

    /// More of the answer has come, and is handed on next.
    pub(crate) fn passes(&mut self, seen: &Seen, whole: bool) {
        if whole {
            self.is_whole(seen);
            return;
        }
        let Some(usage) = seen.usage else { return };
        let due = match self.journalled.told {
            Some((at, Some(before))) => before != usage && at.elapsed() >= TOLD_EVERY,
            _ => true,
        };
        if due {
            self.runs(Some(seen));
        }
    }

    /// The client will have all of the answer: from before it has, its record is in the journal.
    fn is_whole(&mut self, seen: &Seen) {
        if self.settled || self.journalled.whole.is_some() {
            return;
        }
        let as_it_is = self.record.clone();
        if seen.error.is_none() {
            self.record.outcome = Outcome::Completed;
        } else {
            self.record.outcome = Outcome::UpstreamError;
        }
        self.measure(Some(seen));
        self.gateway.records().book().ended(&mut self.journalled.traces, &self.record);
        self.journalled.whole = Some(self.record.usage);
        self.record = as_it_is;
    }

    /// The request has ended, and its record is whole: it is in the journal, and on its way to everybody else.
    pub(super) fn is_recorded(&mut self) {
        let mut journalled = std::mem::take(&mut self.journalled);
        let known = journalled.whole.is_some_and(|usage| usage == self.record.usage);
        if !(known && self.record.outcome == Outcome::Completed) {
            self.gateway.records().book().ended(&mut journalled.traces, &self.record);
        }
        let record: Record = self.record.clone();
        self.gateway.records().push(record, journalled.traces);
    }
}
