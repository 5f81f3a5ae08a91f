//! Where records go that are kept no longer: files of compressed JSON lines, one for each day.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io::{self, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use sluice_api::record::Record;

use super::format::Format;

/// Appends records to the files of the days (in UTC) on which they began, in a folder that is made where it is missing. Each
/// call appends a gzip member of its own, which readers of gzip take for one file. On the disk when it returns.
///
/// A process that is killed before the records are deleted appends them again: whoever reads an archive tells by their ids.
///
/// # Errors
///
/// When something could not be written.
pub fn append(folder: &Path, records: &[Record]) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let mut days: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for record in records {
        let day = record.time.strftime("%Y-%m-%d").to_string();
        days.entry(day).or_default().push(record.clone());
    }
    for (day, records) in days {
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(folder.join(format!("requests-{day}.jsonl.gz")))?;
        let mut member = GzEncoder::new(Vec::new(), Compression::default());
        member.write_all(&Format::JsonLines.write(&records))?;
        // All of a member at once: a full disk leaves no half of one that others are written behind.
        let before = file.metadata()?.len();
        if let Err(error) = file.write_all(&member.finish()?).and_then(|()| file.sync_all()) {
            let _ = file.set_len(before);
            return Err(error);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use flate2::read::MultiGzDecoder;
    use jiff::Timestamp;
    use sluice_api::dialect::{Api, Operation};
    use sluice_api::record::{Holder, Record};

    use super::append;

    fn record(id: u64, time: &str) -> Record {
        let time: Timestamp = time.parse().unwrap();
        let mut record = Record::new(time, "r".into(), Holder::default(), Api::Gemini, Operation::Embed);
        record.id = id;
        record
    }

    #[test]
    fn what_is_appended_is_read_again_day_by_day() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("archive");
        let early = record(1, "2026-11-27T23:59:59Z");
        let late = [record(2, "2026-11-28T00:00:00Z"), record(3, "2026-11-28T05:00:00Z")];
        append(&place, &[early.clone(), late[0].clone()]).unwrap();
        append(&place, &late[1..]).unwrap();
        let read = |day: &str| -> Vec<Record> {
            let file = File::open(place.join(format!("requests-{day}.jsonl.gz"))).unwrap();
            let values = serde_json::Deserializer::from_reader(MultiGzDecoder::new(file)).into_iter();
            values.map(Result::unwrap).collect()
        };
        assert_eq!(read("2026-11-27"), [early]);
        assert_eq!(read("2026-11-28"), late);
    }
}
