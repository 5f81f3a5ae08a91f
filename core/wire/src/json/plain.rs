//! Where a JSON string has something to look at: its quotes, backslashes and control characters.

use std::ops::ControlFlow;

use wide::u8x16;

/// Bytes that are looked at together.
const BLOCK: usize = 16;

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
    // A control character has no place here; what is only watched is not refused for it.
    match walk(bytes, escaped, |_| ControlFlow::<()>::Continue(())) {
        ControlFlow::Continue(Some(length)) => (length, true),
        ControlFlow::Continue(None) | ControlFlow::Break(()) => (bytes.len(), false),
    }
}

/// Bytes of a string up to its closing quote and with it, if it is there. `special` is asked at each backslash that
/// nothing escapes, and at each control character; `escaped` is as above.
#[inline]
pub(crate) fn walk<B>(
    bytes: &[u8],
    escaped: &mut bool,
    mut special: impl FnMut(usize) -> ControlFlow<B>,
) -> ControlFlow<B, Option<usize>> {
    // The byte behind the last backslash.
    let mut behind = if *escaped { 0 } else { usize::MAX };
    let (mut start, mut rest) = (0, bytes);
    while !rest.is_empty() {
        let mut found = match rest.split_first_chunk() {
            Some((block, more)) => {
                rest = more;
                found(block)
            }
            None => found_last(bytes, std::mem::take(&mut rest)),
        };
        if behind == start {
            found &= !1;
        }
        while found != 0 {
            let place = found.trailing_zeros();
            let at = start + place as usize;
            found &= found - 1;
            match bytes.get(at) {
                Some(b'"') => {
                    *escaped = false;
                    return ControlFlow::Continue(Some(at + 1));
                }
                // What it escapes is looked at no more; it may stand in the next block, or not have come yet.
                Some(b'\\') => {
                    found &= !(2 << place);
                    behind = at + 1;
                    special(at)?;
                }
                _ => special(at)?,
            }
        }
        start += BLOCK;
    }
    *escaped = behind == bytes.len();
    ControlFlow::Continue(None)
}

/// The same as [`found`] of the bytes at the end that are less than a block.
fn found_last(bytes: &[u8], last: &[u8]) -> u32 {
    if let Some(block) = bytes.last_chunk() {
        return found(block) >> (BLOCK - last.len());
    }
    let mut block = [b' '; BLOCK];
    block.iter_mut().zip(last).for_each(|(place, byte)| *place = *byte);
    found(&block)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::{string_length, walk};

    /// Where a text has something to look at up to its end, with its closing quote.
    fn specials(text: &[u8]) -> Vec<usize> {
        let mut found = Vec::new();
        let special = |at| {
            found.push(at);
            ControlFlow::<()>::Continue(())
        };
        if let ControlFlow::Continue(Some(end)) = walk(text, &mut false, special) {
            found.push(end - 1);
        }
        found
    }

    #[test]
    fn what_is_to_be_looked_at_is_found_wherever_it_stands() {
        for filling in [b'a', b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xa2, 0xdc, 0xff] {
            for length in 0..70 {
                let mut text = vec![filling; length];
                assert_eq!(specials(&text), [0; 0], "{length} times {filling}");
                for special in [0, 0x1f, b'\n'] {
                    text.extend([
                        special, filling, special, special, b'\\', special, b'\\', b'"', b'"', special,
                    ]);
                    let found = [0, 2, 3, 4, 6, 8].map(|place| length + place);
                    assert_eq!(specials(&text), found, "{special} behind {filling}");
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
