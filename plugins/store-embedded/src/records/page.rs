//! Pages of records, newest first, each found with so much work at most.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;
use rusqlite::{Row, params};
use sluice_api::record::{Filter, Page, RecordQuery};

use super::hours::{Hours, Next};
use super::row::{COLUMNS, ID, LABEL, OUTCOME, OWN_WITHIN_MS, RequestId, STATUS, TIME};
use super::source::Source;
use super::time::nanoseconds;

/// Rows that are looked through for one page: some milliseconds.
const LOOKED_AT: usize = 8_000;

/// Records of one request id that are looked at for one page.
const OF_ONE_ID: i64 = 1_000;

/// Reads a page.
pub(super) fn page(query: &RecordQuery, source: &Source<'_>) -> rusqlite::Result<Page> {
    let before = query.before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    let low = query.from.map_or(i64::MIN, |from| source.marks.first_id(from));
    let high = query.to.map_or(i64::MAX, |to| source.marks.behind_ids(to));
    let ids = Ids { low, high: high.min(before) };
    let mut making = Making::of(query, source);
    let next = match query.filter.request_ids.is_empty() {
        true => making.look_through(ids)?,
        false => making.look_up(ids)?,
    };
    making.page.next = next.and_then(|id| u64::try_from(id).ok());
    Ok(making.page)
}

/// From an id to the one before another.
#[derive(Clone, Copy)]
struct Ids {
    low: i64,
    high: i64,
}

/// What came of looking at a row.
enum Looked {
    /// It is on the page, or does not pass.
    On,
    /// It passes, and the page is full already: the next one starts behind this id.
    Full(i64),
}

/// A page in the making.
struct Making<'a> {
    query: &'a RecordQuery,
    source: &'a Source<'a>,
    /// What a label alone can tell.
    of_label: Filter,
    /// Labels that were seen, and whether they pass.
    labels: HashMap<i64, bool, RandomState>,
    page: Page,
}

impl<'a> Making<'a> {
    fn of(query: &'a RecordQuery, source: &'a Source<'a>) -> Self {
        let mut of_label = Filter::default();
        of_label.dimensions.clone_from(&query.filter.dimensions);
        Self { query, source, of_label, labels: HashMap::default(), page: Page::default() }
    }

    /// Takes a row to the page if it passes, at the least cost where it does not.
    fn look(&mut self, row: &Row<'_>) -> rusqlite::Result<Looked> {
        let RecordQuery { from, to, filter, limit, .. } = self.query;
        let Source { known, connection, .. } = *self.source;
        let id = row.get(LABEL)?;
        let passes = match self.labels.get(&id) {
            Some(passes) => *passes,
            None => {
                let passes = self.of_label.passes(&*known.get(id, connection)?);
                self.labels.insert(id, passes);
                passes
            }
        };
        let time: i64 = row.get(TIME)?;
        let in_time =
            from.is_none_or(|from| nanoseconds(from) <= time) && to.is_none_or(|to| time <= nanoseconds(to));
        if !passes || !in_time || !(filter.statuses.is_empty() || filter.statuses.contains(&row.get(STATUS)?))
        {
            return Ok(Looked::On);
        }
        let outcome = row.get_ref(OUTCOME)?.as_str()?;
        if !filter.outcomes.is_empty() && !filter.outcomes.iter().any(|one| one == outcome) {
            return Ok(Looked::On);
        }
        let record = self.source.record(row)?;
        let in_time = from.is_none_or(|from| from <= record.time) && to.is_none_or(|to| record.time < to);
        if !in_time || !filter.passes(&record) {
            return Ok(Looked::On);
        }
        if self.page.records.len() >= *limit {
            let last = self.page.records.last().map_or(record.id, |last| last.id);
            return Ok(Looked::Full(i64::try_from(last).unwrap_or(i64::MAX)));
        }
        self.page.records.push(record);
        Ok(Looked::On)
    }

    /// Looks at rows from the newest down, but where no label that passes has any; where the next page starts.
    fn look_through(&mut self, ids: Ids) -> rusqlite::Result<Option<i64>> {
        let connection = self.source.connection;
        let ends = connection
            .prepare_cached("SELECT (SELECT min(id) FROM requests), (SELECT max(id) FROM requests)")?
            .query_row([], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)))?;
        let (Some(oldest), Some(newest)) = ends else { return Ok(None) };
        let (low, mut high) = (ids.low.max(oldest), ids.high.min(newest.saturating_add(1)));
        let mut hours = Hours::of(&self.of_label, self.source)?;
        let mut read = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM requests WHERE id >= ?1 AND id < ?2 ORDER BY id DESC"
        ))?;
        let mut looked_at: usize = 0;
        while low < high {
            if looked_at >= LOOKED_AT {
                return Ok(Some(high));
            }
            let floor = match hours.next(high, self.source)? {
                Next::None => return Ok(None),
                Next::Below(floor, cost) => {
                    looked_at += cost;
                    high = floor;
                    continue;
                }
                Next::DownTo(floor, cost) => {
                    looked_at += cost;
                    floor.max(low)
                }
            };
            let mut rows = read.query([floor, high])?;
            while let Some(row) = rows.next()? {
                looked_at += 1;
                if let Looked::Full(next) = self.look(row)? {
                    return Ok(Some(next));
                }
                if looked_at >= LOOKED_AT {
                    return Ok(Some(row.get(ID)?));
                }
            }
            high = floor;
        }
        Ok(None)
    }

    /// Looks up the rows of request ids; where the next page starts.
    fn look_up(&mut self, ids: Ids) -> rusqlite::Result<Option<i64>> {
        let connection = self.source.connection;
        let mut found = BTreeSet::new();
        let mut floor = None;
        for request_id in &self.query.filter.request_ids {
            found.extend(self.own(request_id, ids)?);
            let mut foreign = connection.prepare_cached(
                "SELECT id FROM requests WHERE typeof(request_id) = 'text' AND request_id = ?1 AND id >= ?2 AND id < ?3 \
                 ORDER BY id DESC LIMIT ?4",
            )?;
            let rows =
                foreign.query_map(params![request_id, ids.low, ids.high, OF_ONE_ID], |row| row.get(0))?;
            let of_this: Vec<i64> = rows.collect::<Result<_, _>>()?;
            if i64::try_from(of_this.len()).is_ok_and(|number| number >= OF_ONE_ID) {
                floor = floor.max(of_this.last().copied());
            }
            found.extend(of_this);
        }
        let mut read = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM requests WHERE id = ?1"))?;
        for id in found.into_iter().rev().filter(|id| floor.is_none_or(|floor| floor <= *id)) {
            let mut rows = read.query([id])?;
            if let Some(row) = rows.next()?
                && let Looked::Full(next) = self.look(row)?
            {
                return Ok(Some(next));
            }
        }
        Ok(floor)
    }

    /// The rows of an id that is the gateway's own: they are near the time that it tells.
    fn own(&self, request_id: &str, ids: Ids) -> rusqlite::Result<Vec<i64>> {
        let Some((number, made)) = RequestId::own(request_id) else { return Ok(Vec::new()) };
        let low = super::marks::id_at(made.saturating_sub(OWN_WITHIN_MS)).max(ids.low);
        let high = super::marks::id_at(made.saturating_add(OWN_WITHIN_MS + 1)).min(ids.high);
        let find = "SELECT id FROM requests WHERE id >= ?1 AND id < ?2 AND +request_id = ?3";
        let mut find = self.source.connection.prepare_cached(find)?;
        let rows = find.query_map(params![low, high, RequestId::Own(number)], |row| row.get(0))?;
        rows.collect()
    }
}
