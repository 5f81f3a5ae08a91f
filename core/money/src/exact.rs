//! Exact amounts of US dollars, as prices and the lines of a bill have them before they are rounded.

use std::fmt;
use std::str::FromStr;

use crate::rounded::{Money, NotMoney};

/// An amount of US dollars, not below zero, as a whole number of units of 10^-21; never a float.
///
/// A rate for one token has up to 18 decimals in a price file, and a multiplier 3 more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exact(u128);

/// By how much an amount is multiplied, as a whole number of ten-billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor(u128);

/// Units of an exact amount in one of [`Money`], whose decimals are 10.
const UNITS: u128 = 10_u128.pow(Exact::DECIMALS - 10);

/// Units in a factor of one.
const ONCE: u128 = 10_u128.pow(Factor::DECIMALS);

impl Exact {
    /// Its decimals.
    pub const DECIMALS: u32 = 21;

    /// No money.
    pub const ZERO: Self = Self(0);

    /// An amount from its number of units.
    #[must_use]
    pub const fn from_units(units: u128) -> Self {
        Self(units)
    }

    /// The number of units.
    #[must_use]
    pub const fn units(self) -> u128 {
        self.0
    }

    /// This many times the amount; no more than its type can tell.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count as u128))
    }

    /// Both amounts; no more than their type can tell.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Rounded at 10 decimals, half to even.
    #[must_use]
    pub fn rounded(self) -> Money {
        money(divided(self.0, UNITS))
    }

    /// Multiplied, and rounded once, at 10 decimals and half to even.
    #[must_use]
    pub fn rounded_by(self, factor: Factor) -> Money {
        match self.0.checked_mul(factor.0) {
            Some(product) => money(divided(product, UNITS * ONCE)),
            // So much money (340,000,000 dollars) that what it is short of its last digits is not seen.
            None => money(divided(self.0, UNITS).saturating_mul(factor.0) / ONCE),
        }
    }
}

impl Factor {
    /// Its decimals.
    pub const DECIMALS: u32 = 10;

    /// Once.
    pub const ONE: Self = Self(ONCE);

    /// A factor from its number of ten-billionths.
    #[must_use]
    pub const fn from_units(units: u128) -> Self {
        Self(units)
    }

    /// The number of ten-billionths.
    #[must_use]
    pub const fn units(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Exact {
    /// A decimal without exponent and without trailing zeros: `0.0000025`, `12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u128.pow(Self::DECIMALS);
        let (whole, rest) = (self.0 / one, self.0 % one);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let decimals = format!("{rest:021}");
        write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

impl FromStr for Exact {
    type Err = NotMoney;

    /// Reads what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, NotMoney> {
        digits(text, 21).map(Self).ok_or(NotMoney)
    }
}

impl fmt::Display for Factor {
    /// A decimal without exponent and without trailing zeros: `0.85`, `1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its decimals are those of money.
        money(self.0).fmt(f)
    }
}

impl FromStr for Factor {
    type Err = NotMoney;

    /// Reads what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, NotMoney> {
        digits(text, 10).map(Self).ok_or(NotMoney)
    }
}

/// A plain decimal as a whole number of its last decimals.
fn digits(text: &str, decimals: usize) -> Option<u128> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (plain(whole) && plain(rest) && rest.len() <= decimals)
        .then(|| format!("{whole}{rest:0<decimals$}").parse().ok())
        .flatten()
}

fn money(units: u128) -> Money {
    Money::from_units(i128::try_from(units).unwrap_or(i128::MAX))
}

/// `number / by`, rounded half to even.
#[must_use]
pub const fn divided(number: u128, by: u128) -> u128 {
    let (whole, rest) = (number / by, number % by);
    let up = rest > by - rest || (rest == by - rest && whole % 2 == 1);
    if up { whole + 1 } else { whole }
}

#[cfg(test)]
mod tests {
    use super::{Exact, Factor, divided};

    const TEN_BILLIONTH: u128 = 10_u128.pow(11);

    #[test]
    fn halves_go_to_the_even_number() {
        assert_eq!([1, 2, 3, 5, 6, 7].map(|number| divided(number, 2)), [0, 1, 2, 2, 3, 4]);
        assert_eq!([divided(14, 10), divided(15, 10), divided(16, 10), divided(25, 10)], [1, 2, 2, 2]);
        for (halves, units) in [(1, 0), (3, 2), (5, 2), (7, 4)] {
            assert_eq!(Exact::from_units(halves * TEN_BILLIONTH / 2).rounded().units(), units);
        }
        assert_eq!(Exact::from_units(TEN_BILLIONTH / 2 + 1).rounded().units(), 1);
    }

    #[test]
    fn a_multiplier_is_in_the_amount_before_it_is_rounded() {
        let amount = Exact::from_units(TEN_BILLIONTH * 3 / 2);
        let by = |tenths: u128| amount.rounded_by(Factor::from_units(tenths * 10_u128.pow(9))).units();
        // Rounded before, 1.5 would be 2, and half of it 1; rounded once, 0.75 is 1 and 1.65 is 2.
        assert_eq!([by(5), by(10), by(11), by(15), by(0)], [1, 2, 2, 2, 0]);
        assert_eq!(amount.rounded_by(Factor::ONE), amount.rounded());
        let much = Exact::from_units(u128::MAX);
        assert_eq!(
            much.rounded_by(Factor::ONE).units() / 10_000_000_000,
            much.rounded().units() / 10_000_000_000
        );
    }

    #[test]
    fn a_multiplier_prints_as_a_plain_decimal() {
        for (units, text) in [(0, "0"), (10_000_000_000, "1"), (8_500_000_000, "0.85"), (1, "0.0000000001")] {
            assert_eq!(Factor::from_units(units).to_string(), text);
            assert_eq!(text.parse(), Ok(Factor::from_units(units)));
        }
        for text in ["", "-1", "1.", ".5", "0.00000000001", "1e3"] {
            assert!(text.parse::<Factor>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_amount_prints_as_a_plain_decimal() {
        for (units, text) in [
            (0, "0"),
            (10_u128.pow(21) * 3, "3"),
            (25 * 10_u128.pow(14), "0.0000025"),
            (1, "0.000000000000000000001"),
        ] {
            assert_eq!(Exact::from_units(units).to_string(), text);
            assert_eq!(text.parse(), Ok(Exact::from_units(units)));
        }
    }
}
