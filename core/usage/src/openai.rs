//! OpenAI's usage, under the names of Chat Completions and of Responses; some gateways give both. Its input includes caches.

use sluice_api::cost::Usage;

use crate::count::Count;
use crate::told::Unknown;

told! {
    /// What an answer tells of its usage.
    pub struct Openai;
    input_tokens: Count = "input_tokens";
    prompt_tokens: Count = "prompt_tokens";
    output_tokens: Count = "output_tokens";
    completion_tokens: Count = "completion_tokens";
    total_tokens: Count = "total_tokens";
    input_tokens_details: Option<Input> = "input_tokens_details";
    prompt_tokens_details: Option<Input> = "prompt_tokens_details";
    output_tokens_details: Option<Output> = "output_tokens_details";
    completion_tokens_details: Option<Output> = "completion_tokens_details";
    // DeepSeek's and Moonshot's names for cached input.
    prompt_cache_hit_tokens: Count = "prompt_cache_hit_tokens" | "cached_tokens";
    // What follows from the others, times, and costs as resellers reckon them.
    _ = "prompt_cache_miss_tokens" | "num_sources_used" | "queue_time" | "prompt_time" | "completion_time" | "total_time"
        | "cost" | "cost_details" | "cost_in_usd_ticks" | "is_byok" | "prompt_audio_seconds";
}

told! {
    struct Input;
    cached_tokens: Count = "cached_tokens";
    cache_write_tokens: Count = "cache_write_tokens";
    cache_write_tokens_details: Option<Writes> = "cache_write_tokens_details";
    cached_tokens_details: Option<Cached> = "cached_tokens_details";
    audio_tokens: Count = "audio_tokens";
    image_tokens: Count = "image_tokens";
    video_tokens: Count = "video_tokens";
    _ = "text_tokens";
}

told! {
    struct Writes;
    ttl_12h_tokens: Count = "ttl_12h_tokens";
    _ = "ttl_30m_tokens";
}

told! {
    struct Cached;
    audio_tokens: Count = "audio_tokens";
    image_tokens: Count = "image_tokens";
    _ = "text_tokens";
}

told! {
    struct Output;
    reasoning_tokens: Count = "reasoning_tokens";
    audio_tokens: Count = "audio_tokens";
    image_tokens: Count = "image_tokens";
    _ = "text_tokens" | "accepted_prediction_tokens" | "rejected_prediction_tokens";
}

impl Openai {
    /// Whether it tells anything: zeros alone are what servers say that do not count.
    #[must_use]
    pub fn tells(&self) -> bool {
        let counts = [
            self.input_tokens,
            self.prompt_tokens,
            self.output_tokens,
            self.completion_tokens,
            self.total_tokens,
        ];
        counts.into_iter().any(|count| count.or_zero() > 0)
    }

    /// Whether it tells for how long what was written to a cache is kept.
    #[must_use]
    pub fn splits_writes(&self) -> bool {
        self.input().is_some_and(|told| told.cache_write_tokens_details.is_some())
    }

    /// Notes the names that nobody knows.
    pub fn unknown(&self, all: &mut Unknown) {
        all.extend(&self.unknown);
        let input = [&self.input_tokens_details, &self.prompt_tokens_details].into_iter().flatten();
        for told in input {
            all.extend(&told.unknown);
            told.cache_write_tokens_details.iter().for_each(|told| all.extend(&told.unknown));
            told.cached_tokens_details.iter().for_each(|told| all.extend(&told.unknown));
        }
        let output = [&self.output_tokens_details, &self.completion_tokens_details].into_iter().flatten();
        output.for_each(|told| all.extend(&told.unknown));
    }

    /// In Sluice's convention.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let details = self.input();
        let written = self.output();
        let input = self.input_tokens.or(self.prompt_tokens).or_zero();
        let told_output = self.output_tokens.or(self.completion_tokens).or_zero();
        let reasoning = written.map_or(0, |told| told.reasoning_tokens.or_zero());
        let cached = details.map(|told| told.cached_tokens).unwrap_or_default();
        let read = cached.or(self.prompt_cache_hit_tokens).or_zero();
        let write = details.map_or(0, |told| told.cache_write_tokens.or_zero());
        let split = details.and_then(|told| told.cache_write_tokens_details.as_ref());
        let told_long = split.map_or(0, |told| told.ttl_12h_tokens.or_zero());
        let long = told_long.min(write);
        let cached = read.saturating_add(write);
        // Some servers (xAI, Portkey over Gemini) count reasoning beside the completion: then only the total adds up
        // with it. Without a total it is outside where it is too much to be inside.
        let apart = told_output.saturating_add(reasoning);
        let outside = match self.total_tokens.told() {
            Some(total) => reasoning > 0 && total == input.saturating_add(apart),
            None => reasoning > told_output,
        };
        let output = if outside { apart } else { told_output };
        let total = self.total_tokens.told().unwrap_or(input.saturating_add(output));
        let mut usage = Usage::new(input.saturating_sub(cached), output);
        (usage.cache_write_5m, usage.cache_write_1h) = (write - long, long);
        (usage.cache_read, usage.reasoning) = (read, reasoning);
        let is_less_than_its_parts = cached > input || told_long > write || reasoning > output;
        usage.inconsistent =
            self.below_zero || is_less_than_its_parts || total != input.saturating_add(output);
        parts(&mut usage, details, written);
        usage
    }

    /// The same, of an API that makes images alone: its output is images, where nothing else is told of it.
    #[must_use]
    pub fn usage_of_images(&self) -> Usage {
        let mut usage = self.usage();
        if self.output().is_none() {
            usage.image_output = usage.output;
        }
        usage
    }

    fn input(&self) -> Option<&Input> {
        self.input_tokens_details.as_ref().or(self.prompt_tokens_details.as_ref())
    }

    fn output(&self) -> Option<&Output> {
        self.output_tokens_details.as_ref().or(self.completion_tokens_details.as_ref())
    }
}

/// What of the classes is no text. Counts of audio and images include what was read from a cache, of which not every server
/// says how much was what: then they are what the cache leaves of them.
fn parts(usage: &mut Usage, input: Option<&Input>, output: Option<&Output>) {
    if let Some(told) = input {
        let cached = told.cached_tokens_details.as_ref();
        let cached = cached.map_or((0, 0), |told| (told.audio_tokens.or_zero(), told.image_tokens.or_zero()));
        [usage.audio_cache_read, usage.image_cache_read] = within(usage.cache_read, [cached.0, cached.1]);
        [usage.audio_input, usage.image_input, usage.video_input] = within(
            usage.input,
            [
                told.audio_tokens.or_zero().saturating_sub(cached.0),
                told.image_tokens.or_zero().saturating_sub(cached.1),
                told.video_tokens.or_zero(),
            ],
        );
    }
    if let Some(told) = output {
        let text = usage.output.saturating_sub(usage.reasoning);
        [usage.audio_output, usage.image_output] =
            within(text, [told.audio_tokens.or_zero(), told.image_tokens.or_zero()]);
    }
}

/// Parts of a class, in their order, as far as the class has room for them.
pub(super) fn within<const COUNT: usize>(mut room: u64, parts: [u64; COUNT]) -> [u64; COUNT] {
    parts.map(|part| {
        let part = part.min(room);
        room -= part;
        part
    })
}
