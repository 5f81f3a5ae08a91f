//! The attempts of a request.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
}

impl Try {
    /// One that failed.
    #[must_use]
    pub fn failed(account: &Arc<str>, error: &Error) -> Self {
        let facts = error.facts();
        Self {
            account: Arc::clone(account),
            status: facts.answer.as_ref().map(|answer| answer.status.as_u16()),
            fault: Some(facts.fault.name().into()),
            error: Some(facts.reason()),
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
        Self { account: Arc::clone(account), status: Some(status), fault: None, error: None }
    }
}
