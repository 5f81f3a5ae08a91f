//! Why an account did not serve a request that another one may serve, and which of it the client is told.

use sluice_api::error::Error;

use crate::choosing::order::{Order, Picking};

/// Why an account did not serve it.
#[derive(Debug)]
pub struct Failed {
    /// What went wrong.
    pub error: Error,
    /// How the account was asked.
    pub way: Way,
}

/// How an account was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In the client's own dialect.
    Own,
    /// In another one.
    Translated,
    /// It was not, as its dialect has nothing for what the client asks.
    Unasked,
}

impl Failed {
    /// Of two failures the one to be told. Why one that could count tokens did not is more than that another one can't,
    /// and what one that was asked said is more than that another one can't be.
    #[must_use]
    pub fn after(self, before: Option<Self>) -> Self {
        let is_missing = self.error.facts().missing;
        match before {
            Some(before) if self.way == Way::Unasked || (is_missing && before.way != Way::Unasked) => before,
            _ => self,
        }
    }

    /// What is told where no account is left, for this reason. That one can't be asked for it is nothing of the request's
    /// where another one recovers that may be.
    #[must_use]
    pub fn last(told: Option<Self>, none: Error, order: &Order, cx: &Picking<'_>) -> Self {
        match told {
            Some(Self { error, way }) if way != Way::Unasked => Self { error: order.told(error, cx), way },
            Some(unasked) if !order.recovers(cx) => unasked,
            _ => Self { error: none, way: Way::Own },
        }
    }
}
