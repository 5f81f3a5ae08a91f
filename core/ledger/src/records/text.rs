//! Records as lines of the text log, written straight into one string: a busy gateway writes thousands a second.

use std::fmt::{self, Write as _};

use sluice_api::Timestamp;

use crate::record::{Outcome, Record};

/// Bytes that a line mostly takes.
const LINE: usize = 384;

/// A line for each record, as the events of `target` look in the text log.
pub(super) fn lines(records: &[Record], now: Timestamp, target: &str) -> String {
    let mut text = String::with_capacity(records.len() * LINE);
    let head = format!("{now:.6}  INFO {target}: request");
    for record in records {
        text.push_str(&head);
        line(&mut text, record);
        text.push('\n');
    }
    text
}

fn line(text: &mut String, record: &Record) {
    let mut values = Values(text);
    values.word("request_id", &record.request_id);
    let _ = write!(values.0, " time={:.6}", record.time);
    values.text("key", &record.key);
    if let Some(client) = record.client {
        let _ = write!(values.0, " client={client}");
    }
    values.text("api", record.api.name());
    values.text("model", &record.model);
    values.some("upstream_model", record.upstream_model.as_deref());
    values.some("account", record.account.as_deref());
    values.some("provider", record.provider);
    values.number("status", record.status.into());
    values.number("attempts", record.attempts.into());
    values.word("stream", if record.stream { "true" } else { "false" });
    let usage = record.usage.unwrap_or_default();
    // What is zero or usual is left out: lines are many.
    for (name, count) in [
        ("input_tokens", usage.input),
        ("output_tokens", usage.output),
        ("cache_write_tokens", usage.cache_write()),
        ("cache_read_tokens", usage.cache_read),
        ("reasoning_tokens", usage.reasoning),
    ] {
        if count > 0 {
            values.number(name, count);
        }
    }
    if usage.estimated {
        values.word("usage_estimated", "true");
    }
    values.number("duration_ms", record.duration.as_millis() as u64);
    match record.outcome {
        Outcome::Refused(reason) => {
            values.word("outcome", "refused:");
            values.0.push_str(reason);
        }
        Outcome::Completed => values.word("outcome", "completed"),
        other => values.word("outcome", &other.to_string()),
    }
}

/// Writes ` name=value`.
struct Values<'a>(&'a mut String);

impl Values<'_> {
    /// A value that has no letter which could end it.
    fn word(&mut self, name: &str, value: &str) {
        self.0.push(' ');
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(value);
    }

    fn text(&mut self, name: &str, value: &str) {
        self.word(name, "");
        // Writing to a string never fails.
        let _ = quote(self.0, value);
    }

    fn some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    fn number(&mut self, name: &str, value: u64) {
        self.word(name, itoa::Buffer::new().format(value));
    }
}

/// Writes a text in quotes, escaped as Debug escapes it: that looks at each letter, this only where one has to be.
///
/// # Errors
///
/// Those of what it is written to.
pub fn quote(into: &mut impl fmt::Write, value: &str) -> fmt::Result {
    if value.bytes().any(|byte| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\')) {
        return write!(into, "{value:?}");
    }
    into.write_char('"')?;
    into.write_str(value)?;
    into.write_char('"')
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sluice_api::{Api, Operation, Timestamp, Usage};

    use super::{lines, quote};
    use crate::record::{Holder, Outcome, Record};

    #[test]
    fn a_line_tells_of_a_request_what_is_not_usual_and_stays_one_line() {
        let time: Timestamp = "2026-11-27T23:24:51.1234567Z".parse().unwrap();
        let holder = Holder { key: "k".into(), ..Holder::default() };
        let mut record = Record::new(time, "mine-1".into(), holder, Api::Anthropic, Operation::Generate);
        record.model = "m\n\"".into();
        record.outcome = Outcome::Refused("model_not_found");
        record.status = 404;
        record.client = Some([192, 0, 2, 7].into());
        let refused = record.clone();
        record.model = "m".into();
        record.account = Some("a".into());
        record.provider = Some("claude-console");
        record.upstream_model = Some("up".into());
        (record.status, record.attempts, record.stream) = (200, 1, true);
        record.usage = Some(Usage { input: 9, output: 41, estimated: true, ..Usage::default() });
        record.duration = Duration::from_millis(12);
        record.outcome = Outcome::Completed;
        let now = "2026-11-27T23:24:52Z".parse().unwrap();
        assert_eq!(
            lines(&[refused, record], now, "t"),
            "2026-11-27T23:24:52.000000Z  INFO t: request request_id=mine-1 time=2026-11-27T23:24:51.123456Z \
             key=\"k\" client=192.0.2.7 api=\"anthropic\" model=\"m\\n\\\"\" status=404 attempts=0 stream=false duration_ms=0 \
             outcome=refused:model_not_found\n\
             2026-11-27T23:24:52.000000Z  INFO t: request request_id=mine-1 time=2026-11-27T23:24:51.123456Z \
             key=\"k\" client=192.0.2.7 api=\"anthropic\" model=\"m\" upstream_model=\"up\" account=\"a\" provider=\"claude-console\" \
             status=200 attempts=1 stream=true input_tokens=9 output_tokens=41 usage_estimated=true duration_ms=12 \
             outcome=completed\n"
        );
    }

    #[test]
    fn a_text_is_quoted_as_debug_quotes_it() {
        for text in ["", "plain", "a \"b\"", "back\\slash", "new\nline", "ü\u{9b}\u{1b}"] {
            let mut quoted = String::new();
            quote(&mut quoted, text).unwrap();
            assert_eq!(quoted, format!("{text:?}"));
        }
    }
}
