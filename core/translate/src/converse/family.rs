//! What families of models do differently behind one API: caching, reasoning, and parameters of their own.
//!
//! Sources: Bedrock's user guide (prompt caching, Nova 2 reasoning, gpt-oss parameters). Gaps: families that are not here
//! get no cache points, which AWS refuses for models that can't cache, and `thinking` and `top_k` as the client wrote
//! them.

use serde_json::{Value, json};

use crate::anthropic::options::Thinking;

/// A family.
#[derive(Debug)]
pub(super) struct Family {
    /// What its models' ids begin with.
    start: &'static str,
    /// Whether cache points are taken in the system's text and in turns; in tools only Claude takes them.
    pub(super) caches: bool,
    /// How it is told to think.
    pub(super) reasoning: Reasoning,
    /// Where its `top_k` stands.
    pub(super) top_k: TopK,
}

/// How a family is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reasoning {
    /// By Anthropic's own `thinking`, and Converse's `effort`.
    AsAsked,
    /// By `reasoning_effort`.
    Effort,
    /// By `reasoningConfig`; its `high` forbids `maxTokens`, which every request of Anthropic's has.
    NovaConfig,
}

/// Where a family's `top_k` stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TopK {
    /// At the top, as Anthropic has it.
    AsAsked,
    /// As `inferenceConfig.topK`.
    NovaConfig,
}

/// The table; the first that fits.
const FAMILIES: [Family; 3] = [
    Family {
        start: "amazon.nova-2",
        caches: true,
        reasoning: Reasoning::NovaConfig,
        top_k: TopK::NovaConfig,
    },
    Family { start: "amazon.nova", caches: true, reasoning: Reasoning::AsAsked, top_k: TopK::NovaConfig },
    Family { start: "openai.gpt-oss", caches: false, reasoning: Reasoning::Effort, top_k: TopK::AsAsked },
];

const OTHER: Family =
    Family { start: "", caches: false, reasoning: Reasoning::AsAsked, top_k: TopK::AsAsked };

/// The family of a foundation model.
pub(super) fn of(model: &str) -> &'static Family {
    FAMILIES.iter().find(|family| model.starts_with(family.start)).unwrap_or(&OTHER)
}

/// Budgets and what they are as an effort, below each bound.
const EFFORTS: [(u64, &str); 2] = [(4_096, "low"), (12_288, "medium")];

impl Reasoning {
    /// The field that tells a family to think, where that is not as Anthropic has it.
    pub(super) fn field(
        self,
        thinking: Option<&Thinking>,
        effort: Option<&str>,
    ) -> Option<(&'static str, Value)> {
        if thinking.is_some_and(|thinking| !thinking.is_on()) || (thinking.is_none() && effort.is_none()) {
            return None;
        }
        let budget = thinking.and_then(|thinking| thinking.budget_tokens);
        let by_budget = |budget: u64| {
            EFFORTS.iter().find(|(below, _)| budget < *below).map_or("high", |(_, effort)| *effort)
        };
        let effort = match effort {
            Some("low") => "low",
            Some("medium") => "medium",
            Some(_) => "high",
            None => budget.map_or("high", by_budget),
        };
        match self {
            Self::AsAsked => None,
            Self::Effort => Some(("reasoning_effort", Value::from(effort))),
            Self::NovaConfig => {
                let effort = if effort == "high" { "medium" } else { effort };
                Some(("reasoningConfig", json!({ "type": "enabled", "maxReasoningEffort": effort })))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Reasoning, Thinking, of};
    use serde_json::{Value, json};

    #[test]
    fn thinking_is_told_as_the_family_has_it() {
        let nova = |effort: &str| {
            Some(("reasoningConfig", json!({ "type": "enabled", "maxReasoningEffort": effort })))
        };
        let effort = |effort: &str| Some(("reasoning_effort", Value::from(effort)));
        for (model, thinking, told, field) in [
            (
                "amazon.nova-2-lite-v1:0",
                Some(json!({ "type": "enabled", "budget_tokens": 2048 })),
                None,
                nova("low"),
            ),
            ("amazon.nova-2-lite-v1:0", Some(json!({ "type": "adaptive" })), Some("max"), nova("medium")),
            ("amazon.nova-2-lite-v1:0", Some(json!({ "type": "disabled" })), Some("max"), None),
            ("amazon.nova-2-lite-v1:0", None, None, None),
            (
                "openai.gpt-oss-20b-1:0",
                Some(json!({ "type": "enabled", "budget_tokens": 8192 })),
                None,
                effort("medium"),
            ),
            ("openai.gpt-oss-20b-1:0", None, Some("xhigh"), effort("high")),
            ("qwen.qwen3-32b-v1:0", Some(json!({ "type": "adaptive" })), None, None),
        ] {
            let thinking: Option<Thinking> =
                thinking.map(|thinking| serde_json::from_value(thinking).unwrap());
            assert_eq!(of(model).reasoning.field(thinking.as_ref(), told), field, "{model}");
        }
        assert_eq!(of("amazon.nova-pro-v1:0").reasoning, Reasoning::AsAsked);
        assert!(of("amazon.nova-pro-v1:0").caches && !of("meta.llama3-8b-instruct-v1:0").caches);
    }
}
