//! The community's names of prices: what is billed, for how long a cache lives, above which prompt, in which tier.

use crate::item::Item;
use crate::rates::Tier;

/// What the price of a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) item: Item,
    /// The number of tokens that a prompt must be above.
    pub(super) above: Option<u64>,
    pub(super) tier: Option<Tier>,
}

/// Names of what is billed. Everything else has a unit of its own, and is no price for one of these.
const BASES: [(&str, Item); 17] = [
    ("input_cost_per_token", Item::Input),
    ("output_cost_per_token", Item::Output),
    ("cache_read_input_token_cost", Item::CacheRead),
    ("cache_creation_input_token_cost", Item::CacheWrite5m),
    // Here `above` is how long the cache lives, not how long the prompt is.
    ("cache_creation_input_token_cost_above_1hr", Item::CacheWrite1h),
    ("cache_creation_input_token_cost_above_12hr", Item::CacheWrite1h),
    ("output_cost_per_reasoning_token", Item::Reasoning),
    ("input_cost_per_audio_token", Item::AudioInput),
    ("output_cost_per_audio_token", Item::AudioOutput),
    ("input_cost_per_image_token", Item::ImageInput),
    ("output_cost_per_image_token", Item::ImageOutput),
    ("input_cost_per_video_token", Item::VideoInput),
    ("cache_read_input_audio_token_cost", Item::AudioCacheRead),
    ("cache_read_input_image_token_cost", Item::ImageCacheRead),
    ("output_cost_per_image", Item::Image),
    ("input_cost_per_request", Item::Request),
    ("input_cost_per_query", Item::Request),
];

/// Endings of tiers.
const TIERS: [(&str, Tier); 5] = [
    ("_batches", Tier::Batch),
    ("_flex", Tier::Flex),
    ("_priority", Tier::Priority),
    ("_ultrafast", Tier::Ultrafast),
    ("_balanced", Tier::Balanced),
];

impl Key {
    /// Reads a name; `None` where it is no price that is known.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let tier = TIERS.iter().find_map(|(ending, tier)| Some((name.strip_suffix(ending)?, *tier)));
        let (name, tier) = tier.map_or((name, None), |(name, tier)| (name, Some(tier)));
        let (name, above) = match name.strip_suffix("_tokens").and_then(|name| name.rsplit_once("_above_")) {
            Some((name, above)) => (name, Some(tokens(above)?)),
            None => (name, None),
        };
        let item = BASES.iter().find_map(|(base, item)| (*base == name).then_some(*item))?;
        Some(Self { item, above, tier })
    }
}

/// A number of tokens, where `k` is a thousand.
fn tokens(text: &str) -> Option<u64> {
    match text.strip_suffix('k') {
        Some(thousands) => thousands.parse::<u64>().ok()?.checked_mul(1_000),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::Key;
    use crate::item::Item;
    use crate::rates::Tier;

    #[test]
    fn a_name_tells_life_time_band_and_tier_apart() {
        for (name, told) in [
            ("input_cost_per_token", Some((Item::Input, None, None))),
            ("cache_creation_input_token_cost_above_1hr", Some((Item::CacheWrite1h, None, None))),
            (
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens_batches",
                Some((Item::CacheWrite1h, Some(200_000), Some(Tier::Batch))),
            ),
            (
                "output_cost_per_token_above_272k_tokens_flex",
                Some((Item::Output, Some(272_000), Some(Tier::Flex))),
            ),
            ("input_cost_per_token_above_128000_tokens", Some((Item::Input, Some(128_000), None))),
            ("input_dbu_cost_per_token", None),
            ("input_cost_per_video_per_second_above_8s_interval", None),
            ("input_cost_per_character", None),
            ("input_cost_per_token_above_xk_tokens", None),
            ("input_cost_per_token_decisions", None),
        ] {
            let parsed = Key::parse(name).map(|key| (key.item, key.above, key.tier));
            assert_eq!(parsed, told, "{name}");
        }
    }
}
