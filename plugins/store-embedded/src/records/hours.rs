//! Where among the rows there is something of labels that are looked for: sums tell it by the hour and quarter-hour.

use rusqlite::Connection;
use sluice_api::record::{Filter, Record};

use super::marks::id_at;
use super::source::Source;
use super::time::{Unit, second_of};

/// Labels that are looked for at most: beyond it every row is looked at.
const LOOKED_FOR: usize = 64;

/// Labels among which those that pass are looked for.
const LABELS: i64 = 5_000;

/// What it costs to look whether a label has something in an hour, in rows that could be looked at instead.
const COST: usize = 8;

/// Where rows are looked at next.
pub(super) enum Next {
    /// No label passes.
    None,
    /// There are none down to this id; and what it cost to find out.
    Below(i64, usize),
    /// From here down to this id there may be some.
    DownTo(i64, usize),
}

/// Labels that are looked for, and the hour in which it is known that they have something.
pub(super) struct Hours {
    /// None where every row is looked at.
    labels: Option<Vec<i64>>,
    hour: Option<i64>,
}

impl Hours {
    /// Looks for what can pass.
    pub(super) fn of(filter: &Filter, source: &Source<'_>) -> rusqlite::Result<Self> {
        let every_row = Self { labels: None, hour: None };
        if filter.dimensions.is_empty() || !source.marks.is_in_order() {
            return Ok(every_row);
        }
        let mut all = source.connection.prepare_cached("SELECT id FROM labels LIMIT ?1")?;
        let all = all.query_map([LABELS + 1], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
        if i64::try_from(all.len()).is_ok_and(|number| number > LABELS) {
            return Ok(every_row);
        }
        let mut labels = Vec::new();
        for id in all {
            if filter.passes(&*source.known.get(id, source.connection)?) {
                labels.push(id);
            }
        }
        Ok(if labels.len() > LOOKED_FOR { every_row } else { Self { labels: Some(labels), hour: None } })
    }

    /// What there is below an id.
    pub(super) fn next(&mut self, below: i64, source: &Source<'_>) -> rusqlite::Result<Next> {
        let Some(labels) = &self.labels else { return Ok(Next::DownTo(i64::MIN, 0)) };
        if labels.is_empty() {
            return Ok(Next::None);
        }
        let id = u64::try_from(below.saturating_sub(1)).unwrap_or_default();
        let second = second_of(Record::time_of(id));
        let start = |unit: Unit| unit.around(second, source.days).0;
        let mut cost = 0;
        for unit in [Unit::Hour, Unit::Quarter] {
            let start = start(unit);
            if unit == Unit::Hour && self.hour == Some(start) {
                continue;
            }
            cost += labels.len().saturating_mul(COST);
            if !has_some(source.connection, unit, start, labels)? {
                return Ok(Next::Below(id_at(start.saturating_mul(1_000)), cost));
            }
            if unit == Unit::Hour {
                self.hour = Some(start);
            }
        }
        Ok(Next::DownTo(id_at(start(Unit::Quarter).saturating_mul(1_000)), cost))
    }
}

/// Whether one of these labels has a row of sums from this second on.
fn has_some(connection: &Connection, unit: Unit, start: i64, labels: &[i64]) -> rusqlite::Result<bool> {
    let mut find = connection
        .prepare_cached(&format!("SELECT 1 FROM {} WHERE start = ?1 AND label = ?2", unit.table()))?;
    for label in labels {
        if find.exists([start, *label])? {
            return Ok(true);
        }
    }
    Ok(false)
}
