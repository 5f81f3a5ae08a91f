//! Numbers of reports, from their decimal text to whole numbers; nothing here is ever a float.

/// Decimals of an amount of dollars. Anthropic tells cents with a few decimals, OpenAI dollars with up to 30, of which the
/// last are zeros.
pub(crate) const DECIMALS: u32 = 24;

/// An amount of dollars in units of 10^-[`DECIMALS`], from a text whose own unit is a dollar divided by 10^`places`: 0 for
/// dollars, 2 for cents.
pub(crate) fn money(text: &str, places: u32) -> Result<i128, String> {
    let wrong = || format!("`{text}` is no amount of money");
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().map_err(|_| wrong())?),
        None => (text, 0),
    };
    let (negative, number) = number.strip_prefix('-').map_or((false, number), |number| (true, number));
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || number.ends_with('.') {
        return Err(wrong());
    }
    let part = part.trim_end_matches('0');
    let joined = format!("{whole}{part}");
    let joined = joined.trim_start_matches('0');
    if joined.is_empty() {
        return Ok(0);
    }
    let large = || format!("`{text}` is more money than a report can tell");
    let mantissa: i128 = joined.parse().map_err(|_| large())?;
    let behind = i32::try_from(part.len()).unwrap_or(i32::MAX);
    let shift =
        i32::try_from(DECIMALS - places).unwrap_or_default().saturating_add(exponent).saturating_sub(behind);
    let power = 10_i128.checked_pow(shift.unsigned_abs());
    let units = match shift {
        0.. => power.and_then(|power| mantissa.checked_mul(power)).ok_or_else(large)?,
        _ => {
            let fine = || format!("`{text}` has more decimals than are kept");
            let power = power.ok_or_else(fine)?;
            if mantissa % power != 0 {
                return Err(fine());
            }
            mantissa / power
        }
    };
    Ok(if negative { -units } else { units })
}

/// Half of the last decimal of an amount of dollars that was rounded to cents, or finer, before it was written.
pub(crate) fn half_of_last(text: &str) -> i128 {
    let decimals = text.split_once('.').map_or(0, |(_, part)| part.len()).max(2);
    let decimals = u32::try_from(decimals).unwrap_or(u32::MAX);
    DECIMALS.checked_sub(decimals.saturating_add(1)).map_or(0, |power| 5 * 10_i128.pow(power))
}

/// A whole number; some exports write one as `3.0`.
pub(crate) fn count(text: &str) -> Result<i128, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let plain = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = !part.is_empty() && part.bytes().all(|byte| byte == b'0');
    let count = whole.parse::<u64>().ok().filter(|_| plain && is_whole);
    count.map(i128::from).ok_or_else(|| format!("`{text}` is no count"))
}

/// An amount as a decimal without exponent and without trailing zeros.
pub(crate) fn plain(units: i128) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let one = 10_u128.pow(DECIMALS);
    let (whole, rest) = (units.unsigned_abs() / one, units.unsigned_abs() % one);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    let rest = format!("{rest:024}");
    format!("{sign}{whole}.{}", rest.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::{count, half_of_last, money, plain};

    #[test]
    fn an_amount_is_what_its_text_says_whatever_form_it_has() {
        for (text, places, dollars) in [
            ("0.06", 0, "0.06"),
            ("0.060000000000000005", 0, "0.060000000000000005"),
            ("0.003835980000000000000000000000", 0, "0.00383598"),
            ("6e-05", 0, "0.00006"),
            ("1.5E2", 0, "150"),
            ("123.78912", 2, "1.2378912"),
            ("12345", 2, "123.45"),
            ("-250", 2, "-2.5"),
            ("0", 2, "0"),
            ("0e9", 0, "0"),
        ] {
            assert_eq!(money(text, places).map(plain), Ok(dollars.to_owned()), "{text}");
        }
        for text in ["", ".5", "1.", "1,5", "$1", "1e", "--1", "NaN", "1e-30", "1e30", "0x1"] {
            assert!(money(text, 0).is_err(), "{text}");
        }
    }

    #[test]
    fn a_count_is_a_whole_number() {
        assert_eq!(
            ["0", "7", "3.0", "18446744073709551615"].map(count),
            [Ok(0), Ok(7), Ok(3), Ok(u64::MAX.into())]
        );
        for text in ["", "-1", "1.5", "1.", "1e3", "1,000", "18446744073709551616"] {
            assert!(count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_was_rounded_to_cents_may_be_half_a_cent_off() {
        assert_eq!(
            ["0.19", "0.1", "18", "0.000"].map(half_of_last).map(plain),
            ["0.005", "0.005", "0.005", "0.0005"]
        );
    }
}
