//! Usage and stop reasons of Converse in Anthropic's words.

use serde::Deserialize;
use serde_json::{Value, json};

/// Converse's usage; its input excludes caches, as Anthropic's does.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: Option<u64>,
    cache_write_input_tokens: Option<u64>,
    cache_details: Vec<Detail>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    ttl: String,
    input_tokens: u64,
}

/// The tier that served a request.
#[derive(Debug, Deserialize)]
pub(super) struct Tier {
    #[serde(rename = "type")]
    kind: String,
}

impl Usage {
    /// In Anthropic's words. What is not told to be for an hour was written for five minutes.
    pub(super) fn told(&self, tier: Option<&Tier>) -> Value {
        let written = self.cache_write_input_tokens.unwrap_or(0);
        let long =
            self.cache_details.iter().filter(|detail| detail.ttl == "1h").map(|detail| detail.input_tokens);
        let long = long.fold(0u64, u64::saturating_add).min(written);
        let mut usage = json!({
            "input_tokens": self.input_tokens,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": self.cache_read_input_tokens.unwrap_or(0),
            "cache_creation": {
                "ephemeral_5m_input_tokens": written - long,
                "ephemeral_1h_input_tokens": long,
            },
            "output_tokens": self.output_tokens,
        });
        if let (Some(tier), Some(usage)) = (tier, usage.as_object_mut()) {
            let name = if tier.kind == "default" { "standard" } else { &tier.kind };
            usage.insert("service_tier".to_owned(), Value::from(name));
        }
        usage
    }
}

/// Stop reasons that have other names. Source: botocore 1.44, `StopReason`.
const REASONS: [(&str, &str); 4] = [
    ("guardrail_intervened", "refusal"),
    ("content_filtered", "refusal"),
    ("malformed_model_output", "end_turn"),
    ("malformed_tool_use", "end_turn"),
];

/// Anthropic's name of a stop reason. Some models say `end_turn` though they have called a tool.
pub(super) fn stop_reason(told: &str, called: bool) -> &str {
    let name = REASONS.iter().find(|(known, _)| *known == told).map_or(told, |(_, name)| *name);
    if called && told == "end_turn" { "tool_use" } else { name }
}

#[cfg(test)]
mod tests {
    use super::{Tier, Usage, stop_reason};
    use serde_json::json;

    #[test]
    fn usage_has_the_split_of_cache_writes() {
        let usage: Usage = serde_json::from_value(json!({
            "inputTokens": 10, "outputTokens": 20, "totalTokens": 1090, "cacheReadInputTokens": 1000,
            "cacheWriteInputTokens": 60, "cacheDetails": [{ "ttl": "1h", "inputTokens": 40 }, { "ttl": "5m", "inputTokens": 20 }],
        }))
        .unwrap();
        let tier = Tier { kind: "default".to_owned() };
        let told = json!({
            "input_tokens": 10, "cache_creation_input_tokens": 60, "cache_read_input_tokens": 1000,
            "cache_creation": { "ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 40 },
            "output_tokens": 20, "service_tier": "standard",
        });
        assert_eq!(usage.told(Some(&tier)), told);
        assert_eq!(Usage::default().told(None)["cache_creation_input_tokens"], 0);
    }

    #[test]
    fn stop_reasons_are_anthropics() {
        for (told, called, reason) in [
            ("end_turn", false, "end_turn"),
            ("end_turn", true, "tool_use"),
            ("max_tokens", true, "max_tokens"),
            ("guardrail_intervened", false, "refusal"),
            ("malformed_tool_use", true, "end_turn"),
            ("model_context_window_exceeded", false, "model_context_window_exceeded"),
        ] {
            assert_eq!(stop_reason(told, called), reason);
        }
    }
}
