//! What an account is configured with, and what comes of it once it is checked.

use serde::Deserialize;
use sluice_api::provider::Endpoint;
use sluice_api::settings::{Problem, Secret, Section};
use utoipa::ToSchema;

use crate::betas::{self, Betas};
use crate::credentials::Credentials;
use crate::names::{InferenceProfile, Names};

/// The longest region name that is taken; AWS's longest has 14 letters.
const REGION_MAX: usize = 32;

/// Settings of `bedrock`. It takes an access key (`access_key_id` with `secret_access_key`) or `api_key`, one of the
/// two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BedrockSettings {
    /// AWS region, like us-east-1; it decides the endpoint and the inference profiles.
    region: String,
    /// Base URL; default https://bedrock-runtime.{region}.amazonaws.com (in China .amazonaws.com.cn). Regions of other
    /// partitions need it.
    base_url: Option<String>,
    /// Access key id; requests are signed with it.
    access_key_id: Option<Secret>,
    /// The access key's secret.
    secret_access_key: Option<Secret>,
    /// Session token, where the access key is a temporary one.
    session_token: Option<Secret>,
    /// Bedrock API key, sent as a bearer.
    api_key: Option<Secret>,
    /// Which inference profile serves a model that is asked for by Anthropic's name: that of the region's geography and,
    /// where the model has none there, the global one (nearest); that of the geography alone, so that no request leaves
    /// it (geographic); the global one first (global); the model in the region itself (none).
    #[serde(default)]
    #[schema(default = "nearest")]
    inference_profile: InferenceProfile,
    /// ARNs that stand for Claude models without saying so: application inference profiles, provisioned throughput.
    /// Needed only where clients ask for them by a name without `claude` in it: any other opaque ARN is asked through
    /// Converse.
    #[serde(default)]
    claude_arns: Vec<String>,
    /// The opposite: ARNs of other models that clients ask for by a name with `claude` in it. They are asked through
    /// Converse.
    #[serde(default)]
    converse_arns: Vec<String>,
    /// Flags of anthropic-beta that are not sent on; a name may end in *. Bedrock refuses a request that has a flag which
    /// it does not know; the default lists Anthropic's own that are known to be refused.
    #[serde(default = "betas::refused")]
    #[schema(default = betas::refused)]
    drop_betas: Vec<String>,
}

/// Settings that are known to be usable.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) endpoint: Endpoint,
    pub(crate) credentials: Credentials,
    pub(crate) names: Names,
    pub(crate) betas: Betas,
}

impl BedrockSettings {
    /// Finds every mistake.
    pub(crate) fn check(self, section: &Section<'_>) -> Result<Checked, Vec<Problem>> {
        let mut problems = Vec::new();
        if !is_region(&self.region) {
            problems.extend(section.wrong_value(
                "region",
                &self.region,
                "it is no name of a region like us-east-1",
            ));
        }
        for (key, arns) in [("claude_arns", &self.claude_arns), ("converse_arns", &self.converse_arns)] {
            if arns.iter().any(|arn| !arn.starts_with("arn:")) {
                problems.extend(section.wrong(key, "an ARN begins with `arn:`"));
            }
        }
        if self.converse_arns.iter().any(|arn| self.claude_arns.contains(arn)) {
            let message = "one of them stands in `claude_arns` too: it is asked in one way";
            problems.extend(section.wrong("converse_arns", message));
        }
        let base_url = self.base_url.as_deref().map_or_else(|| endpoint_of(&self.region), ToOwned::to_owned);
        let endpoint = section.endpoint("base_url", &base_url, &[]);
        if self.base_url.is_some()
            && let Err(more) = &endpoint
        {
            problems.extend(more.iter().cloned());
        }
        let credentials = self.credentials(section);
        if let Err(more) = &credentials {
            problems.extend(more.iter().cloned());
        }
        match (endpoint, credentials) {
            (Ok(endpoint), Ok(credentials)) if problems.is_empty() => Ok(Checked {
                endpoint,
                credentials,
                names: Names::new(&self.region, self.inference_profile, self.claude_arns, self.converse_arns),
                betas: Betas::without(self.drop_betas),
            }),
            _ => Err(problems),
        }
    }

    fn credentials(&self, section: &Section<'_>) -> Result<Credentials, Vec<Problem>> {
        let missing =
            |key: &str| section.wrong(key, format!("`{key}` is missing: an access key has both halves"));
        match (&self.api_key, &self.access_key_id, &self.secret_access_key, &self.session_token) {
            (Some(key), None, None, None) => {
                Ok(Credentials::Bearer(section.credential("api_key", "Bearer ", key)?))
            }
            (Some(_), ..) => Err(section.wrong(
                "api_key",
                "an account has either `api_key` or an access key (`access_key_id`, `secret_access_key`, `session_token`), not both",
            )),
            (None, Some(id), Some(secret), token) => {
                // Both stand in headers.
                section.credential("access_key_id", "", id)?;
                if let Some(token) = token {
                    section.credential("session_token", "", token)?;
                }
                Ok(Credentials::signing(&self.region, id, secret, token.as_ref()))
            }
            (None, Some(_), None, _) => Err(missing("secret_access_key")),
            (None, None, Some(_), _) => Err(missing("access_key_id")),
            (None, None, None, _) => Err(section.wrong(
                "access_key_id",
                "the account has no credential: set `access_key_id` and `secret_access_key`, or `api_key`",
            )),
        }
    }
}

/// Whether it is a plain name, so that nothing but a region can get into a host or a signature.
fn is_region(name: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    name.len() <= REGION_MAX
        && name.contains('-')
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.ends_with(|last: char| last.is_ascii_digit())
        && name.chars().all(plain)
}

/// Source: botocore 1.44, bedrock-runtime's endpoint rules. Gaps: the European sovereign and the isolated partitions.
fn endpoint_of(region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://bedrock-runtime.{region}.{domain}")
}
