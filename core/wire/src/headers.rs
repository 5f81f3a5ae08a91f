//! Which headers are not relayed, in each direction.

use http::header::{CONNECTION, HeaderName};
use http::{HeaderMap, HeaderValue};

/// Hop by hop: they speak of one connection.
static HOP_BY_HOP: Names<9> = Names::of([
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
]);

/// Not relayed upstream beside those: credentials, identities, traces of the client's network, and what is made anew.
static UP: Names<17> = Names::of([
    "authorization",
    "x-api-key",
    "x-goog-api-key",
    "api-key",
    "ocp-apim-subscription-key",
    "cookie",
    "forwarded",
    "openai-organization",
    "openai-project",
    "anthropic-workspace-id",
    "x-goog-user-project",
    "host",
    "content-length",
    // The body is decoded already, and the answer must come in a coding that can be read.
    "content-encoding",
    "accept-encoding",
    "expect",
    "http2-settings",
]);

/// Not relayed down beside the hop-by-hop ones.
static DOWN: Names<8> = Names::of([
    "set-cookie",
    "alt-svc",
    "strict-transport-security",
    "anthropic-organization-id",
    "anthropic-workspace-id",
    "openai-organization",
    "openai-project",
    "x-request-id",
]);

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
    let mut rest = Some(name);
    while let Some(from) = rest {
        if from.strip_prefix(word).is_some_and(|after| after.is_empty() || after.starts_with('-')) {
            return true;
        }
        rest = from.split_once('-').map(|(_, after)| after);
    }
    false
}

/// The longest of the names that are listed here.
const NAME_MAX: usize = 32;

/// Names of headers, of which most others are told apart by their length alone.
pub(crate) struct Names<const COUNT: usize> {
    /// The shorter before the longer.
    names: [&'static str; COUNT],
    /// How many are shorter than each length.
    shorter: [u8; NAME_MAX + 2],
}

impl<const COUNT: usize> Names<COUNT> {
    #[expect(clippy::indexing_slicing, reason = "it is done when the gateway is built, and fails then")]
    pub(crate) const fn of(listed: [&'static str; COUNT]) -> Self {
        let mut all = Self { names: [""; COUNT], shorter: [0; NAME_MAX + 2] };
        let (mut length, mut sorted) = (0, 0);
        while length <= NAME_MAX {
            let mut next = 0;
            while next < COUNT {
                if listed[next].len() == length {
                    all.names[sorted] = listed[next];
                    sorted += 1;
                }
                next += 1;
            }
            length += 1;
            all.shorter[length] = sorted as u8;
        }
        assert!(sorted == COUNT, "a name is longer than any may be");
        all
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        let Some([from, to]) = self.shorter.get(name.len()..).and_then(<[u8]>::first_chunk) else {
            return false;
        };
        let alike = self.names.get(usize::from(*from)..usize::from(*to)).unwrap_or_default();
        alike.contains(&name)
    }
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

fn drop_from<const COUNT: usize>(
    headers: &mut HeaderMap,
    listed: &Names<COUNT>,
    begins: impl Fn(&str) -> bool,
) {
    // What `connection` names speaks of this connection too.
    let connection = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named = connection.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok());
    let mut gone: Vec<HeaderName> = named.collect();
    let goes = |name: &&HeaderName| {
        HOP_BY_HOP.has(name.as_str()) || listed.has(name.as_str()) || begins(name.as_str())
    };
    gone.extend(headers.keys().filter(goes).cloned());
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
