//! A validating scanner of JSON: strict, iterative, bounded in depth, and quick over long strings.
//!
//! It builds nothing. It walks a document and tells where the members of the top-level object stand, so that a body
//! can be looked at and spliced without being parsed into a tree and written again.

pub mod capture;
pub mod case;
pub mod member;
pub mod object;
pub mod plain;
pub mod scanner;
pub mod text;

use std::ops::Range;

use scanner::{Malformed, Member, Scanner, Top};

/// Walks a whole document and calls `member` for each member of its top-level object.
///
/// # Errors
///
/// When the document is not strict JSON, is not UTF-8, or is nested too deep.
pub fn members(document: &[u8], mut member: impl FnMut(Member)) -> Result<Top, Malformed> {
    if let Err(error) = simdutf8::compat::from_utf8(document) {
        return Err(Malformed { at: error.valid_up_to(), what: "it is not UTF-8" });
    }
    let mut scanner = Scanner::new(document, 0);
    scanner.space();
    let top = if scanner.peek() == Some(b'{') {
        scanner.object(&mut member)?
    } else {
        let start = scanner.at;
        scanner.value()?;
        Top::Other(start)
    };
    scanner.space();
    if scanner.at < document.len() {
        return Err(scanner.wrong("something follows the end of the document"));
    }
    Ok(top)
}

/// Calls `member` for each member of an object that is known to be valid JSON, given by its span.
pub fn members_within(document: &[u8], span: &Range<usize>, mut member: impl FnMut(Member)) {
    let mut scanner = Scanner::new(document.get(..span.end).unwrap_or_default(), span.start);
    if scanner.peek() == Some(b'{') {
        // Valid already: what fails here would have failed before.
        let _ = scanner.object(&mut member);
    }
}

/// Calls `element` for each element of an array that is known to be valid JSON, given by its span.
pub fn elements_within(document: &[u8], span: &Range<usize>, mut element: impl FnMut(Range<usize>)) {
    elements_while(document, span, |found| {
        element(found);
        true
    });
}

/// The same, until `element` says that it has seen enough.
pub fn elements_while(document: &[u8], span: &Range<usize>, mut element: impl FnMut(Range<usize>) -> bool) {
    let mut scanner = Scanner::new(document.get(..span.end).unwrap_or_default(), span.start);
    if scanner.peek() != Some(b'[') {
        return;
    }
    scanner.at += 1;
    loop {
        scanner.space();
        match scanner.peek() {
            Some(b',') => scanner.at += 1,
            Some(b']') | None => return,
            Some(_) => {
                let start = scanner.at;
                if scanner.value().is_err() || !element(start..scanner.at) {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::members;
    use super::scanner::{MAX_DEPTH, Top};

    fn names(document: &str) -> Vec<String> {
        let mut found = Vec::new();
        members(document.as_bytes(), |member| {
            let text = |span: std::ops::Range<usize>| document.get(span).unwrap();
            found.push(format!("{}={}", text(member.name), text(member.value)));
        })
        .unwrap();
        found
    }

    #[test]
    fn members_of_the_top_level_are_told_by_their_spans() {
        assert_eq!(
            names(r#" {"a" : [1,{"a":2}], "b":"x\"y" ,"c":{}, "d": -1.5e+3 } "#),
            [r#""a"=[1,{"a":2}]"#, r#""b"="x\"y""#, r#""c"={}"#, r#""d"=-1.5e+3"#]
        );
        assert_eq!(members(b"{}", |_| ()), Ok(Top::Object { start: 1, empty: true }));
        assert_eq!(members(b" [1]", |_| ()), Ok(Top::Other(1)));
    }

    #[test]
    fn what_is_not_strict_json_is_refused() {
        for wrong in [
            "",
            "{",
            "}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "[1,]",
            "[1 2]",
            "{a:1}",
            "{\"a\":01}",
            "{\"a\":.5}",
            "{\"a\":1.}",
            "{\"a\":+1}",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"a\nb\"",
            "nul",
            "{} {}",
            "[}",
            "{]",
            "[[1}",
            "'a'",
        ] {
            assert!(members(wrong.as_bytes(), |_| ()).is_err(), "{wrong}");
        }
        assert!(members(b"{\"a\":\"\xff\"}", |_| ()).is_err());
    }

    #[test]
    fn depth_is_bounded_without_recursion() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(members(nested(MAX_DEPTH).as_bytes(), |_| ()).is_ok());
        assert!(members(nested(MAX_DEPTH + 1).as_bytes(), |_| ()).is_err());
        assert!(members("[".repeat(100_000).as_bytes(), |_| ()).is_err());
        assert!(members("{\"a\":".repeat(100_000).as_bytes(), |_| ()).is_err());
    }
}
