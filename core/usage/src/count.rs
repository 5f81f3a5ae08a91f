//! A count as an upstream tells it: a number, or a number in quotes; anything else tells nothing.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A count of tokens or calls; none where it was not told.
///
/// Reading one never fails: a usage whose one count is odd tells its others all the same. Google's JSON gives 64-bit
/// numbers in quotes, and some servers give them with a fraction of zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(Option<u64>);

impl Count {
    /// The count, where it was told.
    #[must_use]
    pub const fn told(self) -> Option<u64> {
        self.0
    }

    /// The count; zero where it was not told.
    #[must_use]
    pub fn or_zero(self) -> u64 {
        self.0.unwrap_or(0)
    }

    /// Takes a later report: one that was not told, or a zero, takes nothing back.
    pub fn update(&mut self, later: Self) {
        if later.or_zero() > 0 || self.0.is_none() {
            *self = later;
        }
    }

    /// This one, or else another.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Count, E> {
        Ok(Count(Some(number)))
    }

    fn visit_i64<E: Error>(self, _negative: i64) -> Result<Count, E> {
        Ok(Count(None))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within what a float holds exactly"
    )]
    fn visit_f64<E: Error>(self, number: f64) -> Result<Count, E> {
        /// From here on a float has no ones.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let whole = number.fract() == 0.0 && (0.0..EXACT).contains(&number);
        Ok(Count(whole.then_some(number as u64)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Count, E> {
        Ok(Count(text.trim().parse().ok()))
    }

    fn visit_bool<E: Error>(self, _other: bool) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_unit<E: Error>(self) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Count, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Count, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Count(None))
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
            ("-7", None),
            ("1e30", None),
            ("\"many\"", None),
            ("null", None),
            ("true", None),
            ("[7]", None),
            ("{\"n\":7}", None),
        ] {
            assert_eq!(serde_json::from_str::<Count>(text).unwrap().told(), count, "{text}");
        }
    }
}
