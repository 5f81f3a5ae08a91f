//! Each dialect's own usage, turned into one convention.

use serde::Deserialize;
use sluice_api::Usage;

use crate::count::Count;

/// Anthropic's usage. Its input excludes caches; in streams the last value of each field wins.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Anthropic {
    input_tokens: Count,
    output_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation: Option<CacheCreation>,
    output_tokens_details: Option<AnthropicOutput>,
    server_tool_use: Option<ServerToolUse>,
    /// The service tier used.
    pub service_tier: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Count,
    ephemeral_1h_input_tokens: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct AnthropicOutput {
    thinking_tokens: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct ServerToolUse {
    web_search_requests: Count,
}

impl Anthropic {
    /// Takes a later report: what it says replaces what was said, what it does not say stays. Counts only grow: a zero
    /// takes nothing back.
    pub fn update(&mut self, later: Self) {
        fn take<T>(slot: &mut Option<T>, later: Option<T>) {
            if later.is_some() {
                *slot = later;
            }
        }
        self.input_tokens.update(later.input_tokens);
        self.output_tokens.update(later.output_tokens);
        self.cache_creation_input_tokens.update(later.cache_creation_input_tokens);
        self.cache_read_input_tokens.update(later.cache_read_input_tokens);
        take(&mut self.cache_creation, later.cache_creation);
        take(&mut self.output_tokens_details, later.output_tokens_details);
        take(&mut self.server_tool_use, later.server_tool_use);
        take(&mut self.service_tier, later.service_tier);
    }

    /// The output, where it tells one.
    #[must_use]
    pub fn output(&self) -> Option<u64> {
        self.output_tokens.told()
    }

    /// In Sluice's convention. What the 5m/1h split does not cover was written for 5 minutes.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let split = self.cache_creation.unwrap_or_default();
        let told_1h = split.ephemeral_1h_input_tokens.or_zero();
        let told_5m = split.ephemeral_5m_input_tokens.or_zero();
        let written = self.cache_creation_input_tokens.told().unwrap_or(told_5m.saturating_add(told_1h));
        let mut usage = Usage::new(self.input_tokens.or_zero(), self.output_tokens.or_zero());
        usage.cache_write_1h = told_1h.min(written);
        usage.cache_write_5m = written.saturating_sub(told_1h);
        usage.cache_read = self.cache_read_input_tokens.or_zero();
        usage.reasoning = self.output_tokens_details.unwrap_or_default().thinking_tokens.or_zero();
        usage.web_searches = self.server_tool_use.unwrap_or_default().web_search_requests.or_zero();
        usage.inconsistent = told_1h.saturating_add(told_5m) > written;
        usage
    }
}

/// OpenAI's usage, under the names of Chat Completions and of Responses; some gateways give both. Its input includes
/// caches.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Openai {
    input_tokens: Count,
    prompt_tokens: Count,
    output_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    input_tokens_details: Option<OpenaiInput>,
    prompt_tokens_details: Option<OpenaiInput>,
    output_tokens_details: Option<OpenaiOutput>,
    completion_tokens_details: Option<OpenaiOutput>,
    /// DeepSeek's name for cached input.
    prompt_cache_hit_tokens: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct OpenaiInput {
    cached_tokens: Count,
    cache_write_tokens: Count,
    cache_write_tokens_details: Option<OpenaiWrites>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct OpenaiWrites {
    ttl_12h_tokens: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct OpenaiOutput {
    reasoning_tokens: Count,
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

    /// In Sluice's convention.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let details = self.input_tokens_details.or(self.prompt_tokens_details).unwrap_or_default();
        let written = self.output_tokens_details.or(self.completion_tokens_details).unwrap_or_default();
        let input = self.input_tokens.or(self.prompt_tokens).or_zero();
        let told_output = self.output_tokens.or(self.completion_tokens).or_zero();
        let reasoning = written.reasoning_tokens.or_zero();
        let read = details.cached_tokens.or(self.prompt_cache_hit_tokens).or_zero();
        let write = details.cache_write_tokens.or_zero();
        let long = details.cache_write_tokens_details.unwrap_or_default().ttl_12h_tokens.or_zero().min(write);
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
        usage.inconsistent = cached > input || reasoning > output || total != input.saturating_add(output);
        usage
    }
}

/// Gemini's usage: cumulative in each chunk; its prompt includes the cache, its candidates exclude thoughts.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Gemini {
    prompt_token_count: Count,
    cached_content_token_count: Count,
    candidates_token_count: Count,
    thoughts_token_count: Count,
    tool_use_prompt_token_count: Count,
    total_token_count: Count,
}

impl Gemini {
    /// Takes a later report: what it says replaces what was said, what it does not say stays. Counts only grow: a zero
    /// takes nothing back.
    pub fn update(&mut self, later: Self) {
        self.prompt_token_count.update(later.prompt_token_count);
        self.cached_content_token_count.update(later.cached_content_token_count);
        self.candidates_token_count.update(later.candidates_token_count);
        self.thoughts_token_count.update(later.thoughts_token_count);
        self.tool_use_prompt_token_count.update(later.tool_use_prompt_token_count);
        self.total_token_count.update(later.total_token_count);
    }

    /// In Sluice's convention. What server tools fed back into the prompt is input too.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let (prompt, cached) = (self.prompt_token_count.or_zero(), self.cached_content_token_count.or_zero());
        let (candidates, thoughts) =
            (self.candidates_token_count.or_zero(), self.thoughts_token_count.or_zero());
        let tools = self.tool_use_prompt_token_count.or_zero();
        let apart = prompt.saturating_add(candidates).saturating_add(tools).saturating_add(thoughts);
        let total = self.total_token_count.told().unwrap_or(apart);
        // Some upstreams count thoughts among the candidates: then the total adds up without them.
        let inside = thoughts > 0 && apart - thoughts == total;
        let mut usage = Usage::new(
            prompt.saturating_sub(cached).saturating_add(tools),
            if inside { candidates } else { candidates.saturating_add(thoughts) },
        );
        (usage.cache_read, usage.reasoning) = (cached, thoughts);
        usage.inconsistent = cached > prompt || (total != apart && !inside);
        usage
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
        let mut expected = Usage::new(12, 55);
        (expected.cache_write_5m, expected.cache_write_1h, expected.cache_read) = (40, 60, 2000);
        (expected.reasoning, expected.web_searches) = (30, 2);
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
            let mut expected = Usage::new(100, 300);
            (expected.cache_write_5m, expected.cache_read, expected.reasoning) = (100, 1000, 200);
            assert_eq!(usage, expected);
        }
    }

    #[test]
    fn reasoning_beside_the_completion_is_output_where_the_total_says_so() {
        let counts = r#""prompt_tokens":30,"completion_tokens":14,"completion_tokens_details":{"reasoning_tokens":50}"#;
        for (counts, total, output, consistent) in [
            (counts, r#","total_tokens":94"#, 64, true),
            (counts, "", 64, true),
            (counts, r#","total_tokens":44"#, 14, false),
            (&counts.replace("50", "10"), r#","total_tokens":44"#, 14, true),
            (&counts.replace("50", "10"), r#","total_tokens":54"#, 24, true),
            (&counts.replace("50", "10"), "", 14, true),
            (&counts.replace("50", "10"), r#","total_tokens":60"#, 14, false),
        ] {
            let told = format!("{{{counts}{total}}}");
            let usage = serde_json::from_str::<Openai>(&told).unwrap().usage();
            assert_eq!((usage.input, usage.output, usage.inconsistent), (30, output, !consistent), "{told}");
        }
    }

    /// Input, output, cache reads, cache writes, reasoning; and nothing that does not add up.
    fn classes(usage: Usage) -> [u64; 5] {
        assert!(!usage.inconsistent, "{usage:?}");
        [usage.input, usage.output, usage.cache_read, usage.cache_write(), usage.reasoning]
    }

    #[test]
    fn what_the_field_tells_is_counted_once_each() {
        for (told, expected) in [
            (
                r#"{"prompt_tokens":1000,"completion_tokens":50,"prompt_tokens_details":{"cached_tokens":300,"cache_write_tokens":200}}"#,
                [500, 50, 300, 200, 0],
            ),
            (
                r#"{"prompt_tokens":1000,"completion_tokens":10,"prompt_cache_hit_tokens":900,"prompt_cache_miss_tokens":100}"#,
                [100, 10, 900, 0, 0],
            ),
            (
                r#"{"prompt_tokens":1000,"completion_tokens":10,"prompt_cache_hit_tokens":900,"prompt_cache_miss_tokens":100,"prompt_tokens_details":{"cached_tokens":900}}"#,
                [100, 10, 900, 0, 0],
            ),
            (r#"{"prompt_tokens":8,"total_tokens":8}"#, [8, 0, 0, 0, 0]),
        ] {
            assert_eq!(classes(serde_json::from_str::<Openai>(told).unwrap().usage()), expected, "{told}");
        }
        for (told, expected) in [
            (
                r#"{"input_tokens":500,"output_tokens":80,"iterations":[{"type":"message","input_tokens":500,"output_tokens":3},{"type":"fallback_message","input_tokens":500,"output_tokens":80}]}"#,
                [500, 80, 0, 0, 0],
            ),
            (
                r#"{"input_tokens":10,"output_tokens":500,"output_tokens_details":{"thinking_tokens":380}}"#,
                [10, 500, 0, 0, 380],
            ),
        ] {
            assert_eq!(classes(serde_json::from_str::<Anthropic>(told).unwrap().usage()), expected, "{told}");
        }
        // Google's JSON may tell 64-bit numbers in quotes.
        for told in [
            r#"{"promptTokenCount":120,"toolUsePromptTokenCount":400,"candidatesTokenCount":30,"thoughtsTokenCount":50,"totalTokenCount":600}"#,
            r#"{"promptTokenCount":"120","toolUsePromptTokenCount":"400","candidatesTokenCount":"30","thoughtsTokenCount":"50","totalTokenCount":"600"}"#,
        ] {
            let usage = serde_json::from_str::<Gemini>(told).unwrap().usage();
            assert_eq!(classes(usage), [520, 80, 0, 0, 50], "{told}");
        }
    }

    #[test]
    fn a_later_zero_takes_nothing_back() {
        let of = |told: &str| serde_json::from_str::<Anthropic>(told).unwrap();
        let mut usage = of(r#"{"input_tokens":9,"output_tokens":1}"#);
        usage.update(of(r#"{"input_tokens":0,"output_tokens":41}"#));
        assert_eq!((usage.usage().input, usage.usage().output), (9, 41));
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
