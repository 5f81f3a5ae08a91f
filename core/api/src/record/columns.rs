//! The columns of a record.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_money::{Bill, Cost};
use sluice_packing::columns::{self as packed, Packed};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::outcome::Outcome;
use super::show::{self, Costs, Tokens};
use super::traced::Beside;
use super::tries::{Other, Try};
use crate::cost::Usage;
use crate::dialect::{Api, Operation};
use crate::error::Kind;
use crate::settings::flat;

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

            /// Writes it for a journal, behind what is there.
            pub fn pack(&self, into: &mut Vec<u8>) {
                $(packed::write(const { packed::mark(stringify!($column)) }, &self.$column, into);)*
            }

            /// Reads what [`Record::pack`] wrote; `None` where that is cut off, or is something else.
            #[must_use]
            pub fn unpack(from: &[u8]) -> Option<Self> {
                let mut record = Self::unknown();
                for (mark, value) in packed::read(from)? {
                    $(if mark == const { packed::mark(stringify!($column)) } {
                        record.$column = Packed::unpack(value)?;
                    })*
                }
                Some(record)
            }

            /// The marks of its columns.
            #[cfg(test)]
            pub(super) const MARKS: [u32; [$(stringify!($column)),*].len()] = [$(packed::mark(stringify!($column))),*];
        }
    };
}

// One more column is one more entry here, beside its use: the list of records and its part of the OpenAPI document follow.
// What the log has of it stands in the ledger's `records/line.rs`.
columns! {
    /// One request that had a valid key. It is shown and archived in one shape: times in RFC 3339, spans in
    /// milliseconds, money as decimal strings; and read again from it.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
    #[non_exhaustive]
    pub struct Record;

    /// A record of a request that has begun, as one that nobody waits for any longer: whoever ends it says better.
    pub fn new(time: Timestamp, request_id: Arc<str>, holder: Holder, api: Api, operation: Operation);

    /// Its place in the list, in the order of their beginnings: see [`Record::id_at`].
    #[serde(with = "show::id")]
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
    provider: Option<Cow<'static, str>> = None;
    /// The pool that the account was taken from.
    #[schema(value_type = Option<String>)]
    pool: Option<Arc<str>> = None;
    /// The client API.
    api: Api = api;
    /// What was asked for: `generate`, `count-tokens`, `compact`, `embed`, `batch-embed` or `images`.
    #[schema(value_type = String)]
    operation: Operation = operation;
    /// The model asked for.
    #[schema(value_type = String)]
    model: Arc<str> = Arc::from("");
    /// The model asked for upstream.
    #[schema(value_type = Option<String>)]
    upstream_model: Option<Arc<str>> = None;
    /// The model that the answer reports.
    #[schema(value_type = Option<String>)]
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
    #[serde(flatten, with = "show::tokens")]
    #[schema(ignore)]
    usage: Option<Usage> = None;
    /// The prompts that it is made of, where they are several: each has the rates of its own length.
    #[serde(default)]
    turns: Vec<Usage> = Vec::new();
    /// What other models used in the course of it, like one that was asked for advice: a part of its usage and of its cost.
    #[serde(default)]
    others: Vec<Other> = Vec::new();
    /// The usage as its upstream wrote it, cut off where it is too long: in the record's detail alone.
    #[serde(skip)]
    raw_usage: Option<Arc<str>> = None;
    /// What it cost, where a price is known.
    #[serde(flatten, with = "show::costs")]
    #[schema(ignore)]
    cost: Cost = Cost::default();
    /// On which terms it was priced, and its lines: in the record's detail alone.
    #[serde(skip)]
    bill: Option<Bill> = None;
    /// Milliseconds to the first byte of the answer.
    #[serde(rename = "ttfb_ms", with = "show::millis_where_known")]
    #[schema(value_type = Option<f64>)]
    first_byte: Option<Duration> = None;
    /// Milliseconds to the end of the answer.
    #[serde(rename = "duration_ms", with = "show::millis")]
    #[schema(value_type = f64)]
    duration: Duration = Duration::ZERO;
    /// The gateway's own part of the time, in milliseconds.
    #[serde(rename = "overhead_ms", with = "show::millis")]
    #[schema(value_type = f64)]
    overhead: Duration = Duration::ZERO;
    /// What kind of error it ended in.
    #[schema(value_type = Option<String>)]
    error: Option<Kind> = None;
    /// What traces have of it beside, in memory alone.
    #[serde(skip)]
    traced: Beside = Beside::default();
    /// `completed`, `client_gone`, `upstream_error`, `gateway_error`, `interrupted` (the gateway's process ended first) or
    /// `refused:REASON`. An answer that tells the client of its own mistake, as a 400 does, is one that is completed: its status
    /// says that it counts as an error, and `upstream_error` is left for what failed upstream.
    #[serde(with = "show::outcome")]
    #[schema(value_type = String)]
    outcome: Outcome = Outcome::ClientGone;
}

/// The first moment that the id of a record can tell, in milliseconds of Unix time: 2020-01-01.
const IDS_BEGIN: i64 = 1_577_836_800_000;

/// Ids of one millisecond, as bits.
const IDS_IN_ONE: u32 = 20;

impl Record {
    /// How many ids there are of one millisecond, from [`Record::id_at`] on.
    pub const IDS_IN_ONE: u64 = 1 << IDS_IN_ONE;

    /// One of which nothing is known.
    fn unknown() -> Self {
        let time = Timestamp::UNIX_EPOCH;
        Self::new(time, Arc::from(""), Holder::default(), Api::Anthropic, Operation::Generate)
    }

    /// The first id that a record which begins at this time, or later, can have.
    #[must_use]
    pub fn id_at(time: Timestamp) -> u64 {
        let since = u64::try_from(time.as_millisecond().saturating_sub(IDS_BEGIN)).unwrap_or(0);
        since.saturating_mul(Self::IDS_IN_ONE)
    }

    /// The millisecond that an id tells: the latest time for which [`Record::id_at`] is no larger.
    #[must_use]
    pub fn time_of(id: u64) -> Timestamp {
        let since = i64::try_from(id >> IDS_IN_ONE).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(IDS_BEGIN.saturating_add(since)).unwrap_or(Timestamp::MAX)
    }

    /// Whether it counts as an error: it was refused, or its answer broke off.
    #[must_use]
    pub fn is_error(&self) -> bool {
        let broke_off =
            matches!(self.outcome, Outcome::UpstreamError | Outcome::GatewayError | Outcome::Interrupted);
        self.status >= 400 || broke_off
    }

    /// Whether it counts in limits: it was answered, was the client's own fault by its upstream's word, or was on its way
    /// when its client left. What others are at fault for is given back.
    #[must_use]
    pub fn counts(&self) -> bool {
        // What every vendor says of a request that no account would take.
        const CLIENTS_OWN: [u16; 4] = [400, 404, 413, 422];
        let answered = (200..300).contains(&self.status) || CLIENTS_OWN.contains(&self.status);
        let billed_before = self.tries.iter().any(|attempt| attempt.billed.is_some());
        let counts = match self.outcome {
            Outcome::Completed => answered || self.status < 300,
            Outcome::ClientGone | Outcome::Interrupted => self.attempts > 0,
            // What was billed on the way counts, whatever came of it.
            Outcome::Refused(_) => billed_before,
            Outcome::UpstreamError | Outcome::GatewayError => answered || billed_before,
        };
        counts && self.operation != Operation::CountTokens
    }

    /// Whether something was used of which no price is known.
    #[must_use]
    pub fn is_unpriced(&self) -> bool {
        self.usage.is_some() && self.cost.own.is_none()
    }
}

impl Record {
    /// The mark under which [`Record::pack`] writes the column of this name.
    #[must_use]
    pub const fn mark(name: &str) -> u32 {
        packed::mark(name)
    }

    /// The columns of what [`Record::pack`] wrote, by their marks, for a store that keeps some apart; `None` where the bytes
    /// end in the middle of one. What is a struct in a column may be read by it again.
    #[must_use]
    pub fn columns(from: &[u8]) -> Option<Vec<(u32, &[u8])>> {
        packed::read(from)
    }

    /// Writes a column back, for [`Record::unpack`].
    pub fn put_column((mark, value): (u32, &[u8]), into: &mut Vec<u8>) {
        into.extend_from_slice(&mark.to_le_bytes());
        into.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
        into.extend_from_slice(value);
    }
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
        Tokens::schemas(schemas);
    }
}

/// Whose a request is: the key as it was then.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
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

impl Holder {
    /// A key of this name, id and tags, with no group and no user.
    #[must_use]
    pub const fn new(key: Arc<str>, key_id: Arc<str>, tags: Arc<[String]>) -> Self {
        Self { key, key_id, group: None, user: None, tags }
    }
}
