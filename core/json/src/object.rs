//! An object by the spans of its members, and how some of them are left out without touching the rest.

use std::ops::Range;

use crate::scanner::{Member, Top};

/// An object, its members in their order.
#[derive(Debug)]
pub struct Object {
    /// The byte after the opening brace.
    pub start: usize,
    members: Vec<(String, Member)>,
}

impl Object {
    /// Looks at a document; `None` where it is no valid JSON object.
    #[must_use]
    pub fn of(document: &[u8]) -> Option<Self> {
        let mut members = Vec::new();
        let top = crate::members(document, |member| {
            members
                .push((crate::text::unescape(document.get(member.name.clone()).unwrap_or_default()), member));
        });
        let Ok(Top::Object { start, .. }) = top else { return None };
        Some(Self { start, members })
    }

    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Range<usize>)> {
        self.members.iter().map(|(name, member)| (name.as_str(), &member.value))
    }

    /// The first value of this name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Range<usize>> {
        self.iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// How often a name is there.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.iter().filter(|(found, _)| *found == name).count()
    }

    /// The spans to cut so that these members are gone, each with the comma that goes with it.
    #[must_use]
    pub fn without(&self, gone: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        let mut kept: Option<usize> = None;
        let mut members = self.members.iter().peekable();
        while let Some((name, member)) = members.next() {
            if !gone(name) {
                kept = Some(member.value.end);
                continue;
            }
            let mut end = member.value.end;
            while let Some((_, next)) = members.next_if(|(name, _)| gone(name)) {
                end = next.value.end;
            }
            spans.push(match (members.peek(), kept) {
                (Some((_, next)), _) => member.name.start..next.name.start,
                (None, Some(before)) => before..end,
                (None, None) => member.name.start..end,
            });
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::Object;
    use proptest::prelude::*;

    fn left(text: &str, gone: impl Fn(&str) -> bool) -> String {
        let mut left = text.to_owned();
        for at in Object::of(text.as_bytes()).unwrap().without(gone).into_iter().rev() {
            left.replace_range(at, "");
        }
        left
    }

    #[test]
    fn members_go_with_their_commas_and_everything_else_stays() {
        for (text, expected) in [
            (r#"{"x":1}"#, "{}"),
            (r#"{"x":1,"x":2}"#, "{}"),
            (r#"{"x":1,"a":1}"#, r#"{"a":1}"#),
            (r#"{"a":1,"x":1}"#, r#"{"a":1}"#),
            (r#"{ "a":1 , "x":1 , "x":2 , "b":2 }"#, r#"{ "a":1 , "b":2 }"#),
            (r#"{ "a":1 , "x":1 , "x":2 }"#, r#"{ "a":1 }"#),
            (r#"{"a":"x","\u0078":[1,{"x":2}]}"#, r#"{"a":"x"}"#),
            (r#"{"a":{"x":1}}"#, r#"{"a":{"x":1}}"#),
        ] {
            assert_eq!(left(text, |name| name == "x"), expected);
        }
        assert!(Object::of(b"[]").is_none() && Object::of(b"{").is_none());
    }

    proptest! {
        #[test]
        fn what_is_left_is_the_same_document_without_them(names in "[a-d]{0,8}", gone in "[a-d]{0,3}", space in " {0,2}") {
            let members: Vec<String> = names.char_indices().map(|(at, name)| format!("{space}\"{name}\"{space}:{space}{at}{space}")).collect();
            let text = left(&format!("{{{}}}", members.join(",")), |name| gone.contains(name));
            let found: Vec<String> = Object::of(text.as_bytes()).unwrap().iter().map(|(name, value)| format!("{name}{}", text.get(value.clone()).unwrap())).collect();
            let expected: Vec<String> = names.char_indices().filter(|(_, name)| !gone.contains(*name)).map(|(at, name)| format!("{name}{at}")).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
