//! What the journal is told of a request while it runs, so that its record outlives a process that is killed.

use std::time::{Duration, Instant};

use sluice_api::cost::Usage;
use sluice_api::record::Outcome;
use sluice_ledger::records::parts;
use sluice_wire::answer::meter::Seen;

use super::Settlement;
use super::end::served;
use crate::source::Source;

/// How often at most it is told what a running answer has used by now.
const TOLD_EVERY: Duration = Duration::from_secs(1);

impl Settlement {
    /// The request is about to go upstream: should the process be killed now, this is what it used.
    pub(super) fn goes_up(&mut self) {
        let usage = self.used(None, None);
        self.runs(usage, None, Instant::now());
    }

    /// The request runs: should the process be killed now, this is what it used, and how it is to be priced.
    fn runs(&mut self, usage: Option<Usage>, seen: Option<&Seen>, now: Instant) {
        let told = seen.is_some_and(|seen| seen.usage.is_some());
        self.notes_others(seen);
        let record = &mut *self.record;
        let usage = parts::with_before(record, usage);
        record.duration = now.saturating_duration_since(self.started);
        if let Some(seen) = seen {
            record.reported_model = seen.model.as_deref().map(Into::into);
        }
        if let Some(model) = record.upstream_model.clone() {
            let served = served(self.place.as_ref(), self.tier.as_deref(), &model, seen);
            served.note(record);
        }
        let usage = std::mem::replace(&mut record.usage, usage);
        let outcome = std::mem::replace(&mut record.outcome, Outcome::Interrupted);
        if let Some(usage) = &mut record.usage {
            // More may have been used than was told.
            usage.estimated = true;
        }
        let written = self.gateway.records().book().runs(&mut self.journalled.traces, record);
        (record.usage, record.outcome) = (usage, outcome);
        self.journalled.told = Some((now, told));
        if let Err(full) = written {
            tracing::warn!(request_id = %self.record.request_id, error = %full, "a request runs that the journal has nothing of");
        }
    }

    /// More of the answer has come, and is handed on next.
    pub(crate) fn passes(&mut self, source: &Source, now: Instant) {
        if self.settled {
            return;
        }
        if source.is_whole() {
            self.is_whole(source.seen(), source.used());
            return;
        }
        let told = source.seen().usage.is_some();
        let due = match self.journalled.told {
            // The first that is told is kept at once: mostly all of the input.
            Some((at, before)) => (told && !before) || now.saturating_duration_since(at) >= TOLD_EVERY,
            None => true,
        };
        if due {
            let usage = self.used(source.used(), Some(source.seen()));
            self.runs(usage, Some(source.seen()), now);
            self.lands(source, now);
        }
    }

    /// The client will have all of the answer: from before it has, its record is in the journal.
    fn is_whole(&mut self, seen: &Seen, told: Option<Usage>) {
        let outcome = if seen.error.is_none() { Outcome::Completed } else { Outcome::UpstreamError };
        let usage = parts::with_before(&self.record, self.used(told, Some(seen)));
        if self.journalled.whole.as_ref().is_some_and(|(before, _)| *before == usage) {
            return;
        }
        // What is measured is measured again at the end; how it ends is not known yet.
        self.measure(Some(seen), told);
        let before = std::mem::replace(&mut self.record.outcome, outcome);
        self.gateway.records().book().ended(&mut self.journalled.traces, &self.record);
        let outcome = std::mem::replace(&mut self.record.outcome, before);
        self.journalled.whole = Some((usage, outcome));
    }

    /// The request has ended, and its record is whole: it is in the journal, and on its way to everybody else.
    pub(super) fn is_recorded(&mut self) {
        let mut journalled = std::mem::take(&mut self.journalled);
        let logged = journalled.whole.take();
        if !logged
            .is_some_and(|(usage, outcome)| usage == self.record.usage && outcome == self.record.outcome)
        {
            self.gateway.records().book().ended(&mut journalled.traces, &self.record);
        }
        self.gateway.records().push(self.record.share(), journalled.traces);
    }
}
