//! How far a JSON string goes on: up to what has to be looked at in it, and up to its end.

/// Bytes that are looked at word by word first: text with escapes rarely goes on for longer, and what looks at more at
/// once costs more than it saves there.
const BY_WORDS: usize = 64;

/// Bytes that are then looked at together.
const BLOCK: usize = 64;

/// One in each byte of a word.
const ONES: u64 = u64::from_le_bytes([1; 8]);

/// The highest bit of each.
const HIGHEST: u64 = u64::from_le_bytes([0x80; 8]);

/// Bytes before the first quote, backslash or control character; all of them where there is none.
#[inline]
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    let near = bytes.get(..BY_WORDS).unwrap_or(bytes);
    let length = by_words(near);
    if length < BY_WORDS { length } else { length + far_length(bytes.get(BY_WORDS..).unwrap_or_default()) }
}

#[inline(never)]
fn far_length(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    // A fold over a whole block is what the compiler turns into vector code.
    let plain = |block: &&[u8; BLOCK]| !block.iter().fold(false, |found, byte| found | is_special(*byte));
    let past = BLOCK * blocks.iter().take_while(plain).count();
    past + by_words(bytes.get(past..).unwrap_or_default())
}

/// Bytes of a string up to its closing quote and with it, and whether that is among them. `escaped` says, before and
/// afterwards, whether a backslash was the last byte.
pub(crate) fn string_length(bytes: &[u8], escaped: &mut bool) -> (usize, bool) {
    let mut at = usize::from(std::mem::take(escaped));
    loop {
        at += plain_length(bytes.get(at..).unwrap_or_default());
        match bytes.get(at..).unwrap_or_default() {
            [] => return (at, false),
            [b'"', ..] => return (at + 1, true),
            [b'\\'] => {
                *escaped = true;
                return (at + 1, false);
            }
            [b'\\', _, ..] => at += 2,
            // A control character has no place here; what is only watched is not refused for it.
            [_, ..] => at += 1,
        }
    }
}

#[inline]
fn by_words(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (count, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // Subtracting sets the highest bit of the first byte that is too small, and perhaps of bytes above it.
        let quote = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
        let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
        let control = word.wrapping_sub(ONES * 0x20);
        // Where a byte has that bit itself it is none of them.
        let found = (quote | backslash | control) & !word & HIGHEST;
        if found != 0 {
            return count * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let plain = rest.iter().take_while(|byte| !is_special(**byte)).count();
    words.len() * 8 + plain
}

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[cfg(test)]
mod tests {
    use super::plain_length;

    #[test]
    fn the_first_byte_to_look_at_is_found_wherever_it_stands() {
        for filling in [b'a', b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xa2, 0xdc, 0xff] {
            for length in 0..300 {
                let mut text = vec![filling; length];
                assert_eq!(plain_length(&text), length, "{filling}");
                for special in [b'"', b'\\', 0, 0x1f, b'\n'] {
                    text.push(special);
                    text.extend([b'"', filling, special]);
                    assert_eq!(plain_length(&text), length, "{special} behind {length} times {filling}");
                    text.truncate(length);
                }
            }
        }
    }
}
