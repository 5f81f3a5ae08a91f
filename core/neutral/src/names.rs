//! Names of tools, as a dialect allows them, and back.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What a dialect allows a tool to be called.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The longest name, in bytes.
    pub longest: usize,
    /// Whether it begins with a letter or an underscore.
    pub begins_with_letter: bool,
    /// What it may have beside letters, digits, `_` and `-`.
    pub also: &'static str,
}

/// Names that were changed in one request, so that the answer's are told as the client knows them.
#[derive(Clone, Debug, Default)]
pub struct Names(Vec<(String, String)>);

impl Names {
    /// The name under which a tool goes upstream: its own where that is allowed, else one that no other has.
    pub fn sent<'a>(&mut self, name: &'a str, rule: Rule) -> Cow<'a, str> {
        if rule.allows(name) {
            return Cow::Borrowed(name);
        }
        if let Some((_, sent)) = self.0.iter().find(|(own, _)| own == name) {
            return Cow::Owned(sent.clone());
        }
        let sent = rule.allowed(name);
        self.0.push((name.to_owned(), sent.clone()));
        Cow::Owned(sent)
    }

    /// The name that the client gave a tool which the upstream calls so.
    #[must_use]
    pub fn own<'a>(&'a self, sent: &'a str) -> &'a str {
        self.0.iter().find(|(_, known)| known == sent).map_or(sent, |(own, _)| own)
    }
}

impl Rule {
    fn allows(self, name: &str) -> bool {
        let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        let begins = name.bytes().next().is_some_and(|first| !self.begins_with_letter || letter(first));
        begins && name.len() <= self.longest && name.chars().all(|letter| self.is_of(letter))
    }

    fn is_of(self, letter: char) -> bool {
        letter.is_ascii_alphanumeric() || letter == '_' || letter == '-' || self.also.contains(letter)
    }

    /// As near to the name as is allowed, with a number of it at the end, which keeps two apart that come to the same.
    fn allowed(self, name: &str) -> String {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let room = self.longest.saturating_sub(9);
        let mut sent = String::new();
        if self.begins_with_letter
            && !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        {
            sent.push('_');
        }
        for letter in name.chars().take(room) {
            sent.push(if self.is_of(letter) { letter } else { '_' });
        }
        sent.truncate(room);
        // Writing into a string does not fail.
        let _ = write!(sent, "_{:08x}", hash & 0xffff_ffff);
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::{Names, Rule};

    const RULE: Rule = Rule { longest: 20, begins_with_letter: true, also: "." };

    #[test]
    fn names_that_are_not_allowed_go_up_as_others_and_come_back() {
        let mut names = Names::default();
        assert_eq!(names.sent("look.up-1", RULE), "look.up-1");
        for own in
            ["7up", "a b", "a/b", "mcp__a_very_long_server__name", "é", "mcp__a_very_long_server__other"]
        {
            let sent = names.sent(own, RULE).into_owned();
            assert!(RULE.allows(&sent), "{own} {sent}");
            assert_eq!((names.sent(own, RULE).as_ref(), names.own(&sent)), (sent.as_str(), own));
        }
        assert_eq!(names.own("other"), "other");
    }
}
