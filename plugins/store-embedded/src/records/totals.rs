//! Sums as rows: by quarter-hour, hour and day, each for one label.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};
use sluice_api::cost::Money;
use sluice_api::record::{Record, Sums};

use super::time::{Days, Unit, second_of};

/// Rows that are kept in memory for the next batch, about 200 bytes each: those of the hour, of a thousand labels and
/// more. Beyond it all are read again.
const KEPT: usize = 16_384;

/// What is summed, in the order in which it is read here.
const SUMS: &str =
    "requests, errors, unpriced, input, output, cache_write, cache_read, reasoning, cost, list_cost, counted";

/// A whole number of any size: what 64 bits can't hold is a text.
struct Wide(i128);

impl ToSql for Wide {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(match i64::try_from(self.0) {
            Ok(fits) => Value::Integer(fits),
            Err(_) => Value::Text(self.0.to_string()),
        }))
    }
}

impl FromSql for Wide {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Integer(fits) => Ok(Self(fits.into())),
            value => value.as_str()?.parse().map(Self).map_err(|_| FromSqlError::InvalidType),
        }
    }
}

/// Which row: of which unit, from which second on, of which label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) unit: Unit,
    pub(super) start: i64,
    pub(super) label: i64,
}

impl Unit {
    /// Where its sums are.
    pub(super) const fn table(self) -> &'static str {
        match self {
            Self::Day => "day_sums",
            Self::Hour => "hour_sums",
            Self::Quarter => "quarter_sums",
        }
    }

    /// Reads its rows from one second on to before another, as start, label and sums, in that order.
    pub(super) fn read(self) -> String {
        format!(
            "SELECT start, label, {SUMS} FROM {} WHERE start >= ?1 AND start < ?2 ORDER BY start",
            self.table()
        )
    }
}

/// The sums of a row that [`Unit::read`] reads.
pub(super) fn of_row(row: &Row<'_>) -> rusqlite::Result<Sums> {
    sums_at(row, 2)
}

fn sums_at(row: &Row<'_>, first: usize) -> rusqlite::Result<Sums> {
    let wide = |at: usize| row.get::<_, Wide>(first + at).map(|wide| wide.0);
    let count = |at: usize| wide(at).map(|count| u64::try_from(count).unwrap_or_default());
    let mut sums = Sums::default();
    (sums.requests, sums.errors, sums.unpriced_requests) = (count(0)?, count(1)?, count(2)?);
    (sums.input_tokens, sums.output_tokens) = (count(3)?, count(4)?);
    (sums.cache_write_tokens, sums.cache_read_tokens) = (count(5)?, count(6)?);
    sums.reasoning_tokens = count(7)?;
    (sums.cost, sums.list_cost) = (Money::from_units(wide(8)?), Money::from_units(wide(9)?));
    sums.counted_requests = count(10)?;
    Ok(sums)
}

/// Puts a row in place of what is there.
pub(super) fn put(connection: &Connection, place: Place, sums: &Sums) -> rusqlite::Result<()> {
    let put = match place.unit {
        Unit::Day => "REPLACE INTO day_sums VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        Unit::Hour => {
            "REPLACE INTO hour_sums VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
        }
        Unit::Quarter => {
            "REPLACE INTO quarter_sums VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
        }
    };
    let count = |count: u64| Wide(count.into());
    connection.prepare_cached(put)?.execute(params![
        place.start,
        place.label,
        count(sums.requests),
        count(sums.errors),
        count(sums.unpriced_requests),
        count(sums.input_tokens),
        count(sums.output_tokens),
        count(sums.cache_write_tokens),
        count(sums.cache_read_tokens),
        count(sums.reasoning_tokens),
        Wide(sums.cost.units()),
        Wide(sums.list_cost.units()),
        count(sums.counted_requests)
    ])?;
    Ok(())
}

/// The sums of a batch that is being written.
#[derive(Debug, Default)]
pub(super) struct Batch(HashMap<(i64, i64, i64), Sums, RandomState>);

impl Batch {
    /// Adds a record, which is of this day.
    pub(super) fn add(&mut self, record: &Record, label: i64, day: i64, days: &Days) {
        let (quarter, _) = Unit::Quarter.around(second_of(record.time), days);
        *self.0.entry((quarter, day, label)).or_default() += Sums::of(record);
    }

    /// What it adds to each row, by place.
    fn rows(self, days: &Days) -> Vec<(Place, Sums)> {
        let mut rows: HashMap<Place, Sums, RandomState> = HashMap::default();
        for ((quarter, day, label), sums) in self.0 {
            let (hour, _) = Unit::Hour.around(quarter, days);
            for (unit, start) in [(Unit::Quarter, quarter), (Unit::Hour, hour), (Unit::Day, day)] {
                *rows.entry(Place { unit, start, label }).or_default() += sums;
            }
        }
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_unstable_by_key(|(place, _)| *place);
        rows
    }
}

/// Rows that were written last, so that the next batch need not read them.
#[derive(Debug, Default)]
pub(super) struct Recent(HashMap<Place, Sums, RandomState>);

impl Recent {
    /// Adds a batch to the rows that are there; what they are then is noted by [`Recent::note`] once it is sure.
    pub(super) fn write(
        &self,
        batch: Batch,
        days: &Days,
        connection: &Connection,
    ) -> rusqlite::Result<Vec<(Place, Sums)>> {
        let mut rows = batch.rows(days);
        for (place, sums) in &mut rows {
            let before = match self.0.get(place) {
                Some(before) => Some(*before),
                None => read(connection, *place)?,
            };
            *sums += before.unwrap_or_default();
            put(connection, *place, sums)?;
        }
        Ok(rows)
    }

    /// Notes what was written.
    pub(super) fn note(&mut self, written: Vec<(Place, Sums)>) {
        if self.0.len().saturating_add(written.len()) > KEPT {
            self.0.clear();
        }
        self.0.extend(written);
    }

    /// Forgets all, as rows were changed otherwise.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

fn read(connection: &Connection, place: Place) -> rusqlite::Result<Option<Sums>> {
    let read = format!("SELECT {SUMS} FROM {} WHERE start = ?1 AND label = ?2", place.unit.table());
    let mut read = connection.prepare_cached(&read)?;
    read.query_row([place.start, place.label], |row| sums_at(row, 0)).optional()
}
