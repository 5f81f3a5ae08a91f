//! Each dialect's own usage, turned into one convention.
//!
//! Reading one never fails: what is odd in it tells nothing, and takes nothing else with it.

#[macro_use]
mod told;

mod anthropic;
pub mod bounds;
pub mod caching;
mod cited;
pub mod count;
mod gemini;
mod openai;

pub use anthropic::Anthropic;
pub use cited::Cited;
pub use gemini::Gemini;
pub use openai::Openai;
pub use told::Unknown;

#[cfg(test)]
mod tests {
    use super::{Anthropic, Gemini, Openai};
    use sluice_api::cost::Usage;

    #[test]
    fn anthropics_input_excludes_caches() {
        let told = r#"{"input_tokens":12,"cache_creation_input_tokens":100,"cache_read_input_tokens":2000,
            "cache_creation":{"ephemeral_5m_input_tokens":40,"ephemeral_1h_input_tokens":60},"output_tokens":55,
            "output_tokens_details":{"thinking_tokens":30},"server_tool_use":{"web_search_requests":2},"x":null}"#;
        let usage = serde_json::from_str::<Anthropic>(told).unwrap().usage(None);
        let mut expected = Usage::new(12, 55);
        (expected.cache_write_5m, expected.cache_write_1h, expected.cache_read) = (40, 60, 2000);
        (expected.reasoning, expected.web_searches) = (30, 2);
        assert_eq!(usage, expected);
    }

    #[test]
    fn what_the_split_does_not_cover_is_billed_at_five_minutes() {
        let told = r#"{"cache_creation_input_tokens":100,"cache_creation":{"ephemeral_1h_input_tokens":30}}"#;
        let usage = serde_json::from_str::<Anthropic>(told).unwrap().usage(None);
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
            assert_eq!(
                classes(serde_json::from_str::<Anthropic>(told).unwrap().usage(None)),
                expected,
                "{told}"
            );
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
        let told = usage.usage(None);
        assert_eq!((told.input, told.output), (9, 41));
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
    fn openais_writes_are_kept_for_as_long_as_their_split_says() {
        for (split, [short, long], inconsistent) in [
            (r#"{"ttl_30m_tokens":9000,"ttl_12h_tokens":6000}"#, [9000, 6000], false),
            (r#"{"ttl_12h_tokens":6000}"#, [9000, 6000], false),
            (r#"{"ttl_30m_tokens":15000}"#, [15000, 0], false),
            // More than was written at all.
            (r#"{"ttl_12h_tokens":16000}"#, [0, 15000], true),
        ] {
            let told = format!(
                r#"{{"input_tokens":30000,"output_tokens":3000,"total_tokens":33000,"input_tokens_details":{{"cached_tokens":10000,"cache_write_tokens":15000,"cache_write_tokens_details":{split}}}}}"#
            );
            let usage = serde_json::from_str::<Openai>(&told).unwrap().usage();
            assert_eq!([usage.cache_write_5m, usage.cache_write_1h], [short, long], "{told}");
            assert_eq!(
                (usage.input, usage.cache_read, usage.inconsistent),
                (5000, 10000, inconsistent),
                "{told}"
            );
        }
    }

    #[test]
    fn video_is_a_part_of_the_input_without_what_a_cache_had_of_it() {
        let told = r#"{"promptTokenCount":1000,"cachedContentTokenCount":400,"candidatesTokenCount":5,"totalTokenCount":1005,
            "promptTokensDetails":[{"modality":"TEXT","tokenCount":100},{"modality":"VIDEO","tokenCount":700},{"modality":"AUDIO","tokenCount":200}],
            "cacheTokensDetails":[{"modality":"VIDEO","tokenCount":300},{"modality":"TEXT","tokenCount":100}]}"#;
        let usage = serde_json::from_str::<Gemini>(told).unwrap().usage();
        let mut expected = Usage::new(600, 5);
        (expected.cache_read, expected.video_input, expected.audio_input) = (400, 400, 200);
        assert_eq!(usage, expected);
        let told =
            r#"{"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"video_tokens":70}}"#;
        assert_eq!(serde_json::from_str::<Openai>(told).unwrap().usage().video_input, 70);
    }

    #[test]
    fn a_count_below_zero_is_zero_and_what_it_belongs_to_is_flagged_in_every_dialect() {
        let flagged = |usage: Usage, expected: [u64; 3], told: &str| {
            assert_eq!([usage.input, usage.output, usage.cache_read], expected, "{told}");
            assert!(usage.inconsistent, "{told}");
        };
        for (told, expected) in [
            (r#"{"prompt_tokens":9,"completion_tokens":-3}"#, [9, 0, 0]),
            (r#"{"prompt_tokens":-9,"completion_tokens":3}"#, [0, 3, 0]),
            (
                r#"{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":-5}}"#,
                [9, 3, 0],
            ),
            (
                r#"{"input_tokens":9,"output_tokens":3,"total_tokens":12,"input_tokens_details":{"cached_tokens":2,"cache_write_tokens_details":{"ttl_12h_tokens":"-5"}}}"#,
                [7, 3, 2],
            ),
        ] {
            flagged(serde_json::from_str::<Openai>(told).unwrap().usage(), expected, told);
        }
        for (told, expected) in [
            (r#"{"input_tokens":9,"output_tokens":3,"cache_read_input_tokens":-5}"#, [9, 3, 0]),
            (
                r#"{"input_tokens":9,"output_tokens":3,"server_tool_use":{"web_search_requests":-1}}"#,
                [9, 3, 0],
            ),
            (
                r#"{"input_tokens":9,"output_tokens":3,"iterations":[{"type":"message","output_tokens":-1}]}"#,
                [9, 3, 0],
            ),
        ] {
            flagged(serde_json::from_str::<Anthropic>(told).unwrap().usage(None), expected, told);
        }
        for (told, expected) in [
            (r#"{"promptTokenCount":9,"candidatesTokenCount":3,"cachedContentTokenCount":"-5"}"#, [9, 3, 0]),
            (
                r#"{"promptTokenCount":9,"candidatesTokenCount":3,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":-1}]}"#,
                [9, 3, 0],
            ),
        ] {
            flagged(serde_json::from_str::<Gemini>(told).unwrap().usage(), expected, told);
        }
        // A later report that is right does not make what was wrong right.
        let of = |told: &str| serde_json::from_str::<Anthropic>(told).unwrap();
        let mut usage = of(r#"{"input_tokens":9,"cache_read_input_tokens":-5}"#);
        usage.update(of(r#"{"output_tokens":3}"#));
        flagged(usage.usage(None), [9, 3, 0], "an earlier report");
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
