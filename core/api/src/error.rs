//! One error type for all that can go wrong with a request, made where the fact is known.

pub mod wait;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

/// Figures in sentences.
pub use sluice_quota::figure;

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The client asked for something that can't be had, anywhere.
    Client,
    /// The account: its credentials, its quota, its missing deployment.
    Account,
    /// The provider: it is overloaded, broken or out of reach.
    Provider,
    /// Sluice itself.
    Gateway,
}

impl Fault {
    /// Its name in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Account => "account",
            Self::Provider => "provider",
            Self::Gateway => "gateway",
        }
    }
}

/// Where a failure belongs, and so who is spared the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// This request alone.
    Request,
    /// This model on this account.
    Model,
    /// This account.
    Account,
    /// Every account of this provider; until a second one has seen it, the account that did.
    Provider,
}

/// The state that a failure puts its scope into, until it recovers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It was asked too much, for a while.
    RateLimited,
    /// It is overloaded.
    Overloaded,
    /// Its credentials are refused: an operator must look at them.
    Unauthorized,
    /// Its money or its quota is used up.
    QuotaExceeded,
    /// It fails; counted, and out after `scheduler.failures` in a row.
    Failing,
}

impl Condition {
    /// Its name in the admin API and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::Unauthorized => "unauthorized",
            Self::QuotaExceeded => "quota_exceeded",
            Self::Failing => "failing",
        }
    }
}

/// What went wrong. Each kind has one status and one name in each dialect: see `sluice_wire::refusal::render`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// No key, or one that is unknown, revoked or expired.
    Unauthenticated,
    /// The key may not use this family, model or account.
    Forbidden,
    /// The body or an argument is wrong.
    BadRequest,
    /// No account could ever serve this model.
    ModelNotFound,
    /// The response that the request continues is not known, or not this key's.
    ResponseNotFound,
    /// The conversation that the request belongs to is not known, or not this key's.
    ConversationNotFound,
    /// The item that the request refers to is not known, or not this key's.
    ItemNotFound,
    /// No such route.
    NoRoute,
    /// The route exists, but not for this method.
    MethodNotAllowed,
    /// The body is larger than `server.max_body`.
    TooLarge,
    /// The client did not send its request in time.
    RequestTimeout,
    /// A WebSocket upgrade, which is not offered.
    UpgradeRequired,
    /// A requests, tokens or concurrency limit.
    RateLimited,
    /// A limit of cost is used up.
    BudgetUsed,
    /// By itself the request may come to more than a limit, or nothing bounds it.
    MaxTokensTooLarge,
    /// Accounts could serve it, but none can now.
    NoAccount,
    /// The gateway itself is full: it holds as many request bodies as it may.
    Overloaded,
    /// The upstream refused or failed.
    Upstream,
    /// The upstream did not answer in time.
    UpstreamTimeout,
    /// The store is out of reach.
    StoreUnavailable,
    /// A defect of Sluice.
    Internal,
}

impl Kind {
    /// Its name in logs and in `sluice_refusals_total{reason}`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::BadRequest => "bad_request",
            Self::ModelNotFound => "model_not_found",
            Self::ResponseNotFound => "response_not_found",
            Self::ConversationNotFound => "conversation_not_found",
            Self::ItemNotFound => "item_not_found",
            Self::NoRoute => "no_route",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge => "too_large",
            Self::RequestTimeout => "request_timeout",
            Self::UpgradeRequired => "upgrade_required",
            Self::RateLimited => "rate_limited",
            Self::BudgetUsed => "budget_used",
            Self::MaxTokensTooLarge => "max_tokens_too_large",
            Self::NoAccount => "no_account",
            Self::Overloaded => "overloaded",
            Self::Upstream => "upstream",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::StoreUnavailable => "store_unavailable",
            Self::Internal => "internal",
        }
    }
}

/// What an upstream answered when it refused, for relaying in the same dialect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, as they came.
    pub headers: HeaderMap,
    /// Its body, whole (bounded) and content-decoded.
    pub body: Bytes,
}

impl Answer {
    /// An answer with these parts.
    #[must_use]
    pub const fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body }
    }
}

/// A connection to an upstream, as failures name it: a number that is unique in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection(pub u64);

/// A failure: what, whose fault, how far it reaches, and what the caller can do about it.
#[derive(Clone)]
pub struct Error(Box<Facts>);

/// The facts of an [`Error`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Facts {
    /// What went wrong.
    pub kind: Kind,
    /// Whose fault it is.
    pub fault: Fault,
    /// How far it reaches.
    pub scope: Scope,
    /// Whether another account may do better.
    pub elsewhere: bool,
    /// The state that the account or the provider is in then; `None` where it says nothing about them.
    pub condition: Option<Condition>,
    /// How long that lasts, where the upstream names it.
    pub recovers: Option<Duration>,
    /// A kept connection closed before a byte of an answer had come: that is no attempt, and the request may be sent
    /// once more on a fresh one.
    pub unanswered: bool,
    /// The connection that died under the request; all requests that were on it tell of one failure.
    pub connection: Option<Connection>,
    /// The upstream has no such call, or not for this account and model.
    pub missing: bool,
    /// A sentence that says what to do.
    pub message: String,
    /// What the upstream said, for operators alone: it may name the account.
    pub said: String,
    /// The field of the request that is at fault (`param` in OpenAI's dialect).
    pub param: Option<String>,
    /// How long to wait before trying again, where that is known.
    pub retry_after: Option<Duration>,
    /// The methods that the route has, for [`Kind::MethodNotAllowed`].
    pub allow: Option<String>,
    /// What the upstream answered.
    pub answer: Option<Answer>,
}

impl Facts {
    /// Why, for operators: with what the upstream said.
    #[must_use]
    pub fn reason(&self) -> String {
        if self.said.is_empty() { self.message.clone() } else { format!("{}: {}", self.message, self.said) }
    }
}

impl Error {
    /// An error of this kind, with the fault and scope that the kind usually has.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let (fault, scope) = match kind {
            Kind::NoAccount | Kind::Overloaded | Kind::StoreUnavailable | Kind::Internal => {
                (Fault::Gateway, Scope::Request)
            }
            Kind::Upstream | Kind::UpstreamTimeout => (Fault::Provider, Scope::Account),
            _ => (Fault::Client, Scope::Request),
        };
        Self(Box::new(Facts {
            kind,
            fault,
            scope,
            elsewhere: matches!(kind, Kind::Upstream | Kind::UpstreamTimeout),
            condition: matches!(kind, Kind::Upstream | Kind::UpstreamTimeout).then_some(Condition::Failing),
            recovers: None,
            unanswered: false,
            connection: None,
            missing: false,
            message: message.into(),
            said: String::new(),
            param: None,
            retry_after: None,
            allow: None,
            answer: None,
        }))
    }

    /// A mistake in the request; `param` is the field it is in.
    #[must_use]
    pub fn bad_request(param: Option<&str>, message: impl Into<String>) -> Self {
        let error = Self::new(Kind::BadRequest, message);
        match param {
            Some(param) => error.param(param),
            None => error,
        }
    }

    /// Names the field of the request that is at fault.
    #[must_use]
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    /// Says whose fault it is and how far it reaches.
    #[must_use]
    pub fn blame(mut self, fault: Fault, scope: Scope) -> Self {
        self.0.fault = fault;
        self.0.scope = scope;
        self
    }

    /// Says whether another account may do better.
    #[must_use]
    pub fn elsewhere(mut self, elsewhere: bool) -> Self {
        self.0.elsewhere = elsewhere;
        self
    }

    /// Says what state the failure puts its scope into.
    #[must_use]
    pub fn condition(mut self, condition: Option<Condition>) -> Self {
        self.0.condition = condition;
        self
    }

    /// Says that a kept connection closed before a byte of an answer had come.
    #[must_use]
    pub fn unanswered(mut self) -> Self {
        self.0.unanswered = true;
        self
    }

    /// Names the connection that died under the request: what failed with it is one failure.
    #[must_use]
    pub fn connection(mut self, connection: Connection) -> Self {
        self.0.connection = Some(connection);
        self
    }

    /// Says that the upstream has no such call, or not for this account and model: another account may have it.
    #[must_use]
    pub fn missing(mut self) -> Self {
        self.0.missing = true;
        self.0.elsewhere = true;
        self
    }

    /// Says how long that lasts, where the upstream names it.
    #[must_use]
    pub fn recovers(mut self, wait: Option<Duration>) -> Self {
        self.0.recovers = wait;
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Names the methods that the route has.
    #[must_use]
    pub fn allow(mut self, methods: impl Into<String>) -> Self {
        self.0.allow = Some(methods.into());
        self
    }

    /// Keeps what the upstream answered.
    #[must_use]
    pub fn answer(mut self, answer: Answer) -> Self {
        self.0.answer = Some(answer);
        self
    }

    /// Notes what the upstream said, for operators alone.
    #[must_use]
    pub fn said(mut self, said: String) -> Self {
        self.0.said = said;
        self
    }

    /// Says it in other words; the former ones are for operators.
    #[must_use]
    pub fn reworded(mut self, message: impl Into<String>) -> Self {
        self.0.said = self.0.reason();
        self.0.message = message.into();
        self
    }

    /// The facts, for reading.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.0
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}
