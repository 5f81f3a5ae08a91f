//! Headers of clients that mean something in their own dialect alone.

use http::HeaderMap;
use http::header::HeaderName;

/// How such names begin: versions, betas, sessions, and what SDKs tell of themselves.
const PREFIXES: [&str; 10] = [
    "anthropic-",
    "openai-",
    "x-goog-",
    "x-stainless-",
    "x-claude-code-",
    "x-codex-",
    "x-openai-",
    "chatgpt-",
    "x-gemini-",
    "x-app",
];

/// Such names, whole. What a client accepts is said of its own dialect's answers.
const NAMES: [&str; 6] = ["session-id", "session_id", "conversation_id", "originator", "version", "accept"];

/// Removes, of what would be relayed, what an upstream of another dialect is not to see.
pub fn of_no_dialect(headers: &mut HeaderMap) {
    let own: Vec<HeaderName> = headers.keys().filter(|name| is_own(name.as_str())).cloned().collect();
    for name in own {
        headers.remove(name);
    }
}

fn is_own(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::of_no_dialect;
    use http::{HeaderMap, HeaderName, HeaderValue};

    #[test]
    fn what_is_of_the_clients_dialect_stays_behind() {
        let names = [
            "anthropic-beta",
            "x-stainless-lang",
            "session-id",
            "accept",
            "user-agent",
            "x-team",
            "traceparent",
        ];
        let mut headers: HeaderMap = names
            .iter()
            .map(|name| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_static("x")))
            .collect();
        of_no_dialect(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["traceparent", "user-agent", "x-team"]);
    }
}
