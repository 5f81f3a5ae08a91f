//! Records that a store can't write are set aside, so that they hold up no others.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use sluice_api::record::{Record, Unwritable};
use sluice_api::store::{Store, StoreError};

use crate::records::detail::RecordDetail;

/// The file in the store's folder that has them, as JSON lines: each in detail, as the archive has them. One that the process
/// was killed over may stand there twice.
const FILE: &str = "set-aside.jsonl";

/// Appends records to a store, and those to a file that it can't write; how many these are.
///
/// # Errors
///
/// When the store does not take records now, or the file can't be written: those that are not there may be appended again.
pub(crate) async fn append(store: &dyn Store, records: Vec<Arc<Record>>) -> Result<u64, StoreError> {
    let unwritable = store.records().append(records.clone()).await?;
    let Some(Unwritable { id, why, .. }) = unwritable.first() else { return Ok(0) };
    let Some(folder) = store.folder() else {
        return Err(StoreError(format!("it can't write record {id} ({why}), and has no folder for it")));
    };
    let is_one = |record: &&Arc<Record>| unwritable.iter().any(|one| one.id == record.id);
    let aside: Vec<Arc<Record>> = records.iter().filter(is_one).cloned().collect();
    let file = folder.join(FILE);
    // On this thread, as it is rare and little.
    write(&file, &aside).map_err(|error| StoreError(format!("{}: {error}", file.display())))?;
    tracing::error!(
        records = aside.len(),
        request_id = aside.first().map(|record| &*record.request_id),
        why,
        file = %file.display(),
        "the store can't write records: they were set aside in a file, and are in no list and no sum"
    );
    Ok(u64::try_from(aside.len()).unwrap_or(u64::MAX))
}

fn write(file: &Path, records: &[Arc<Record>]) -> io::Result<()> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(file)?;
    let mut lines = Vec::new();
    for record in records {
        serde_json::to_writer(&mut lines, &RecordDetail::of(Record::clone(record)))?;
        lines.push(b'\n');
    }
    file.write_all(&lines)?;
    file.sync_all()
}
