//! The attempts of a request, and what was used in one that has a price of its own.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sluice_money::{Bill, Cost, Terms};
use utoipa::ToSchema;

use super::show::{self, Costs};
use crate::cost::Usage;
use crate::error::Error;

/// One attempt on one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[non_exhaustive]
pub struct Try {
    /// The account.
    #[schema(value_type = String)]
    pub account: Arc<str>,
    /// What its upstream answered; null where nothing came.
    pub status: Option<u16>,
    /// Whose fault a failure was: `client`, `account`, `provider` or `gateway`; null where it did not fail.
    #[schema(value_type = Option<String>)]
    pub fault: Option<Cow<'static, str>>,
    /// What went wrong, with its cause.
    pub error: Option<String>,
    /// What it used, as far as its upstream told it; null where nothing is known of that.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// What that cost, and what it would have cost by the list; null where no price is known. The record's is the sum of
    /// its attempts'.
    #[serde(flatten, with = "show::costs")]
    #[schema(value_type = Costs)]
    pub cost: Cost,
    /// How it was priced, of one that was billed and failed: how the last one was is the record's own to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed: Option<Box<Billed>>,
}

/// What another model used in the course of a request, like one that was asked for advice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[non_exhaustive]
pub struct Other {
    /// What it used; the record's own usage has it too.
    pub usage: Usage,
    /// What that cost; the record's own cost has it too.
    #[serde(flatten, with = "show::costs")]
    #[schema(value_type = Costs)]
    pub cost: Cost,
    /// How it was priced.
    pub billed: Billed,
}

/// How a part of a request was priced that has a price of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[non_exhaustive]
pub struct Billed {
    /// The kind of the provider.
    #[schema(value_type = String)]
    pub provider: Cow<'static, str>,
    /// The model, as upstream was asked for it or has named it.
    #[schema(value_type = String)]
    pub model: Arc<str>,
    /// The model that the answer reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub reported_model: Option<Arc<str>>,
    /// The prompts that it is made of, where they are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Usage>,
    /// The usage as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub raw_usage: Option<Arc<str>>,
    /// How it was served, where its rates are from, and what they are.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub terms: Terms,
    /// How much was used at each of those rates, in that order.
    #[serde(default)]
    pub quantities: Vec<u64>,
}

impl Billed {
    /// Something of this provider's and model's, of which nothing else is known.
    #[must_use]
    pub fn new(provider: Cow<'static, str>, model: Arc<str>) -> Self {
        let (terms, quantities) = (Terms::default(), Vec::new());
        Self { provider, model, reported_model: None, turns: Vec::new(), raw_usage: None, terms, quantities }
    }

    /// At this price.
    #[must_use]
    pub fn at(self, bill: Option<&Bill>) -> Self {
        let Some((bill, terms)) = bill.and_then(|bill| Some((bill, bill.terms.terms()?))) else {
            return self;
        };
        Self { terms: terms.clone(), quantities: bill.quantities.to_vec(), ..self }
    }
}

impl Other {
    /// So much, of which no price is known yet.
    #[must_use]
    pub const fn new(usage: Usage, billed: Billed) -> Self {
        Self { usage, cost: Cost::new(None, None), billed }
    }
}

impl Try {
    /// One that failed.
    #[must_use]
    pub fn failed(account: &Arc<str>, error: &Error) -> Self {
        let facts = error.facts();
        Self {
            status: facts.answer.as_ref().map(|answer| answer.status.as_u16()),
            fault: Some(facts.fault.name().into()),
            error: Some(facts.reason()),
            ..Self::of(account)
        }
    }

    /// One whose answer had begun, with this status, and broke off.
    #[must_use]
    pub fn broke_off(account: &Arc<str>, status: u16, error: &Error) -> Self {
        Self { status: Some(status), ..Self::failed(account, error) }
    }

    /// The one that was answered with this status.
    #[must_use]
    pub fn last(account: &Arc<str>, status: u16) -> Self {
        Self { status: Some(status), ..Self::of(account) }
    }

    /// The same, having used so much.
    #[must_use]
    pub fn used(self, usage: Option<Usage>, cost: Cost) -> Self {
        Self { usage, cost, ..self }
    }

    fn of(account: &Arc<str>) -> Self {
        let (status, fault, error, usage, billed) = (None, None, None, None, None);
        Self { account: Arc::clone(account), status, fault, error, usage, cost: Cost::default(), billed }
    }
}
