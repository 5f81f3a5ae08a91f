//! What traces have of a request beside its record; kept only where traces are sent.

use std::sync::Arc;
use std::time::Duration;

use sluice_packing::columns::Packed;

/// What is kept beside a record; nothing where no traces are sent. No journal and no store has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside(pub Option<Box<Traced>>);

impl Packed for Beside {
    fn is_nothing(&self) -> bool {
        true
    }

    fn pack(&self, _into: &mut Vec<u8>) {}

    fn unpack(_from: &[u8]) -> Option<Self> {
        Some(Self::default())
    }
}

/// What is kept of one request.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Traced {
    /// Its client's `traceparent`, as it came.
    pub parent: Option<Box<str>>,
    /// Its attempts, in order; of several, each has what came of it at the same place of the record's.
    pub attempts: Vec<Attempt>,
}

impl Traced {
    /// One of this parent, without attempts yet.
    #[must_use]
    pub const fn below(parent: Option<Box<str>>) -> Self {
        Self { parent, attempts: Vec::new() }
    }
}

/// An attempt on an account.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Attempt {
    /// The account.
    pub account: Arc<str>,
    /// That account's provider.
    pub provider: &'static str,
    /// The model asked for upstream.
    pub model: Arc<str>,
    /// Where it was sent; `None` where that was not come to.
    pub server: Option<Server>,
    /// When it began, from the request's beginning.
    pub began: Duration,
    /// When it failed; `None` for one that ended with its request.
    pub ended: Option<Duration>,
}

impl Attempt {
    /// One that has begun, and was not sent yet.
    #[must_use]
    pub const fn begun(account: Arc<str>, provider: &'static str, model: Arc<str>, began: Duration) -> Self {
        Self { account, provider, model, server: None, began, ended: None }
    }
}

/// A server, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Server {
    /// Its host.
    pub host: Box<str>,
    /// Its port.
    pub port: u16,
}

impl Server {
    /// One at a port.
    #[must_use]
    pub const fn new(host: Box<str>, port: u16) -> Self {
        Self { host, port }
    }
}
