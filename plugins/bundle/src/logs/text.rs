//! A log line as people read it: when, how grave, from where, what, and its values. It is one line whatever is in it, and
//! has no colours: a line is written for each request, and most of them into files.

use std::error::Error;
use std::fmt::{self, Write as _};

use sluice_ledger::records::text::quote;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The format.
#[derive(Debug)]
pub(super) struct Text;

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        SystemTime.format_time(&mut line)?;
        line.write_str(padded(metadata.level()))?;
        line.write_str(metadata.target())?;
        line.write_char(':')?;
        let mut values = Values { line, written: Ok(()) };
        event.record(&mut values);
        values.written?;
        values.line.write_char('\n')
    }
}

const fn padded(level: &Level) -> &'static str {
    match *level {
        Level::ERROR => " ERROR ",
        Level::WARN => "  WARN ",
        Level::INFO => "  INFO ",
        Level::DEBUG => " DEBUG ",
        Level::TRACE => " TRACE ",
    }
}

/// Writes a line's sentence and its values as they are visited.
struct Values<'a> {
    line: Writer<'a>,
    written: fmt::Result,
}

impl Values<'_> {
    /// Writes ` name=value`, or the sentence, which has no name.
    fn value(&mut self, field: &Field, write: impl FnOnce(&mut Plain<'_, '_>) -> fmt::Result) {
        let name = field.name();
        // Where a record of the `log` crate came from, which its target says already.
        if self.written.is_err() || name.starts_with("log.") {
            return;
        }
        let line = &mut self.line;
        self.written = (|| {
            line.write_char(' ')?;
            if name != "message" {
                line.write_str(name)?;
                line.write_char('=')?;
            }
            write(&mut Plain(line))
        })();
    }
}

impl Visit for Values<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.value(field, |line| quote(line.0, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, |line| line.0.write_str(if value { "true" } else { "false" }));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.value(field, |line| write!(line.0, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, |line| write!(line.0, "{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.value(field, |line| write!(line, "{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.value(field, |line| write!(line, "{value:?}"));
    }
}

/// Writes control characters as `\u{1b}` and the like: what upstreams and clients say must not end a line, or colour a
/// terminal.
struct Plain<'a, 'b>(&'a mut Writer<'b>);

impl fmt::Write for Plain<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Bytes from 0x80 on may be the controls U+0080 to U+009F, or any letter that is not English.
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|letter| match letter.is_control() {
            true => write!(self.0, "{}", letter.escape_default()),
            false => self.0.write_char(letter),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::Text;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged meanwhile, without the times.
    fn logged(work: impl FnOnce()) -> Vec<String> {
        let kept = Kept::default();
        let to = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || to.clone())
            .event_format(Text)
            .finish();
        tracing::subscriber::with_default(subscriber, work);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| {
            let (time, rest) = line.split_once('Z').unwrap();
            assert_eq!(time.len(), "2026-11-27T23:24:51.123456".len(), "{line}");
            rest.to_owned()
        });
        lines.collect()
    }

    #[test]
    fn a_line_says_when_how_grave_from_where_what_and_its_values() {
        let lines = logged(|| {
            let none: Option<u64> = None;
            let error = io::Error::other("it is gone");
            tracing::info!(target: "audit", id = %"x-1", name = "k", count = 7_u64, less = -1, is = true, none, "done");
            tracing::warn!(target: "t", %error, some = ?Some("y"), "a sentence with {}", 2);
            tracing::debug!(target: "t", "no values");
        });
        assert_eq!(
            lines,
            [
                "  INFO audit: done id=x-1 name=\"k\" count=7 less=-1 is=true",
                "  WARN t: a sentence with 2 error=it is gone some=Some(\"y\")",
                " DEBUG t: no values",
            ]
        );
    }

    #[test]
    fn whatever_is_in_a_line_it_stays_one_and_has_no_colour() {
        let wild = "a\nb\u{1b}[31m\"\\\u{9b}ü";
        let lines = logged(|| tracing::info!(target: "t", text = wild, shown = %wild, "{wild}"));
        let plain = "a\\nb\\u{1b}[31m\"\\\\u{9b}ü";
        let quoted = "\"a\\nb\\u{1b}[31m\\\"\\\\\\u{9b}ü\"";
        assert_eq!(lines, [format!("  INFO t: {plain} text={quoted} shown={plain}")]);
    }
}
