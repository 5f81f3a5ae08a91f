//! Names as readers take them that look at no case.

/// Whether a name is this one but for its case, as Go's `encoding/json` folds it: letters of ASCII, and the two letters
/// beside it that fold to one of them, the long s (U+017F) and the sign of Kelvin (U+212A).
#[must_use]
pub fn same(name: &str, written: &str) -> bool {
    if written.is_ascii() {
        return name.eq_ignore_ascii_case(written);
    }
    let folded = written.chars().map(|letter| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    });
    folded.eq(name.chars().map(|letter| letter.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn a_name_in_another_case_is_the_same() {
        for (written, is_same) in [
            ("max_tokens", true),
            ("Max_Tokens", true),
            ("max_to\u{212a}en\u{17f}", true),
            ("MAX_TO\u{212a}ENS", true),
            ("max_token", false),
            ("max-tokens", false),
            ("m\u{e4}x_tokens", false),
            ("max_tokens\u{17f}", false),
        ] {
            assert_eq!(same("max_tokens", written), is_same, "{written}");
        }
    }
}
