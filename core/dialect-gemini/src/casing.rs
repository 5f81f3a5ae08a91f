//! What Google's own parser takes: each field in camel case or in snake case, one element where a list is due, whole
//! numbers in quotes.

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Members, Raw};

/// A field's name in camel case, where it is in snake case: `topK` of `top_k`.
pub(crate) fn camel(name: &str) -> Option<String> {
    let rest = name.trim_start_matches('_');
    if !rest.contains('_') {
        return None;
    }
    let mut other = String::with_capacity(name.len());
    let mut raise = false;
    for letter in rest.chars() {
        match (letter, raise) {
            ('_', _) => raise = true,
            (letter, true) => {
                other.push(letter.to_ascii_uppercase());
                raise = false;
            }
            (letter, false) => other.push(letter),
        }
    }
    Some(other)
}

/// An object whose names are fields, in either spelling.
pub(crate) fn fields<'a>(value: Raw<'a>, at: At) -> Result<Members<'a>, Error> {
    Members::of(value, at).map(|members| members.renamed(camel))
}

/// The elements of a list; one that stands alone is a list of itself.
pub(crate) fn list(value: Raw<'_>, at: At) -> Result<Vec<Raw<'_>>, Error> {
    if value.get().starts_with('{') { Ok(vec![value]) } else { json::items(value, at) }
}

/// A whole number, with or without quotes.
pub(crate) fn whole(value: Raw<'_>, at: At) -> Result<i64, Error> {
    number(value.get()).ok_or_else(|| json::wrong(at, "it must be a whole number"))
}

/// A whole number, where it is one.
pub(crate) fn number(text: &str) -> Option<i64> {
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number: f64 = text.parse().ok()?;
    // Written as a fraction of zero, as `64.0`.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it has no fraction, and is far below the largest number"
    )]
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::{camel, number};

    #[test]
    fn names_of_fields_have_two_spellings() {
        for (name, other) in
            [("top_k", "topK"), ("any_of", "anyOf"), ("parameters_json_schema", "parametersJsonSchema")]
        {
            assert_eq!(camel(name).as_deref(), Some(other));
            assert_eq!(camel(other), None);
        }
        assert_eq!(camel("_x"), None);
    }

    #[test]
    fn whole_numbers_may_be_quoted_and_have_a_fraction_of_zero() {
        for (text, told) in [
            ("5", Some(5)),
            ("\"5\"", Some(5)),
            ("64.0", Some(64)),
            ("-1", Some(-1)),
            ("1.5", None),
            ("\"x\"", None),
            ("[]", None),
            ("1e300", None),
        ] {
            assert_eq!(number(text), told, "{text}");
        }
    }
}
