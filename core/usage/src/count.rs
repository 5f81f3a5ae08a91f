//! A count as an upstream tells it: a number, or a number in quotes; one below zero is zero, anything else tells nothing.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A count of tokens or calls; none where it was not told.
///
/// Reading one never fails: a usage whose one count is odd tells its others all the same. Google's JSON gives 64-bit
/// numbers in quotes, and some servers give them with a fraction of zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    told: Option<u64>,
    below: bool,
}

impl From<Option<u64>> for Count {
    fn from(told: Option<u64>) -> Self {
        Self { told, below: false }
    }
}

impl Count {
    /// The count, where it was told.
    #[must_use]
    pub const fn told(self) -> Option<u64> {
        self.told
    }

    /// Whether it was told as less than nothing: zero stands for it, and what it belongs to adds up to nothing right.
    #[must_use]
    pub const fn is_below_zero(self) -> bool {
        self.below
    }

    /// The count; zero where it was not told.
    #[must_use]
    pub fn or_zero(self) -> u64 {
        self.told.unwrap_or(0)
    }

    /// Takes a later report: one that was not told, or a zero, takes nothing back.
    pub fn update(&mut self, later: Self) {
        if later.or_zero() > 0 || self.told.is_none() {
            *self = later;
        }
    }

    /// This one, or else another.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self.told.is_some() { self } else { other }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any)
    }
}

/// What stands for a count below zero.
const BELOW: Count = Count { told: Some(0), below: true };

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Count, E> {
        Ok(Count::from(Some(number)))
    }

    fn visit_i64<E: Error>(self, _negative: i64) -> Result<Count, E> {
        Ok(BELOW)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within what a float holds exactly"
    )]
    fn visit_f64<E: Error>(self, number: f64) -> Result<Count, E> {
        /// From here on a float has no ones.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if number < 0.0 {
            return Ok(BELOW);
        }
        let whole = number.fract() == 0.0 && (0.0..EXACT).contains(&number);
        Ok(whole.then_some(number as u64).into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Count, E> {
        let text = text.trim();
        let below = text
            .strip_prefix('-')
            .and_then(|digits| digits.parse::<f64>().ok())
            .is_some_and(|less| less > 0.0);
        Ok(if below { BELOW } else { text.parse().ok().into() })
    }

    fn visit_bool<E: Error>(self, _other: bool) -> Result<Count, E> {
        Ok(Count::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Count, E> {
        Ok(Count::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Count, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Count::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Count, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Count::default())
    }
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn a_count_is_read_in_every_form_in_which_one_is_told() {
        for (text, count) in [
            ("7", Some(7)),
            ("18446744073709551615", Some(u64::MAX)),
            ("\"7\"", Some(7)),
            ("\" 7 \"", Some(7)),
            ("7.0", Some(7)),
            ("7.5", None),
            ("-0", Some(0)),
            ("1e30", None),
            ("\"many\"", None),
            ("null", None),
            ("true", None),
            ("[7]", None),
            ("{\"n\":7}", None),
        ] {
            let read = serde_json::from_str::<Count>(text).unwrap();
            assert_eq!((read.told(), read.is_below_zero()), (count, false), "{text}");
        }
    }

    #[test]
    fn a_count_below_zero_is_zero_and_says_so() {
        for text in ["-7", "-0.5", "-1e30", "\"-7\"", "\" -7.0 \"", "-9223372036854775809"] {
            let read = serde_json::from_str::<Count>(text).unwrap();
            assert_eq!((read.told(), read.is_below_zero()), (Some(0), true), "{text}");
        }
        for text in ["\"-0\"", "\"-\"", "\"-many\""] {
            assert!(!serde_json::from_str::<Count>(text).unwrap().is_below_zero(), "{text}");
        }
    }
}
