//! Limits, as they are written: a window, and what may be used in it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sluice_api::limiter;
use sluice_api::settings::Span;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::globs::Globs;

/// A limit: at least one of `requests`, `tokens` and `cost`, each counted by itself. What is counted stays where how much
/// there may be is changed.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Its window: a rolling one of 1 s to `stats.retention_days`, or one of the calendar in `stats.timezone`.
    pub per: Per,
    /// Requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 9_007_199_254_740_992_u64)]
    pub requests: Option<u64>,
    /// Tokens: input, output, cache writes and reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 9_007_199_254_740_992_u64)]
    pub tokens: Option<u64>,
    /// US dollars, 900000000 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Decimal>,
    /// Globs over the model asked for, `!` excludes; unset: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub models: Option<Globs>,
}

/// The most requests or tokens of a limit: what a program that has numbers as JavaScript does reads exactly.
pub const MOST: u64 = 1 << 53;

/// The most US dollars of a limit: in units of 1e-10, what a signed number of 64 bits holds, with room above.
pub const DOLLARS_MOST: u64 = 900_000_000;

/// The window of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Any stretch of this length.
    Rolling(Span),
    /// A calendar window, or all time: `day`, `week`, `month`, `total`.
    Calendar(&'static str),
}

/// Windows that have names.
const CALENDAR: [&str; 4] = ["day", "week", "month", "total"];

/// A decimal number that is not negative, exactly as it is written; in quotes, as a number's type would round it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal(String);

/// Digits before and after the point: what an amount of money can hold exactly.
const DIGITS: (usize, usize) = (18, 10);

impl Per {
    fn parse(text: &str) -> Option<Self> {
        let named = CALENDAR.iter().find(|name| **name == text).map(|name| Self::Calendar(name));
        named.or_else(|| Span::parse(text).filter(|span| !span.0.is_zero()).map(Self::Rolling))
    }
}

impl From<Per> for limiter::Per {
    fn from(per: Per) -> Self {
        match per {
            Per::Rolling(Span(length)) => Self::Rolling(length),
            Per::Calendar("day") => Self::Day,
            Per::Calendar("week") => Self::Week,
            Per::Calendar("month") => Self::Month,
            Per::Calendar(_) => Self::Total,
        }
    }
}

impl From<limiter::Per> for Per {
    fn from(per: limiter::Per) -> Self {
        match per {
            limiter::Per::Rolling(length) => Self::Rolling(Span(length)),
            limiter::Per::Day => Self::Calendar("day"),
            limiter::Per::Week => Self::Calendar("week"),
            limiter::Per::Month => Self::Calendar("month"),
            limiter::Per::Total => Self::Calendar("total"),
        }
    }
}

impl Decimal {
    /// `1`.
    #[must_use]
    pub fn one() -> Self {
        Self("1".to_owned())
    }

    /// The number of ten-billionths, which are all that it can have.
    #[must_use]
    pub fn ten_billionths(&self) -> u128 {
        let (whole, rest) = self.0.split_once('.').unwrap_or((&self.0, ""));
        let digits = whole.bytes().chain(rest.bytes().chain(std::iter::repeat(b'0')).take(DIGITS.1));
        digits.fold(0, |number, digit| number * 10 + u128::from(digit - b'0'))
    }

    /// Reads a decimal; `None` when the text is not one. Zeros that say nothing are left out.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, rest) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !rest.is_none_or(digits) {
            return None;
        }
        let (whole, rest) = (whole.trim_start_matches('0'), rest.unwrap_or_default().trim_end_matches('0'));
        if whole.len() > DIGITS.0 || rest.len() > DIGITS.1 {
            return None;
        }
        let whole = if whole.is_empty() { "0" } else { whole };
        Some(Self(if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest}") }))
    }
}

impl Serialize for Per {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Rolling(span) => span.serialize(serializer),
            Self::Calendar(name) => serializer.serialize_str(name),
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Reads text by a function, or says what it should have been.
struct Text<T>(&'static str, fn(&str) -> Option<T>);

impl<T> de::Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self.0))
    }
}

impl<'de> Deserialize<'de> for Per {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wanted = "a duration like \"60s\" or \"5h\", or \"day\", \"week\", \"month\", \"total\"";
        deserializer.deserialize_str(Text(wanted, Self::parse))
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wanted = "a decimal in quotes, like \"0.25\" or \"50\", of at most 10 decimals";
        deserializer.deserialize_str(Text(wanted, Self::parse))
    }
}

fn text_schema(description: &str, example: &str) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).examples([example]).into()
}

impl PartialSchema for Per {
    fn schema() -> RefOr<Schema> {
        text_schema(
            "A rolling window as a duration (\"60s\", \"5h\"), a calendar window (\"day\", \"week\", \"month\") or \"total\".",
            "day",
        )
    }
}

impl ToSchema for Per {}

impl PartialSchema for Decimal {
    fn schema() -> RefOr<Schema> {
        text_schema("A decimal number in quotes, so that it stays exact.", "12.50")
    }
}

impl ToSchema for Decimal {}

#[cfg(test)]
mod tests {
    use super::{Decimal, Per};

    #[test]
    fn a_decimal_is_kept_exactly() {
        for (text, read) in [
            ("1", Some("1")),
            ("1.00", Some("1")),
            ("007.250", Some("7.25")),
            ("0.0000000001", Some("0.0000000001")),
            ("0", Some("0")),
            ("0.00000000001", None),
            ("1e5", None),
            ("-1", None),
            (".5", None),
            ("5.", None),
            ("1,5", None),
            ("", None),
        ] {
            assert_eq!(Decimal::parse(text), read.map(|text| Decimal(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_window_is_a_duration_or_a_name() {
        for (text, valid) in
            [("60s", true), ("day", true), ("total", true), ("0", false), ("year", false), ("Day", false)]
        {
            assert_eq!(Per::parse(text).is_some(), valid, "{text}");
        }
    }
}
