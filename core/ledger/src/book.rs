//! The ledger's own hand: gives records their ids, keeps in the journal what the store has not yet, and brings it there.

mod containers;

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::Timestamp;
use parking_lot::Mutex;
use sluice_api::error::{Error, Kind};
use sluice_api::record::Record;
use sluice_api::store::{Process, Store, StoreError};
use sluice_journal::{Journal, JournalError, Logged, Running};

use crate::aside;
use crate::ids::Ids;

pub use containers::Containers;

/// Records that wait for the store at most, in memory and in the journal: about 0.8 KB each in memory. Then new requests are
/// refused, so that what they cost is never lost.
const WAITING_MAX: usize = 50_000;

/// Records that the store is given at once.
const AT_ONCE: usize = 4_096;

/// Bytes in the journal that a request is expected to need at most, beside those that run.
const ROOM: usize = 64 * 1024;

/// What the journal has of a request.
#[derive(Debug, Default)]
pub struct Traces {
    running: Option<Running>,
    logged: Option<Logged>,
    /// Whether its record is left to the log and the metrics alone.
    left_out: bool,
}

/// A record on its way to the store, and where the journal has it.
#[derive(Debug)]
struct Waiting {
    record: Arc<Record>,
    traces: Traces,
}

/// What stands between requests and the store.
#[derive(Debug, Default)]
pub struct Book {
    /// None where the store keeps nothing on this machine.
    journal: Option<Journal>,
    /// What keeps other processes out of the journal's folder, where the store does not.
    _held: Option<File>,
    ids: Ids,
    waiting: Mutex<Vec<Waiting>>,
    /// Whether there was no room when it was looked for last.
    full: AtomicBool,
    /// Records that the store can't write, and that are in a file of their own.
    set_aside: Arc<AtomicU64>,
    /// Whoever brings records to the store, one at a time: it gets them in the order in which they ended.
    bringing: tokio::sync::Mutex<()>,
}

impl Book {
    /// One with a journal, whose ids are larger than this one.
    #[must_use]
    pub fn new(journal: Option<Journal>, last_id: u64) -> Self {
        Self { journal, ids: Ids::after(last_id), ..Self::default() }
    }

    /// Whose ids are none that another process makes which shares the store.
    #[must_use]
    pub fn of_process(self, process: Process) -> Self {
        Self { ids: self.ids.of_process(process), ..self }
    }

    /// Which holds its folder by this lock, as long as it is there.
    #[must_use]
    pub fn holding(self, held: Option<File>) -> Self {
        Self { _held: held, ..self }
    }

    /// How many records the store could not write, of which this many were set aside before.
    #[must_use]
    pub fn having_set_aside(self, before: u64) -> Self {
        self.set_aside.store(before, Ordering::Relaxed);
        self
    }

    /// How many records were set aside since this process has begun, as the store can't write them.
    pub(crate) fn set_aside(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.set_aside)
    }

    /// An id for a record that begins now: larger than every one before, and in the order of time as far as clocks go
    /// forward.
    pub fn next_id(&self, now: Timestamp) -> u64 {
        self.ids.next(now)
    }

    /// Whether a request more can be recorded, whatever becomes of it.
    ///
    /// # Errors
    ///
    /// When so much waits for the store that there is no room for more.
    pub fn has_room(&self) -> Result<(), Error> {
        let fits = self.waiting.lock().len() < WAITING_MAX
            && self.journal.as_ref().is_none_or(|journal| journal.has_room(ROOM));
        self.full.store(!fits, Ordering::Relaxed);
        if fits {
            return Ok(());
        }
        let message =
            "the gateway's store takes no records, and what waits for it has no more room: try again later";
        Err(Error::new(Kind::StoreUnavailable, message))
    }

    /// A request runs, or something more is known of it: should the process be killed, this is its record.
    ///
    /// # Errors
    ///
    /// When the journal has no room; what it had of the request stays.
    pub fn runs(&self, traces: &mut Traces, record: &Record) -> Result<(), JournalError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let running = packed(record, |bytes| journal.runs(bytes))?;
        if let Some(before) = traces.running.replace(running) {
            journal.is_over(before);
        }
        Ok(())
    }

    /// Whether a record is left to the log and the metrics alone: of requests that were refused while there is no room, as
    /// those who come again and again would fill the memory. They have cost nothing.
    fn leaves_out(&self, record: &Record) -> bool {
        record.attempts == 0 && self.full.load(Ordering::Relaxed)
    }

    /// A request has ended so, though nobody may have been told yet: from here on its record outlives the process.
    pub fn ended(&self, traces: &mut Traces, record: &Record) {
        // Said once: what is logged is brought to the store, whatever room there is then.
        traces.left_out = traces.logged.is_none() && self.leaves_out(record);
        let Some(journal) = &self.journal else { return };
        if traces.left_out {
            return;
        }
        match packed(record, |bytes| journal.ended(bytes)) {
            Ok(logged) => {
                if let Some(before) = traces.logged.replace(logged) {
                    journal.is_kept(before);
                }
                if let Some(running) = traces.running.take() {
                    journal.is_over(running);
                }
            }
            // What runs has room of its own.
            Err(full) => {
                if let Err(none) = self.runs(traces, record) {
                    tracing::error!(
                        request_id = %record.request_id, error = %full, cells = %none,
                        "a record is in memory alone until the store takes it: it is lost if this process is killed before"
                    );
                }
            }
        }
    }

    /// Takes records of requests that have ended, each with what the journal has of it.
    pub(crate) fn wait(&self, records: Vec<Arc<Record>>, traces: Vec<Traces>) {
        let more = records.into_iter().zip(traces).filter(|(_, traces)| !traces.left_out);
        self.waiting.lock().extend(more.map(|(record, traces)| Waiting { record, traces }));
    }

    /// Whether [`Book::prepare`] has something to do.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.journal.as_ref().is_some_and(Journal::is_short)
    }

    /// Makes room in the journal beforehand: for a thread that may wait for the disk.
    pub fn prepare(&self) {
        if let Some(journal) = &self.journal {
            journal.prepare();
        }
    }

    /// How many records wait for the store.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.lock().len()
    }

    /// Brings what waits to the store, so much at once that nothing else waits for it for long.
    ///
    /// # Errors
    ///
    /// When the store took none of the last ones: they wait on.
    pub async fn bring(&self, store: &dyn Store) -> Result<(), StoreError> {
        let _turn = self.bringing.lock().await;
        // What comes meanwhile is the next turn's.
        let mut left = self.waiting();
        while left > 0 {
            let some: Vec<Waiting> = {
                let mut waiting = self.waiting.lock();
                let count = waiting.len().min(AT_ONCE);
                waiting.drain(..count).collect()
            };
            left = left.saturating_sub(some.len().max(1));
            let records = some.iter().map(|waiting| Arc::clone(&waiting.record)).collect();
            // Given back also where nobody waits for this any longer.
            let mut undone = Undone { book: self, waiting: some };
            let aside = aside::append(store, records).await?;
            self.set_aside.fetch_add(aside, Ordering::Relaxed);
            for Waiting { record, traces } in undone.waiting.drain(..) {
                // What was set aside may have taken its terms along.
                if let Some(bill) = record.bill.as_ref().filter(|_| aside == 0) {
                    bill.terms.are_kept();
                }
                self.is_kept(traces);
            }
        }
        Ok(())
    }

    fn is_kept(&self, traces: Traces) {
        let Some(journal) = &self.journal else { return };
        if let Some(logged) = traces.logged {
            journal.is_kept(logged);
        }
        if let Some(running) = traces.running {
            journal.is_over(running);
        }
    }
}

/// Records that the store has not taken: dropped, they wait again, before those that came later.
struct Undone<'a> {
    book: &'a Book,
    waiting: Vec<Waiting>,
}

impl Drop for Undone<'_> {
    fn drop(&mut self) {
        if !self.waiting.is_empty() {
            self.book.waiting.lock().splice(0..0, self.waiting.drain(..));
        }
    }
}

/// Does something with a record as the journal has it.
fn packed<T>(record: &Record, with: impl FnOnce(&[u8]) -> T) -> T {
    thread_local! {
        static BYTES: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    BYTES.with(|shared| {
        // A panic in the midst of it has it still: whoever records that writes elsewhere.
        let mut own = Vec::new();
        let mut shared = shared.try_borrow_mut();
        let bytes = shared.as_deref_mut().unwrap_or(&mut own);
        bytes.clear();
        record.pack(bytes);
        with(bytes)
    })
}

#[cfg(test)]
mod tests;
