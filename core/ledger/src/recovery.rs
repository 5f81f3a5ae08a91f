//! What a process that was killed has left in the journal, brought to the store before the next one serves anybody.

use std::collections::HashMap;
use std::sync::Arc;

use sluice_api::record::Record;
use sluice_api::store::{Store, StoreError};
use sluice_journal::{Journal, JournalError, Left, Sizes, folder_of};

use crate::book::Book;

/// The kind of the document that says which gateway's a store is, and its id.
const GATEWAY: (&str, &str) = ("gateway", "identity");

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
    let Some(folder) = store.folder() else {
        return Ok((Book::new(None, store.records().last_id().await?), Recovered::default()));
    };
    let gateway = identity(store).await?;
    // Once, at the start, when nobody waits for this thread.
    let (journal, left) = Journal::open(&folder_of(folder), gateway, Sizes::default()).map_err(failed)?;
    let recovered = bring(store, &left, priced).await?;
    left.is_kept();
    let last_id = store.records().last_id().await?;
    Ok((Book::new(Some(journal), last_id), recovered))
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
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).map_err(|error| StoreError(format!("no random number: {error}")))?;
            let number = u64::from_le_bytes(bytes);
            store.put(kind, id, &format!("{number:016x}")).await?;
            Ok(number)
        }
    }
}

async fn bring(
    store: &dyn Store,
    left: &Left,
    priced: impl Fn(&mut Record),
) -> Result<Recovered, StoreError> {
    let mut recovered = Recovered::default();
    for file in left.ended() {
        let mut last = HashMap::new();
        for bytes in file.map_err(failed)? {
            // A request that was logged twice is as it was logged last.
            match Record::unpack(&bytes) {
                Some(record) => drop(last.insert(record.id, record)),
                None => tracing::warn!("an entry of the journal is no record, and is left out"),
            }
        }
        let records: Vec<Record> = last.into_values().collect();
        recovered.ended += records.len();
        store.records().append(Arc::new(records)).await?;
    }
    for file in left.running() {
        let mut records: Vec<Record> =
            file.map_err(failed)?.iter().filter_map(|bytes| Record::unpack(bytes)).collect();
        records.iter_mut().for_each(&priced);
        // One that has ended is in the store by now, and stays as it is there.
        recovered.interrupted += records.len();
        store.records().append(Arc::new(records)).await?;
    }
    Ok(recovered)
}

fn failed(error: JournalError) -> StoreError {
    StoreError(error.to_string())
}
