//! What a request asks for, as far as it decides which account it goes to.

use sluice_api::dialect::{Api, Operation};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Criteria<'a> {
    /// The client API.
    pub api: Api,
    /// The operation.
    pub operation: Operation,
    /// The model that the client asks for.
    pub model: &'a str,
    /// What tells the request's body from others.
    pub body: u64,
}

impl<'a> Criteria<'a> {
    /// A question about a model, with no request behind it.
    #[must_use]
    pub const fn of(api: Api, operation: Operation, model: &'a str) -> Self {
        Self { api, operation, model, body: 0 }
    }
}
