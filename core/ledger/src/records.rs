//! Records on their way from the requests to the log, the metrics and the store: in batches, off the hot path.

pub mod bills;
pub mod detail;
mod line;
pub mod parts;
pub mod text;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use foldhash::fast::RandomState;
use jiff::Timestamp;
use parking_lot::Mutex;
use sluice_api::dialect::Api;
use sluice_api::error::{Error, Kind};
use tokio::sync::Notify;

use crate::book::{Book, Traces};
use crate::measure::Measures;
use crate::refused::{Realm, RefusedCredentials, Throttle};
use sluice_api::record::{Page, Record, RecordQuery};
use sluice_api::store::{Store, StoreError};

use bills::Bills;

/// Records that make a batch, which is then not waited for any longer: what waits takes memory.
const BATCH: usize = 64;

/// Records that wait for the next batch; beyond it the request that brings one more does the batch's work itself.
const PENDING_MAX: usize = 16 * 1024;

/// Takes some lines of the log, a batch's at most, and how many they are.
type Lines = Box<dyn Fn(&str, u64) + Send + Sync>;

/// Takes records of requests that have ended.
type Take = Box<dyn Fn(&[Arc<Record>]) + Send + Sync>;

/// Collects records.
pub struct Records {
    pending: Mutex<Pending>,
    used: Mutex<Used>,
    measures: Measures,
    bills: Bills,
    book: Book,
    /// Where the log is text.
    lines: OnceLock<Lines>,
    /// Where traces are sent.
    tracer: OnceLock<Take>,
    refused: Throttle,
    /// Woken when a batch is there.
    batch: Notify,
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Records")
    }
}

/// Records that no batch has taken yet, and what the journal has of each.
#[derive(Debug, Default)]
struct Pending {
    records: Vec<Arc<Record>>,
    traces: Vec<Traces>,
}

/// When each key was last used, by its id; those that are gone are forgotten now and then.
pub type Used = HashMap<Arc<str>, Timestamp, RandomState>;

impl Records {
    /// None yet. What is measured goes to `measures`, and on its way to the store a record is in the book.
    #[must_use]
    pub fn new(measures: Measures, book: Book) -> Self {
        let set_aside = book.set_aside();
        measures.watch_set_aside(move || set_aside.load(Ordering::Relaxed));
        Self {
            pending: Mutex::default(),
            used: Mutex::default(),
            measures,
            bills: Bills::default(),
            book,
            lines: OnceLock::new(),
            tracer: OnceLock::new(),
            refused: Throttle::default(),
            batch: Notify::new(),
        }
    }

    /// What stands between requests and the store.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// What says what requests cost.
    #[must_use]
    pub fn bills(&self) -> &Bills {
        &self.bills
    }

    /// What is counted and timed.
    #[must_use]
    pub fn measures(&self) -> &Measures {
        &self.measures
    }

    /// Says where records go as lines of text, some together, in place of an event for each: making events of them takes
    /// several times what the lines take.
    pub fn write_text(&self, lines: impl Fn(&str, u64) + Send + Sync + 'static) {
        let _ = self.lines.set(Box::new(lines));
    }

    /// Says who makes traces of records. Nobody waits for it, and it may not wait either.
    pub fn trace(&self, take: impl Fn(&[Arc<Record>]) + Send + Sync + 'static) {
        let _ = self.tracer.set(Box::new(take));
    }

    /// Whether somebody does, so that what traces have beside is worth keeping.
    #[must_use]
    pub fn are_traced(&self) -> bool {
        self.tracer.get().is_some()
    }

    /// Takes a record of a request that has ended, which is in the book.
    pub fn push(&self, record: Arc<Record>, traces: Traces) {
        let waiting = {
            let mut pending = self.pending.lock();
            pending.records.push(record);
            pending.traces.push(traces);
            pending.records.len()
        };
        match waiting {
            BATCH => self.batch.notify_one(),
            PENDING_MAX.. => self.collect(),
            _ => {}
        }
    }

    /// Waits until a batch is there.
    pub async fn batch(&self) {
        self.batch.notified().await;
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.pending.lock().records.is_empty()
    }

    /// Counts a request that had no valid key: it is no record's.
    pub fn refused_unknown(&self, api: Api, error: &Error, request_id: &str, client: Option<IpAddr>) {
        self.measures.count_refusal(error.kind().name());
        if error.kind() == Kind::Unauthenticated {
            self.refused(&RefusedCredentials { realm: Realm::Client, request_id, asked: api.name(), client });
        }
    }

    /// Counts credentials that were refused, and logs them as far as a log bears that.
    pub fn refused(&self, refused: &RefusedCredentials<'_>) {
        self.measures.count_credentials(refused.realm);
        self.refused.log(refused, Instant::now());
    }

    /// Moves what is pending to the log, to the metrics, and to what waits for the store. Called for every batch and every
    /// tenth of a second, and before any of them is read.
    pub fn collect(&self) {
        // Held over the whole move, so that a reader who comes second finds what the first one moved.
        let mut used = self.used.lock();
        if self.is_empty() {
            return;
        }
        let next = Pending { records: Vec::with_capacity(BATCH), traces: Vec::with_capacity(BATCH) };
        let batch = std::mem::replace(&mut *self.pending.lock(), next);
        self.measures.count(&batch.records, Instant::now());
        if let Some(take) = self.tracer.get() {
            take(&batch.records);
        }
        self.log(&batch.records);
        for record in &batch.records {
            let last = used.entry(Arc::clone(&record.key_id)).or_insert(record.time);
            *last = record.time.max(*last);
        }
        self.book.wait(batch.records, batch.traces);
    }

    /// Looks at when each key was last used, by its id, since this gateway has started.
    pub fn last_used(&self, look: impl FnOnce(&Used)) {
        self.collect();
        look(&self.used.lock());
    }

    /// Forgets when keys were used that there are no more, where more are remembered than there are.
    pub fn forget_keys(&self, count: usize, known: impl FnOnce() -> HashSet<Arc<str>>) {
        let mut used = self.used.lock();
        if used.len() > count {
            let known = known();
            used.retain(|id, _| known.contains(id));
        }
    }

    /// Writes a line for each. The filter of the log is asked here, as whoever writes text has none.
    fn log(&self, batch: &[Arc<Record>]) {
        match self.lines.get() {
            Some(_) if !tracing::enabled!(target: line::TARGET, tracing::Level::INFO) => {}
            Some(lines) => write(batch, Timestamp::now(), lines),
            None => batch.iter().for_each(|record| line::event(record)),
        }
    }

    /// Brings everything that has ended to the store.
    ///
    /// # Errors
    ///
    /// When the store does not take it.
    pub async fn brought(&self, store: &dyn Store) -> Result<(), StoreError> {
        self.collect();
        self.book.bring(store).await
    }

    /// A record by its id.
    ///
    /// # Errors
    ///
    /// When the store does not take what waits for it, or can't be read.
    pub async fn one(&self, store: &dyn Store, id: u64) -> Result<Option<Record>, StoreError> {
        self.brought(store).await?;
        store.records().record(id).await
    }

    /// Records that are asked for, newest first: everything that has ended is among them.
    ///
    /// # Errors
    ///
    /// When the store does not take what waits for it, or can't be read.
    pub async fn page(&self, store: &dyn Store, query: &RecordQuery) -> Result<Page, StoreError> {
        self.brought(store).await?;
        store.records().page(query).await
    }
}

/// Writes records in pieces, each of which finds room of its own where lines wait: of those that have piled up none
/// takes the others along.
fn write(records: &[Arc<Record>], now: Timestamp, lines: &Lines) {
    for piece in records.chunks(BATCH) {
        lines(&line::lines(piece, now), piece.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use parking_lot::Mutex;
    use sluice_api::dialect::{Api, Operation};

    use super::{BATCH, Lines, PENDING_MAX, write};
    use sluice_api::record::{Holder, Record};

    #[test]
    fn however_many_have_piled_up_they_are_written_in_pieces_that_find_room() {
        let records: Vec<Arc<Record>> = (0..PENDING_MAX + 1)
            .map(|number| {
                let id = format!("request-{number}").into();
                let holder = Holder::default();
                Arc::new(Record::new(Timestamp::UNIX_EPOCH, id, holder, Api::Anthropic, Operation::Generate))
            })
            .collect();
        let written = Arc::new(Mutex::new((String::new(), 0)));
        let into = Arc::clone(&written);
        let lines: Lines = Box::new(move |text, count| {
            assert_eq!(text.lines().count() as u64, count, "each piece tells how many it has");
            assert!(count <= BATCH as u64, "{count}");
            let mut written = into.lock();
            written.0.push_str(text);
            written.1 += count;
        });
        write(&records, Timestamp::UNIX_EPOCH, &lines);
        let (text, count) = &*written.lock();
        assert_eq!(*count, records.len() as u64);
        for (line, record) in text.lines().zip(&records) {
            assert!(line.contains(&format!("request_id={} ", record.request_id)), "{line}");
        }
    }
}
