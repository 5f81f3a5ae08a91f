//! Values as the text log writes them, straight into one string: a busy gateway writes thousands of lines a second.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use tracing::field::DisplayValue;

use sluice_api::cost::Money;
use sluice_api::record::Outcome;
use sluice_packing::address::Plain;

/// What stands in a column of the log.
pub(super) trait Cell {
    /// Writes ` name=value`; nothing where there is no value.
    fn write(&self, name: &str, text: &mut String);
}

impl Cell for &str {
    fn write(&self, name: &str, text: &mut String) {
        begin(name, text);
        // Writing to a string never fails.
        let _ = quote(text, self);
    }
}

impl Cell for u64 {
    fn write(&self, name: &str, text: &mut String) {
        begin(name, text);
        text.push_str(itoa::Buffer::new().format(*self));
    }
}

impl Cell for bool {
    fn write(&self, name: &str, text: &mut String) {
        begin(name, text);
        text.push_str(if *self { "true" } else { "false" });
    }
}

impl Cell for DisplayValue<Timestamp> {
    fn write(&self, name: &str, text: &mut String) {
        begin(name, text);
        let _ = write!(text, "{self:.6}");
    }
}

impl Cell for DisplayValue<&str> {
    fn write(&self, name: &str, text: &mut String) {
        plain(name, self, text);
    }
}

impl Cell for DisplayValue<Plain> {
    fn write(&self, name: &str, text: &mut String) {
        plain(name, self, text);
    }
}

impl Cell for DisplayValue<Money> {
    fn write(&self, name: &str, text: &mut String) {
        plain(name, self, text);
    }
}

impl Cell for DisplayValue<&Outcome> {
    fn write(&self, name: &str, text: &mut String) {
        plain(name, self, text);
    }
}

impl<T: Cell> Cell for Option<T> {
    fn write(&self, name: &str, text: &mut String) {
        if let Some(value) = self {
            value.write(name, text);
        }
    }
}

fn begin(name: &str, text: &mut String) {
    text.push(' ');
    text.push_str(name);
    text.push('=');
}

/// A value that has no letter which could end it.
fn plain(name: &str, value: &impl fmt::Display, text: &mut String) {
    begin(name, text);
    let _ = write!(text, "{value}");
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
    use super::quote;

    #[test]
    fn a_text_is_quoted_as_debug_quotes_it() {
        for text in ["", "plain", "a \"b\"", "back\\slash", "new\nline", "ü\u{9b}\u{1b}"] {
            let mut quoted = String::new();
            quote(&mut quoted, text).unwrap();
            assert_eq!(quoted, format!("{text:?}"));
        }
    }
}
