//! What an account is configured with.

use serde::Deserialize;
use sluice_api::settings::Secret;
use sluice_oauth as oauth;
use utoipa::ToSchema;

/// Settings of `claude-official`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaudeOfficialSettings {
    /// Base URL, with or without a trailing /v1; default https://api.anthropic.com.
    #[serde(default = "anthropic")]
    pub(crate) base_url: String,
    /// API key, sent as x-api-key. Either this or `oauth`.
    pub(crate) api_key: Option<Secret>,
    /// OAuth 2 tokens, sent as a bearer and refreshed before they end. Either this or `api_key`.
    pub(crate) oauth: Option<oauth::Settings>,
}

/// Settings of `claude-console`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaudeSettings {
    /// Base URL, with or without a trailing /v1; default https://api.anthropic.com.
    #[serde(default = "anthropic")]
    pub(crate) base_url: String,
    /// API key, sent as x-api-key.
    pub(crate) api_key: Secret,
}

/// Settings of `ccr`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaudeRouterSettings {
    /// Base URL of the router, like http://127.0.0.1:3456.
    pub(crate) base_url: String,
    /// The router's API key, sent as x-api-key and as a bearer.
    pub(crate) api_key: Secret,
}

fn anthropic() -> String {
    "https://api.anthropic.com".to_owned()
}
