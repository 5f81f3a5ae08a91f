//! What is known of one scope, an account or a model on it: for all who ask, and for one whose requests alone fail.

use jiff::Timestamp;
use sluice_api::error::Condition;

use super::evidence::{Asker, Evidence, Row};
use super::mark::{self, Mark, Noted, Standing};
use super::told::Told;

/// What operators read of a state that one client key alone has brought about.
const LONE: &str = "only the requests of one client key have failed, and only that key is kept off";

/// What is known of one scope.
#[derive(Debug, Default)]
pub(super) struct Track {
    /// What holds for all.
    mark: Option<Mark>,
    /// Whether other gateways have not been told of it, or of its end.
    untold: bool,
    /// Failures that one client key alone has seen. They may come of what it sends: for others they prove nothing.
    lone: Option<(Asker, Mark)>,
    row: Row,
}

impl Track {
    pub(super) fn standing(&self, asker: Asker, now: Timestamp) -> Standing {
        let standing = |mark: &Mark| mark.standing(now);
        let all = self.mark.as_ref().map_or(Standing::Open, standing);
        all.and(self.lone_of(asker).map_or(Standing::Open, standing))
    }

    pub(super) fn probe(&mut self, asker: Asker, now: Timestamp) {
        self.each(asker, |mark| mark.probe(now));
    }

    pub(super) fn release(&mut self, asker: Asker) {
        self.each(asker, Mark::release);
    }

    /// Takes what a failure told. `others` says whether another client was answered lately.
    pub(super) fn note(&mut self, news: mark::News<'_>, others: bool) {
        let mark::News { condition, told, now, .. } = news;
        if condition != Condition::Failing {
            return self.mark(news);
        }
        if !self.row.is_news(told, now) {
            return;
        }
        match self.evidence(news, others) {
            Evidence::Few => {}
            Evidence::OfOne => {
                // What was a state of all goes on for the one that has seen it go on.
                let all = self.mark.as_ref().filter(|mark| mark.is_probed(now));
                let before = self.lone_of(told.asker).or(all).cloned();
                self.lone = Some((told.asker, Mark::after(before, news)));
            }
            Evidence::OfSeveral => {
                self.lone = None;
                self.mark(news);
            }
        }
    }

    fn mark(&mut self, news: mark::News<'_>) {
        let before = self.mark.take();
        let until = before.as_ref().map(|mark| mark.until);
        let mark = Mark::after(before, news);
        self.untold |= until != Some(mark.until);
        self.mark = Some(mark);
    }

    /// Takes what another gateway has told. Of two times the later one wins.
    pub(super) fn hear(&mut self, told: Told) {
        if self.mark.as_ref().is_none_or(|mark| mark.until < told.until) {
            self.mark = Some(Mark::heard(told));
            // Who told it has told all.
            self.untold = false;
        }
    }

    /// What other gateways have not been told yet: the state now, or that there is none any more.
    pub(super) fn news(&mut self) -> Option<Option<Told>> {
        std::mem::take(&mut self.untold).then(|| self.mark.as_ref().map(Mark::told))
    }

    /// They could not be told.
    pub(super) fn tell_again(&mut self) {
        self.untold = true;
    }

    /// What a failure proves, with those before it. Of a probe after a state that seemed over one failure is enough.
    fn evidence(&mut self, news: mark::News<'_>, others: bool) -> Evidence {
        let mark::News { told, policy, now, .. } = news;
        let in_a_row = self.row.count(told, others, policy.failures);
        let all_probe = self.mark.as_ref().is_some_and(|mark| mark.is_probed(now));
        let own_probe = self.lone_of(told.asker).is_some_and(|mark| mark.is_probed(now));
        match (&self.lone, in_a_row) {
            (Some((lone, _)), _) if all_probe && *lone != told.asker => Evidence::OfSeveral,
            _ if all_probe => Evidence::OfOne,
            (_, Evidence::Few) if own_probe => Evidence::OfOne,
            (_, in_a_row) => in_a_row,
        }
    }

    /// A whole answer: failures are no longer in a row.
    pub(super) fn completed(&mut self) {
        self.row = Row::default();
    }

    /// A state is over, whatever its time.
    pub(super) fn forget(&mut self, condition: Condition) {
        self.untold |= self.mark.take_if(|mark| mark.condition == condition).is_some();
    }

    /// An answer to a request that began before the state says nothing about its end. One to another client says all
    /// about failures that one alone has seen.
    pub(super) fn answered(&mut self, asker: Asker, now: Timestamp) {
        self.mark.take_if(|mark| mark.is_over(now));
        self.lone.take_if(|(lone, mark)| *lone != asker || mark.is_over(now));
    }

    pub(super) const fn is_clear(&self) -> bool {
        self.mark.is_none() && self.lone.is_none() && self.row.is_empty()
    }

    pub(super) fn until(&self) -> Option<Timestamp> {
        self.mark.iter().chain(self.lone.iter().map(|(_, mark)| mark)).map(|mark| mark.until).max()
    }

    /// The state now, as operators see it: the one that ends last.
    pub(super) fn noted(&self, now: Timestamp) -> Option<Noted> {
        let all = self.mark.as_ref().and_then(|mark| mark.noted(now));
        let lone = self.lone.as_ref().and_then(|(_, mark)| mark.noted(now)).map(|noted| {
            let reason = format!("{} ({LONE})", noted.reason).into();
            Noted { reason, ..noted }
        });
        all.into_iter().chain(lone).max_by_key(|noted| noted.until)
    }

    fn lone_of(&self, asker: Asker) -> Option<&Mark> {
        self.lone.as_ref().filter(|(lone, _)| *lone == asker).map(|(_, mark)| mark)
    }

    /// Every state that concerns a client key.
    fn each(&mut self, asker: Asker, change: impl Fn(&mut Mark)) {
        let lone = self.lone.as_mut().filter(|(lone, _)| *lone == asker).map(|(_, mark)| mark);
        self.mark.iter_mut().chain(lone).for_each(change);
    }
}
