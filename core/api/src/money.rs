//! Exact amounts of US dollars.

use std::fmt;
use std::ops::{Add, AddAssign};

/// An amount of US dollars as a whole number of ten-billionths (10 decimals), never a float.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i128);

/// Units in one dollar.
const SCALE: u128 = 10_000_000_000;

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

#[cfg(test)]
mod tests {
    use super::Money;

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
        }
    }
}
