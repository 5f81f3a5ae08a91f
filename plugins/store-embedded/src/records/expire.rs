//! What leaves: records that are old enough, then sums of their hours; and days by another zone.

use jiff::tz::TimeZone;
use rusqlite::TransactionBehavior;
use sluice_api::plugin::Timestamp;
use sluice_api::record::Sums;

use super::append::Writer;
use super::time::{Days, Unit, nanoseconds, second_of};
use super::totals::{Place, of_row, put};

/// Rows that are deleted in one step: others wait to write for no longer than that takes.
const DELETED_AT_ONCE: usize = 500;

/// Deletes the oldest records that began before a time.
const RECORDS: &str = "DELETE FROM requests WHERE id IN \
    (SELECT id FROM requests WHERE id < ?1 AND time < ?2 ORDER BY id LIMIT ?3)";

impl Writer {
    /// One step of deleting: records that began before a time, else sums that ended before it, at most so many; how many
    /// it were.
    pub(super) fn expire(&mut self, before: Timestamp, most: usize) -> rusqlite::Result<usize> {
        let most = i64::try_from(most.min(DELETED_AT_ONCE)).unwrap_or(i64::MAX);
        let ids = self.marks.behind_ids(before);
        let records = self.connection.prepare_cached(RECORDS)?.execute((ids, nanoseconds(before), most))?;
        if records > 0 {
            self.wrote(records);
            return Ok(records);
        }
        // From here on nobody looks at them, and those that are left can go one by one.
        let (from, _) = Unit::Quarter.around(second_of(before), &self.days);
        let mut marks = self.marks.clone();
        marks.sums_from = marks.sums_from.max(from);
        let all = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        marks.write(&self.marks, &all)?;
        let mut deleted = 0;
        for (unit, seconds) in [(Unit::Quarter, 900), (Unit::Hour, 3_600)] {
            let (table, most) = (unit.table(), most - i64::try_from(deleted).unwrap_or(most));
            let delete = format!(
                "DELETE FROM {table} WHERE (start, label) IN \
                 (SELECT start, label FROM {table} WHERE start <= ?1 ORDER BY start, label LIMIT ?2)"
            );
            deleted += all.prepare_cached(&delete)?.execute([from.saturating_sub(seconds), most])?;
        }
        all.commit()?;
        self.marks = marks;
        if deleted > 0 {
            self.wrote(deleted);
            self.forget();
        }
        Ok(deleted)
    }

    /// Deletes these records, all of them or none; how many there were.
    pub(super) fn delete(&mut self, ids: &[u64]) -> rusqlite::Result<usize> {
        let all = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let deleted = {
            let mut delete = all.prepare_cached("DELETE FROM requests WHERE id = ?1")?;
            let ids = ids.iter().filter_map(|id| i64::try_from(*id).ok());
            ids.map(|id| delete.execute([id])).sum::<rusqlite::Result<usize>>()?
        };
        all.commit()?;
        self.wrote(deleted);
        Ok(deleted)
    }

    /// Keeps sums by the days of a zone from now on, and makes them anew as far as sums of quarter-hours are there.
    pub(super) fn keep_days_of(&mut self, zone: &TimeZone) -> rusqlite::Result<()> {
        let name = zone.iana_name().unwrap_or_default();
        let days = Days(zone.clone());
        if name == self.marks.zone && !name.is_empty() {
            self.days = days;
            return Ok(());
        }
        let marks = super::marks::Marks { zone: name.to_owned(), ..self.marks.clone() };
        self.forget();
        let all = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        marks.write(&self.marks, &all)?;
        // A day of before that has hours of which nothing else is left stays whole.
        let from = match self.marks.sums_from {
            i64::MIN => i64::MIN,
            from => Unit::Day.next(from, &self.days),
        };
        all.execute("DELETE FROM day_sums WHERE start >= ?1", [from])?;
        {
            let mut read = all.prepare(&Unit::Quarter.read())?;
            let mut rows = read.query([from, i64::MAX])?;
            let mut day = (0, 0);
            let mut sums = std::collections::BTreeMap::<i64, Sums>::new();
            let write = |start: i64, sums: &mut std::collections::BTreeMap<i64, Sums>| {
                let place = |label| Place { unit: Unit::Day, start, label };
                std::mem::take(sums).iter().try_for_each(|(label, sums)| put(&all, place(*label), sums))
            };
            while let Some(row) = rows.next()? {
                let start: i64 = row.get(0)?;
                if !(day.0..day.1).contains(&start) {
                    write(day.0, &mut sums)?;
                    day = days.around(start);
                    // What stands before it is of another zone's day, and stays beside it.
                    day.0 = day.0.max(from);
                }
                *sums.entry(row.get(1)?).or_default() += of_row(row)?;
            }
            write(day.0, &mut sums)?;
        }
        all.commit()?;
        (self.marks, self.days) = (marks, days);
        Ok(())
    }
}
