//! How records are written out.

use serde_json::Value;
use sluice_api::record::Record;

/// How records are written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a head (RFC 4180): what is not nested.
    Csv,
    /// One JSON object to a line, as the admin API shows a record: all of it.
    JsonLines,
}

/// The columns of CSV, by their names in JSON.
const COLUMNS: [&str; 36] = [
    "id",
    "request_id",
    "time",
    "key",
    "key_id",
    "group",
    "user",
    "tags",
    "client",
    "api",
    "operation",
    "model",
    "upstream_model",
    "reported_model",
    "account",
    "provider",
    "pool",
    "session",
    "status",
    "outcome",
    "error",
    "attempts",
    "stream",
    "input_tokens",
    "output_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "cache_read_tokens",
    "reasoning_tokens",
    "usage_estimated",
    "usage_inconsistent",
    "cost",
    "list_cost",
    "ttfb_ms",
    "duration_ms",
    "overhead_ms",
];

impl Format {
    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::JsonLines),
            _ => None,
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines => "application/x-ndjson",
        }
    }

    /// What stands before all records.
    #[must_use]
    pub fn head(self) -> Vec<u8> {
        match self {
            Self::Csv => rows(std::iter::once(COLUMNS.map(ToOwned::to_owned).to_vec())),
            Self::JsonLines => Vec::new(),
        }
    }

    /// Some records.
    #[must_use]
    pub fn write(self, records: &[Record]) -> Vec<u8> {
        match self {
            Self::Csv => rows(records.iter().map(|record| {
                let value = serde_json::to_value(record).unwrap_or_default();
                COLUMNS.iter().map(|column| value.get(*column).map_or_else(String::new, cell)).collect()
            })),
            Self::JsonLines => {
                let mut lines = Vec::with_capacity(records.len() * 1024);
                for record in records {
                    // Writing to a vector never fails.
                    let _ = serde_json::to_writer(&mut lines, record);
                    lines.push(b'\n');
                }
                lines
            }
        }
    }
}

fn rows(rows: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        let _ = writer.write_record(row);
    }
    writer.into_inner().unwrap_or_default()
}

/// A value in a cell. Clients choose names of models, and spreadsheets take a text that begins as a formula for one: it is
/// led by an apostrophe, which they show as text.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(cell).collect::<Vec<_>>().join(" "),
        other => return other.to_string(),
    };
    if text.starts_with(['=', '+', '@', '\t', '\r'])
        || (text.starts_with('-') && text.parse::<f64>().is_err())
    {
        return format!("'{text}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use sluice_api::dialect::{Api, Operation};
    use sluice_api::record::{Holder, Record};

    use super::{COLUMNS, Format};

    fn record(model: &str) -> Record {
        let holder = Holder::new("k, \"1\"".into(), "".into(), std::sync::Arc::default());
        let mut record =
            Record::new(Timestamp::UNIX_EPOCH, "r".into(), holder, Api::Anthropic, Operation::Generate);
        record.model = model.into();
        record
    }

    #[test]
    fn every_column_of_a_record_is_one_of_csv_unless_it_is_nested() {
        let value = serde_json::to_value(record("m")).unwrap();
        let known: BTreeSet<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let written = BTreeSet::from(COLUMNS);
        assert_eq!(written.len(), COLUMNS.len());
        let left_out: Vec<&str> = known.difference(&written).copied().collect();
        assert_eq!(left_out, ["others", "tries", "turns", "usage"]);
        assert!(written.is_subset(&known), "{:?}", written.difference(&known));
    }

    #[test]
    fn what_clients_name_stays_text_in_a_cell_and_whole_in_json() {
        let names = ["=1+1", "+x", "-x", "@x", "a\"b\nc", "-0.5"];
        let records: Vec<Record> = names.iter().map(|name| record(name)).collect();
        let mut written = Format::Csv.head();
        written.extend(Format::Csv.write(&records));
        let mut reader = csv::Reader::from_reader(written.as_slice());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let models: Vec<&str> = rows.iter().map(|row| row.get(11).unwrap()).collect();
        assert_eq!(models, ["'=1+1", "'+x", "'-x", "'@x", "a\"b\nc", "-0.5"]);
        assert!(rows.iter().all(|row| row.get(3) == Some("k, \"1\"")));
        let lines = Format::JsonLines.write(&records);
        let read: Vec<Record> =
            serde_json::Deserializer::from_slice(&lines).into_iter().map(Result::unwrap).collect();
        assert_eq!(read, records);
    }
}
