//! Rows of sums: those of a quarter-hour or of a day, read some at a time.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::RandomState;
use redis::Value;
use sluice_api::record::Sums;
use sluice_api::store::StoreError;
use sluice_compact::Name;
use sluice_compact::cover::{Cover, Unit, Units};
use sluice_compact::days::Days;
use sluice_compact::past::Day;

use super::answer::{self, unreadable};
use super::source::Source;

/// Units that are asked for at once.
const AT_ONCE: usize = 100;

/// Rows that are read at once: about a millisecond of the server's time.
const ROWS_AT_ONCE: usize = 2_000;

/// Names of units that are read at once.
const UNITS_AT_ONCE: usize = 1_000;

fn key(unit: Unit, source: &Source) -> String {
    source.link.key(&match unit {
        Unit::Quarter(start) => format!("quarter:{start}"),
        Unit::Day(start) => format!("day:{start}"),
    })
}

/// Rows of one unit, each of a label.
#[derive(Debug, Default)]
pub(super) struct OfOne {
    /// Which version of the unit it is; empty where it can't be said of all rows.
    version: Vec<u8>,
    pub(super) rows: Vec<(Name, Sums)>,
}

/// The units that make up spans.
pub(super) async fn units(source: &Source, covers: &[Cover], zone: &Days) -> Result<Units, StoreError> {
    let Some((from, to)) = Units::hull(covers) else { return Ok(Units::default()) };
    let days = starts(source, "days", from..to).await?;
    let quarters = starts(source, "quarters", from..to).await?;
    Ok(Units::of(covers, (&days, &quarters), zone))
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
            let left = left.get(..AT_ONCE).unwrap_or(left);
            let Some(answers) = self.ask(left, ROWS_AT_ONCE, &[]).await? else { return Ok(None) };
            let before = all.len();
            for answer in answers {
                let Value::Array(fields) = answer else { break };
                all.push(rows(&fields)?);
            }
            if let (true, Some(large)) = (all.len() == before, left.first()) {
                all.push(self.scan(*large).await?);
            }
        }
        Ok(Some(all))
    }

    /// The rows of a day, of which these are the quarter-hours that there are; `None` where some went over meanwhile.
    pub(super) async fn day(&mut self, quarters: &[i64]) -> Result<Option<Arc<Day>>, StoreError> {
        let units: Vec<Unit> = quarters.iter().map(|start| Unit::Quarter(*start)).collect();
        if let Some(known) = self.source.past.get(quarters) {
            let versions: Vec<&[u8]> = known.quarters.iter().map(|(_, version)| &version[..]).collect();
            let mut same = true;
            for (units, versions) in units.chunks(AT_ONCE).zip(versions.chunks(AT_ONCE)) {
                let Some(answers) = self.ask(units, 0, versions).await? else { return Ok(None) };
                same = same && answers.iter().all(|answer| *answer == Value::Int(0));
            }
            if same {
                return Ok(Some(known));
            }
        }
        let Some(read) = self.read(&units).await? else { return Ok(None) };
        let mut sums: HashMap<Name, Sums, RandomState> = HashMap::default();
        for (label, more) in read.iter().flat_map(|one| &one.rows) {
            *sums.entry(*label).or_default() += *more;
        }
        let quarters = quarters.iter().copied().zip(read.into_iter().map(|one| one.version)).collect();
        let day = Arc::new(Day { quarters, rows: sums.into_iter().collect() });
        self.source.past.keep(&day);
        Ok(Some(day))
    }

    /// What there is of units: rows, 0 of those that are as they are known, or how many there are, where they are too many;
    /// `None` where some went over meanwhile.
    async fn ask(
        &self,
        units: &[Unit],
        most: usize,
        versions: &[&[u8]],
    ) -> Result<Option<Vec<Value>>, StoreError> {
        let mut keys = self.source.keys(["marks"]);
        keys.extend(units.iter().map(|unit| key(*unit, self.source)));
        let mut args = vec![most.to_string().into_bytes()];
        args.extend(versions.iter().map(|version| version.to_vec()));
        args.resize(units.len() + 1, Vec::new());
        let answer = self.source.link.run_much(&self.source.scripts.read, &keys, &args).await?;
        let mut answers: Vec<Value> = answer::read(answer)?;
        if answers.len() != units.len() + 1 {
            return Err(unreadable("sums"));
        }
        let moves: i64 = answer::read(answers.remove(0))?;
        Ok((moves == self.moves).then_some(answers))
    }

    /// The rows of a unit that has too many to read them at once.
    async fn scan(&self, unit: Unit) -> Result<OfOne, StoreError> {
        let (mut all, mut cursor) = (std::collections::BTreeMap::new(), "0".to_owned());
        loop {
            let mut ask = redis::cmd("HSCAN");
            ask.arg(key(unit, self.source)).arg(&cursor).arg("COUNT").arg(ROWS_AT_ONCE);
            let (next, fields): (String, Vec<Value>) = answer::read(self.source.link.ask_much(&ask).await?)?;
            // One that comes twice is newer the second time.
            all.extend(rows(&fields)?.rows);
            if next == "0" {
                return Ok(OfOne { rows: all.into_iter().collect(), version: Vec::new() });
            }
            cursor = next;
        }
    }
}

/// Rows from fields and values by turns; the field without a name says which version it is.
fn rows(fields: &[Value]) -> Result<OfOne, StoreError> {
    let (pairs, _) = fields.as_chunks::<2>();
    let mut one = OfOne { version: Vec::new(), rows: Vec::with_capacity(pairs.len()) };
    for pair in pairs {
        let [Value::BulkString(name), Value::BulkString(value)] = pair else {
            return Err(unreadable("sums"));
        };
        if name.is_empty() {
            one.version.clone_from(value);
            continue;
        }
        let name = Name::try_from(&name[..]).map_err(|_| unreadable("sums"))?;
        one.rows.push((name, sluice_compact::sums::unpack(value).ok_or_else(|| unreadable("sums"))?));
    }
    Ok(one)
}
