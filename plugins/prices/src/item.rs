//! What is billed: tokens by class, and things that cost a fee each.

use sluice_api::cost::Usage;

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
    /// Input tokens of images.
    ImageInput,
    /// Input tokens of video.
    VideoInput,
    /// Input tokens that the provider's own tools fed back to the model.
    ToolInput,
    /// Tokens of audio read from a cache.
    AudioCacheRead,
    /// Tokens of images read from a cache.
    ImageCacheRead,
    /// Output tokens of audio.
    AudioOutput,
    /// Output tokens of images.
    ImageOutput,
    /// Images, where they cost a fee and not tokens.
    Image,
    /// Web searches.
    WebSearch,
    /// Web searches by OpenAI's preview of the tool.
    WebSearchPreview,
    /// Prompts that were grounded with a web search, where each costs a fee whatever its searches.
    GroundedPrompt,
    /// Prompts that were grounded with maps.
    MapsPrompt,
    /// Searches in stored files.
    FileSearch,
    /// Containers that ran code.
    CodeContainer,
    /// The request itself, where it costs a fee.
    Request,
}

/// How many items there are.
pub const ITEMS: usize = Item::ALL.len();

/// The name of each item in lines and in price files of our own, and the item at whose rate it is billed where it has no
/// rate of its own.
const ABOUT: [(&str, Option<Item>); ITEMS] = [
    ("input", None),
    ("output", None),
    ("cache_read", Some(Item::Input)),
    ("cache_write_5m", Some(Item::Input)),
    ("cache_write_1h", Some(Item::CacheWrite5m)),
    ("reasoning", Some(Item::Output)),
    ("audio_input", Some(Item::Input)),
    ("image_input", Some(Item::Input)),
    ("video_input", Some(Item::Input)),
    ("tool_input", Some(Item::Input)),
    ("audio_cache_read", Some(Item::CacheRead)),
    ("image_cache_read", Some(Item::CacheRead)),
    ("audio_output", Some(Item::Output)),
    ("image_output", Some(Item::Output)),
    ("image", None),
    ("web_search", Some(Item::WebSearchPreview)),
    ("web_search_preview", Some(Item::WebSearch)),
    ("grounded_prompt", None),
    ("maps_prompt", None),
    ("file_search", None),
    ("code_container", None),
    ("request", None),
];

impl Item {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::Input,
        Self::Output,
        Self::CacheRead,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::Reasoning,
        Self::AudioInput,
        Self::ImageInput,
        Self::VideoInput,
        Self::ToolInput,
        Self::AudioCacheRead,
        Self::ImageCacheRead,
        Self::AudioOutput,
        Self::ImageOutput,
        Self::Image,
        Self::WebSearch,
        Self::WebSearchPreview,
        Self::GroundedPrompt,
        Self::MapsPrompt,
        Self::FileSearch,
        Self::CodeContainer,
        Self::Request,
    ];

    /// Whether it is tokens, which bands, tiers and multipliers apply to; else it costs a fee, which is never multiplied.
    #[must_use]
    pub const fn is_tokens(self) -> bool {
        (self as usize) < Self::Image as usize
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        ABOUT.get(self as usize).map_or("", |(name, _)| name)
    }

    /// The item at whose rate it is billed where it has no rate of its own.
    #[must_use]
    pub fn falls_back_to(self) -> Option<Self> {
        ABOUT.get(self as usize).and_then(|(_, other)| *other)
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

/// Usage by items: of a class, what is told of it as parts, and the rest as text. Parts that are more than their class are
/// cut off, as a sum of lines must never be more than what was used.
#[must_use]
pub fn counts(usage: &Usage) -> Counts {
    let mut counts = Counts::default();
    let mut class = |item, all: u64, parts: &[(Item, u64)]| {
        let mut rest = all;
        for (part, count) in parts {
            let count = rest.min(*count);
            counts.set(*part, count);
            rest -= count;
        }
        counts.set(item, rest);
    };
    class(
        Item::Input,
        usage.input,
        &[
            (Item::AudioInput, usage.audio_input),
            (Item::ImageInput, usage.image_input),
            (Item::VideoInput, usage.video_input),
            (Item::ToolInput, usage.tool_input),
        ],
    );
    class(
        Item::CacheRead,
        usage.cache_read,
        &[(Item::AudioCacheRead, usage.audio_cache_read), (Item::ImageCacheRead, usage.image_cache_read)],
    );
    class(Item::CacheWrite5m, usage.cache_write_5m, &[]);
    class(Item::CacheWrite1h, usage.cache_write_1h, &[]);
    class(
        Item::Output,
        usage.output,
        &[
            (Item::Reasoning, usage.reasoning),
            (Item::AudioOutput, usage.audio_output),
            (Item::ImageOutput, usage.image_output),
        ],
    );
    for (item, count) in [
        (Item::Image, usage.images),
        (Item::WebSearch, usage.web_searches),
        (Item::WebSearchPreview, usage.web_search_previews),
        (Item::MapsPrompt, usage.maps_prompts),
        (Item::FileSearch, usage.file_searches),
        (Item::CodeContainer, usage.code_containers),
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
        let is_output =
            |item| matches!(item, Item::Output | Item::Reasoning | Item::AudioOutput | Item::ImageOutput);
        let items = Item::ALL.into_iter().filter(|item| item.is_tokens() && !is_output(*item));
        items.map(|item| self.of(item)).fold(0, u64::saturating_add)
    }
}
