//! Where records go that are kept no longer: files of compressed JSON lines, each a record in detail.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use sluice_api::record::Record;

use crate::records::detail::RecordDetail;

/// Writes records to a folder that is made where it is missing: those of each day (in UTC) on which they began to a file of
/// its own, named by the day and the first of their ids. Each is there whole or not at all, and on the disk when this
/// returns; the same records written again are the same file.
///
/// # Errors
///
/// When something could not be written.
pub fn write(folder: &Path, records: &[Record]) -> io::Result<()> {
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
        let first = records.first().map_or(0, |record| record.id);
        let name = format!("requests-{day}-{first:020}.jsonl.gz");
        let unfinished = folder.join(format!("{name}.unfinished"));
        let written =
            compressed(&unfinished, &records).and_then(|()| fs::rename(&unfinished, folder.join(name)));
        if let Err(error) = written {
            // A disk that is full has the room again.
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
    }
    // The names are on the disk too.
    File::open(folder)?.sync_all()
}

fn compressed(path: &Path, records: &[Record]) -> io::Result<()> {
    let mut options = File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut encoder = GzEncoder::new(options.open(path)?, Compression::default());
    for record in records {
        serde_json::to_writer(&mut encoder, &RecordDetail::of(record.clone()))?;
        encoder.write_all(b"\n")?;
    }
    encoder.finish()?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use flate2::read::GzDecoder;
    use jiff::Timestamp;
    use sluice_api::dialect::{Api, Operation};
    use sluice_api::record::{Holder, Record};

    use super::write;

    fn record(id: u64, time: &str) -> Record {
        let time: Timestamp = time.parse().unwrap();
        let mut record = Record::new(time, "r".into(), Holder::default(), Api::Gemini, Operation::Embed);
        record.id = id;
        record
    }

    #[test]
    fn what_is_written_is_read_again_day_by_day_and_once_though_it_is_written_twice() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("archive");
        let early = record(1, "2026-11-27T23:59:59Z");
        let late = [record(2, "2026-11-28T00:00:00Z"), record(3, "2026-11-28T05:00:00Z")];
        for _ in 0..2 {
            write(&place, &[early.clone(), late[0].clone()]).unwrap();
        }
        write(&place, &late[1..]).unwrap();
        let mut names: Vec<String> =
            place.read_dir().unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        let of = |day: &str, id: u64| format!("requests-2026-11-{day}-{id:020}.jsonl.gz");
        assert_eq!(names, [of("27", 1), of("28", 2), of("28", 3)]);
        let read = |name: &String| -> Vec<Record> {
            let file = GzDecoder::new(File::open(place.join(name)).unwrap());
            serde_json::Deserializer::from_reader(file).into_iter().map(Result::unwrap).collect()
        };
        let all: Vec<Record> = names.iter().flat_map(read).collect();
        assert_eq!(all, [early, late[0].clone(), late[1].clone()]);
    }
}
