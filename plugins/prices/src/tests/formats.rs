//! Formats of others, each by its own names.

use sluice_api::cost::Usage;

use super::{cost, file};
use crate::list::List;

#[test]
fn the_data_of_genai_prices_is_read_by_its_own_names_and_never_by_what_a_name_begins_with() {
    let providers = r#"[
        {"id": "anthropic", "name": "A", "api_pattern": "x", "models": [
            {"id": "c", "match": {"or": [{"equals": "c-1"}, {"starts_with": "c-2"}]}, "prices": {
                "input_mtok": {"base": 3, "tiers": [{"start": 200000, "price": 6}]}, "output_mtok": 15,
                "cache_read_mtok": 0.3, "cache_write_1h_mtok": 6, "web_searches_kcount": 10, "new_kcount": 1}},
            {"id": "d", "match": {"equals": "d"}, "prices": [
                {"prices": {"input_mtok": 1}},
                {"constraint": {"start_date": "2026-11-01"}, "prices": {"input_mtok": 2}},
                {"constraint": {"start_date": "2027-01-01"}, "prices": {"input_mtok": 4}}]},
            {"id": "h", "match": {"equals": "h"}, "prices": [
                {"prices": {"input_mtok": 1}},
                {"constraint": {"start_time": "00:30:00Z", "end_time": "16:30:00Z"}, "prices": {"input_mtok": 2}}]}]},
        {"id": "google", "name": "G", "api_pattern": "x", "models": [
            {"id": "g", "match": {"equals": "g"}, "prices": {"input_mtok": 1, "web_searches_kcount": 14}}]}]"#;
    let bare = file(providers);
    let with_units = file(&format!("{{\"units\": {{}}, \"providers\": {providers}}}"));
    for list in [bare, with_units] {
        let at = |provider: &str, model: &str, tokens: u64, searches: u64| {
            let mut usage = Usage::new(tokens, 0);
            usage.web_searches = searches;
            cost(&list, provider, model, None, &usage)
        };
        for (provider, model, tokens, searches, total) in [
            ("claude-console", "c", 200_000, 0, Some("0.6")),
            ("claude-console", "c-1", 200_001, 1, Some("1.210006")),
            ("claude-console", "c-2", 1, 0, None),
            ("claude-console", "d", 1_000_000, 0, Some("2")),
            ("claude-console", "h", 1, 0, Some("0.000002")),
            ("gemini", "g", 1_000_000, 0, Some("1")),
            ("gemini", "g", 1_000_000, 1, None),
            ("openai", "g", 1, 0, None),
        ] {
            assert_eq!(at(provider, model, tokens, searches).as_deref(), total, "{model} of {tokens}");
        }
        let mut long = Usage::default();
        (long.cache_write_1h, long.cache_read) = (1_000_000, 100_000);
        assert_eq!(
            cost(&list, "claude-console", "c", None, &long).as_deref(),
            Some("6.03"),
            "what has no price for long prompts keeps its own"
        );
    }
    let wrong =
        "[{\"id\": \"anthropic\", \"models\": [\n{\"id\": \"c\", \"prices\": {\n\"input_mtok\": -3}}]}]";
    let problem = List::default().overlaid("f", wrong).unwrap_err();
    assert_eq!((problem.line, problem.path.as_str()), (Some(3), "anthropic.c.input_mtok"));
}

#[test]
fn searches_cost_by_the_query_or_by_the_prompt_as_their_row_says() {
    let list = file(
        r#"{"gemini/two": {"litellm_provider": "gemini", "input_cost_per_token": 0,
                "search_context_cost_per_query": {"search_context_size_medium": 0.035}},
            "gemini/three": {"litellm_provider": "gemini", "input_cost_per_token": 0, "web_search_billing_unit": "per_query",
                "search_context_cost_per_query": {"search_context_size_medium": 0.014}},
            "both": {"input_cost_per_token": 0, "output_cost_per_image": 0.04, "output_cost_per_image_token": 3e-05},
            "piece": {"input_cost_per_token": 0, "output_cost_per_image": 0.04}}"#,
    );
    let mut searched = Usage::new(1, 0);
    searched.web_searches = 3;
    assert_eq!(cost(&list, "gemini", "two", None, &searched).as_deref(), Some("0.035"));
    assert_eq!(cost(&list, "gemini", "three", None, &searched).as_deref(), Some("0.042"));
    // A row that has the price of an image in tokens too means the same by both.
    let mut made = Usage::new(1, 1000);
    (made.image_output, made.images) = (1000, 1);
    assert_eq!(cost(&list, "openai", "both", None, &made).as_deref(), Some("0.03"));
    let mut piece = Usage::default();
    piece.images = 2;
    assert_eq!(cost(&list, "openai", "piece", None, &piece).as_deref(), Some("0.08"));
    assert_eq!(cost(&list, "openai", "both", None, &piece), None, "no tokens were told");
}
