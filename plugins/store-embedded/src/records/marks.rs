//! What is known of all records together.

use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ToSql, params};
use sluice_api::plugin::Timestamp;
use sluice_api::record::Record;

use super::row::behind;
use super::time::{nanoseconds, timestamp};

/// What is known of all records together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    /// The largest id that was ever appended.
    pub(super) last_id: i64,
    /// When the latest record that was ever appended began.
    pub(super) latest: i64,
    /// By how many milliseconds an id is behind the first one that its time could have, at most: where the clock was
    /// set back, ids go on from where they were.
    pub(super) behind: i64,
    /// The same for ids that are before it.
    pub(super) before: i64,
    /// The second from which on sums of quarter-hours and hours are there.
    pub(super) sums_from: i64,
    /// The zone whose days sums are kept by; empty for one that has no name.
    pub(super) zone: String,
}

impl Default for Marks {
    fn default() -> Self {
        let never = i64::MIN;
        Self { last_id: 0, latest: never, behind: 0, before: 0, sums_from: never, zone: "UTC".to_owned() }
    }
}

impl Marks {
    /// Those that are written.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut marks = Self::default();
        let mut read = connection.prepare_cached("SELECT name, value FROM marks")?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            let number = || row.get::<_, i64>(1);
            match row.get_ref(0)?.as_str()? {
                "last_id" => marks.last_id = number()?,
                "latest" => marks.latest = number()?,
                "behind" => marks.behind = number()?,
                "before" => marks.before = number()?,
                "sums_from" => marks.sums_from = number()?,
                "zone" => marks.zone = row.get(1)?,
                _ => {}
            }
        }
        Ok(marks)
    }

    /// Writes those that are not as before.
    pub(super) fn write(&self, before: &Self, connection: &Connection) -> rusqlite::Result<()> {
        let number = |number: i64| ToSqlOutput::Borrowed(ValueRef::Integer(number));
        let rows = |marks: &Self| {
            let Self { last_id, latest, behind, before, sums_from, .. } = *marks;
            [last_id, latest, behind, before, sums_from]
        };
        let names = ["last_id", "latest", "behind", "before", "sums_from"];
        let put = |name: &str, value: &dyn ToSql| {
            connection.prepare_cached("REPLACE INTO marks VALUES (?1, ?2)")?.execute(params![name, value])
        };
        for ((name, now), before) in names.into_iter().zip(rows(self)).zip(rows(before)) {
            if now != before {
                put(name, &number(now))?;
            }
        }
        if self.zone != before.zone {
            put("zone", &self.zone)?;
        }
        Ok(())
    }

    /// Takes note of a record.
    pub(super) fn note(&mut self, record: &Record, id: i64) {
        let behind = behind(record);
        self.last_id = self.last_id.max(id);
        self.latest = self.latest.max(nanoseconds(record.time));
        self.behind = self.behind.max(behind);
        self.before = self.before.max(behind.saturating_neg());
    }

    /// The first id that a record may have which begins at a time or later.
    pub(super) fn first_id(&self, from: Timestamp) -> i64 {
        id_at(from.as_millisecond().saturating_sub(1).saturating_sub(self.before))
    }

    /// The first id that no record can have which begins before a time.
    pub(super) fn behind_ids(&self, to: Timestamp) -> i64 {
        id_at(to.as_millisecond().saturating_add(1).saturating_add(self.behind))
    }

    /// Whether every id tells the time at which its record began.
    pub(super) const fn is_in_order(&self) -> bool {
        self.behind == 0 && self.before == 0
    }

    /// When the latest record began.
    pub(super) fn latest(&self) -> Timestamp {
        if self.latest == i64::MIN { Timestamp::MIN } else { timestamp(self.latest) }
    }
}

/// The first id of a millisecond of Unix time.
pub(super) fn id_at(millisecond: i64) -> i64 {
    let last = if millisecond < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let time = Timestamp::from_millisecond(millisecond).unwrap_or(last);
    i64::try_from(Record::id_at(time)).unwrap_or(i64::MAX)
}
