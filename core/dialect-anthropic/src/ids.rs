//! Ids of calls, as Anthropic allows them.

use std::borrow::Cow;
use std::fmt::Write as _;

/// An id that is allowed: itself, or else one that no other comes to.
pub(crate) fn allowed(id: &str) -> Cow<'_, str> {
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if !id.is_empty() && id.chars().all(|letter| plain(&letter)) {
        return Cow::Borrowed(id);
    }
    let mut told = String::with_capacity(id.len() + 8);
    for letter in id.chars() {
        if plain(&letter) {
            told.push(letter);
        } else {
            // Writing into a string does not fail.
            let _ = write!(told, "_{:x}_", u32::from(letter));
        }
    }
    if told.is_empty() {
        told.push('_');
    }
    Cow::Owned(told)
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn ids_are_kept_where_they_can_be() {
        assert_eq!(allowed("toolu_01-A"), "toolu_01-A");
        assert_eq!(allowed("a.b:c"), "a_2e_b_3a_c");
        assert_ne!(allowed("a.b"), allowed("a:b"));
    }
}
