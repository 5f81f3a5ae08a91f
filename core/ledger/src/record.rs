//! What is kept of each request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};
use sluice_api::{Api, Error, Kind, Money, Operation, Timestamp, Usage};
use utoipa::ToSchema;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The answer went to its end.
    Completed,
    /// The client went away.
    ClientGone,
    /// The upstream refused, failed or broke off.
    UpstreamError,
    /// Sluice itself failed.
    GatewayError,
    /// Sluice refused it; the reason.
    Refused(&'static str),
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::ClientGone => f.write_str("client_gone"),
            Self::UpstreamError => f.write_str("upstream_error"),
            Self::GatewayError => f.write_str("gateway_error"),
            Self::Refused(reason) => write!(f, "refused:{reason}"),
        }
    }
}

/// One attempt on one account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Try {
    /// The account.
    #[serde(serialize_with = "text")]
    #[schema(value_type = String)]
    pub account: Arc<str>,
    /// What its upstream answered; null where nothing came.
    pub status: Option<u16>,
    /// Whose fault a failure was: `client`, `account`, `provider` or `gateway`; null where it did not fail.
    pub fault: Option<&'static str>,
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
            fault: Some(facts.fault.name()),
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

/// One request that had a valid key.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its id in the record list.
    pub id: u64,
    /// The id that its answer carried.
    pub request_id: Arc<str>,
    /// When it started.
    pub time: Timestamp,
    /// Name of the key.
    pub key: Arc<str>,
    /// Id of the key.
    pub key_id: Arc<str>,
    /// Name of the key's group.
    pub group: Option<Arc<str>>,
    /// The key's user label.
    pub user: Option<Arc<str>>,
    /// The key's tags.
    pub tags: Arc<[String]>,
    /// The address that it came from.
    pub client: Option<IpAddr>,
    /// The account that served it, or was tried last.
    pub account: Option<Arc<str>>,
    /// That account's provider.
    pub provider: Option<&'static str>,
    /// The pool that it was taken from.
    pub pool: Option<Arc<str>>,
    /// The client API.
    pub api: Api,
    /// The operation.
    pub operation: Operation,
    /// The model asked for.
    pub model: Arc<str>,
    /// The model asked for upstream.
    pub upstream_model: Option<Arc<str>>,
    /// The model that the answer reports.
    pub reported_model: Option<Arc<str>>,
    /// HTTP status of the answer; 499 for a client gone before any.
    pub status: u16,
    /// Accounts tried.
    pub attempts: u32,
    /// What came of each, where more than one was made, or the only one failed or broke off.
    pub tries: Vec<Try>,
    /// The conversation that it belongs to.
    pub session: Option<Arc<str>>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// What was used, where the dialect told it or it could be estimated.
    pub usage: Option<Usage>,
    /// What it cost, where a price is known.
    pub cost: Option<Money>,
    /// Time to the first byte.
    pub first_byte: Option<Duration>,
    /// Time to the end.
    pub duration: Duration,
    /// The gateway's own part of it.
    pub overhead: Duration,
    /// What kind of error it ended in.
    pub error: Option<Kind>,
    /// How it ended.
    pub outcome: Outcome,
}

/// Whose a request is: the key as it was then.
#[derive(Clone, Debug, Default)]
pub struct Holder {
    /// Name of the key.
    pub key: Arc<str>,
    /// Id of the key.
    pub key_id: Arc<str>,
    /// Name of the key's group.
    pub group: Option<Arc<str>>,
    /// The key's user label.
    pub user: Option<Arc<str>>,
    /// The key's tags.
    pub tags: Arc<[String]>,
}

impl Record {
    /// A record of a request that has begun, as one that nobody waits for any longer: whoever ends it says better.
    #[must_use]
    pub fn new(
        time: Timestamp,
        request_id: Arc<str>,
        holder: Holder,
        api: Api,
        operation: Operation,
    ) -> Self {
        let Holder { key, key_id, group, user, tags } = holder;
        Self {
            id: 0,
            request_id,
            time,
            key,
            key_id,
            group,
            user,
            tags,
            client: None,
            account: None,
            provider: None,
            pool: None,
            api,
            operation,
            model: Arc::from(""),
            upstream_model: None,
            reported_model: None,
            status: 0,
            attempts: 0,
            tries: Vec::new(),
            session: None,
            stream: false,
            usage: None,
            cost: None,
            first_byte: None,
            duration: Duration::ZERO,
            overhead: Duration::ZERO,
            error: None,
            outcome: Outcome::ClientGone,
        }
    }

    /// The record as `GET /admin/v1/requests` shows it.
    #[must_use]
    pub fn view(&self) -> RecordView {
        let usage = self.usage.unwrap_or_default();
        RecordView {
            id: self.id.to_string(),
            request_id: Arc::clone(&self.request_id),
            time: self.time,
            key: Arc::clone(&self.key),
            key_id: Arc::clone(&self.key_id),
            group: self.group.clone(),
            user: self.user.clone(),
            tags: Arc::clone(&self.tags),
            client: self.client,
            account: self.account.clone(),
            provider: self.provider,
            pool: self.pool.clone(),
            api: self.api,
            model: Arc::clone(&self.model),
            upstream_model: self.upstream_model.clone(),
            status: self.status,
            attempts: self.attempts,
            tries: self.tries.clone(),
            session: self.session.clone(),
            stream: self.stream,
            input_tokens: usage.input,
            output_tokens: usage.output,
            cache_write_tokens: usage.cache_write(),
            cache_write_1h_tokens: usage.cache_write_1h,
            cache_read_tokens: usage.cache_read,
            reasoning_tokens: usage.reasoning,
            usage_estimated: usage.estimated,
            cost: self.cost.map(|cost| cost.to_string()),
            list_cost: self.cost.map(|cost| cost.to_string()),
            ttfb_ms: self.first_byte.map(millis),
            duration_ms: millis(self.duration),
            overhead_ms: millis(self.overhead),
            outcome: self.outcome.to_string(),
        }
    }
}

fn millis(span: Duration) -> f64 {
    // Microseconds are all that a measurement is good for.
    (span.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

fn text<S: Serializer>(text: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text)
}

/// A record as the admin API shows it. Times are RFC 3339 in UTC, spans are milliseconds, money is a decimal string.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RecordView {
    /// Its place in the list.
    pub id: String,
    /// The id that the answer carried as `x-request-id`.
    #[serde(serialize_with = "text")]
    #[schema(value_type = String)]
    pub request_id: Arc<str>,
    /// When the request started.
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    /// Name of the key.
    #[schema(value_type = String)]
    pub key: Arc<str>,
    /// Id of the key.
    #[schema(value_type = String)]
    pub key_id: Arc<str>,
    /// The key's group.
    #[schema(value_type = Option<String>)]
    pub group: Option<Arc<str>>,
    /// The key's user label.
    #[schema(value_type = Option<String>)]
    pub user: Option<Arc<str>>,
    /// The key's tags.
    #[schema(value_type = Vec<String>)]
    pub tags: Arc<[String]>,
    /// The address that the request came from: the connection's peer, or what a trusted proxy said.
    #[schema(value_type = Option<String>)]
    pub client: Option<IpAddr>,
    /// The account that served the request, or was tried last.
    #[schema(value_type = Option<String>)]
    pub account: Option<Arc<str>>,
    /// That account's provider.
    #[schema(value_type = Option<String>)]
    pub provider: Option<&'static str>,
    /// The pool that the account was taken from.
    #[schema(value_type = Option<String>)]
    pub pool: Option<Arc<str>>,
    /// The client API.
    pub api: Api,
    /// The model asked for.
    #[schema(value_type = String)]
    pub model: Arc<str>,
    /// The model asked for upstream.
    #[schema(value_type = Option<String>)]
    pub upstream_model: Option<Arc<str>>,
    /// HTTP status of the answer; 499 for a client that was gone before any.
    pub status: u16,
    /// Accounts tried.
    pub attempts: u32,
    /// What came of each, where more than one was made, or the only one failed or broke off.
    pub tries: Vec<Try>,
    /// The conversation that the request belongs to, where one is known.
    #[schema(value_type = Option<String>)]
    pub session: Option<Arc<str>>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Input tokens without cache reads and writes.
    pub input_tokens: u64,
    /// Output tokens, reasoning included.
    pub output_tokens: u64,
    /// Tokens written to caches.
    pub cache_write_tokens: u64,
    /// Those of them that were written for an hour or more.
    pub cache_write_1h_tokens: u64,
    /// Tokens read from caches.
    pub cache_read_tokens: u64,
    /// Output tokens spent on reasoning.
    pub reasoning_tokens: u64,
    /// Whether the usage is an estimate, as the dialect had not told it.
    pub usage_estimated: bool,
    /// Cost in US dollars; null where no price is known.
    pub cost: Option<String>,
    /// Cost at the price list's own rates, without the account's multiplier; null where no price is known.
    pub list_cost: Option<String>,
    /// Milliseconds to the first byte of the answer.
    pub ttfb_ms: Option<f64>,
    /// Milliseconds to the end of the answer.
    pub duration_ms: f64,
    /// The gateway's own part of the time, in milliseconds.
    pub overhead_ms: f64,
    /// `completed`, `client_gone`, `upstream_error`, `gateway_error` or `refused:REASON`.
    pub outcome: String,
}
