//! Model names as segments of a path.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is: nothing that could change a host, a path or a query.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b':')
    .remove(b'+');

/// A name as one segment of a path.
#[must_use]
pub fn segment(name: &str) -> Cow<'_, str> {
    utf8_percent_encode(name, SEGMENT).into()
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn a_name_stays_one_segment() {
        for (name, encoded) in [
            ("gemini-3.8", "gemini-3.8"),
            ("a/b", "a%2Fb"),
            ("a?b#c", "a%3Fb%23c"),
            ("a%2fb", "a%252fb"),
            ("x y", "x%20y"),
        ] {
            assert_eq!(segment(name), encoded);
        }
    }
}
