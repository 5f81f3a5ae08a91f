//! Which headers are not relayed, in each direction.

use http::header::{CONNECTION, HeaderName};
use http::{HeaderMap, HeaderValue, header};

/// Hop by hop: they speak of one connection.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Not relayed upstream beside those: credentials, identities, traces of the client's network, and what is made anew.
const UP: [HeaderName; 17] = [
    header::AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("ocp-apim-subscription-key"),
    header::COOKIE,
    header::FORWARDED,
    HeaderName::from_static("openai-organization"),
    HeaderName::from_static("openai-project"),
    HeaderName::from_static("anthropic-workspace-id"),
    HeaderName::from_static("x-goog-user-project"),
    header::HOST,
    header::CONTENT_LENGTH,
    // The body is decoded already, and the answer must come in a coding that can be read.
    header::CONTENT_ENCODING,
    header::ACCEPT_ENCODING,
    header::EXPECT,
    HeaderName::from_static("http2-settings"),
];

/// Not relayed down beside the hop-by-hop ones.
const DOWN: [HeaderName; 8] = [
    header::SET_COOKIE,
    header::ALT_SVC,
    header::STRICT_TRANSPORT_SECURITY,
    HeaderName::from_static("anthropic-organization-id"),
    HeaderName::from_static("anthropic-workspace-id"),
    HeaderName::from_static("openai-organization"),
    HeaderName::from_static("openai-project"),
    HeaderName::from_static("x-request-id"),
];

/// Beginnings of names that are not relayed upstream.
const UP_PREFIXES: [&str; 1] = ["x-forwarded-"];

/// Beginnings of names that are not relayed down: the account's limits, and what names the account. LiteLLM tells what
/// its own upstream answered under `llm_provider-`.
const DOWN_PREFIXES: [&str; 12] = [
    "anthropic-ratelimit-",
    "anthropic-priority-",
    "anthropic-fast-",
    "x-ratelimit-",
    "x-rate-limit-",
    "ratelimit",
    "x-ms-",
    "apim-",
    "x-codex-",
    "llm_provider-",
    "x-litellm-key-",
    "x-litellm-model-id",
];

/// Words in names of extension headers that tell what an account has spent, or where it is: gateways behind an account
/// (LiteLLM's `x-litellm-response-cost`, `x-litellm-model-api-base`) say so, each in its own way.
const DOWN_WORDS: [&str; 8] =
    ["spend", "cost", "budget", "balance", "credits", "billing", "api-base", "base-url"];

/// Removes what is not relayed upstream.
pub fn relayed_up(headers: &mut HeaderMap) {
    drop_from(headers, &UP, |name| UP_PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
}

/// Removes what is not relayed to the client.
pub fn relayed_down(headers: &mut HeaderMap) {
    drop_from(headers, &DOWN, |name| {
        DOWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || name.strip_prefix("x-").is_some_and(|name| DOWN_WORDS.iter().any(|word| has_word(name, word)))
    });
}

/// Whether a word is in a name, between dashes.
fn has_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(at, _)| {
        let (before, after) = (name.get(..at), name.get(at + word.len()..));
        before.is_some_and(|before| before.is_empty() || before.ends_with('-'))
            && after.is_some_and(|after| after.is_empty() || after.starts_with('-'))
    })
}

/// Headers kept for a further attempt, in two allocations: a clone of a map makes one for each name that is not a
/// standard one, and few requests need it.
#[derive(Debug, Default)]
pub struct Kept {
    names: String,
    /// Where each name ends, and its value.
    entries: Vec<(usize, HeaderValue)>,
}

impl Kept {
    /// Keeps headers; values are shared.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let length = headers.iter().map(|(name, _)| name.as_str().len()).sum();
        let mut kept =
            Self { names: String::with_capacity(length), entries: Vec::with_capacity(headers.len()) };
        for (name, value) in headers {
            kept.names.push_str(name.as_str());
            kept.entries.push((kept.names.len(), value.clone()));
        }
        kept
    }

    /// The headers again.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(self.entries.len());
        let mut start = 0;
        for (end, value) in &self.entries {
            let name = self.names.get(start..*end).unwrap_or_default();
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                headers.append(name, value.clone());
            }
            start = *end;
        }
        headers
    }
}

fn drop_from(headers: &mut HeaderMap, names: &[HeaderName], begins: impl Fn(&str) -> bool) {
    // What `connection` names speaks of this connection too.
    let connection = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named = connection.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok());
    let mut gone: Vec<HeaderName> = named.collect();
    let listed = |name: &HeaderName| HOP_BY_HOP.contains(name) || names.contains(name);
    gone.extend(headers.keys().filter(|name| listed(name) || begins(name.as_str())).cloned());
    for name in gone {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::{Kept, relayed_down, relayed_up};
    use http::{HeaderMap, HeaderName, HeaderValue};

    #[test]
    fn what_is_kept_is_what_was_there() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("accept", "a"), ("x-one", "b"), ("anthropic-beta", "c"), ("anthropic-beta", "d")]
        {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static(value));
        }
        assert_eq!(Kept::of(&headers).headers(), headers);
        assert_eq!(Kept::default().headers(), HeaderMap::new());
    }

    fn left(names: &[&str], relayed: fn(&mut HeaderMap)) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for name in names {
            let value = if *name == "connection" { "close, x-hop" } else { "v" };
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static(value));
        }
        relayed(&mut headers);
        let mut names: Vec<String> = headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    }

    #[test]
    fn credentials_and_identities_never_go_upstream() {
        let sent = [
            "authorization",
            "x-api-key",
            "x-goog-api-key",
            "api-key",
            "cookie",
            "x-forwarded-for",
            "forwarded",
            "openai-organization",
            "anthropic-workspace-id",
            "connection",
            "x-hop",
            "te",
            "anthropic-beta",
            "x-custom",
        ];
        assert_eq!(left(&sent, relayed_up), ["anthropic-beta", "x-custom"]);
    }

    #[test]
    fn what_names_the_account_never_comes_down() {
        let sent = [
            "set-cookie",
            "x-ratelimit-remaining-tokens",
            "anthropic-ratelimit-requests-limit",
            "x-ms-region",
            "apim-request-id",
            "x-codex-credits",
            "ratelimit",
            "ratelimit-policy",
            "x-rate-limit-remaining",
            "openai-project",
            "x-litellm-key-spend",
            "x-litellm-key-tpm-limit",
            "x-litellm-response-cost",
            "x-litellm-response-cost-original",
            "x-litellm-model-api-base",
            "x-litellm-model-id",
            "llm_provider-openai-organization",
            "x-team-budget-left",
            "request-id",
            "retry-after",
            "x-litellm-call-id",
            "x-costume",
        ];
        assert_eq!(
            left(&sent, relayed_down),
            ["request-id", "retry-after", "x-costume", "x-litellm-call-id"]
        );
    }
}
