//! Where a JSON string has something to look at: its quotes, backslashes and control characters.

use wide::u8x16;

/// Bytes that are looked at together.
const BLOCK: usize = 16;

/// Where bytes stand that are quotes, backslashes or control characters, in their order.
pub(crate) fn specials(bytes: &[u8]) -> Specials<'_> {
    Specials { rest: bytes, next: 0, found: 0 }
}

/// See [`specials`].
#[derive(Debug)]
pub(crate) struct Specials<'a> {
    /// What was not looked at yet.
    rest: &'a [u8],
    /// Where it begins.
    next: usize,
    /// A bit for each that was found in the block before it.
    found: u32,
}

impl Iterator for Specials<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            if let Some((block, rest)) = self.rest.split_first_chunk() {
                self.found = found(block);
                self.rest = rest;
            } else if self.rest.is_empty() {
                return None;
            } else {
                let mut block = [b' '; BLOCK];
                block.iter_mut().zip(self.rest).for_each(|(place, byte)| *place = *byte);
                self.found = found(&block);
                self.rest = &[];
            }
            self.next += BLOCK;
        }
        let place = self.found.trailing_zeros() as usize;
        self.found &= self.found - 1;
        Some(self.next - BLOCK + place)
    }
}

/// A bit for each byte of a block that is special.
#[inline]
fn found(block: &[u8; BLOCK]) -> u32 {
    let bytes = u8x16::new(*block);
    let quote = bytes.simd_eq(u8x16::splat(b'"'));
    let backslash = bytes.simd_eq(u8x16::splat(b'\\'));
    // What is no more than the last control character is the smaller of the two.
    let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    (quote | backslash | control).to_bitmask()
}

/// Bytes of a string up to its closing quote and with it, and whether that is among them. `escaped` says, before and
/// afterwards, whether a backslash was the last byte.
pub(crate) fn string_length(bytes: &[u8], escaped: &mut bool) -> (usize, bool) {
    // What stands before is escaped, or was seen.
    let mut from = usize::from(*escaped);
    for at in specials(bytes) {
        match bytes.get(at) {
            _ if at < from => {}
            Some(b'"') => {
                *escaped = false;
                return (at + 1, true);
            }
            Some(b'\\') => from = at + 2,
            // A control character has no place here; what is only watched is not refused for it.
            _ => {}
        }
    }
    *escaped = from > bytes.len();
    (bytes.len(), false)
}

#[cfg(test)]
mod tests {
    use super::{specials, string_length};

    #[test]
    fn what_is_to_be_looked_at_is_found_wherever_it_stands() {
        for filling in [b'a', b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xa2, 0xdc, 0xff] {
            for length in 0..70 {
                let mut text = vec![filling; length];
                assert_eq!(specials(&text).next(), None, "{length} times {filling}");
                for special in [b'"', b'\\', 0, 0x1f, b'\n'] {
                    text.push(special);
                    text.extend([filling, special, special]);
                    let found: Vec<usize> = specials(&text).collect();
                    assert_eq!(found, [length, length + 2, length + 3], "{special} behind {filling}");
                    text.truncate(length);
                }
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
