//! The community's file laid over the built-in list: tokens are the file's, and nothing else of ours is lost.

use sluice_api::cost::{PriceAsk, Usage};

use super::{DAY, time};
use crate::list::List;

/// Rows as the community writes them, with its own key names, of models that the built-in list has too.
const COMMUNITY: &str = r#"{
    "claude-haiku-4-5": {"litellm_provider": "anthropic", "input_cost_per_token": 1.5e-06, "output_cost_per_token": 5e-06},
    "gpt-4.1": {"litellm_provider": "openai", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06,
        "search_context_cost_per_query": {"search_context_size_medium": 0.025}},
    "gpt-4.1-2025-04-14": {"litellm_provider": "openai", "input_cost_per_token": 2e-06,
        "search_context_cost_per_query": {"search_context_size_medium": 0.025}},
    "claude-haiku-4-5-20251001": {"litellm_provider": "anthropic", "input_cost_per_token": 1.5e-06,
        "output_cost_per_token": 5e-06},
    "gpt-4.1-new": {"litellm_provider": "openai", "input_cost_per_token": 2e-06,
        "search_context_cost_per_query": {"search_context_size_medium": 0.03}},
    "gpt-5.5": {"litellm_provider": "openai", "input_cost_per_token": 5e-06, "output_cost_per_token": 3e-05,
        "regional_processing_uplift_multiplier_eu": 1.2, "fedramp_uplift_multiplier": 1.15},
    "gemini/gemini-4-argon": {"litellm_provider": "gemini", "input_cost_per_token": 3e-06,
        "output_cost_per_token": 1e-05}
}"#;

fn list() -> List {
    let list = List::built_in().unwrap();
    list.overlaid("model_prices_and_context_window.json", COMMUNITY).unwrap()
}

/// What is charged, and the rules of the lines.
fn told(list: &List, ask: &PriceAsk<'_>) -> (String, Vec<Option<&'static str>>) {
    let priced = list.price(ask).unwrap();
    (priced.cost.to_string(), priced.lines.iter().map(|line| line.rule).collect())
}

#[test]
fn fees_that_it_does_not_name_stay_and_say_so() {
    let list = list();
    let mut usage = Usage::new(1_000, 0);
    usage.web_searches = 1;
    let below = Some("fee of the list below");
    let ask = |model| PriceAsk::new("openai", model, &usage, time(DAY));
    let haiku = PriceAsk::new("claude-console", "claude-haiku-4-5", &usage, time(DAY));
    assert_eq!(told(&list, &haiku), ("0.0115".to_owned(), vec![None, below]));
    // A name with its date was found without it until the file had a row of its own.
    let dated = PriceAsk::new("claude-console", "claude-haiku-4-5-20251001", &usage, time(DAY));
    assert_eq!(told(&list, &dated), ("0.0115".to_owned(), vec![None, below]));
    assert_eq!(told(&list, &ask("gpt-4.1-2025-04-14")), ("0.012".to_owned(), vec![None, below]));
    // Its fee for searches is the preview's, which models of before cost more than the tool that came after it.
    assert_eq!(told(&list, &ask("gpt-4.1")), ("0.012".to_owned(), vec![None, below]));
    let only = told(&list, &ask("gpt-4.1-new"));
    assert_eq!(only, ("0.032".to_owned(), vec![None, Some("web_search_preview")]));
    let mut preview = Usage::new(1_000, 0);
    preview.web_search_previews = 1;
    let ask = PriceAsk::new("openai", "gpt-4.1", &preview, time(DAY));
    assert_eq!(told(&list, &ask), ("0.027".to_owned(), vec![None, None]));
}

#[test]
fn multipliers_by_place_are_the_files_where_it_names_them() {
    let (list, usage) = (list(), Usage::new(1_000_000, 0));
    for (geo, cost) in [(None, "5"), (Some("eu"), "6"), (Some("us"), "5.5"), (Some("fedramp"), "5.75")] {
        let mut ask = PriceAsk::new("openai", "gpt-5.5", &usage, time(DAY));
        ask.geo = geo;
        assert_eq!(told(&list, &ask).0, cost, "{geo:?}");
    }
}

#[test]
fn prices_that_hold_from_a_later_day_on_still_do_then() {
    let usage = Usage::new(1_000_000, 0);
    let at =
        |list: &List, day: &str| told(list, &PriceAsk::new("gemini", "gemini-4-argon", &usage, time(day))).0;
    let list = list();
    assert_eq!(at(&list, DAY), "3");
    // The file knows no days, and says the same whenever it is read: also on a reload after that day.
    assert_eq!(at(&list, "2026-11-30T23:59:59Z"), "3");
    assert_eq!(at(&list, "2026-12-01T00:00:00Z"), "4");
    assert_eq!(at(&list, "2027-06-01T00:00:00Z"), "4");
    // Whoever knows better says so in a file of their own.
    let own = list.overlaid("own", "[models.\"gemini/gemini-4-argon\"]\ninput = \"1\"").unwrap();
    assert_eq!(at(&own, "2026-12-01T00:00:00Z"), "1");
}

#[test]
fn a_price_that_held_before_the_lists_date_is_the_files() {
    let dated = "date = \"2026-11-27\"\n[[models.m]]\ninput = \"1\"\n[[models.m]]\neffective_from = \"2026-10-01\"\ninput = \"2\"\n\
                 [[models.m]]\neffective_from = \"2026-12-01\"\ninput = \"4\"";
    let list = List::default().overlaid("ours", dated).unwrap();
    let list = list.overlaid("theirs", "{\"m\": {\"input_cost_per_token\": 3e-06}}").unwrap();
    let usage = Usage::new(1_000_000, 0);
    for (day, cost) in [("2026-09-01", "3"), ("2026-11-28", "3"), ("2026-12-01", "4")] {
        let day = time(&format!("{day}T00:00:00Z"));
        assert_eq!(told(&list, &PriceAsk::new("openai", "m", &usage, day)).0, cost, "{day}");
    }
}

#[test]
fn a_tier_that_a_model_does_not_sell_is_its_standard_rate_and_says_so() {
    let usage = Usage::new(1_000_000, 1_000_000);
    let list = List::built_in().unwrap();
    let mut ask = PriceAsk::new("openai", "gpt-5.5", &usage, time(DAY));
    for (tier, cost, rule) in [
        (None, "55", None),
        (Some("standard"), "55", None),
        (Some("ultrafast"), "55", Some("standard rate")),
        (Some("batch"), "27.5", None),
    ] {
        ask.tier = tier;
        assert_eq!(told(&list, &ask), (cost.to_owned(), vec![rule, rule]), "{tier:?}");
    }
}
