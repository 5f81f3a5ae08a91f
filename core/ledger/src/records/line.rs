//! What the log has of a record: each column once, for its text and for its JSON.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::field::display;

use super::text::Cell;
use sluice_api::record::Record;
use sluice_packing::address::Plain;

/// Where the log has records: filters name it, so that it stays wherever this stands.
pub(super) const TARGET: &str = "sluice_engine::records";

/// Bytes that a line mostly takes.
const LINE: usize = 384;

/// A line for each record, as its event looks in the text log.
pub(super) fn lines(records: &[Arc<Record>], now: Timestamp) -> String {
    let mut text = String::with_capacity(records.len() * LINE);
    let head = format!("{now:.6}  INFO {TARGET}: request");
    for record in records {
        text.push_str(&head);
        line(&mut text, record);
        text.push('\n');
    }
    text
}

/// Makes an event, and a line of text, of the same columns in the same order.
macro_rules! columns {
    (|$record:ident, $usage:ident| $($name:ident = $cell:expr;)*) => {
        /// Tells a record as an event, for a log whose lines are not text.
        pub(super) fn event($record: &Record) {
            let $usage = $record.usage.unwrap_or_default();
            tracing::info!(target: TARGET, $($name = $cell,)* "request");
        }

        /// Writes a record's columns as text.
        pub(super) fn line(text: &mut String, $record: &Record) {
            let $usage = $record.usage.unwrap_or_default();
            $($cell.write(stringify!($name), text);)*
        }

        /// The names of the columns.
        #[cfg(test)]
        const NAMES: [&str; [$(stringify!($name)),*].len()] = [$(stringify!($name)),*];
    };
}

// What is zero or usual is left out: lines are many.
columns! { |record, usage|
    request_id = display(&*record.request_id);
    time = display(record.time);
    key = &*record.key;
    client = record.client.map(|client| display(Plain(client)));
    api = record.api.name();
    model = &*record.model;
    upstream_model = record.upstream_model.as_deref();
    account = record.account.as_deref();
    provider = record.provider.as_deref();
    status = u64::from(record.status);
    attempts = u64::from(record.attempts);
    stream = record.stream;
    input_tokens = some(usage.input);
    output_tokens = some(usage.output);
    cache_write_tokens = some(usage.cache_write());
    cache_read_tokens = some(usage.cache_read);
    reasoning_tokens = some(usage.reasoning);
    usage_estimated = usage.estimated.then_some(true);
    usage_inconsistent = usage.inconsistent.then_some(true);
    cost = record.cost.own.map(display);
    duration_ms = record.duration.as_millis() as u64;
    outcome = display(&record.outcome);
}

fn some(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::time::Duration;

    use jiff::Timestamp;
    use serde_json::Value;
    use sluice_api::cost::Usage;
    use sluice_api::dialect::{Api, Operation};
    use utoipa::PartialSchema;

    use super::{NAMES, TARGET, lines};
    use sluice_api::record::{Cost, Holder, Outcome, Record, RecordView};

    #[test]
    fn a_line_tells_of_a_request_what_is_not_usual_and_stays_one_line() {
        let time: Timestamp = "2026-11-27T23:24:51.1234567Z".parse().unwrap();
        let holder = Holder::new("k".into(), "".into(), Arc::default());
        let mut record = Record::new(time, "mine-1".into(), holder, Api::Anthropic, Operation::Generate);
        record.model = "m\n\"".into();
        record.outcome = Outcome::Refused("model_not_found".into());
        record.status = 404;
        record.client = Some([192, 0, 2, 7].into());
        let refused = record.clone();
        record.model = "m".into();
        record.account = Some("a".into());
        record.provider = Some("claude-console".into());
        record.upstream_model = Some("up".into());
        (record.status, record.attempts, record.stream) = (200, 1, true);
        let mut usage = Usage::new(9, 41);
        usage.estimated = true;
        record.usage = Some(usage);
        record.cost = Cost::new(Some("0.0000425".parse().unwrap()), None);
        record.duration = Duration::from_millis(12);
        record.outcome = Outcome::Completed;
        let now = "2026-11-27T23:24:52Z".parse().unwrap();
        assert_eq!(
            lines(&[refused, record].map(Arc::new), now).replace(TARGET, "t"),
            "2026-11-27T23:24:52.000000Z  INFO t: request request_id=mine-1 time=2026-11-27T23:24:51.123456Z \
             key=\"k\" client=192.0.2.7 api=\"anthropic\" model=\"m\\n\\\"\" status=404 attempts=0 stream=false duration_ms=0 \
             outcome=refused:model_not_found\n\
             2026-11-27T23:24:52.000000Z  INFO t: request request_id=mine-1 time=2026-11-27T23:24:51.123456Z \
             key=\"k\" client=192.0.2.7 api=\"anthropic\" model=\"m\" upstream_model=\"up\" account=\"a\" provider=\"claude-console\" \
             status=200 attempts=1 stream=true input_tokens=9 output_tokens=41 usage_estimated=true cost=0.0000425 duration_ms=12 \
             outcome=completed\n"
        );
    }

    fn names(object: &Value) -> BTreeSet<&str> {
        object.as_object().unwrap().keys().map(String::as_str).collect()
    }

    /// Each set is derived from its shape: a column that one shape had alone, or had not, would be seen here.
    #[test]
    fn the_list_its_document_and_the_log_name_the_columns_of_the_one_record() {
        let (holder, id) = (Holder::default(), "request".into());
        let record = Record::new(Timestamp::UNIX_EPOCH, id, holder, Api::Anthropic, Operation::Generate);
        let shown = serde_json::to_value(RecordView(Arc::new(record))).unwrap();
        let schema = serde_json::to_value(RecordView::schema()).unwrap();
        assert_eq!(names(&schema["properties"]), names(&shown));
        assert!(names(&shown).len() > 30, "{shown:#}");
        let logged = BTreeSet::from(NAMES);
        assert!(logged.is_subset(&names(&shown)), "{:?}", logged.difference(&names(&shown)));
        for name in schema["required"].as_array().unwrap() {
            assert!(!shown[name.as_str().unwrap()].is_null(), "{name}");
        }
    }
}
