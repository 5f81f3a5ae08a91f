//! One member of an object, by its name.

use std::ops::Range;

/// A member's value, however its name is escaped; the last of several.
pub fn member(body: &[u8], span: &Range<usize>, name: &str) -> Option<Range<usize>> {
    let mut found = None;
    crate::members_within(body, span, |member| {
        if crate::text::unescaped(body.get(member.name).unwrap_or_default()) == name {
            found = Some(member.value);
        }
    });
    found
}
