//! What holds of any usage.

use std::sync::LazyLock;

use proptest::prelude::*;
use sluice_api::Usage;

use super::{DAY, time};
use crate::item::counts;
use crate::list::List;
use crate::quote::{Bill, Served};

static LIST: LazyLock<List> = LazyLock::new(|| List::built_in().unwrap());

fn usages() -> impl Strategy<Value = Usage> {
    let tokens = 0_u64..2_000_000;
    (prop::array::uniform5(tokens), 0_u64..100, 0_u64..5).prop_map(|(tokens, percent, searches)| {
        let mut usage = Usage::new(tokens[0], tokens[1]);
        (usage.cache_write_5m, usage.cache_write_1h, usage.cache_read) = (tokens[2], tokens[3], tokens[4]);
        (usage.reasoning, usage.web_searches) = (usage.output * percent / 100, searches);
        usage
    })
}

proptest! {
    #[test]
    fn a_bill_is_the_exact_sum_of_its_lines_rounded_once(usage in usages(), tier in 0_usize..4) {
        let tier = [None, Some("batch"), Some("flex"), Some("priority")][tier];
        for model in ["claude-haiku-5-5", "claude-opus-5-5", "gpt-6.1-sol", "gemini/gemini-2.5-pro"] {
            let prices = LIST.exact(model).unwrap().prices(time(DAY)).unwrap();
            let bill = Bill::of(prices, &counts(&usage), Served { tier, geo: None }).unwrap();
            let exact: u128 = bill.lines().map(crate::quote::Line::amount).sum();
            let units = u128::try_from(bill.total.units()).unwrap();
            prop_assert!(exact.abs_diff(units * 10_u128.pow(8)) * 2 <= 10_u128.pow(8));
            let tokens: u64 = bill.lines().filter(|line| line.item.is_tokens()).map(|line| line.count).sum();
            prop_assert_eq!(tokens, usage.total(), "each token is in exactly one line");
        }
    }

    #[test]
    fn no_usage_is_too_much_to_be_priced(count in any::<u64>()) {
        let mut usage = Usage::new(count, u64::MAX);
        (usage.cache_write_5m, usage.cache_read, usage.web_searches) = (u64::MAX, count, u64::MAX);
        let prices = LIST.exact("claude-opus-5-5").unwrap().prices(time(DAY)).unwrap();
        let bill = Bill::of(prices, &counts(&usage), Served { tier: None, geo: Some("us") }).unwrap();
        prop_assert!(bill.total.units() > 0);
    }
}
