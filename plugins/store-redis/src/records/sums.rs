//! Sums over spans, by what they are grouped by.

use sluice_api::record::{Record, Span, SumQuery, SumRow, Sums};
use sluice_api::store::StoreError;
use sluice_compact::cover::{Cover, Unit, Units};
use sluice_compact::{Adding, Name};

use super::answer::unreadable;
use super::marks::Marks;
use super::rows::Rows;
use super::source::{Order, Source, reads};

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
    let Units { ones, days, .. } = super::rows::units(source, &covers, &days).await?;
    let mut adding = Adding::of(query);
    let mut rows = Rows::of(source, marks.moves);
    for ones in ones.chunks(UNITS_AT_ONCE) {
        let units: Vec<Unit> = ones.iter().map(|(unit, _)| *unit).collect();
        let Some(read) = rows.read(&units).await? else { return Ok(None) };
        for ((_, span), one) in ones.iter().zip(read) {
            add(source, &mut adding, (*span, &one.rows)).await?;
        }
    }
    for (quarters, span) in &days {
        let Some(day) = rows.day(quarters).await? else { return Ok(None) };
        add(source, &mut adding, (*span, &day.rows)).await?;
    }
    // What is read in several steps, or was there to be asked for, may have gone over after the last one that looked.
    if Marks::read(&source.link).await?.moves != marks.moves {
        return Ok(None);
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
    (span, adding): (usize, &mut Adding),
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
        add(source, adding, (span, &rows)).await?;
        match records.last() {
            Some(last) if members.len() >= READ_AT_ONCE => low = last.id.saturating_add(1),
            _ => break,
        }
    }
    Ok(())
}

/// Adds rows to the sums of a span, whose labels are read where they are not known.
async fn add(
    source: &Source,
    adding: &mut Adding,
    (span, rows): (usize, &[(Name, Sums)]),
) -> Result<(), StoreError> {
    let unknown = adding.unknown(rows);
    if !unknown.is_empty() {
        let words = source.words.read(unknown.clone(), &source.link).await?;
        for label in unknown {
            let word = words.get(&label).and_then(|word| Record::unpack(word));
            adding.know(label, &word.ok_or_else(|| unreadable("a label"))?);
        }
    }
    adding.add(span, rows);
    Ok(())
}
