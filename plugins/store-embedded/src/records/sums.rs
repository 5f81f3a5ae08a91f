//! Sums over spans, by what they are grouped by.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use rusqlite::params;
use sluice_api::record::{Dimension, Filter, Record, Span, SumQuery, SumRow, Sums};

use super::cover::{Part, parts};
use super::past::Rows;
use super::row::{self, COLUMNS, LABEL};
use super::source::Source;
use super::time::{Unit, at, nanoseconds, second_of};
use super::totals::of_row;

/// Sums the spans of a query.
pub(super) fn sums(query: &SumQuery, source: &Source<'_>) -> rusqlite::Result<Vec<SumRow>> {
    let mut adding = Adding::of(query, source);
    let mut whole = Vec::new();
    let earliest = "SELECT min(start) FROM day_sums";
    let earliest: Option<i64> = source.connection.query_row(earliest, [], |row| row.get(0))?;
    let Some(earliest) = earliest else { return Ok(Vec::new()) };
    for (index, span) in query.spans.iter().enumerate() {
        for part in parts(source.within(*span, earliest), source.days, source.marks.sums_from) {
            match part {
                Part::Whole(unit, from, to) => whole.push(Whole { unit, from, to, span: index }),
                Part::Rest(rest) => adding.records(rest, index)?,
            }
        }
    }
    whole.sort_unstable_by_key(|part| (part.unit, part.from));
    for together in whole.chunk_by(|one, next| one.unit == next.unit && one.to == next.from) {
        adding.whole(together)?;
    }
    Ok(adding.rows())
}

/// Whole units of one span.
struct Whole {
    unit: Unit,
    from: i64,
    to: i64,
    span: usize,
}

/// A whole unit of a span: its first second, the one behind its last, and the span.
struct One {
    start: i64,
    end: i64,
    span: usize,
}

impl Source<'_> {
    /// What of a span can have records, in whole days of those that begin and end it.
    fn within(&self, span: Span, earliest: i64) -> Span {
        let latest = self.marks.latest();
        let first = at(self.days.around(earliest).0);
        let (_, end) = self.days.around(second_of(latest));
        let from = span.from.max(first);
        match span.to {
            to if to <= latest => Span::new(from, to.max(from)),
            _ if from <= latest => Span::new(from, at(end)),
            _ => Span::new(from, from),
        }
    }
}

/// Sums in the making.
struct Adding<'a> {
    source: &'a Source<'a>,
    filter: Filter,
    by: &'a [Dimension],
    /// Which combinations a label counts for, by their numbers; none where it does not pass.
    labels: HashMap<i64, Arc<[usize]>, RandomState>,
    numbers: HashMap<Vec<Option<String>>, usize>,
    /// By span and combination.
    sums: HashMap<(usize, usize), Sums, RandomState>,
}

impl<'a> Adding<'a> {
    fn of(query: &'a SumQuery, source: &'a Source<'a>) -> Self {
        let mut filter = Filter::default();
        filter.dimensions.clone_from(&query.filter);
        Self {
            source,
            filter,
            by: &query.group_by,
            labels: HashMap::default(),
            numbers: HashMap::new(),
            sums: HashMap::default(),
        }
    }

    /// The combinations that a label counts for.
    fn combinations(&mut self, id: i64) -> rusqlite::Result<Arc<[usize]>> {
        if let Some(known) = self.labels.get(&id) {
            return Ok(Arc::clone(known));
        }
        let label = self.source.known.get(id, self.source.connection)?;
        let mut numbers = Vec::new();
        if self.filter.passes(&label) {
            for combination in Dimension::combinations(self.by, &label) {
                let next = self.numbers.len();
                numbers.push(*self.numbers.entry(combination).or_insert(next));
            }
        }
        let numbers: Arc<[usize]> = numbers.into();
        self.labels.insert(id, Arc::clone(&numbers));
        Ok(numbers)
    }

    fn add(&mut self, span: usize, combinations: &[usize], sums: Sums) {
        for combination in combinations {
            *self.sums.entry((span, *combination)).or_default() += sums;
        }
    }

    /// Adds the sums of units that follow one another.
    fn whole(&mut self, together: &[Whole]) -> rusqlite::Result<()> {
        let mut unread = Vec::new();
        for Whole { unit, from, to, span } in together {
            let mut start = *from;
            while start < *to {
                let (_, end) = unit.around(start, self.source.days);
                match self.source.past.get(*unit, start) {
                    Some(rows) => {
                        self.read(*unit, &mut unread)?;
                        self.rows_of(*span, &rows)?;
                    }
                    None => unread.push(One { start, end, span: *span }),
                }
                start = end;
            }
        }
        match together.first() {
            Some(first) => self.read(first.unit, &mut unread),
            None => Ok(()),
        }
    }

    /// Reads units that follow one another, adds them, and keeps those that are over.
    fn read(&mut self, unit: Unit, ones: &mut Vec<One>) -> rusqlite::Result<()> {
        let (Some(first), Some(last)) = (ones.first(), ones.last()) else { return Ok(()) };
        let mut read = self.source.connection.prepare_cached(&unit.read())?;
        let mut rows = read.query([first.start, last.end])?;
        let mut next = rows.next()?;
        for One { start, end, span } in ones.drain(..) {
            let mut of_one = Vec::new();
            while let Some(row) = next {
                if row.get::<_, i64>(0)? >= end {
                    break;
                }
                of_one.push((row.get(1)?, of_row(row)?));
                next = rows.next()?;
            }
            let of_one: Rows = of_one.into();
            self.rows_of(span, &of_one)?;
            if at(end) <= self.source.marks.latest() {
                self.source.past.keep(unit, start, of_one, self.source.changes);
            }
        }
        Ok(())
    }

    fn rows_of(&mut self, span: usize, rows: &Rows) -> rusqlite::Result<()> {
        for (label, sums) in rows.iter() {
            let combinations = self.combinations(*label)?;
            self.add(span, &combinations, *sums);
        }
        Ok(())
    }

    /// Adds records of less than a quarter-hour.
    fn records(&mut self, rest: Span, span: usize) -> rusqlite::Result<()> {
        let Source { connection, known, marks, .. } = *self.source;
        let read =
            format!("SELECT {COLUMNS} FROM requests WHERE id >= ?1 AND id < ?2 AND time >= ?3 AND time < ?4");
        let ids = (marks.first_id(rest.from), marks.behind_ids(rest.to));
        let mut read = connection.prepare_cached(&read)?;
        let mut rows = read.query(params![ids.0, ids.1, nanoseconds(rest.from), nanoseconds(rest.to)])?;
        while let Some(row) = rows.next()? {
            let label = row.get(LABEL)?;
            let combinations = self.combinations(label)?;
            if !combinations.is_empty() {
                let record: Record = row::read(row, &*known.get(label, connection)?)?;
                self.add(span, &combinations, Sums::of(&record));
            }
        }
        Ok(())
    }

    /// The rows, by span and then by what they are grouped by.
    fn rows(self) -> Vec<SumRow> {
        let mut names: Vec<Vec<Option<String>>> = vec![Vec::new(); self.numbers.len()];
        for (combination, number) in self.numbers {
            if let Some(name) = names.get_mut(number) {
                *name = combination;
            }
        }
        let row = |((span, number), sums): ((usize, usize), Sums)| {
            SumRow::new(span, names.get(number).cloned().unwrap_or_default(), sums)
        };
        let mut rows: Vec<SumRow> = self.sums.into_iter().map(row).collect();
        rows.sort_unstable_by(|one, other| (one.span, &one.names).cmp(&(other.span, &other.names)));
        rows
    }
}
