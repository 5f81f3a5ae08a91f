//! A text as its shape and the numbers in it: what upstreams write of usage differs in its numbers alone, so that a store
//! keeps the shapes once for many.

/// Stands in a shape for a number as it is written mostly.
const NUMBER: u8 = 1;

/// Stands for one that begins with zeros: its digits are counted.
const PADDED: u8 = 2;

/// Digits that surely fit 64 bits.
const DIGITS_MAX: usize = 19;

/// Splits a text into its shape, which is put into an empty buffer, and its numbers, which are put behind others; false
/// for one that has what stands for numbers in it.
pub fn split(text: &str, shape: &mut String, numbers: &mut Vec<u8>) -> bool {
    // To the end of it in any case, which is quicker than to look at each byte by itself.
    if text.bytes().fold(false, |found, byte| found | matches!(byte, NUMBER | PADDED)) {
        return false;
    }
    let mut rest = text;
    let mut in_word = false;
    while let Some(at) = rest.bytes().position(|byte| byte.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        shape.push_str(before);
        if let Some(last) = before.bytes().last() {
            in_word = last.is_ascii_alphabetic() || last == b'_';
        }
        let end = from.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(from.len());
        let (digits, behind) = from.split_at(end);
        // The digits of a name are a part of it.
        match digits.parse::<u64>() {
            Ok(number) if !in_word && digits.len() <= DIGITS_MAX => {
                if digits.len() > 1 && digits.starts_with('0') {
                    shape.push(char::from(PADDED));
                    put(digits.len() as u64, numbers);
                } else {
                    shape.push(char::from(NUMBER));
                }
                put(number, numbers);
            }
            _ => shape.push_str(digits),
        }
        in_word = false;
        rest = behind;
    }
    shape.push_str(rest);
    true
}

/// The text of a shape with these numbers; `None` where they are not its own.
#[must_use]
pub fn joined(shape: &str, mut numbers: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(shape.len() + numbers.len() * 3);
    for piece in shape.split_inclusive([char::from(NUMBER), char::from(PADDED)]) {
        match piece.as_bytes() {
            [.., NUMBER] => {
                text.push_str(piece.strip_suffix(char::from(NUMBER))?);
                text.push_str(&take(&mut numbers)?.to_string());
            }
            [.., PADDED] => {
                text.push_str(piece.strip_suffix(char::from(PADDED))?);
                let digits =
                    usize::try_from(take(&mut numbers)?).ok().filter(|digits| *digits <= DIGITS_MAX)?;
                let number = take(&mut numbers)?;
                text.push_str(&format!("{number:0digits$}"));
            }
            _ => text.push_str(piece),
        }
    }
    numbers.is_empty().then_some(text)
}

/// Writes a number with 7 bits in a byte, the lowest first.
pub fn put(mut number: u64, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    into.push(number.to_le_bytes()[0]);
}

/// Reads what [`put`] wrote; `None` where that is cut off.
#[must_use]
pub fn take(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{joined, put, split, take};

    fn shape(text: &str) -> Option<(String, Vec<u8>)> {
        let (mut shape, mut numbers) = (String::new(), Vec::new());
        split(text, &mut shape, &mut numbers).then_some((shape, numbers))
    }

    #[test]
    fn a_text_is_put_together_again_to_the_last_byte() {
        for text in [
            "",
            "7",
            "{\"a\":0,\"b\":12,\"ephemeral_5m_input_tokens\":300}\n{\"out\":41}",
            "{\"cost\":0.000123,\"at\":\"2026-01-02\",\"n\":-5,\"f\":1.25e-07,\"g\":1e10}",
            "{\"much\":18446744073709551615,\"more\":123456789012345678901234567890,\"zeros\":00000000000000000000001}",
            "ä1ö22ü",
            "{\"cut\":12",
        ] {
            let (shape, numbers) = shape(text).unwrap();
            assert_eq!(joined(&shape, &numbers).as_deref(), Some(text), "{shape:?}");
        }
        assert_eq!(shape("a\u{1}"), None);
        assert_eq!(shape("a\u{2}7"), None);
    }

    #[test]
    fn texts_that_differ_in_numbers_have_one_shape() {
        let of = |input: u64, cost: &str| {
            shape(&format!(
                "{{\"input_tokens\":{input},\"ephemeral_5m_input_tokens\":{input},\"cost\":{cost}}}"
            ))
            .unwrap()
            .0
        };
        assert_eq!(of(1, "0.0012"), of(123_456, "0.0000345"));
        assert!(of(1, "0").contains("ephemeral_5m"));
    }

    #[test]
    fn numbers_that_are_not_a_shapes_own_make_no_text() {
        let (shape, numbers) = shape("a 1 b 300").unwrap();
        for cut in 0..numbers.len() {
            assert_eq!(joined(&shape, numbers.get(..cut).unwrap()), None);
        }
        assert_eq!(joined(&shape, &[&numbers[..], &[1]].concat()), None);
        assert_eq!(joined("\u{2}", &[200, 1, 7]), None);
        let mut bytes = Vec::new();
        for number in [0, 127, 128, u64::MAX] {
            bytes.clear();
            put(number, &mut bytes);
            assert_eq!(take(&mut &bytes[..]), Some(number));
        }
        assert_eq!(take(&mut &[0x80; 11][..]), None);
    }
}
