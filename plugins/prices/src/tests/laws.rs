//! What holds of any usage.

use std::sync::LazyLock;

use proptest::prelude::*;
use sluice_api::cost::{PriceAsk, Usage};

use super::{DAY, time};
use crate::list::List;

static LIST: LazyLock<List> = LazyLock::new(|| List::built_in().unwrap());

fn usages() -> impl Strategy<Value = Usage> {
    let tokens = 0_u64..2_000_000;
    let parts = prop::array::uniform8(tokens.clone());
    (prop::array::uniform5(tokens), parts, 0_u64..5).prop_map(|(tokens, parts, searches)| {
        let mut usage = Usage::new(tokens[0], tokens[1]);
        (usage.cache_write_5m, usage.cache_write_1h, usage.cache_read) = (tokens[2], tokens[3], tokens[4]);
        // Also parts that are more than their class.
        (usage.reasoning, usage.audio_output, usage.image_output) = (parts[0], parts[1], parts[2]);
        (usage.audio_input, usage.image_input, usage.video_input) = (parts[3], parts[4], parts[5]);
        (usage.audio_cache_read, usage.image_cache_read) = (parts[6], parts[7]);
        usage.web_searches = searches;
        usage
    })
}

proptest! {
    #[test]
    fn a_price_is_the_exact_sum_of_its_lines_rounded_once(usage in usages(), tier in 0_usize..4) {
        for model in ["claude-haiku-5-5", "claude-opus-5-5", "gpt-6.1-sol", "gemini-2.5-pro"] {
            let mut ask = PriceAsk::new("gemini", model, &usage, time(DAY));
            ask.tier = [None, Some("batch"), Some("flex"), Some("priority")][tier];
            let priced = LIST.price(&ask).unwrap();
            let exact: u128 = priced.lines.iter().map(|line| line.amount.units()).sum();
            prop_assert_eq!(exact, priced.total.units());
            let units = u128::try_from(priced.cost.units()).unwrap();
            prop_assert!(exact.abs_diff(units * 10_u128.pow(11)) * 2 <= 10_u128.pow(11));
            let fees = ["web_search", "grounded_prompt"];
            let tokens = priced.lines.iter().filter(|line| !fees.contains(&line.class));
            let tokens: u64 = tokens.map(|line| line.quantity).sum();
            prop_assert_eq!(tokens, usage.total(), "each token is in exactly one line");
        }
    }

    #[test]
    fn no_usage_is_too_much_to_be_priced(count in any::<u64>()) {
        let mut usage = Usage::new(count, u64::MAX);
        (usage.cache_write_5m, usage.cache_read, usage.web_searches) = (u64::MAX, count, u64::MAX);
        let mut ask = PriceAsk::new("claude-console", "claude-opus-5-5", &usage, time(DAY));
        ask.geo = Some("us");
        prop_assert!(LIST.price(&ask).unwrap().cost.units() > 0);
    }
}
