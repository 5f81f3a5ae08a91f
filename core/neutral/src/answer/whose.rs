//! What an upstream says of its failure, without the names of whose account it is.

use std::borrow::Cow;

use super::Failure;

/// What such a name stands behind, as a word of its own.
const NOUNS: [&str; 11] = [
    "organization",
    "organisation",
    "org",
    "project",
    "workspace",
    "tenant",
    "account",
    "deployment",
    "resource",
    "subscription",
    "consumer",
];

/// Words that may stand between.
const BETWEEN: [&str; 5] = ["id", "name", "named", "called", "number"];

/// How ids of accounts begin.
const IDS: [&str; 6] = ["org-", "org_", "proj-", "proj_", "wrkspc_", "workspace_"];

/// How names of accounts begin that are known without a word before them.
const BEGINS: [&str; 8] = [
    "project_number:",
    "projects/",
    "organizations/",
    "subscriptions/",
    "tenants/",
    "accounts/",
    "deployments/",
    "arn:",
];

/// Hosts whose first label is an account's own.
const HOSTS: [&str; 3] = [".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"];

/// What stands in such a name's place.
const HIDDEN: &str = "***";

impl Failure<'_> {
    /// The same without the names and ids of organisations, projects, deployments and the like, for a client to read.
    #[must_use]
    pub fn without_names(mut self) -> Self {
        if let Cow::Owned(message) = without_names(&self.message) {
            self.message = Cow::Owned(message);
        }
        self
    }
}

fn without_names(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let (mut rest, mut named) = (text, false);
    while !rest.is_empty() {
        let (between, after) = split(rest, |letter| !is_of_a_word(letter));
        named = named && between.chars().all(|letter| " \t\n:='\"`(#".contains(letter));
        kept.push_str(between);
        let quoted = named.then(|| quoted(between, after)).flatten();
        let (word, after) = quoted.unwrap_or_else(|| split(after, is_of_a_word));
        let (word, stop) = split_end(word);
        let lower = word.to_ascii_lowercase();
        let hidden = !word.is_empty() && (quoted.is_some() || is_a_name(&lower, named));
        kept.push_str(if hidden { HIDDEN } else { word });
        kept.push_str(stop);
        let goes_on = named && BETWEEN.contains(&lower.as_str());
        named = stop.trim_matches(':').is_empty() && (goes_on || NOUNS.contains(&lower.as_str()));
        rest = after;
    }
    if kept == text { Cow::Borrowed(text) } else { Cow::Owned(kept) }
}

fn split(text: &str, is_within: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|letter| !is_within(letter)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn is_of_a_word(letter: char) -> bool {
    letter.is_alphanumeric() || "-_./:@".contains(letter)
}

/// A word, and the stop behind it.
fn split_end(word: &str) -> (&str, &str) {
    let end = word.trim_end_matches(['.', ':']).len();
    word.split_at_checked(end).unwrap_or((word, ""))
}

/// All that stands in the quotes which have just been opened.
fn quoted<'a>(before: &str, text: &'a str) -> Option<(&'a str, &'a str)> {
    let quote = before.chars().next_back().filter(|letter| "'\"`".contains(*letter))?;
    text.split_at_checked(text.find(quote)?)
}

/// Whether a word, in lower case, is such a name: by itself, or where one is to stand.
fn is_a_name(word: &str, named: bool) -> bool {
    let begins = BEGINS.iter().any(|begin| word.len() > begin.len() && word.starts_with(begin));
    let id = IDS.iter().find_map(|begin| word.strip_prefix(begin)).filter(|rest| !rest.is_empty());
    let id = id.is_some_and(|rest| named || is_random(rest));
    let hosts = HOSTS.iter().any(|host| word.contains(host));
    let mail = word.split_once('@').is_some_and(|(who, host)| !who.is_empty() && host.contains('.'));
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    begins || id || hosts || mail || (named && digits >= 2)
}

/// Whether letters are no words, as those of an id are: a function of the client's own may be called `org_lookup`.
fn is_random(letters: &str) -> bool {
    let digits = letters.bytes().filter(u8::is_ascii_digit).count();
    letters.bytes().all(|letter| letter.is_ascii_alphanumeric())
        && (letters.len() >= 20 || (letters.len() >= 8 && digits >= 2))
}

#[cfg(test)]
mod tests {
    use super::without_names;

    #[test]
    fn names_go_and_all_other_words_stay() {
        for (told, kept) in [
            ("Rate limit in organization org-7aB on tokens", "Rate limit in organization *** on tokens"),
            ("The deployment 'acme prod-4' does not exist.", "The deployment '***' does not exist."),
            ("deployment: \"prod\" is gone", "deployment: \"***\" is gone"),
            ("Project `1234567` is not found", "Project `***` is not found"),
            ("Consumer 'project_number:123' is suspended", "Consumer '***' is suspended"),
            ("models of projects/p-1/locations/global.", "models of ***."),
            ("no such host: https://acme.openai.azure.com/openai/x, sorry", "no such host: ***, sorry"),
            ("Account ID 123456789012: denied", "Account ID ***: denied"),
            ("Limit of org-kTxQvUeWjAbCdEfGhIjKlMnO is reached", "Limit of *** is reached"),
            ("Key of proj_4f9a02c8e1 is gone", "Key of *** is gone"),
            ("User ops@acme.example may not", "User *** may not"),
            ("arn:aws:bedrock:eu-1:12:x is not there", "*** is not there"),
        ] {
            assert_eq!(without_names(told), kept);
        }
        for stays in [
            "",
            "The API deployment for this resource does not exist.",
            "Invalid schema for function 'get_account_2': 'id' is no object",
            "`messages.3.content.0`: the user must speak first: é",
            "Invalid function 'org_lookup': 'workspace_files2' and `proj-plan-2026` are not known",
            "The model `gpt-5` does not exist or you do not have access to it.",
            "models/gemini-2.5-pro is not found for API version v1beta",
            "prompt is too long: 210000 tokens > 200000 maximum",
            "Each project has 'a' limit",
        ] {
            assert_eq!(without_names(stays), stays);
        }
    }
}
