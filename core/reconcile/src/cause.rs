//! What is likely behind a difference.

use serde::Serialize;
use utoipa::ToSchema;

use crate::class::{Class, Values};
use crate::ledger::Tally;

/// What is likely behind a difference: the first that fits, as they stand here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    /// Records of the day are deleted already.
    NotKept,
    /// The day was not over when the report was made, or is not over yet.
    DayNotOver,
    /// The report leaves accounts out.
    AccountsNotInFile,
    /// The vendor counts requests around midnight to another day.
    DayBorder,
    /// The same tokens, told as other classes of input.
    CacheClasses,
    /// The vendor bills the price list's rates, without the account's multiplier.
    Multiplier,
    /// The ledger knows no price for some of it.
    Unpriced,
    /// The same was used, at another price.
    Price,
    /// Some of the ledger's usage is an estimate.
    Estimates,
    /// The vendor tells of more than went through this gateway.
    OutsideGateway,
    /// The ledger has more than the vendor tells of.
    NotInFile,
}

/// A line that differs, and what is known around it.
#[derive(Debug)]
pub(crate) struct Difference<'a> {
    pub(crate) class: Class,
    pub(crate) vendor: &'a Values,
    pub(crate) tally: &'a Tally,
    /// Classes that the report tells.
    pub(crate) classes: &'a [Class],
    /// By how much both may be off because they were rounded.
    pub(crate) rounding: i128,
    /// The same difference of the day before and of the day after.
    pub(crate) around: [i128; 2],
    /// Whether records of the day are deleted.
    pub(crate) is_deleted: bool,
    /// Whether the day is not over.
    pub(crate) is_running: bool,
    /// Whether tokens of the same day and model were compared, and agree.
    pub(crate) usage_agrees: Option<bool>,
}

impl Difference<'_> {
    /// How much more the vendor tells of a class than these values.
    fn of(&self, class: Class, values: &Values) -> i128 {
        self.vendor.get(class).saturating_sub(values.get(class))
    }

    fn is_none(&self, difference: i128) -> bool {
        difference.saturating_abs() <= self.rounding
    }

    /// What is likely behind it, and how that is said.
    pub(crate) fn cause(&self) -> (Cause, String) {
        let Self { class, tally, .. } = self;
        let difference = self.of(*class, &tally.values);
        if self.is_deleted {
            let says =
                "records of this day are deleted already (stats.retention_days): an archive may have them";
            return (Cause::NotKept, says.to_owned());
        }
        if self.is_running {
            let says =
                "the day is not over: compare it when it is, with a report that was made some hours later";
            return (Cause::DayNotOver, says.to_owned());
        }
        if let Some(accounts) = self.accounts() {
            let says = format!("without {accounts} they agree: the report seems to leave that out");
            return (Cause::AccountsNotInFile, says);
        }
        if self.is_at_the_border() {
            let says = "requests that ran over midnight are the other day's, by the vendor's count";
            return (Cause::DayBorder, says.to_owned());
        }
        if Class::INPUTS.contains(class) && self.is_none(self.vendor.all_input() - tally.values.all_input()) {
            let says = "all input tokens together agree: the vendor counts other ones as read from a cache or written to one";
            return (Cause::CacheClasses, says.to_owned());
        }
        if let Some(cause) = (*class == Class::Cost).then(|| self.money()).flatten() {
            return cause;
        }
        if tally.estimated > 0 {
            let says = format!(
                "{} of {} requests are recorded with an estimate ({} did not go to their end), as upstream had not told \
                 what they used",
                tally.estimated, tally.requests, tally.broken
            );
            return (Cause::Estimates, says);
        }
        match difference > 0 {
            true if tally.requests == 0 => (
                Cause::OutsideGateway,
                "nothing of it went through this gateway with these accounts".to_owned(),
            ),
            true => (
                Cause::OutsideGateway,
                "some of it did not go through this gateway with these accounts".to_owned(),
            ),
            false => {
                let says = "the report does not tell of all of it: is it of every key, workspace and project, and was it made \
                            some hours after the day?";
                (Cause::NotInFile, says.to_owned())
            }
        }
    }

    /// What is said of money alone.
    fn money(&self) -> Option<(Cause, String)> {
        let tally = self.tally;
        if self.is_none(self.vendor.get(Class::Cost) - tally.list) {
            let says = "it is what the price list says: the accounts' cost_multiplier is not the vendor's";
            return Some((Cause::Multiplier, says.to_owned()));
        }
        if tally.unpriced > 0 {
            let says = format!("no price is known for {} of {} requests", tally.unpriced, tally.requests);
            return Some((Cause::Unpriced, says));
        }
        match self.usage_agrees {
            Some(true) => {
                let says = "the same was used: the price list differs from the vendor's, or the vendor bills something beside \
                            tokens";
                Some((Cause::Price, says.to_owned()))
            }
            None if tally.requests > 0 => {
                let says = "another price, or usage outside this gateway: the usage report beside this one tells which";
                Some((Cause::Price, says.to_owned()))
            }
            _ => None,
        }
    }

    /// Accounts without which all classes agree: one, or all but one.
    fn accounts(&self) -> Option<String> {
        let accounts = &self.tally.accounts;
        if accounts.len() < 2 {
            return None;
        }
        let agrees = |values: &Values| self.classes.iter().all(|class| self.is_none(self.of(*class, values)));
        let without = |left: &Values| {
            self.classes
                .iter()
                .all(|class| self.is_none(self.of(*class, &self.tally.values) + left.get(*class)))
        };
        if let Some((name, _)) = accounts.iter().find(|(_, values)| without(values)) {
            return Some(format!("account {name}"));
        }
        let (only, _) = accounts.iter().find(|(_, values)| agrees(values))?;
        let rest: Vec<&str> = accounts.keys().filter(|name| *name != only).map(|name| &**name).collect();
        Some(format!("accounts {}", rest.join(", ")))
    }

    /// Whether requests at midnight explain it: those of the ledger that ran over it, or what the day before or after lacks.
    fn is_at_the_border(&self) -> bool {
        let Self { class, tally, .. } = self;
        let difference = self.of(*class, &tally.values);
        let (leaving, coming) = (tally.leaving.get(*class), tally.coming.get(*class));
        let ran_over = [-leaving, coming, coming - leaving];
        ran_over.into_iter().any(|moved| moved != 0 && self.is_none(difference - moved))
            || self.around.into_iter().any(|other| !self.is_none(other) && self.is_none(difference + other))
    }
}
