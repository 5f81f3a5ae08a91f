//! What a row has beside its columns, of which most is kept once for many: the terms it was priced on, and the usage as its
//! upstream wrote it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};
use sluice_api::record::{Bill, Interned, Record};
use sluice_packing::shape;

use super::row::{BESIDE, unreadable};

/// Terms, and shapes, that are kept in memory, at some hundred bytes each. Beyond it all are read again.
const KEPT: usize = 8_192;

/// Shapes that there may be: an upstream that writes ever new texts has them in the rows.
const SHAPES_MAX: i64 = 4_096;

/// The columns of one row, in the order in which they are read.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) terms: Option<i64>,
    pub(super) quantities: Option<Vec<u8>>,
    pub(super) raw: Option<Raw>,
}

/// What an upstream wrote: by its shape, or all of it.
#[derive(Debug)]
pub(super) enum Raw {
    Shaped(Vec<u8>),
    Whole(Arc<str>),
}

impl ToSql for Raw {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Shaped(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::Whole(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// What who writes knows to be there.
#[derive(Debug, Default)]
pub(super) struct There {
    terms: HashSet<i64, RandomState>,
    shapes: HashMap<String, i64, RandomState>,
    /// The one that is looked for.
    shape: String,
}

impl There {
    /// What a row of this record has; what it refers to is there then.
    pub(super) fn of(&mut self, record: &Record, connection: &Connection) -> rusqlite::Result<Beside> {
        let mut beside = Beside::default();
        if let Some(bill) = &record.bill {
            beside.terms = Some(self.terms(&bill.terms, connection)?);
            let mut quantities = Vec::with_capacity(2 * bill.quantities.len());
            bill.quantities.iter().for_each(|quantity| shape::put(*quantity, &mut quantities));
            beside.quantities = Some(quantities);
        }
        if let Some(raw) = &record.raw_usage {
            beside.raw = Some(self.raw(raw, connection)?);
        }
        Ok(beside)
    }

    /// Forgets all, as what was made may not be there.
    pub(super) fn forget(&mut self) {
        self.terms.clear();
        self.shapes.clear();
    }

    fn terms(&mut self, terms: &Interned, connection: &Connection) -> rusqlite::Result<i64> {
        let id = i64::try_from(terms.id()).unwrap_or(i64::MAX);
        if !self.terms.contains(&id) {
            // Of those that a journal has the number of alone, the text is mostly there; where it is not, it may come yet.
            let Some(text) = terms.text() else { return Ok(id) };
            let add = "INSERT INTO terms (id, text) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            connection.prepare_cached(add)?.execute(params![id, text])?;
            if self.terms.len() >= KEPT {
                self.terms.clear();
            }
            self.terms.insert(id);
        }
        Ok(id)
    }

    fn raw(&mut self, raw: &Arc<str>, connection: &Connection) -> rusqlite::Result<Raw> {
        let mut numbers = Vec::with_capacity(32);
        self.shape.clear();
        if !shape::split(raw, &mut self.shape, &mut numbers) {
            return Ok(Raw::Whole(Arc::clone(raw)));
        }
        let id = match self.shapes.get(&self.shape) {
            Some(id) => *id,
            None => match self.shape(connection)? {
                Some(id) => id,
                None => return Ok(Raw::Whole(Arc::clone(raw))),
            },
        };
        let mut bytes = Vec::with_capacity(numbers.len() + 2);
        shape::put(u64::try_from(id).unwrap_or_default(), &mut bytes);
        bytes.extend_from_slice(&numbers);
        Ok(Raw::Shaped(bytes))
    }

    /// The id of the shape that is looked for, made where there is none; none where there are too many.
    fn shape(&mut self, connection: &Connection) -> rusqlite::Result<Option<i64>> {
        let find = "SELECT id FROM shapes WHERE text = ?1";
        let found = connection.prepare_cached(find)?.query_row([&self.shape], |row| row.get(0)).optional()?;
        let id = match found {
            Some(id) => id,
            None => {
                let last: Option<i64> = connection
                    .prepare_cached("SELECT max(id) FROM shapes")?
                    .query_row([], |row| row.get(0))?;
                if last.is_some_and(|last| last >= SHAPES_MAX) {
                    return Ok(None);
                }
                connection.prepare_cached("INSERT INTO shapes (text) VALUES (?1)")?.insert([&self.shape])?
            }
        };
        self.shapes.insert(self.shape.clone(), id);
        Ok(Some(id))
    }
}

/// Terms and shapes by their ids, for all who read. What an id stands for never changes.
#[derive(Debug, Default)]
pub(super) struct Noted {
    terms: Mutex<HashMap<i64, Arc<Interned>, RandomState>>,
    shapes: Mutex<HashMap<i64, Arc<str>, RandomState>>,
}

impl Noted {
    /// Puts into a record what its row has beside its columns.
    pub(super) fn fill(
        &self,
        record: &mut Record,
        row: &Row<'_>,
        connection: &Connection,
    ) -> rusqlite::Result<()> {
        if let Some(id) = row.get(BESIDE)? {
            let quantities = match row.get_ref(BESIDE + 1)? {
                ValueRef::Blob(bytes) => quantities(bytes).ok_or_else(|| unreadable("quantities"))?,
                _ => Arc::default(),
            };
            record.bill = Some(Bill::new(self.terms(id, connection)?, quantities));
        }
        record.raw_usage = match row.get_ref(BESIDE + 2)? {
            ValueRef::Blob(mut bytes) => {
                let id = shape::take(&mut bytes).and_then(|id| i64::try_from(id).ok());
                let shape = self.shape(id.ok_or_else(|| unreadable("raw"))?, connection)?;
                Some(shape::joined(&shape, bytes).ok_or_else(|| unreadable("raw"))?.into())
            }
            ValueRef::Text(_) => row.get(BESIDE + 2)?,
            _ => None,
        };
        Ok(())
    }

    fn terms(&self, id: i64, connection: &Connection) -> rusqlite::Result<Arc<Interned>> {
        if let Some(known) = self.terms.lock().get(&id) {
            return Ok(Arc::clone(known));
        }
        let read = "SELECT text FROM terms WHERE id = ?1";
        let text: Option<String> =
            connection.prepare_cached(read)?.query_row([id], |row| row.get(0)).optional()?;
        let number = u64::try_from(id).unwrap_or_default();
        let Some(text) = text else {
            // A copy was put back that is older than the journal beside it. They may come with a later record.
            return Ok(Arc::new(Interned::unknown(number)));
        };
        let terms = Arc::new(Interned::told(number, &text).ok_or_else(|| unreadable("terms"))?);
        keep(&self.terms, id, &terms);
        Ok(terms)
    }

    fn shape(&self, id: i64, connection: &Connection) -> rusqlite::Result<Arc<str>> {
        if let Some(known) = self.shapes.lock().get(&id) {
            return Ok(Arc::clone(known));
        }
        let read = "SELECT text FROM shapes WHERE id = ?1";
        let text: Arc<str> = connection.prepare_cached(read)?.query_row([id], |row| row.get(0))?;
        keep(&self.shapes, id, &text);
        Ok(text)
    }
}

fn keep<T: ?Sized>(all: &Mutex<HashMap<i64, Arc<T>, RandomState>>, id: i64, one: &Arc<T>) {
    let mut all = all.lock();
    if all.len() >= KEPT {
        all.clear();
    }
    all.insert(id, Arc::clone(one));
}

fn quantities(mut bytes: &[u8]) -> Option<Arc<[u64]>> {
    let mut all = Vec::with_capacity(bytes.len());
    while !bytes.is_empty() {
        all.push(shape::take(&mut bytes)?);
    }
    Some(all.into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sluice_api::record::{Bill, Interned, Record};
    use sluice_conformance::usual;

    use super::SHAPES_MAX;
    use crate::records::Ledger;
    use crate::records::tests::{ledger, time};
    use crate::tests::Folder;

    fn read(ledger: &Ledger, id: u64) -> Record {
        let read = format!("SELECT {} FROM requests WHERE id = ?1", super::super::row::COLUMNS);
        let record = |source: &super::super::source::Source<'_>| {
            source.connection.query_row(&read, [i64::try_from(id).unwrap()], |row| source.record(row))
        };
        ledger.read(record).unwrap()
    }

    #[test]
    fn terms_that_a_journal_has_the_number_of_alone_are_those_that_the_store_was_told() {
        let folder = Folder::new("terms");
        let ledger = ledger(&folder);
        let told = usual(1, time("2026-11-28T10:00:00Z"));
        let numbered = |number, terms: u64| {
            let mut record = usual(number, time("2026-11-28T10:00:01Z"));
            let quantities = record.bill.take().unwrap().quantities;
            record.bill = Some(Bill::new(Arc::new(Interned::unknown(terms)), quantities));
            record
        };
        let terms = Arc::clone(&told.bill.as_ref().unwrap().terms);
        let (known, strange) = (numbered(2, terms.id()), numbered(3, 7));
        ledger.append(std::slice::from_ref(&told)).unwrap();
        ledger.append(&[known.clone(), strange.clone()]).unwrap();
        assert_eq!(read(&ledger, told.id), told);
        assert_eq!(read(&ledger, known.id).bill.unwrap().terms, terms);
        assert_eq!(read(&ledger, strange.id), strange, "a record whose terms are lost is there all the same");
    }

    #[test]
    fn whoever_writes_usage_in_ever_new_shapes_makes_no_more_of_them_than_there_may_be() {
        let folder = Folder::new("shapes");
        let ledger = ledger(&folder);
        let records: Vec<Record> = (0..4_200_u32)
            .map(|number| {
                let mut record = usual(number.into(), time("2026-11-28T10:00:00Z"));
                let name: String = number.to_string().bytes().map(|digit| char::from(digit + 50)).collect();
                record.raw_usage = Some(format!("{{\"{name}\":{number}}}").into());
                record
            })
            .collect();
        ledger.append(&records).unwrap();
        for record in records.iter().step_by(97) {
            assert_eq!(&read(&ledger, record.id), record);
        }
        let count = "SELECT count(*) FROM shapes";
        let shapes = ledger.read(|source| source.connection.query_row(count, [], |row| row.get::<_, i64>(0)));
        assert_eq!(shapes.unwrap(), SHAPES_MAX);
    }
}
