//! Each dialect's own usage, turned into one convention.

use serde::Deserialize;
use sluice_api::Usage;

/// Anthropic's usage. Its input excludes caches; in streams the last value of each field wins.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Anthropic {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
    output_tokens_details: Option<AnthropicOutput>,
    server_tool_use: Option<ServerToolUse>,
    /// The service tier used.
    pub service_tier: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Option<u64>,
    ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct AnthropicOutput {
    thinking_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct ServerToolUse {
    web_search_requests: Option<u64>,
}

impl Anthropic {
    /// Takes a later report: what it says replaces what was said, what it does not say stays.
    pub fn update(&mut self, later: Self) {
        fn take<T>(slot: &mut Option<T>, later: Option<T>) {
            if later.is_some() {
                *slot = later;
            }
        }
        take(&mut self.input_tokens, later.input_tokens);
        take(&mut self.output_tokens, later.output_tokens);
        take(&mut self.cache_creation_input_tokens, later.cache_creation_input_tokens);
        take(&mut self.cache_read_input_tokens, later.cache_read_input_tokens);
        take(&mut self.cache_creation, later.cache_creation);
        take(&mut self.output_tokens_details, later.output_tokens_details);
        take(&mut self.server_tool_use, later.server_tool_use);
        take(&mut self.service_tier, later.service_tier);
    }

    /// In Sluice's convention. What the 5m/1h split does not cover was written for 5 minutes.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let split = self.cache_creation.unwrap_or_default();
        let told_1h = split.ephemeral_1h_input_tokens.unwrap_or(0);
        let told_5m = split.ephemeral_5m_input_tokens.unwrap_or(0);
        let written = self.cache_creation_input_tokens.unwrap_or(told_5m.saturating_add(told_1h));
        Usage {
            input: self.input_tokens.unwrap_or(0),
            output: self.output_tokens.unwrap_or(0),
            cache_write_1h: told_1h.min(written),
            cache_write_5m: written.saturating_sub(told_1h),
            cache_read: self.cache_read_input_tokens.unwrap_or(0),
            reasoning: self.output_tokens_details.and_then(|details| details.thinking_tokens).unwrap_or(0),
            web_searches: self.server_tool_use.and_then(|tools| tools.web_search_requests).unwrap_or(0),
            estimated: false,
            inconsistent: told_1h.saturating_add(told_5m) > written,
        }
    }
}

/// OpenAI's usage, under the names of Chat Completions and of Responses; some gateways give both. Its input includes
/// caches.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Openai {
    input_tokens: Option<u64>,
    prompt_tokens: Option<u64>,
    output_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    input_tokens_details: Option<OpenaiInput>,
    prompt_tokens_details: Option<OpenaiInput>,
    output_tokens_details: Option<OpenaiOutput>,
    completion_tokens_details: Option<OpenaiOutput>,
    /// DeepSeek's name for cached input.
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct OpenaiInput {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    cache_write_tokens_details: Option<OpenaiWrites>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct OpenaiWrites {
    ttl_12h_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct OpenaiOutput {
    reasoning_tokens: Option<u64>,
}

impl Openai {
    /// In Sluice's convention.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let details = self.input_tokens_details.or(self.prompt_tokens_details).unwrap_or_default();
        let written_details = self.output_tokens_details.or(self.completion_tokens_details);
        let input = self.input_tokens.or(self.prompt_tokens).unwrap_or(0);
        let output = self.output_tokens.or(self.completion_tokens).unwrap_or(0);
        let read = details.cached_tokens.or(self.prompt_cache_hit_tokens).unwrap_or(0);
        let written = details.cache_write_tokens.unwrap_or(0);
        let long = details
            .cache_write_tokens_details
            .and_then(|writes| writes.ttl_12h_tokens)
            .unwrap_or(0)
            .min(written);
        let cached = read.saturating_add(written);
        let total = self.total_tokens.unwrap_or(input.saturating_add(output));
        Usage {
            input: input.saturating_sub(cached),
            output,
            cache_write_5m: written - long,
            cache_write_1h: long,
            cache_read: read,
            reasoning: written_details.and_then(|details| details.reasoning_tokens).unwrap_or(0),
            web_searches: 0,
            estimated: false,
            inconsistent: cached > input || total != input.saturating_add(output),
        }
    }
}

/// Gemini's usage: cumulative in each chunk; its prompt includes the cache, its candidates exclude thoughts.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gemini {
    prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
    total_token_count: Option<u64>,
}

impl Gemini {
    /// Takes a later report: what it says replaces what was said, what it does not say stays.
    pub fn update(&mut self, later: Self) {
        self.prompt_token_count = later.prompt_token_count.or(self.prompt_token_count);
        self.cached_content_token_count =
            later.cached_content_token_count.or(self.cached_content_token_count);
        self.candidates_token_count = later.candidates_token_count.or(self.candidates_token_count);
        self.thoughts_token_count = later.thoughts_token_count.or(self.thoughts_token_count);
        self.tool_use_prompt_token_count =
            later.tool_use_prompt_token_count.or(self.tool_use_prompt_token_count);
        self.total_token_count = later.total_token_count.or(self.total_token_count);
    }

    /// In Sluice's convention. What server tools fed back into the prompt is input too.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let of = |count: Option<u64>| count.unwrap_or(0);
        let (prompt, cached) = (of(self.prompt_token_count), of(self.cached_content_token_count));
        let (candidates, thoughts) = (of(self.candidates_token_count), of(self.thoughts_token_count));
        let tools = of(self.tool_use_prompt_token_count);
        let apart = prompt.saturating_add(candidates).saturating_add(tools).saturating_add(thoughts);
        let total = self.total_token_count.unwrap_or(apart);
        // Some upstreams count thoughts among the candidates: then the total adds up without them.
        let inside = thoughts > 0 && apart - thoughts == total;
        Usage {
            input: prompt.saturating_sub(cached).saturating_add(tools),
            output: if inside { candidates } else { candidates.saturating_add(thoughts) },
            cache_read: cached,
            reasoning: thoughts,
            inconsistent: cached > prompt || (total != apart && !inside),
            ..Usage::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Anthropic, Gemini, Openai};
    use sluice_api::Usage;

    #[test]
    fn anthropics_input_excludes_caches() {
        let told = r#"{"input_tokens":12,"cache_creation_input_tokens":100,"cache_read_input_tokens":2000,
            "cache_creation":{"ephemeral_5m_input_tokens":40,"ephemeral_1h_input_tokens":60},"output_tokens":55,
            "output_tokens_details":{"thinking_tokens":30},"server_tool_use":{"web_search_requests":2},"x":null}"#;
        let usage = serde_json::from_str::<Anthropic>(told).unwrap().usage();
        let expected = Usage {
            input: 12,
            output: 55,
            cache_write_5m: 40,
            cache_write_1h: 60,
            cache_read: 2000,
            reasoning: 30,
            web_searches: 2,
            ..Usage::default()
        };
        assert_eq!(usage, expected);
    }

    #[test]
    fn what_the_split_does_not_cover_is_billed_at_five_minutes() {
        let told = r#"{"cache_creation_input_tokens":100,"cache_creation":{"ephemeral_1h_input_tokens":30}}"#;
        let usage = serde_json::from_str::<Anthropic>(told).unwrap().usage();
        assert_eq!((usage.cache_write_5m, usage.cache_write_1h), (70, 30));
    }

    #[test]
    fn openais_input_includes_caches() {
        for told in [
            r#"{"prompt_tokens":1200,"completion_tokens":300,"total_tokens":1500,"prompt_tokens_details":{"cached_tokens":1000,"cache_write_tokens":100},"completion_tokens_details":{"reasoning_tokens":200}}"#,
            r#"{"prompt_tokens":1200,"input_tokens":1200,"completion_tokens":300,"output_tokens":300,"total_tokens":1500,"prompt_tokens_details":{"cached_tokens":1000,"cache_write_tokens":100},"completion_tokens_details":{"reasoning_tokens":200}}"#,
            r#"{"input_tokens":1200,"output_tokens":300,"total_tokens":1500,"input_tokens_details":{"cached_tokens":1000,"cache_write_tokens":100},"output_tokens_details":{"reasoning_tokens":200}}"#,
        ] {
            let usage = serde_json::from_str::<Openai>(told).unwrap().usage();
            let expected = Usage {
                input: 100,
                output: 300,
                cache_write_5m: 100,
                cache_read: 1000,
                reasoning: 200,
                ..Usage::default()
            };
            assert_eq!(usage, expected);
        }
    }

    #[test]
    fn nothing_goes_below_zero_and_what_does_not_add_up_is_flagged() {
        let usage = serde_json::from_str::<Openai>(
            r#"{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":9}}"#,
        )
        .unwrap()
        .usage();
        assert_eq!((usage.input, usage.inconsistent), (0, true));
    }

    #[test]
    fn geminis_thoughts_are_outside_its_candidates_unless_the_total_says_otherwise() {
        let outside = r#"{"promptTokenCount":8,"candidatesTokenCount":9,"thoughtsTokenCount":12,"totalTokenCount":29,"cachedContentTokenCount":3}"#;
        let usage = serde_json::from_str::<Gemini>(outside).unwrap().usage();
        assert_eq!(
            (usage.input, usage.output, usage.cache_read, usage.reasoning, usage.inconsistent),
            (5, 21, 3, 12, false)
        );
        let inside = r#"{"promptTokenCount":8,"candidatesTokenCount":21,"thoughtsTokenCount":12,"totalTokenCount":29}"#;
        assert_eq!(serde_json::from_str::<Gemini>(inside).unwrap().usage().output, 21);
    }
}
