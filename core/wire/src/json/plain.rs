//! Where a JSON string has something to look at: its quotes, backslashes and control characters.

use memchr::memchr2;

/// Bytes of a string up to its closing quote and with it, and whether that is among them. `escaped` says, before and
/// afterwards, whether a backslash was the last byte.
pub(crate) fn string_length(bytes: &[u8], escaped: &mut bool) -> (usize, bool) {
    // What stands before is escaped, or was seen. What is only watched is not refused for a control character.
    let mut from = usize::from(*escaped);
    while let Some(found) = bytes.get(from..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        let at = from + found;
        if bytes.get(at) == Some(&b'"') {
            *escaped = false;
            return (at + 1, true);
        }
        from = at + 2;
    }
    *escaped = from > bytes.len();
    (bytes.len(), false)
}

/// Whether there are control characters in a document, also such as it may have between its values.
pub(crate) fn has_controls(document: &[u8]) -> bool {
    let (blocks, rest) = document.as_chunks::<64>();
    let least = |bytes: &[u8]| bytes.iter().copied().fold(u8::MAX, u8::min);
    blocks.iter().any(|block| least(block) < b' ') || rest.iter().any(|byte| *byte < b' ')
}

#[cfg(test)]
mod tests {
    use super::{has_controls, string_length};

    #[test]
    fn a_control_character_is_seen_wherever_it_stands() {
        for length in 0..150 {
            let mut text = vec![b' '; length];
            assert!(!has_controls(&text), "{length}");
            for at in 0..length {
                text[at] = 0x1f;
                assert!(has_controls(&text), "{at} of {length}");
                text[at] = 0x80;
            }
        }
    }

    #[test]
    fn a_string_ends_at_the_quote_that_nothing_escapes_however_it_is_cut() {
        for length in 0..40 {
            let text =
                [vec![b'a'; length], br#"\\\"b\\"#.to_vec(), vec![b'c'; length], b"\" x\"".to_vec()].concat();
            let end = text.len() - 3;
            for cut in 0..=end {
                let (first, second) = text.split_at(cut);
                let mut escaped = false;
                let (seen, ended) = string_length(first, &mut escaped);
                if cut == end {
                    assert_eq!((seen, ended, escaped), (end, true, false));
                    continue;
                }
                assert_eq!((seen, ended), (cut, false), "{cut}");
                assert_eq!(string_length(second, &mut escaped), (end - cut, true), "{cut}");
            }
        }
    }
}
