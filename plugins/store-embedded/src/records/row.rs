//! A record as a row: columns for what most have, and as JSON whatever these do not hold.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Error, Row, ToSql, params};
use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::StrDeserializer;
use serde_json::Value as Json;
use sluice_api::cost::Money;
use sluice_api::cost::Usage;
use sluice_api::plugin::Timestamp;
use sluice_api::record::{Cost, Holder, Outcome, Record};
use sluice_packing::address::Plain;

use super::beside::Beside;
use super::labels;
use super::time::{nanoseconds, timestamp};

type Map = serde_json::Map<String, Json>;

/// The columns, in the order in which they are read here.
pub(super) const COLUMNS: &str = "label, id, time, status, outcome, request_id, session, client, attempts, stream, \
    reported_model, error, input, output, cache_write_5m, cache_write_1h, cache_read, reasoning, cost, list_cost, ttfb, \
    duration, overhead, detail, terms, quantities, raw";

/// Writes a row, where there is none of its id.
pub(super) const INSERT: &str = "INSERT INTO requests (label, id, time, status, outcome, request_id, session, client, \
    attempts, stream, reported_model, error, input, output, cache_write_5m, cache_write_1h, cache_read, reasoning, cost, \
    list_cost, ttfb, duration, overhead, detail, terms, quantities, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, \
    ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27) ON CONFLICT (id) DO NOTHING";

/// Where the first columns stand.
pub(super) const LABEL: usize = 0;
pub(super) const ID: usize = 1;
pub(super) const TIME: usize = 2;
pub(super) const STATUS: usize = 3;
pub(super) const OUTCOME: usize = 4;

/// Where those begin that a [`Beside`] has.
pub(super) const BESIDE: usize = 24;

/// How the ids of the gateway's own begin.
const OWN: &str = "req_";

/// How far the time in an id of the gateway's own is from that of its record at most; farther, it came from elsewhere.
pub(super) const OWN_WITHIN_MS: i64 = 1_000;

/// The id that an answer carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestId<'a> {
    /// One of the gateway's own, made with the record: the bytes of a UUID of version 7.
    Own([u8; 16]),
    /// A client's.
    Foreign(&'a str),
}

impl<'a> RequestId<'a> {
    /// What could be one of the gateway's own, with the milliseconds of Unix time when it was made.
    pub(super) fn own(text: &str) -> Option<([u8; 16], i64)> {
        let (digits, []) = text.strip_prefix(OWN)?.as_bytes().as_chunks::<2>() else { return None };
        let digits: &[[u8; 2]; 16] = digits.try_into().ok()?;
        // What is no digit has bits that no digit has.
        let mut others = 0;
        let mut digit = |letter: u8| {
            let digit = match letter {
                b'0'..=b'9' => letter - b'0',
                b'a'..=b'f' => letter - b'a' + 10,
                _ => 0xff,
            };
            others |= digit;
            digit & 0xf
        };
        let bytes = digits.map(|[high, low]| (digit(high) << 4) | digit(low));
        let [first, second, third, fourth, fifth, sixth, ..] = bytes;
        let made = i64::from_be_bytes([0, 0, first, second, third, fourth, fifth, sixth]);
        (others <= 0xf).then_some((bytes, made))
    }

    fn of(record: &'a Record) -> Self {
        match Self::own(&record.request_id) {
            Some((bytes, made)) if made.abs_diff(began_ms(record.id)) <= OWN_WITHIN_MS.unsigned_abs() => {
                Self::Own(bytes)
            }
            _ => Self::Foreign(&record.request_id),
        }
    }

    fn text(self) -> std::sync::Arc<str> {
        match self {
            Self::Own(bytes) => format!("{OWN}{:032x}", u128::from_be_bytes(bytes)).into(),
            Self::Foreign(text) => text.into(),
        }
    }
}

impl ToSql for RequestId<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Own(bytes) => ValueRef::Blob(bytes),
            Self::Foreign(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// The millisecond of Unix time that a record's id tells.
fn began_ms(id: u64) -> i64 {
    Record::time_of(id).as_millisecond()
}

/// What stands in a row's own columns.
struct Columns<'a> {
    label: i64,
    id: i64,
    time: i64,
    status: u16,
    outcome: Cow<'a, str>,
    request_id: RequestId<'a>,
    session: Option<&'a str>,
    client: Option<Cow<'a, str>>,
    attempts: u32,
    stream: bool,
    reported_model: Option<&'a str>,
    error: Option<&'a str>,
    /// Input, output, cache writes for short and for long, cache reads, reasoning.
    tokens: Option<[i64; 6]>,
    cost: Option<i64>,
    list_cost: Option<i64>,
    first_byte: Option<i64>,
    duration: i64,
    overhead: i64,
}

impl<'a> Columns<'a> {
    fn of(record: &'a Record, id: i64, label: i64) -> Self {
        let tokens = |usage: Usage| {
            [
                usage.input,
                usage.output,
                usage.cache_write_5m,
                usage.cache_write_1h,
                usage.cache_read,
                usage.reasoning,
            ]
            .map(|tokens| i64::try_from(tokens).unwrap_or(i64::MAX))
        };
        let units = |money: Option<Money>| money.and_then(|money| i64::try_from(money.units()).ok());
        Self {
            label,
            id,
            time: nanoseconds(record.time),
            status: record.status,
            outcome: record.outcome.name(),
            request_id: RequestId::of(record),
            session: record.session.as_deref(),
            client: record.client.map(|client| Plain(client).to_string().into()),
            attempts: record.attempts,
            stream: record.stream,
            reported_model: record.reported_model.as_deref(),
            error: record.error.map(|kind| kind.name()),
            tokens: record.usage.map(tokens),
            cost: units(record.cost.own),
            list_cost: units(record.cost.list),
            first_byte: record.first_byte.map(micros),
            duration: micros(record.duration),
            overhead: micros(record.overhead),
        }
    }

    fn read(row: &'a Row<'_>) -> rusqlite::Result<Self> {
        let text =
            |at: usize| -> rusqlite::Result<Option<&'a str>> { Ok(row.get_ref(at)?.as_str_or_null()?) };
        let request_id = match row.get_ref(5)? {
            ValueRef::Blob(bytes) => RequestId::Own(bytes.try_into().map_err(|_| unreadable("request_id"))?),
            value => RequestId::Foreign(value.as_str()?),
        };
        let tokens = match row.get::<_, Option<i64>>(12)? {
            None => None,
            Some(input) => {
                Some([input, row.get(13)?, row.get(14)?, row.get(15)?, row.get(16)?, row.get(17)?])
            }
        };
        Ok(Self {
            label: row.get(LABEL)?,
            id: row.get(ID)?,
            time: row.get(TIME)?,
            status: row.get(STATUS)?,
            outcome: row.get_ref(OUTCOME)?.as_str()?.into(),
            request_id,
            session: text(6)?,
            client: text(7)?.map(Cow::Borrowed),
            attempts: row.get(8)?,
            stream: row.get(9)?,
            reported_model: text(10)?,
            error: text(11)?,
            tokens,
            cost: row.get(18)?,
            list_cost: row.get(19)?,
            first_byte: row.get(20)?,
            duration: row.get(21)?,
            overhead: row.get(22)?,
        })
    }

    /// The record that these columns tell of, with those fields of another that are its label.
    fn record(&self, label: &Record) -> rusqlite::Result<Record> {
        let mut holder = Holder::new(label.key.clone(), label.key_id.clone(), label.tags.clone());
        holder.group.clone_from(&label.group);
        holder.user.clone_from(&label.user);
        let (time, id) = (timestamp(self.time), self.request_id.text());
        let mut record = Record::new(time, id, holder, label.api, label.operation);
        labels::fill(&mut record, label);
        record.id = u64::try_from(self.id).unwrap_or_default();
        record.status = self.status;
        record.outcome = Outcome::named(&self.outcome).ok_or_else(|| unreadable("outcome"))?;
        record.session = self.session.map(Into::into);
        record.client = self.client.as_ref().and_then(|client| client.parse::<IpAddr>().ok());
        record.attempts = self.attempts;
        record.stream = self.stream;
        record.reported_model = self.reported_model.map(Into::into);
        record.error = self.error.map(|name| named(name, "error")).transpose()?;
        record.usage = self.tokens.map(usage);
        let money = |units: Option<i64>| units.map(|units| Money::from_units(units.into()));
        record.cost = Cost::new(money(self.cost), money(self.list_cost));
        record.first_byte = self.first_byte.map(span);
        record.duration = span(self.duration);
        record.overhead = span(self.overhead);
        Ok(record)
    }
}

impl Columns<'_> {
    /// Whether there is surely nothing of a record beside these: seen without making another of them, as most are so.
    fn tell_all_of(&self, record: &Record) -> bool {
        let money = |units: Option<i64>| units.map(|units| Money::from_units(units.into()));
        record.tries.is_empty()
            && record.turns.is_empty()
            && record.others.is_empty()
            && self.tokens.map(usage) == record.usage
            && Cost::new(money(self.cost), money(self.list_cost)) == record.cost
            && timestamp(self.time) == record.time
    }

    /// What a record shows beyond what these tell; none where that is nothing.
    fn untold(&self, record: &Record) -> rusqlite::Result<Option<String>> {
        let mut told = self.record(record)?;
        // Microseconds are all that is kept of a span, here as where a record is shown.
        (told.first_byte, told.duration, told.overhead) =
            (record.first_byte, record.duration, record.overhead);
        let (Json::Object(mut all), Json::Object(told)) = (shown(record)?, shown(&told)?) else {
            return Ok(None);
        };
        keep_what_differs(&mut all, &told);
        Ok(if all.is_empty() { None } else { Some(Json::Object(all).to_string()) })
    }
}

/// The usage that has these tokens and nothing else.
fn usage(tokens: [i64; 6]) -> Usage {
    let [input, output, cache_write_5m, cache_write_1h, cache_read, reasoning] =
        tokens.map(|tokens| u64::try_from(tokens).unwrap_or_default());
    let mut usage = Usage::new(input, output);
    (usage.cache_write_5m, usage.cache_write_1h) = (cache_write_5m, cache_write_1h);
    (usage.cache_read, usage.reasoning) = (cache_read, reasoning);
    usage
}

/// Writes a record under its id, with the label that it has and what it has beside; says whether the id was new.
pub(super) fn insert(
    statement: &mut CachedStatement<'_>,
    record: &Record,
    (id, label): (i64, i64),
    beside: &Beside,
) -> rusqlite::Result<bool> {
    let columns = Columns::of(record, id, label);
    let detail = if columns.tell_all_of(record) { None } else { columns.untold(record)? };
    debug_assert!(
        !cfg!(test) || detail.is_some() || columns.untold(record)?.is_none(),
        "a row tells all of its record"
    );
    let Columns { tokens, .. } = columns;
    let token = |at: usize| tokens.and_then(|tokens| tokens.get(at).copied());
    let inserted = statement.execute(params![
        columns.label,
        columns.id,
        columns.time,
        columns.status,
        columns.outcome,
        columns.request_id,
        columns.session,
        columns.client,
        columns.attempts,
        columns.stream,
        columns.reported_model,
        columns.error,
        token(0),
        token(1),
        token(2),
        token(3),
        token(4),
        token(5),
        columns.cost,
        columns.list_cost,
        columns.first_byte,
        columns.duration,
        columns.overhead,
        detail,
        beside.terms,
        beside.quantities,
        beside.raw
    ])?;
    Ok(inserted > 0)
}

/// Reads a record of which the label is known already, but for what it has beside.
pub(super) fn read(row: &Row<'_>, label: &Record) -> rusqlite::Result<Record> {
    let told = Columns::read(row)?.record(label)?;
    let ValueRef::Text(detail) = row.get_ref(23)? else { return Ok(told) };
    let (Json::Object(mut all), Json::Object(more)) = (shown(&told)?, json(serde_json::from_slice(detail))?)
    else {
        return Err(unreadable("detail"));
    };
    put_over(&mut all, more);
    json(Record::deserialize(Json::Object(all)))
}

/// Leaves of an object, and of those in it, what is not the same in another.
fn keep_what_differs(all: &mut Map, told: &Map) {
    all.retain(|name, value| match (value, told.get(name)) {
        (Json::Object(value), Some(Json::Object(told))) => {
            keep_what_differs(value, told);
            !value.is_empty()
        }
        (value, told) => told != Some(value),
    });
}

/// Puts back what [`keep_what_differs`] left.
fn put_over(all: &mut Map, more: Map) {
    for (name, value) in more {
        match (all.get_mut(&name), value) {
            (Some(Json::Object(all)), Json::Object(more)) => put_over(all, more),
            (_, value) => drop(all.insert(name, value)),
        }
    }
}

fn shown(record: &Record) -> rusqlite::Result<Json> {
    json(serde_json::to_value(record))
}

fn json<T>(result: serde_json::Result<T>) -> rusqlite::Result<T> {
    result.map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

/// A value by the name that it has where it is shown.
pub(super) fn named<'de, T: Deserialize<'de>>(name: &'de str, column: &str) -> rusqlite::Result<T> {
    let name: StrDeserializer<'de, serde::de::value::Error> = name.into_deserializer();
    T::deserialize(name).map_err(|_| unreadable(column))
}

/// A column that holds what this version does not know.
pub(super) fn unreadable(column: &str) -> Error {
    let message = format!("a newer Sluice, or someone else, has written something unknown into `{column}`");
    Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, message.into())
}

fn micros(span: Duration) -> i64 {
    let micros = span.as_nanos().saturating_add(500) / 1_000;
    i64::try_from(micros).unwrap_or(i64::MAX)
}

fn span(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

/// The milliseconds by which a record's id is behind the one that its time would give it first, or before it.
pub(super) fn behind(record: &Record) -> i64 {
    let first: Timestamp = Record::time_of(Record::id_at(record.time));
    began_ms(record.id).saturating_sub(first.as_millisecond())
}
