//! US dollars in a window, or in all.

use std::sync::Arc;

use sluice_api::dialect::Operation;
use sluice_api::error::{Error, Kind};
use sluice_api::limiter::{Denial, Limiter, Subject, Takes, Unit, Why, Windows};
use sluice_api::plugin::NoSettings;
use sluice_api::register;

use crate::{rate, words};

/// Dollars.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    windows: Windows,
}

impl Limiter for Budget {
    fn takes(&self, subject: &Subject<'_>, takes: &mut Takes) {
        if subject.operation != Operation::CountTokens {
            rate::push((subject, &self.windows), takes, |unit| unit == Unit::Cost);
        }
    }

    fn refusal(&self, refused: &Denial) -> Error {
        match refused.why {
            Why::TooMuch => words::too_much(refused),
            Why::Used(wait) => words::used_up(refused, wait, Kind::BudgetUsed),
            Why::Reserved | Why::Line => words::reserved(refused),
        }
    }
}

register! {
    dyn Limiter: "budget",
    summary: "US dollars in rolling and calendar windows, and in total",
    settings: NoSettings,
    build: |_, section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(Budget::default()))
    },
}
