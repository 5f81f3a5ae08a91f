//! Sums over spans, by what they are grouped by.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use sluice_api::record::{Dimension, Filter, Record, Span, SumQuery, SumRow, Sums};
use sluice_api::store::StoreError;

use super::answer::unreadable;
use super::cover::Cover;
use super::marks::Marks;
use super::rows::{Rows, Unit, Units};
use super::source::{Order, Source, reads};
use super::words::Name;

/// Records that are read at once.
const READ_AT_ONCE: usize = 500;

/// Units whose rows are in memory at once.
const UNITS_AT_ONCE: usize = 200;

/// How often sums are read again that went over from quarter-hours to days meanwhile.
const TRIES: usize = 20;

/// Sums the spans of a query.
pub(super) async fn sums(source: &Source, query: &SumQuery) -> Result<Vec<SumRow>, StoreError> {
    for _ in 0..TRIES {
        if let Some(rows) = attempt(source, query).await? {
            return Ok(rows);
        }
    }
    Err(StoreError("sums go over to those of days without end: try again later".to_owned()))
}

/// The rows; `None` where some went over meanwhile, and may have been seen twice or never.
async fn attempt(source: &Source, query: &SumQuery) -> Result<Option<Vec<SumRow>>, StoreError> {
    let marks = Marks::read(&source.link).await?;
    let days = source.days(&marks);
    let covers: Vec<Cover> =
        query.spans.iter().map(|span| Cover::of(*span, &days, marks.sums_from)).collect();
    let Units { ones, days } = super::rows::units(source, &covers, &days).await?;
    let mut adding = Adding::of(query);
    let mut rows = Rows::of(source, marks.moves);
    for ones in ones.chunks(UNITS_AT_ONCE) {
        let units: Vec<Unit> = ones.iter().map(|(unit, _)| *unit).collect();
        let Some(read) = rows.read(&units).await? else { return Ok(None) };
        for ((_, span), one) in ones.iter().zip(read) {
            adding.add(source, (*span, &one.rows)).await?;
        }
    }
    for (quarters, span) in &days {
        let Some(day) = rows.day(quarters).await? else { return Ok(None) };
        adding.add(source, (*span, &day.rows)).await?;
    }
    for (span, cover) in covers.iter().enumerate() {
        for rest in &cover.rests {
            records(source, (&marks, *rest), (span, &mut adding)).await?;
        }
    }
    Ok(Some(adding.rows()))
}

/// Adds records of less than a quarter-hour.
async fn records(
    source: &Source,
    (marks, rest): (&Marks, Span),
    (span, adding): (usize, &mut Adding<'_>),
) -> Result<(), StoreError> {
    let (mut low, behind) = (marks.first_id(rest.from), marks.behind_ids(rest.to));
    while low < behind {
        let members = source.members(Order::OldestFirst, (low, Some(behind)), READ_AT_ONCE).await?;
        let reads = reads(&members)?;
        let records = source.records(&reads).await?;
        let within = |record: &Record| rest.from <= record.time && record.time < rest.to;
        let rows: Vec<(Name, Sums)> = reads
            .iter()
            .zip(&records)
            .filter(|(_, record)| within(record))
            .map(|(read, record)| (read.label, Sums::of(record)))
            .collect();
        adding.add(source, (span, &rows)).await?;
        match records.last() {
            Some(last) if members.len() >= READ_AT_ONCE => low = last.id.saturating_add(1),
            _ => break,
        }
    }
    Ok(())
}

/// Sums in the making.
struct Adding<'a> {
    filter: Filter,
    by: &'a [Dimension],
    /// Which combinations a label counts for, by their numbers; none where it does not pass.
    labels: HashMap<Name, Arc<[usize]>, RandomState>,
    numbers: HashMap<Vec<Option<String>>, usize>,
    /// By span and combination.
    sums: HashMap<(usize, usize), Sums, RandomState>,
}

impl<'a> Adding<'a> {
    fn of(query: &'a SumQuery) -> Self {
        let mut filter = Filter::default();
        filter.dimensions.clone_from(&query.filter);
        let (labels, sums) = (HashMap::default(), HashMap::default());
        Self { filter, by: &query.group_by, labels, numbers: HashMap::new(), sums }
    }

    /// Adds rows to the sums of a span.
    async fn add(
        &mut self,
        source: &Source,
        (span, rows): (usize, &[(Name, Sums)]),
    ) -> Result<(), StoreError> {
        let unseen: Vec<Name> =
            rows.iter().map(|(label, _)| *label).filter(|label| !self.labels.contains_key(label)).collect();
        if !unseen.is_empty() {
            let words = source.words.read(unseen.clone(), &source.link).await?;
            for label in unseen {
                let word = words.get(&label).and_then(|word| Record::unpack(word));
                let numbers = self.combinations(&word.ok_or_else(|| unreadable("a label"))?);
                self.labels.insert(label, numbers);
            }
        }
        for (label, sums) in rows {
            for number in self.labels.get(label).into_iter().flat_map(|numbers| numbers.iter()) {
                *self.sums.entry((span, *number)).or_default() += *sums;
            }
        }
        Ok(())
    }

    /// The combinations that a label counts for.
    fn combinations(&mut self, label: &Record) -> Arc<[usize]> {
        let mut numbers = Vec::new();
        if self.filter.passes(label) {
            for combination in Dimension::combinations(self.by, label) {
                let next = self.numbers.len();
                numbers.push(*self.numbers.entry(combination).or_insert(next));
            }
        }
        numbers.into()
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
