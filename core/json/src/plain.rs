//! Where a JSON string has something to look at: its quotes, backslashes and control characters.

use memchr::memchr2;

/// Bytes of a string up to its closing quote and with it, and whether that is among them. `escaped` says, before and
/// afterwards, whether a backslash was the last byte.
pub fn string_length(bytes: &[u8], escaped: &mut bool) -> (usize, bool) {
    // What stands before is escaped, or was seen. What is only watched is not refused for a control character.
    let mut from = usize::from(*escaped);
    while let Some(found) = bytes.get(from..).and_then(quote_or_escape) {
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

/// How far a string is looked through by words of eight bytes, as most end before: to set a longer search up costs more than
/// they do.
const SHORT: usize = 32;

/// Where the first quote or backslash stands.
pub(super) fn quote_or_escape(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < SHORT
        && let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk)
    {
        let word = u64::from_le_bytes(*word);
        let found = places(word, b'"') | places(word, b'\\');
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr2(b'"', b'\\', bytes.get(at..)?).map(|found| at + found)
}

/// The highest bit of each byte of a word that is this one: true of the first of them, and of none before it.
const fn places(word: u64, byte: u8) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let others = word ^ (ONES * byte as u64);
    others.wrapping_sub(ONES) & !others & (ONES << 7)
}

/// Whether there are control characters in a document, also such as it may have between its values.
pub(crate) fn has_controls(document: &[u8]) -> bool {
    // Each place of a block by itself, which the processor compares at once.
    let mut least = [u8::MAX; 64];
    let (blocks, rest) = document.as_chunks::<64>();
    for block in blocks {
        for (least, byte) in least.iter_mut().zip(block) {
            *least = (*least).min(*byte);
        }
    }
    least.iter().chain(rest).any(|byte| *byte < b' ')
}

#[cfg(test)]
mod tests {
    use super::{has_controls, quote_or_escape, string_length};

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

    #[test]
    fn the_first_quote_or_backslash_is_found_whatever_stands_around_it() {
        for around in [0x00, 0x01, b'!', b'"' + 0x80, b'#', b'[', b']', b'a', 0x7f, 0x80, 0xff] {
            for length in 0..80 {
                let mut text = vec![around; length];
                assert_eq!(quote_or_escape(&text), None, "{around} {length}");
                for at in (0..length).rev() {
                    for mark in [b'"', b'\\'] {
                        text[at] = mark;
                        assert_eq!(quote_or_escape(&text), Some(at), "{around} {at} of {length}");
                    }
                }
            }
        }
    }
}
