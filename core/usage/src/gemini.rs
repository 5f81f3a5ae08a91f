//! Gemini's usage: cumulative in each chunk; its prompt includes the cache, its candidates exclude thoughts.

use sluice_api::cost::Usage;

use crate::count::Count;
use crate::openai::within;
use crate::told::{List, Unknown, Word};

told! {
    /// What an answer, or a chunk of a stream, tells of its usage.
    pub struct Gemini;
    prompt: Count = "promptTokenCount";
    cached: Count = "cachedContentTokenCount";
    candidates: Count = "candidatesTokenCount";
    thoughts: Count = "thoughtsTokenCount";
    tool_use: Count = "toolUsePromptTokenCount";
    total: Count = "totalTokenCount";
    prompt_details: List<Modality> = "promptTokensDetails";
    cached_details: List<Modality> = "cacheTokensDetails";
    candidates_details: List<Modality> = "candidatesTokensDetails";
    traffic: Word = "trafficType";
    service_tier: Word = "serviceTier";
    // Of the thoughts and of what tools fed back nothing has a price of its own.
    _ = "toolUsePromptTokensDetails" | "thoughtsTokensDetails" | "billablePromptUsage";
}

told! {
    struct Modality;
    modality: Word = "modality";
    tokens: Count = "tokenCount";
    _ = "modalityTokenCount";
}

/// Vertex AI's names of how traffic was served, and the tier that each is priced as.
const TRAFFIC: [(&str, &str); 4] =
    [("ON_DEMAND_PRIORITY", "priority"), ("ON_DEMAND_FLEX", "flex"), ("FLEX", "flex"), ("BATCH", "flex")];

impl Gemini {
    /// Takes a later report: what it says replaces what was said, what it does not say stays. A prompt of no tokens at all
    /// is one that was not told, and the output only grows.
    pub fn update(&mut self, later: Self) {
        self.below_zero |= later.below_zero;
        if [later.prompt, later.cached, later.tool_use].iter().any(|count| count.or_zero() > 0) {
            self.prompt = later.prompt.or(self.prompt);
            self.cached = later.cached.or(self.cached);
            self.tool_use = later.tool_use.or(self.tool_use);
            self.prompt_details.update(later.prompt_details);
            self.cached_details.update(later.cached_details);
        }
        self.candidates.update(later.candidates);
        self.thoughts.update(later.thoughts);
        self.total.update(later.total);
        self.candidates_details.update(later.candidates_details);
        self.traffic.update(later.traffic);
        self.service_tier.update(later.service_tier);
    }

    /// The service tier that was used.
    #[must_use]
    pub fn tier(&self) -> Option<&str> {
        let traffic = self.traffic.told();
        let tier = TRAFFIC.iter().find(|(name, _)| Some(*name) == traffic).map(|(_, tier)| *tier);
        tier.or(self.service_tier.told())
    }

    /// Notes the names that nobody knows.
    pub fn unknown(&self, all: &mut Unknown) {
        all.extend(&self.unknown);
        let lists = [&self.prompt_details, &self.cached_details, &self.candidates_details];
        lists.into_iter().flat_map(|list| &list.0).for_each(|one| all.extend(&one.unknown));
    }

    /// In Sluice's convention. What server tools fed back into the prompt is input too.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let (prompt, cached) = (self.prompt.or_zero(), self.cached.or_zero());
        let (candidates, thoughts) = (self.candidates.or_zero(), self.thoughts.or_zero());
        let tools = self.tool_use.or_zero();
        let apart = prompt.saturating_add(candidates).saturating_add(tools).saturating_add(thoughts);
        let total = self.total.told().unwrap_or(apart);
        // Some upstreams count thoughts among the candidates: then the total adds up without them.
        let inside = thoughts > 0 && apart - thoughts == total;
        let uncached = prompt.saturating_sub(cached);
        let mut usage = Usage::new(
            uncached.saturating_add(tools),
            if inside { candidates } else { candidates.saturating_add(thoughts) },
        );
        (usage.cache_read, usage.reasoning, usage.tool_input) = (cached, thoughts, tools);
        usage.inconsistent = self.below_zero || cached > prompt || (total != apart && !inside);
        let of = |list: &List<Modality>, name: &str| {
            let named = list.0.iter().filter(|one| one.modality.told() == Some(name));
            named.map(|one| one.tokens.or_zero()).fold(0, u64::saturating_add)
        };
        let read = ["AUDIO", "IMAGE"].map(|name| of(&self.cached_details, name));
        [usage.audio_cache_read, usage.image_cache_read] = within(cached, read);
        let told = ["AUDIO", "IMAGE", "VIDEO"]
            .map(|name| of(&self.prompt_details, name).saturating_sub(of(&self.cached_details, name)));
        [usage.audio_input, usage.image_input, usage.video_input] = within(uncached, told);
        let made = ["AUDIO", "IMAGE"].map(|name| of(&self.candidates_details, name));
        let visible = usage.output.saturating_sub(usage.reasoning);
        [usage.audio_output, usage.image_output] = within(visible, made);
        usage
    }
}
