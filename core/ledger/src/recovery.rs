//! What a process that was killed has left in the journal, brought to the store before the next one serves anybody.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::fs::{DirBuilder, File, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::sync::Arc;

use sluice_api::record::{Outcome, Record};
use sluice_api::store::{Store, StoreError};
use sluice_journal::{Journal, JournalError, Left, Sizes, folder_of};

use crate::aside;
use crate::book::Book;

/// The kind of the document that says which gateway's a store is, and its id.
const GATEWAY: (&str, &str) = ("gateway", "identity");

/// The file that says it in a folder beside a store that several share.
const GATEWAY_FILE: &str = "gateway";

/// The file there whose lock keeps a second process out.
const LOCK: &str = "lock";

/// What was brought over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Requests that had ended.
    pub ended: usize,
    /// Requests that had not.
    pub interrupted: usize,
}

/// Opens the journal beside a store that is open, and brings what is in it to the store. `priced` is told each request that
/// had not ended, to say what it cost.
///
/// # Errors
///
/// When the journal can't be read, or is not this gateway's; or when the store does not take what is in it, which stays.
pub async fn open(store: &dyn Store, priced: impl Fn(&mut Record)) -> Result<(Book, Recovered), StoreError> {
    let process = store.process().await?;
    let Some(folder) = store.folder() else {
        let book = Book::new(None, store.records().last_id().await?).of_process(process);
        return Ok((book, Recovered::default()));
    };
    let held = if store.is_shared() { Some(hold(folder)?) } else { None };
    let gateway = if store.is_shared() { identity_in(folder)? } else { identity(store).await? };
    let folder = folder_of(folder);
    // On this thread, at the start, when nobody waits for it.
    let left = Journal::left(&folder, gateway).map_err(failed)?;
    let last = left.last_number();
    let mut reading = Reading::default();
    reading.bring(store, &left, priced).await?;
    let Reading { recovered, unknown, set_aside, .. } = reading;
    left.is_kept(unknown == 0);
    let journal = Journal::open(&folder, gateway, last, Sizes::default()).map_err(failed)?;
    let last_id = store.records().last_id().await?;
    Ok((
        Book::new(Some(journal), last_id).of_process(process).holding(held).having_set_aside(set_aside),
        recovered,
    ))
}

/// The number by which this store's gateway knows its journal; made where there is none.
async fn identity(store: &dyn Store) -> Result<u64, StoreError> {
    let (kind, id) = GATEWAY;
    let known = store.list(kind).await?;
    let known = known.iter().find(|(name, _)| name == id).map(|(_, number)| u64::from_str_radix(number, 16));
    match known {
        Some(Ok(number)) => Ok(number),
        Some(Err(_)) => Err(StoreError(format!("its document {kind}/{id} is no number of a gateway"))),
        None => {
            let number = drawn()?;
            store.put(kind, id, &format!("{number:016x}")).await?;
            Ok(number)
        }
    }
}

/// The same for a store that several share, each with a folder on its machine: it is kept in there.
fn identity_in(folder: &Path) -> Result<u64, StoreError> {
    let file = folder.join(GATEWAY_FILE);
    let failed = |error: &dyn Display| StoreError(format!("{}: {error}", file.display()));
    match std::fs::read_to_string(&file) {
        Ok(text) => {
            u64::from_str_radix(text.trim(), 16).map_err(|_| failed(&"it holds no number of a gateway"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let number = drawn()?;
            // Under its name once it is whole, also where the process is killed meanwhile.
            let new = folder.join(format!("{GATEWAY_FILE}.new"));
            let written = private(&new).and_then(|mut whole| {
                whole.set_len(0)?;
                write!(whole, "{number:016x}")?;
                whole.sync_all()?;
                std::fs::rename(&new, &file)
            });
            written.map_err(|error| failed(&error))?;
            Ok(number)
        }
        Err(error) => Err(failed(&error)),
    }
}

/// Keeps other processes out of a folder, which is made where it is missing, for as long as the file is open: a store that
/// several share does not, and two journals in one folder would be none.
fn hold(folder: &Path) -> Result<File, StoreError> {
    let failed = |error: &dyn Display| StoreError(format!("{}: {error}", folder.display()));
    let mut made = DirBuilder::new();
    made.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut made, 0o700);
    made.create(folder).map_err(|error| failed(&error))?;
    let lock = private(&folder.join(LOCK)).map_err(|error| failed(&error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            Err(failed(&"another process uses it: give each gateway a store.path of its own"))
        }
        Err(TryLockError::Error(error)) => Err(failed(&error)),
    }
}

/// A file that only its user reads and writes, made where it is missing.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.create(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn drawn() -> Result<u64, StoreError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| StoreError(format!("no random number: {error}")))?;
    Ok(u64::from_le_bytes(bytes))
}

/// What is read of a journal.
#[derive(Default)]
struct Reading {
    /// Requests that had ended.
    ended: HashSet<u64>,
    /// Entries that are no records which this version knows.
    unknown: usize,
    /// Records that the store can't write.
    set_aside: u64,
    recovered: Recovered,
}

impl Reading {
    /// Brings it to the store: what had ended first, so that nothing else stands in its place.
    async fn bring(
        &mut self,
        store: &dyn Store,
        left: &Left,
        priced: impl Fn(&mut Record),
    ) -> Result<(), StoreError> {
        for file in left.ended() {
            // Of what was logged twice the last counts: of one file's entries, and then of the newest file's.
            let records: HashMap<u64, Record> =
                self.read(&file.map_err(failed)?).map(|record| (record.id, record)).collect();
            self.ended.extend(records.keys());
            self.set_aside += append(store, records.into_values().collect()).await?;
        }
        self.recovered.ended = self.ended.len();
        let mut running: HashMap<u64, Record> = HashMap::new();
        for file in left.running() {
            let ended = std::mem::take(&mut self.ended);
            for record in self.read(&file.map_err(failed)?).filter(|record| !ended.contains(&record.id)) {
                // A request that was told anew when the process was killed may stand there twice.
                match running.get(&record.id) {
                    Some(known) if rank(known) >= rank(&record) => {}
                    _ => drop(running.insert(record.id, record)),
                }
            }
            self.ended = ended;
        }
        let mut records: Vec<Record> = running.into_values().collect();
        // One that had ended, and found no room in the log, is priced already.
        records.iter_mut().filter(|record| record.outcome == Outcome::Interrupted).for_each(priced);
        self.recovered.interrupted = records.len();
        self.set_aside += append(store, records).await?;
        Ok(())
    }

    fn read(&mut self, entries: &[Vec<u8>]) -> impl Iterator<Item = Record> + use<> {
        let records: Vec<Record> = entries.iter().filter_map(|bytes| Record::unpack(bytes)).collect();
        self.unknown += entries.len() - records.len();
        records.into_iter()
    }
}

/// Which of two cells of one request was written later: that of its end, else the one that tells more.
fn rank(record: &Record) -> (bool, u64) {
    let used = record.usage.map_or(0, |usage| usage.total());
    (record.outcome != Outcome::Interrupted, used)
}

/// Nothing is asked of a store that nothing has to be brought to.
async fn append(store: &dyn Store, records: Vec<Record>) -> Result<u64, StoreError> {
    if records.is_empty() {
        Ok(0)
    } else {
        aside::append(store, records.into_iter().map(Arc::new).collect()).await
    }
}

fn failed(error: JournalError) -> StoreError {
    StoreError(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{GATEWAY_FILE, hold, identity_in};

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("sluice-identity-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn each_folder_beside_a_shared_store_has_a_number_of_its_own_and_keeps_it() {
        let (one, other) = (folder("one"), folder("other"));
        let held = [hold(&one).unwrap(), hold(&other).unwrap()];
        let number = identity_in(&one).unwrap();
        assert_eq!(identity_in(&one).unwrap(), number);
        assert_ne!(identity_in(&other).unwrap(), number);
        std::fs::write(other.join(GATEWAY_FILE), "a copy of nothing").unwrap();
        let wrong = identity_in(&other).unwrap_err().to_string();
        assert!(wrong.contains("no number of a gateway"), "{wrong}");
        drop(held);
        for folder in [one, other] {
            std::fs::remove_dir_all(folder).unwrap();
        }
    }

    #[test]
    fn a_folder_beside_a_shared_store_is_one_gateways() {
        let folder = folder("held").join("below");
        let held = hold(&folder).unwrap();
        let wrong = hold(&folder).unwrap_err().to_string();
        assert!(wrong.contains("a store.path of its own"), "{wrong}");
        drop(held);
        hold(&folder).unwrap();
        std::fs::remove_dir_all(folder.parent().unwrap()).unwrap();
    }
}
