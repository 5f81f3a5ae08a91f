//! Rows of sums: those of a quarter-hour or of a day, read some at a time.

use std::ops::Range;

use redis::Value;
use sluice_api::record::Sums;
use sluice_api::store::StoreError;

use super::answer::{self, unreadable};
use super::cover::Cover;
use super::packed;
use super::source::Source;
use super::words::{NAME, Name};

/// Units that are asked for at once.
pub(super) const AT_ONCE: usize = 100;

/// Rows that are read at once: about a millisecond of the server's time.
const ROWS_AT_ONCE: usize = 2_000;

/// Names of units that are read at once.
const UNITS_AT_ONCE: usize = 1_000;

/// What has sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Unit {
    /// A quarter-hour, by its first second.
    Quarter(i64),
    /// A day, by its first second.
    Day(i64),
}

impl Unit {
    fn key(self, source: &Source) -> String {
        match self {
            Self::Quarter(start) => source.link.key(&format!("quarter:{start}")),
            Self::Day(start) => source.link.key(&format!("day:{start}")),
        }
    }
}

/// Rows of one unit, each of a label.
pub(super) type OfOne = Vec<(Name, Sums)>;

/// The units that make up spans, each with its span.
pub(super) async fn units(source: &Source, covers: &[Cover]) -> Result<Vec<(Unit, usize)>, StoreError> {
    let spans = || covers.iter().flat_map(|cover| cover.quarters.iter().chain(&cover.days));
    let Some(from) = spans().map(|(from, _)| *from).min() else { return Ok(Vec::new()) };
    let to = spans().map(|(_, to)| *to).max().unwrap_or(from);
    let days = starts(source, "days", from..to).await?;
    let quarters = starts(source, "quarters", from..to).await?;
    let within = |all: &[i64], (from, to): (i64, i64)| {
        let (first, behind) = (all.partition_point(|at| *at < from), all.partition_point(|at| *at < to));
        all.get(first..behind).unwrap_or_default().to_vec()
    };
    let mut units = Vec::new();
    for (span, cover) in covers.iter().enumerate() {
        if let Some(whole) = cover.days {
            units.extend(within(&days, whole).into_iter().map(|start| (Unit::Day(start), span)));
        }
        for whole in cover.quarters.iter().chain(&cover.days) {
            units.extend(within(&quarters, *whole).into_iter().map(|start| (Unit::Quarter(start), span)));
        }
    }
    Ok(units)
}

/// Where units of a kind begin that there are, in order.
async fn starts(source: &Source, kind: &str, range: Range<i64>) -> Result<Vec<i64>, StoreError> {
    let mut all: Vec<i64> = Vec::new();
    loop {
        let from = all.last().map_or_else(|| range.start.to_string(), |last| format!("({last}"));
        let mut ask = redis::cmd("ZRANGEBYSCORE");
        ask.arg(source.link.key(kind)).arg(from).arg(format!("({}", range.end));
        ask.arg("LIMIT").arg(0).arg(UNITS_AT_ONCE);
        let some: Vec<i64> = answer::read(source.link.ask_much(&ask).await?)?;
        let is_last = some.len() < UNITS_AT_ONCE;
        all.extend(some);
        if is_last {
            return Ok(all);
        }
    }
}

/// Reads rows, as long as none goes over from a quarter-hour to its day.
pub(super) struct Rows<'a> {
    source: &'a Source,
    moves: i64,
}

impl<'a> Rows<'a> {
    /// Those of a source of which so many went over.
    pub(super) const fn of(source: &'a Source, moves: i64) -> Self {
        Self { source, moves }
    }

    /// The rows of each of these units; `None` where some went over meanwhile.
    pub(super) async fn read(&mut self, units: &[Unit]) -> Result<Option<Vec<OfOne>>, StoreError> {
        let mut all: Vec<OfOne> = Vec::with_capacity(units.len());
        while let Some(left) = units.get(all.len()..).filter(|left| !left.is_empty()) {
            let mut keys = self.source.keys(["marks"]);
            keys.extend(left.iter().map(|unit| unit.key(self.source)));
            let mut args = vec![ROWS_AT_ONCE.to_string().into_bytes()];
            args.extend(left.iter().map(|_| Vec::new()));
            let answer = self.source.link.run_much(&self.source.scripts.read, &keys, &args).await?;
            let answers: Vec<Value> = answer::read(answer)?;
            let (moves, answers) = answers.split_first().ok_or_else(|| unreadable("sums"))?;
            if answer::read::<i64>(moves.clone())? != self.moves {
                return Ok(None);
            }
            let before = all.len();
            for answer in answers {
                let Value::Array(fields) = answer else { break };
                all.push(rows(fields)?);
            }
            if let (true, Some(large)) = (all.len() == before, left.first()) {
                all.push(self.scan(*large).await?);
            }
        }
        Ok(Some(all))
    }

    /// The rows of a unit that has too many to read them at once.
    async fn scan(&self, unit: Unit) -> Result<OfOne, StoreError> {
        let (mut all, mut cursor) = (std::collections::BTreeMap::new(), "0".to_owned());
        loop {
            let mut ask = redis::cmd("HSCAN");
            ask.arg(unit.key(self.source)).arg(&cursor).arg("COUNT").arg(ROWS_AT_ONCE);
            let (next, fields): (String, Vec<Value>) = answer::read(self.source.link.ask_much(&ask).await?)?;
            // One that comes twice is newer the second time.
            all.extend(rows(&fields)?);
            if next == "0" {
                return Ok(all.into_iter().collect());
            }
            cursor = next;
        }
    }
}

/// Rows from fields and values by turns; the field without a name says which version it is.
fn rows(fields: &[Value]) -> Result<OfOne, StoreError> {
    let mut rows = Vec::with_capacity(fields.len() / 2);
    let (pairs, _) = fields.as_chunks::<2>();
    for pair in pairs {
        let [Value::BulkString(name), Value::BulkString(sums)] = pair else { return Err(unreadable("sums")) };
        if name.is_empty() {
            continue;
        }
        let name: [u8; NAME] = name[..].try_into().map_err(|_| unreadable("sums"))?;
        rows.push((name, packed::unpack(sums).ok_or_else(|| unreadable("sums"))?));
    }
    Ok(rows)
}
