//! What a request used, in one convention for every dialect.

use serde::{Deserialize, Serialize};
use sluice_tariff::listed::Unit;
use utoipa::ToSchema;

/// Tokens (and billable calls) of one request, in disjoint classes.
///
/// `input`, `cache_write_5m`, `cache_write_1h`, `cache_read` and `output` add up to all tokens. What of them has a price of
/// its own (reasoning, audio, images, video) is told as a part of its class; the parts of one class are disjoint, and
/// together no more than it. Every provider's own convention is turned into this one by the meters of `sluice-wire`. Where
/// it is written, what is zero is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct Usage {
    /// Input tokens that were neither read from nor written to a cache.
    #[serde(skip_serializing_if = "is_nothing")]
    pub input: u64,
    /// Output tokens, reasoning included.
    #[serde(skip_serializing_if = "is_nothing")]
    pub output: u64,
    /// Input tokens written to a cache that lives five minutes (or for the provider's shortest time).
    #[serde(skip_serializing_if = "is_nothing")]
    pub cache_write_5m: u64,
    /// Input tokens written to a cache that lives an hour or more.
    #[serde(skip_serializing_if = "is_nothing")]
    pub cache_write_1h: u64,
    /// Input tokens read from a cache.
    #[serde(skip_serializing_if = "is_nothing")]
    pub cache_read: u64,
    /// Output tokens spent on reasoning; a part of `output`.
    #[serde(skip_serializing_if = "is_nothing")]
    pub reasoning: u64,
    /// Input tokens of audio; a part of `input`.
    #[serde(skip_serializing_if = "is_nothing")]
    pub audio_input: u64,
    /// Input tokens of images; a part of `input`.
    #[serde(skip_serializing_if = "is_nothing")]
    pub image_input: u64,
    /// Input tokens of video; a part of `input`.
    #[serde(skip_serializing_if = "is_nothing")]
    pub video_input: u64,
    /// Input tokens that the provider's own tools fed back to the model; a part of `input`.
    #[serde(skip_serializing_if = "is_nothing")]
    pub tool_input: u64,
    /// Tokens of audio read from a cache; a part of `cache_read`.
    #[serde(skip_serializing_if = "is_nothing")]
    pub audio_cache_read: u64,
    /// Tokens of images read from a cache; a part of `cache_read`.
    #[serde(skip_serializing_if = "is_nothing")]
    pub image_cache_read: u64,
    /// Output tokens of audio; a part of `output`.
    #[serde(skip_serializing_if = "is_nothing")]
    pub audio_output: u64,
    /// Output tokens of images; a part of `output`.
    #[serde(skip_serializing_if = "is_nothing")]
    pub image_output: u64,
    /// Web searches that the provider ran and bills by the call.
    #[serde(skip_serializing_if = "is_nothing")]
    pub web_searches: u64,
    /// The same, by OpenAI's preview of the tool, which has a price of its own.
    #[serde(skip_serializing_if = "is_nothing")]
    pub web_search_previews: u64,
    /// Prompts that were grounded with maps.
    #[serde(skip_serializing_if = "is_nothing")]
    pub maps_prompts: u64,
    /// Searches in stored files.
    #[serde(skip_serializing_if = "is_nothing")]
    pub file_searches: u64,
    /// Containers that ran code.
    #[serde(skip_serializing_if = "is_nothing")]
    pub code_containers: u64,
    /// Images made, where an API makes them as such.
    #[serde(skip_serializing_if = "is_nothing")]
    pub images: u64,
    /// The dialect had not told the usage (or not all of it): it is an estimate.
    #[serde(skip_serializing_if = "is_nothing")]
    pub estimated: bool,
    /// The provider's classes do not add up to its own total, or one of them was below zero.
    #[serde(skip_serializing_if = "is_nothing")]
    pub inconsistent: bool,
    /// Something else was used that is billed and is not in here, like another model's tokens: what is here is not the
    /// whole price.
    #[serde(skip_serializing_if = "is_nothing")]
    pub more: bool,
}

fn is_nothing<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Usage {
    /// Tokens that went in and came out, and nothing else of what there is.
    #[must_use]
    pub fn new(input: u64, output: u64) -> Self {
        Self { input, output, ..Self::default() }
    }

    /// All tokens: input, output, cache writes and cache reads.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.all_input().saturating_add(self.output)
    }

    /// All input tokens: what no cache knew, what was written to one, and what was read from one.
    #[must_use]
    pub const fn all_input(&self) -> u64 {
        self.input.saturating_add(self.cache_write()).saturating_add(self.cache_read)
    }

    /// Input tokens written to caches of any life time.
    #[must_use]
    pub const fn cache_write(&self) -> u64 {
        self.cache_write_5m.saturating_add(self.cache_write_1h)
    }
}

/// One of each class of tokens, and of each that is billed by the call.
pub(super) fn one_of_each() -> impl Iterator<Item = (Usage, Unit)> {
    let tokens: [fn(&mut Usage) -> &mut u64; 5] = [
        |usage| &mut usage.input,
        |usage| &mut usage.output,
        |usage| &mut usage.cache_read,
        |usage| &mut usage.cache_write_5m,
        |usage| &mut usage.cache_write_1h,
    ];
    let calls: [fn(&mut Usage) -> &mut u64; 4] = [
        |usage| &mut usage.web_searches,
        |usage| &mut usage.file_searches,
        |usage| &mut usage.code_containers,
        |usage| &mut usage.images,
    ];
    let tokens = tokens.map(|class| (class, Unit::MillionTokens));
    tokens.into_iter().chain(calls.map(|class| (class, Unit::Each))).map(|(class, unit)| {
        let mut usage = Usage::default();
        *class(&mut usage) = 1;
        (usage, unit)
    })
}
