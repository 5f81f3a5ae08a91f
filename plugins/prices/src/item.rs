//! What is billed: tokens by class, and things that cost a fee each.

use sluice_api::Usage;

/// What is billed. Each thing used counts in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    /// Input tokens of text, neither read from nor written to a cache.
    Input,
    /// Output tokens of text, without reasoning.
    Output,
    /// Input tokens read from a cache.
    CacheRead,
    /// Input tokens written to a cache for the provider's shortest time: 5 minutes at Anthropic, 30 at OpenAI.
    CacheWrite5m,
    /// Input tokens written to a cache for an hour or longer: 12 hours at OpenAI.
    CacheWrite1h,
    /// Output tokens of reasoning.
    Reasoning,
    /// Input tokens of audio.
    AudioInput,
    /// Output tokens of audio.
    AudioOutput,
    /// Input tokens of images.
    ImageInput,
    /// Output tokens of images.
    ImageOutput,
    /// Images, where they cost a fee and not tokens.
    Image,
    /// Web searches.
    WebSearch,
    /// The request itself, where it costs a fee.
    Request,
}

/// How many items there are.
pub const ITEMS: usize = Item::ALL.len();

impl Item {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Input,
        Self::Output,
        Self::CacheRead,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::Reasoning,
        Self::AudioInput,
        Self::AudioOutput,
        Self::ImageInput,
        Self::ImageOutput,
        Self::Image,
        Self::WebSearch,
        Self::Request,
    ];

    /// Whether it is tokens, which bands, tiers and multipliers apply to; else it costs a fee, which is never multiplied.
    #[must_use]
    pub const fn is_tokens(self) -> bool {
        !matches!(self, Self::Image | Self::WebSearch | Self::Request)
    }

    /// The item at whose rate it is billed where it has no rate of its own.
    #[must_use]
    pub const fn falls_back_to(self) -> Option<Self> {
        match self {
            Self::CacheRead | Self::CacheWrite5m | Self::AudioInput | Self::ImageInput => Some(Self::Input),
            Self::CacheWrite1h => Some(Self::CacheWrite5m),
            Self::Reasoning | Self::AudioOutput | Self::ImageOutput => Some(Self::Output),
            Self::Input | Self::Output | Self::Image | Self::WebSearch | Self::Request => None,
        }
    }
}

/// Something for each item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Each<T>([T; ITEMS]);

impl<T: Copy + Default> Default for Each<T> {
    fn default() -> Self {
        Self([T::default(); ITEMS])
    }
}

impl<T: Copy + Default> Each<T> {
    /// That of an item.
    #[must_use]
    pub fn of(&self, item: Item) -> T {
        self.0.get(item as usize).copied().unwrap_or_default()
    }

    /// Sets that of an item.
    pub fn set(&mut self, item: Item, to: T) {
        if let Some(slot) = self.0.get_mut(item as usize) {
            *slot = to;
        }
    }
}

/// How much was used of each item.
pub type Counts = Each<u64>;

/// Usage by items. What usage does not tell apart (audio and images among the tokens) counts as text.
#[must_use]
pub fn counts(usage: &Usage) -> Counts {
    let reasoning = usage.reasoning.min(usage.output);
    let mut counts = Counts::default();
    for (item, count) in [
        (Item::Input, usage.input),
        (Item::Output, usage.output - reasoning),
        (Item::CacheRead, usage.cache_read),
        (Item::CacheWrite5m, usage.cache_write_5m),
        (Item::CacheWrite1h, usage.cache_write_1h),
        (Item::Reasoning, reasoning),
        (Item::WebSearch, usage.web_searches),
        (Item::Request, 1),
    ] {
        counts.set(item, count);
    }
    counts
}

impl Counts {
    /// The tokens of the prompt, of every kind: what decides the band.
    #[must_use]
    pub fn prompt(&self) -> u64 {
        use Item::{AudioInput, CacheRead, CacheWrite1h, CacheWrite5m, ImageInput, Input};
        let items = [Input, CacheRead, CacheWrite5m, CacheWrite1h, AudioInput, ImageInput];
        items.into_iter().map(|item| self.of(item)).fold(0, u64::saturating_add)
    }
}
