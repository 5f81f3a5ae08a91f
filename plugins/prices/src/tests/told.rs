//! What operators are told: what a model costs, and what a file would change.

use sluice_api::cost::tariff::listed::{ListedModel, Source};
use sluice_api::cost::tariff::review::Review;
use sluice_api::cost::{CostModel as _, ListedAsk};

use super::{DAY, file, time};
use crate::PriceList;
use crate::list::List;

fn listed(list: &List, provider: &str, model: &str) -> Option<ListedModel> {
    list.listed(&ListedAsk::new(provider, model, time(DAY)))
}

/// The price of a class in a tier, above so many tokens, with where it comes from.
fn price(model: &ListedModel, class: &str, tier: &str, above: Option<u64>) -> Option<(String, String)> {
    let rates = model.rates.iter().filter(|rate| rate.hours.is_none());
    let mut found = rates.filter(|rate| rate.class == class && rate.tier == tier && rate.above == above);
    let one = found.next().map(|rate| (rate.price.clone(), rate.source.told()));
    assert!(found.next().is_none(), "{class} {tier} {above:?} stands twice");
    one
}

#[test]
fn a_model_is_told_with_its_entry_and_every_rate_with_its_source() {
    let list = List::built_in().unwrap();
    let told = listed(&list, "claude-console", "claude-haiku-5-5-20260901").unwrap();
    assert_eq!((told.entry.as_str(), told.rule.as_str()), ("claude-haiku-5-5", "date"));
    assert!(told.list.starts_with("built-in list of") && told.hash.starts_with("sha256:"));
    assert_eq!((told.max_input_tokens, told.max_output_tokens), (Some(1_000_000), Some(128_000)));
    assert_eq!(told.multipliers.get("us").map(String::as_str), Some("1.1"));
    for (class, tier, above, expected) in [
        ("input", "standard", None, Some(("0.1", "listed"))),
        ("input", "standard", Some(100_000), Some(("0.5", "listed"))),
        ("output", "batch", Some(100_000), Some(("1.25", "listed"))),
        ("reasoning", "standard", None, Some(("0.5", "as output"))),
        ("cache_write_1h", "batch", None, Some(("0.1", "as half of the standard rate"))),
        ("web_search", "standard", None, Some(("0.01", "listed"))),
        ("audio_input", "standard", None, None),
        ("input", "flex", None, None),
    ] {
        let found = price(&told, class, tier, above);
        let expected = expected.map(|(price, source)| (price.to_owned(), source.to_owned()));
        assert_eq!(found, expected, "{class} {tier} {above:?}");
    }
    assert_eq!(listed(&list, "claude-console", "nobodys"), None);
    let dated = listed(&list, "gemini", "gemini-4-argon").unwrap();
    assert_eq!(dated.entry, "gemini/gemini-4-argon");
    assert_eq!(dated.effective_until, Some(time("2026-12-01T00:00:00Z")));
    assert_eq!(dated.effective_from, None);
}

#[test]
fn every_rate_that_is_told_is_what_a_request_is_billed() {
    use sluice_api::cost::{PriceAsk, Usage};

    let list = List::built_in().unwrap();
    for name in list.names().map(ToOwned::to_owned).collect::<Vec<_>>() {
        let Some(told) = listed(&list, "", &name) else { continue };
        for (class, tier, above) in
            [("input", "standard", None), ("output", "batch", None), ("input", "flex", None)]
        {
            let Some((price, _)) = price(&told, class, tier, above) else { continue };
            let usage = if class == "input" { Usage::new(1, 0) } else { Usage::new(0, 1) };
            let mut ask = PriceAsk::new("", &name, &usage, time(DAY));
            ask.tier = Some(tier);
            let billed = list.price(&ask).unwrap();
            assert_eq!(billed.lines[0].rate.times(1_000_000).to_string(), price, "{name} {class} {tier}");
        }
    }
}

#[test]
fn what_another_cost_model_charges_is_told_without_its_doing() {
    #[derive(Debug)]
    struct Priced(List);
    impl sluice_api::cost::CostModel for Priced {
        fn price(&self, ask: &sluice_api::cost::PriceAsk<'_>) -> Option<sluice_api::cost::Priced> {
            self.0.price(ask)
        }
    }
    let model = Priced(file("[models.m]\ninput = \"3\"\noutput = \"15\"\nper_web_search = \"0.01\""));
    let told = model.listed(&ListedAsk::new("openai", "m", time(DAY))).unwrap();
    assert_eq!((told.entry.as_str(), told.rule.as_str(), told.list.as_str()), ("m", "exact", "f"));
    assert_eq!(price(&told, "cache_read", "standard", None), Some(("3".to_owned(), "as input".to_owned())));
    assert_eq!(price(&told, "web_search", "standard", None), Some(("0.01".to_owned(), "listed".to_owned())));
    assert_eq!(model.listed(&ListedAsk::new("openai", "n", time(DAY))), None);
    assert!(model.review("f", "", time(DAY)).is_none());
    let ours = PriceList(List::built_in().unwrap());
    assert!(ours.entries().iter().any(|name| name == "claude-opus-5-5"));
    let told = ours.listed(&ListedAsk::new("claude-console", "claude-opus-5-5", time(DAY))).unwrap();
    assert!(told.rates.iter().any(|rate| matches!(&rate.source, Source::Rule(rule) if rule == "output")));
}

const BEFORE: &str = r#"
    [models]
    same = { input = "1", output = "2" }
    other = { input = "1", output = "2", tiers = [{ above = 1000, input = "2" }] }
    soon = { input = "1", output = "2" }
"#;

fn review(text: &str) -> Review {
    file(BEFORE).review("g", text, time(DAY)).unwrap()
}

/// Changes, as `model tier/above/class was now`.
fn changes(review: &Review) -> Vec<String> {
    let each = review.changes.iter().flat_map(|change| {
        change.rates.iter().map(move |rate| {
            let from = change.effective_from.map(|from| format!(" from {from}")).unwrap_or_default();
            let [was, now] = [&rate.was, &rate.now].map(|rate| rate.as_deref().unwrap_or("-").to_owned());
            let above = rate.above.map(|above| format!("/{above}")).unwrap_or_default();
            format!("{}{from}: {}{above}/{} {was} {now}", change.model, rate.tier, rate.class)
        })
    });
    each.collect()
}

#[test]
fn a_review_tells_what_a_file_of_ours_changes_and_when() {
    let review = review(
        r#"
        [models]
        same = { input = "1", output = "2" }
        other = { input = "1.5", output = "2", service_tiers.batch = { input = "0.75" } }
        new = { input = "3" }
        name = { alias_of = "new" }
        fee = { per_request = "0.5" }
        soon = { input = "4", output = "8", effective_from = 2027-01-01 }
        "#,
    );
    assert_eq!((review.format.as_str(), review.models, review.unchanged), ("sluice", 5, 1));
    assert_eq!(
        changes(&review),
        [
            "other: standard/input 1 1.5",
            "other: standard/1000/input 2 -",
            "other: batch/input - 0.75",
            "new: standard/input - 3",
            "name: standard/input - 3",
            "fee: standard/request - 0.5",
            "soon from 2027-01-01T00:00:00Z: standard/input 1 4",
            "soon from 2027-01-01T00:00:00Z: standard/output 2 8",
        ]
    );
    let added: Vec<&str> =
        review.changes.iter().filter(|one| one.added).map(|one| one.model.as_str()).collect();
    assert_eq!(added, ["new", "name", "fee"]);
    assert_eq!((review.aliases[0].name.as_str(), review.aliases[0].model.as_str()), ("name", "new"));
    assert_eq!(review.without_token_price, ["fee"]);
    assert_eq!(review.doubts, []);
}

#[test]
fn a_review_tells_what_of_the_communitys_file_is_skipped_unknown_and_doubtful() {
    let review = review(
        "{\n\"same\": {\"input_cost_per_token\": 2e-05, \"output_cost_per_token\": 2e-06,\n\
         \"input_cost_per_token_batches\": 1e-06, \"input_cost_per_furlong_cost\": 1},\n\
         \"plan\": {\"mode\": \"chat\"},\n\"latest\": {\"alias_of\": \"same\"}}",
    );
    assert_eq!(review.format, "litellm");
    assert_eq!(review.skipped, ["plan"]);
    assert_eq!(review.unknown_keys, ["input_cost_per_furlong_cost"]);
    assert!(review.hash.starts_with("sha256:"));
    let doubts: Vec<(usize, &str)> =
        review.doubts.iter().map(|doubt| (doubt.line, doubt.message.as_str())).collect();
    assert_eq!(
        doubts,
        [
            (2, "standard: `input` at 20 is dearer than `output` at 2: no provider sells output below input"),
            (2, "batch: `input` at 1 is not half of the standard rate of 20"),
            (2, "`input` goes from 1 to 20: is it for the same number of tokens?"),
        ]
    );
    let genai = file(BEFORE)
        .review("g", r#"[{"id": "openai", "models": [{"id": "same", "prices": {"input_mtok": 1, "output_mtok": 2}}]}]"#, time(DAY))
        .unwrap();
    assert_eq!((genai.format.as_str(), genai.models, genai.unchanged), ("genai-prices", 1, 1));
    assert!(file(BEFORE).review("g", "[models.m]\ninput = \"-1\"", time(DAY)).is_err());
}
