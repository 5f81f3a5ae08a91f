//! Exact amounts of US dollars.

use std::fmt;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

/// An amount of US dollars as a whole number of ten-billionths (10 decimals), never a float.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i128);

/// Decimals that it has.
const DECIMALS: usize = 10;

/// Units in one dollar.
const SCALE: u128 = 10_u128.pow(DECIMALS as u32);

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// An amount from its number of ten-billionths of a dollar.
    #[must_use]
    pub const fn from_units(units: i128) -> Self {
        Self(units)
    }

    /// The number of ten-billionths of a dollar.
    #[must_use]
    pub const fn units(self) -> i128 {
        self.0
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl fmt::Display for Money {
    /// A decimal without exponent and without trailing zeros: `0.0014`, `12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (units / SCALE, units % SCALE);
        if rest == 0 {
            return write!(f, "{sign}{whole}");
        }
        let decimals = format!("{rest:010}");
        write!(f, "{sign}{whole}.{}", decimals.trim_end_matches('0'))
    }
}

/// A text that is no amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount of dollars is a decimal like 0.0014, with at most 10 decimals")]
pub struct NotMoney;

impl FromStr for Money {
    type Err = NotMoney;

    /// Reads what [`fmt::Display`] writes, and decimals with up to 10 places.
    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(decimals) || decimals.len() > DECIMALS {
            return Err(NotMoney);
        }
        let units: i128 = format!("{whole}{decimals:0<DECIMALS$}").parse().map_err(|_| NotMoney)?;
        Ok(Self(if negative { -units } else { units }))
    }
}

#[cfg(test)]
mod tests {
    use super::{Money, NotMoney};

    #[test]
    fn an_amount_prints_as_a_plain_decimal() {
        for (units, text) in [
            (0, "0"),
            (10_000_000_000, "1"),
            (14_180_000, "0.001418"),
            (-5_000_000_000, "-0.5"),
            (1, "0.0000000001"),
        ] {
            assert_eq!(Money::from_units(units).to_string(), text);
            assert_eq!(text.parse(), Ok(Money::from_units(units)));
        }
    }

    #[test]
    fn what_is_no_plain_decimal_is_no_money() {
        for text in ["", "-", ".5", "1.", "1e3", "+1", "0.00000000001", "1 ", "--1", "1.-2"] {
            assert_eq!(text.parse::<Money>(), Err(NotMoney), "{text:?}");
        }
        assert_eq!("0.50".parse(), Ok(Money::from_units(5_000_000_000)));
    }
}
