//! What is kept of each request.

mod show;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sluice_api::{Api, Error, Kind, Money, Operation, Timestamp, Usage, flat};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use show::{Costs, Tokens, costs, millis, millis_where_known, shown, text, tokens};

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

/// A struct of which each field stands once: what it is, how it is shown, and what it is at first.
macro_rules! columns {
    (
        $(#[$about:meta])* pub struct $name:ident;
        $(#[$begins:meta])* pub fn new($($given:ident: $of:ty),*);
        $($(#[$is:meta])* $column:ident: $type:ty = $first:expr;)*
    ) => {
        $(#[$about])*
        pub struct $name {
            $($(#[$is])* pub $column: $type,)*
        }

        impl $name {
            $(#[$begins])*
            #[must_use]
            pub fn new($($given: $of),*) -> Self {
                Self { $($column: $first,)* }
            }
        }
    };
}

// One more column is one more entry here, beside its use: the list of records and its part of the OpenAPI document follow.
// What the log has of it stands in `records/line.rs`.
columns! {
    /// One request that had a valid key. It is shown with times in RFC 3339, spans in milliseconds and money as decimal
    /// strings.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    pub struct Record;

    /// A record of a request that has begun, as one that nobody waits for any longer: whoever ends it says better.
    pub fn new(time: Timestamp, request_id: Arc<str>, holder: Holder, api: Api, operation: Operation);

    /// Its place in the list.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String)]
    id: u64 = 0;
    /// The id that the answer carried as `x-request-id`.
    #[schema(value_type = String)]
    request_id: Arc<str> = request_id;
    /// When the request started.
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp = time;
    /// Name of the key.
    #[schema(value_type = String)]
    key: Arc<str> = holder.key;
    /// Id of the key.
    #[schema(value_type = String)]
    key_id: Arc<str> = holder.key_id;
    /// The key's group.
    #[schema(value_type = Option<String>)]
    group: Option<Arc<str>> = holder.group;
    /// The key's user label.
    #[schema(value_type = Option<String>)]
    user: Option<Arc<str>> = holder.user;
    /// The key's tags.
    #[schema(value_type = Vec<String>)]
    tags: Arc<[String]> = holder.tags;
    /// The address that the request came from: the connection's peer, or what a trusted proxy said.
    #[schema(value_type = Option<String>)]
    client: Option<IpAddr> = None;
    /// The account that served the request, or was tried last.
    #[schema(value_type = Option<String>)]
    account: Option<Arc<str>> = None;
    /// That account's provider.
    #[schema(value_type = Option<String>)]
    provider: Option<&'static str> = None;
    /// The pool that the account was taken from.
    #[schema(value_type = Option<String>)]
    pool: Option<Arc<str>> = None;
    /// The client API.
    api: Api = api;
    /// The operation.
    #[serde(skip)]
    operation: Operation = operation;
    /// The model asked for.
    #[schema(value_type = String)]
    model: Arc<str> = Arc::from("");
    /// The model asked for upstream.
    #[schema(value_type = Option<String>)]
    upstream_model: Option<Arc<str>> = None;
    /// The model that the answer reports.
    #[serde(skip)]
    reported_model: Option<Arc<str>> = None;
    /// HTTP status of the answer; 499 for a client that was gone before any.
    status: u16 = 0;
    /// Accounts tried.
    attempts: u32 = 0;
    /// What came of each, where more than one was made, or the only one failed or broke off.
    tries: Vec<Try> = Vec::new();
    /// The conversation that the request belongs to, where one is known.
    #[schema(value_type = Option<String>)]
    session: Option<Arc<str>> = None;
    /// Whether a stream was asked for.
    stream: bool = false;
    /// What was used, where the dialect told it or it could be estimated.
    #[serde(flatten, serialize_with = "tokens")]
    #[schema(ignore)]
    usage: Option<Usage> = None;
    /// What it cost, where a price is known.
    #[serde(flatten, serialize_with = "costs")]
    #[schema(ignore)]
    cost: Option<Money> = None;
    /// Milliseconds to the first byte of the answer.
    #[serde(rename = "ttfb_ms", serialize_with = "millis_where_known")]
    #[schema(value_type = Option<f64>)]
    first_byte: Option<Duration> = None;
    /// Milliseconds to the end of the answer.
    #[serde(rename = "duration_ms", serialize_with = "millis")]
    #[schema(value_type = f64)]
    duration: Duration = Duration::ZERO;
    /// The gateway's own part of the time, in milliseconds.
    #[serde(rename = "overhead_ms", serialize_with = "millis")]
    #[schema(value_type = f64)]
    overhead: Duration = Duration::ZERO;
    /// What kind of error it ended in.
    #[serde(skip)]
    error: Option<Kind> = None;
    /// `completed`, `client_gone`, `upstream_error`, `gateway_error` or `refused:REASON`.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String)]
    outcome: Outcome = Outcome::ClientGone;
}

/// A record as the admin API shows it.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct RecordView(pub Arc<Record>);

impl PartialSchema for RecordView {
    fn schema() -> RefOr<Schema> {
        let about = "A record as the admin API shows it. Times are RFC 3339 in UTC, spans are milliseconds, money is a \
                     decimal string.";
        flat::object(about, [Record::schema(), Tokens::schema(), Costs::schema()])
    }
}

impl ToSchema for RecordView {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Record::schemas(schemas);
    }
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
