//! One member of an object, by its name.

use std::ops::Range;

use crate::json;

/// A member's value, however its name is escaped; the last of several.
pub(crate) fn member(body: &[u8], span: &Range<usize>, name: &str) -> Option<Range<usize>> {
    let mut found = None;
    json::members_within(body, span, |member| {
        if json::unescaped(body.get(member.name).unwrap_or_default()) == name {
            found = Some(member.value);
        }
    });
    found
}
