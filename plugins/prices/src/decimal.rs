//! Decimal numbers from their text to whole numbers; nothing here is ever a float.

use std::fmt;

use sluice_api::cost::divided;

/// Significant digits that a number may have: more than any price file writes, and few enough for 128 bits.
const DIGITS_MAX: usize = 30;

/// Why a text is no number that can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is no decimal number.
    NoNumber,
    /// It is below zero.
    Negative,
    /// It is larger than what is bounded for such a number.
    TooLarge,
    /// It has more decimals than can be kept, or so small a value that nothing would be left of it.
    TooFine,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNumber => "this is no decimal number: write it like \"0.30\" or 3e-07",
            Self::Negative => "a price is not below zero",
            Self::TooLarge => "this is too large to be one",
            Self::TooFine => "this has more decimals than are kept",
        })
    }
}

/// A number in units of 10^-`decimals`, at most `limit`; what is finer than a unit is rounded half to even.
///
/// # Errors
///
/// Whatever is wrong with it; also when it is not zero and a unit is too coarse to show that.
pub fn rounded(text: &str, decimals: i32, limit: u128) -> Result<u128, Wrong> {
    let (units, _) = scaled(text, decimals, limit)?;
    Ok(units)
}

/// A number in units of 10^-`decimals`, at most `limit`.
///
/// # Errors
///
/// Whatever is wrong with it; also when it is finer than a unit.
pub fn exact(text: &str, decimals: i32, limit: u128) -> Result<u128, Wrong> {
    match scaled(text, decimals, limit)? {
        (units, true) => Ok(units),
        (_, false) => Err(Wrong::TooFine),
    }
}

/// The number in units, and whether it is exactly that.
fn scaled(text: &str, decimals: i32, limit: u128) -> Result<(u128, bool), Wrong> {
    if let Some(rest) = text.strip_prefix('-') {
        return Err(split(rest).map_or_else(|wrong| wrong, |_| Wrong::Negative));
    }
    let (mantissa, exponent) = split(text)?;
    if mantissa == 0 {
        return Ok((0, true));
    }
    let shift = exponent.saturating_add(decimals);
    let power = 10_u128.checked_pow(shift.unsigned_abs());
    let (units, whole) = if shift >= 0 {
        (power.and_then(|power| mantissa.checked_mul(power)).ok_or(Wrong::TooLarge)?, true)
    } else {
        let power = power.ok_or(Wrong::TooFine)?;
        (divided(mantissa, power), mantissa % power == 0)
    };
    match units {
        0 => Err(Wrong::TooFine),
        _ if units > limit => Err(Wrong::TooLarge),
        _ => Ok((units, whole)),
    }
}

/// The digits as one number, and the power of ten that it is to be multiplied by.
fn split(text: &str) -> Result<(u128, i32), Wrong> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, power(exponent)?),
        None => (text, 0),
    };
    let (whole, part) = match number.split_once('.') {
        Some((whole, part)) if !part.is_empty() => (whole, part),
        Some(_) => return Err(Wrong::NoNumber),
        None => (number, ""),
    };
    let plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(part) {
        return Err(Wrong::NoNumber);
    }
    let part = part.trim_end_matches('0');
    let digits = whole.bytes().chain(part.bytes()).skip_while(|byte| *byte == b'0');
    if digits.clone().count() > DIGITS_MAX {
        return Err(if part.is_empty() { Wrong::TooLarge } else { Wrong::TooFine });
    }
    let mantissa = digits.fold(0, |mantissa, digit| mantissa * 10 + u128::from(digit - b'0'));
    let decimals = i32::try_from(part.len()).map_err(|_| Wrong::TooFine)?;
    Ok((mantissa, exponent.saturating_sub(decimals)))
}

fn power(text: &str) -> Result<i32, Wrong> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Wrong::NoNumber);
    }
    text.parse().map_err(|_| Wrong::NoNumber)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Wrong, exact, rounded};

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (text, decimals, units) in [
            ("0", 18, Ok(0)),
            ("0.0e-99", 18, Ok(0)),
            ("3", 12, Ok(3_000_000_000_000)),
            ("0.30", 12, Ok(300_000_000_000)),
            ("1.25e-07", 18, Ok(125_000_000_000)),
            ("9e-9", 18, Ok(9_000_000_000)),
            ("1E+1", 18, Ok(10_000_000_000_000_000_000)),
            ("1.6000000000000001e-06", 18, Ok(1_600_000_000_000)),
            ("4.2000000000000006e-08", 18, Ok(42_000_000_000)),
            ("5e-19", 18, Err(Wrong::TooFine)),
            ("25e-19", 18, Ok(2)),
            ("35e-19", 18, Ok(4)),
            ("-1", 18, Err(Wrong::Negative)),
            ("-x", 18, Err(Wrong::NoNumber)),
            ("1e9", 18, Err(Wrong::TooLarge)),
            ("1e9999", 18, Err(Wrong::TooLarge)),
            ("1e-9999", 18, Err(Wrong::TooFine)),
            ("", 18, Err(Wrong::NoNumber)),
            (".5", 18, Err(Wrong::NoNumber)),
            ("5.", 18, Err(Wrong::NoNumber)),
            ("1_000", 18, Err(Wrong::NoNumber)),
            ("+1", 18, Err(Wrong::NoNumber)),
            ("1e", 18, Err(Wrong::NoNumber)),
            ("0x10", 18, Err(Wrong::NoNumber)),
            ("nan", 18, Err(Wrong::NoNumber)),
            ("inf", 18, Err(Wrong::NoNumber)),
            (" 1", 18, Err(Wrong::NoNumber)),
        ] {
            assert_eq!(rounded(text, decimals, 10_u128.pow(21)), units, "{text}");
        }
    }

    #[test]
    fn what_must_be_exact_is_never_rounded() {
        assert_eq!(exact("1.1", 3, 1_000_000), Ok(1_100));
        assert_eq!(exact("1.1000", 3, 1_000_000), Ok(1_100));
        assert_eq!(exact("1.0001", 3, 1_000_000), Err(Wrong::TooFine));
    }

    proptest! {
        #[test]
        fn a_decimal_is_its_digits_with_the_point_moved(units in 1_u128..10_u128.pow(21), at in 0_i32..18) {
            let scale = 10_u128.pow(at.unsigned_abs());
            let text = format!("{}.{:0width$}", units / scale, units % scale, width = usize::try_from(at).unwrap());
            let text = if at == 0 { units.to_string() } else { text };
            prop_assert_eq!(exact(&text, at, u128::MAX), Ok(units));
            prop_assert_eq!(exact(&format!("{units}e-{at}"), at, u128::MAX), Ok(units));
        }

        #[test]
        fn no_text_is_more_than_its_bound_or_a_panic(text in "[-+0-9.eE]{0,40}") {
            if let Ok(units) = rounded(&text, 18, 1_000) {
                prop_assert!(units <= 1_000);
            }
        }
    }
}
