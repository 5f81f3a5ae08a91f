//! Settings with a unit: durations (`"10s"`) and sizes (`"32MiB"`).

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A span of time written with its unit: `"250ms"`, `"10s"`, `"5m"`, `"1h"`, `"30d"`; `"0"` is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

/// A number of bytes written with its unit: `"512B"`, `"64KiB"`, `"32MiB"`, `"1GiB"` (also `KB`, `MB`, `GB`, in thousands).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// Units of time in milliseconds, longest suffix first where one ends in another.
const SPANS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Units of size in bytes, longest suffix first where one ends in another.
const SIZES: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    if text == "0" {
        return Some(0);
    }
    let (number, factor) =
        units.iter().find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number, *factor)))?;
    let number = number.trim_end();
    // A plain number, so that "1ms" isn't read as minutes of "1" + "s" and "+5s" is refused.
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(factor)
}

impl Span {
    /// Reads a span; `None` when the text is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        with_unit(text, &SPANS).map(|ms| Self(Duration::from_millis(ms)))
    }
}

impl Size {
    /// Reads a size; `None` when the text is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        with_unit(text, &SIZES).map(Self)
    }
}

/// Writes a number with the largest unit that divides it.
fn written(number: u64, units: &[(&str, u64)]) -> String {
    let best = units
        .iter()
        .filter(|(_, factor)| number != 0 && number.is_multiple_of(*factor))
        .max_by_key(|(_, factor)| *factor);
    best.map_or_else(|| number.to_string(), |(unit, factor)| format!("{}{unit}", number / factor))
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ms = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        serializer.serialize_str(&written(ms, &SPANS))
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&written(self.0, &SIZES))
    }
}

struct Text<T>(&'static str, fn(&str) -> Option<T>);

impl<T> de::Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self.0))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        // `0` needs no unit; any other number does.
        (self.1)(&number.to_string())
            .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self.0))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        (self.1)(&number.to_string()).ok_or_else(|| E::invalid_value(de::Unexpected::Signed(number), &self.0))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text(
            "a duration with its unit, like \"10s\", \"5m\", \"1h\" or \"30d\"",
            Self::parse,
        ))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text("a size with its unit, like \"64KiB\" or \"32MiB\"", Self::parse))
    }
}

fn text_schema(description: &str, example: &str) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).examples([example]).into()
}

impl PartialSchema for Span {
    fn schema() -> RefOr<Schema> {
        text_schema("A duration with its unit: ms, s, m, h or d.", "10s")
    }
}

impl ToSchema for Span {}

impl PartialSchema for Size {
    fn schema() -> RefOr<Schema> {
        text_schema("A size with its unit: B, KiB, MiB, GiB, KB, MB or GB.", "32MiB")
    }
}

impl ToSchema for Size {}

#[cfg(test)]
mod tests {
    use super::{Size, Span};

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        for (text, ms) in [
            ("0", 0),
            ("250ms", 250),
            ("10s", 10_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("30d", 2_592_000_000),
        ] {
            assert_eq!(Span::parse(text).map(|span| span.0.as_millis()), Some(ms), "{text}");
        }
        for text in ["", "10", "s", "-1s", "+1s", "1.5s", "10 sec", "1h30m"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_size_is_a_number_and_a_unit() {
        for (text, bytes) in
            [("0", 0), ("1B", 1), ("64KiB", 65_536), ("32MiB", 33_554_432), ("1 GB", 1_000_000_000)]
        {
            assert_eq!(Size::parse(text), Some(Size(bytes)), "{text}");
        }
        for text in ["32", "MiB", "1.5MiB", "99999999999GiB"] {
            assert_eq!(Size::parse(text), None, "{text}");
        }
    }
}
