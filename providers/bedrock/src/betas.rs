//! Beta flags: a header at Anthropic's, a member of the body at Bedrock's.

use http::{HeaderMap, HeaderName};

/// Anthropic's header; its lines and their commas make one list.
pub(crate) const BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// Flags of features that Anthropic has at its own API alone. Bedrock answers `invalid beta flag` to flags that it does
/// not know. Source: litellm 1.109.1, anthropic_beta_headers_config.json; Claude Code's traffic. Gap: flags that are
/// neither here nor known to Bedrock come back as its 400.
const REFUSED: [&str; 13] = [
    "advanced-tool-use-*",
    "advisor-tool-*",
    "code-execution-*",
    "fast-mode-*",
    "files-api-*",
    "mcp-client-*",
    "mcp-servers-*",
    "oauth-*",
    "per-turn-control-*",
    "prompt-caching-scope-*",
    "skills-*",
    "web-fetch-*",
    "web-search-*",
];

/// The flags that are not sent on unless an operator says otherwise.
pub(crate) fn refused() -> Vec<String> {
    REFUSED.iter().map(ToString::to_string).collect()
}

/// Which flags are sent on.
#[derive(Debug)]
pub(crate) struct Betas {
    dropped: Vec<String>,
}

impl Betas {
    /// All but these.
    pub(crate) fn without(dropped: Vec<String>) -> Self {
        Self { dropped }
    }

    /// Whether a flag is sent on.
    pub(crate) fn sends(&self, flag: &str) -> bool {
        !self.dropped.iter().any(|dropped| match dropped.strip_suffix('*') {
            Some(start) => flag.starts_with(start),
            None => flag == dropped,
        })
    }

    /// The flags of a request's headers that are sent on, in order, each once.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Vec<String> {
        let mut flags: Vec<String> = Vec::new();
        let lines = headers.get_all(BETA).iter().filter_map(|line| line.to_str().ok());
        for flag in lines.flat_map(|line| line.split(',')).map(str::trim).filter(|flag| !flag.is_empty()) {
            if self.sends(flag) && !flags.iter().any(|known| known == flag) {
                flags.push(flag.to_owned());
            }
        }
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::{BETA, Betas};
    use http::{HeaderMap, HeaderValue};

    #[test]
    fn the_lines_of_the_header_are_one_list_without_what_is_dropped() {
        let betas = Betas::without(vec!["x-*".to_owned(), "exact".to_owned()]);
        let mut headers = HeaderMap::new();
        for line in ["b, a,, x-1", "a,c", "exact,exactly", "x"] {
            headers.append(BETA, HeaderValue::from_static(line));
        }
        assert_eq!(betas.of(&headers), ["b", "a", "c", "exactly", "x"]);
    }
}
