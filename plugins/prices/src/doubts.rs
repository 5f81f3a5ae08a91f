//! What is allowed in a price list and surely not meant, or was wrong in the lists of others.

use crate::item::Item;
use crate::rates::{Prices, Rate, Rates, Tariff, Tier};
use crate::shown::{dollars, tiers};

/// A million tokens of text have never cost more than this, in dollars, nor less than a ten-thousandth: a higher or a
/// lower price is one for another number of tokens.
const DEAR: u128 = 1_000;
const CHEAP: u128 = 10_000;

/// How many times what it cost before a price may be, or how small a part of it, before it is doubtful.
const LEAP: u128 = 10;

/// Units of a rate for one token in a dollar for a million.
const DOLLAR: u128 = 10_u128.pow(12);

/// Pairs of which the first is never dearer than the second, with why.
const NEVER_DEARER: [(Item, Item, &str); 4] = [
    (Item::CacheRead, Item::Input, "a cache saves nothing then"),
    (Item::Input, Item::Output, "no provider sells output below input"),
    (Item::Input, Item::CacheWrite5m, "what is written to a cache is input too"),
    (Item::CacheWrite5m, Item::CacheWrite1h, "a cache that lives longer costs more"),
];

/// What is doubtful in a model's prices, as sentences.
pub(crate) fn doubts(prices: &Prices) -> Vec<String> {
    let mut doubts = Vec::new();
    for (name, tier) in tiers(prices) {
        let tariff = tier.and_then(|tier| prices.tier(tier)).unwrap_or(&prices.standard);
        bands(name, tariff, &mut doubts);
        for (above, rates) in stretches(tariff) {
            let place = place(name, above);
            for (less, more, why) in NEVER_DEARER {
                // What is free is often sold so: output of embeddings, writes of caches that are free.
                let pair = (rates.of(less), rates.of(more).filter(|rate| rate.0 > 0));
                if let (Some(low), Some(high)) = pair
                    && low > high
                {
                    let (low, high) = (dollars(less, low), dollars(more, high));
                    doubts.push(format!(
                        "{place}`{}` at {low} is dearer than `{}` at {high}: {why}",
                        less.name(),
                        more.name()
                    ));
                }
            }
            amounts(&place, rates, &mut doubts);
            if let Some(tier) = tier {
                against(&place, tier, (above, rates), &prices.standard, &mut doubts);
            }
        }
    }
    doubts
}

/// What is doubtful in prices that follow others of the same model.
pub(crate) fn leaps(before: &Prices, now: &Prices) -> Vec<String> {
    let mut doubts = Vec::new();
    for item in Item::ALL {
        let (Some(was), Some(is)) = (before.standard.base.of(item), now.standard.base.of(item)) else {
            continue;
        };
        let (low, high) = (was.min(is), was.max(is));
        if low.0 > 0 && high.0 >= low.0.saturating_mul(LEAP) {
            let (was, is) = (dollars(item, was), dollars(item, is));
            doubts.push(format!(
                "`{}` goes from {was} to {is}: is it for the same number of tokens?",
                item.name()
            ));
        }
    }
    doubts
}

/// Rates of a tariff by the prompts they are for: first those of any.
fn stretches(tariff: &Tariff) -> impl Iterator<Item = (Option<u64>, &Rates)> {
    let bands = tariff.bands.iter().rev().map(|band| (band.from.checked_sub(1), &band.rates));
    std::iter::once((None, &tariff.base)).chain(bands)
}

/// A long prompt that is cheaper than a shorter one.
fn bands(name: &str, tariff: &Tariff, doubts: &mut Vec<String>) {
    for item in Item::ALL.into_iter().filter(|item| item.is_tokens()) {
        let mut shorter: Option<Rate> = None;
        for (above, rates) in stretches(tariff) {
            let Some(rate) = rates.of(item) else { continue };
            if let Some(below) = shorter.filter(|below| rate < *below) {
                let (is, was) = (dollars(item, rate), dollars(item, below));
                let place = place(name, above);
                doubts.push(format!(
                    "{place}`{}` at {is} is cheaper than {was} for shorter prompts",
                    item.name()
                ));
            }
            shorter = Some(rate);
        }
    }
}

/// Prices that are surely for another number of tokens.
fn amounts(place: &str, rates: &Rates, doubts: &mut Vec<String>) {
    for item in [Item::Input, Item::Output] {
        let Some(rate) = rates.of(item).filter(|rate| rate.0 > 0) else { continue };
        if rate.0 > DEAR * DOLLAR || rate.0 < DOLLAR / CHEAP {
            let told = dollars(item, rate);
            doubts.push(format!(
                "{place}`{}` is {told} dollars for a million tokens: is it meant for another number of them?",
                item.name()
            ));
        }
    }
}

/// What a tier costs that is sold as half of the standard rates, as less, or as more.
fn against(
    place: &str,
    tier: Tier,
    (above, rates): (Option<u64>, &Rates),
    standard: &Tariff,
    doubts: &mut Vec<String>,
) {
    for item in Item::ALL.into_iter().filter(|item| item.is_tokens()) {
        let (Some(rate), Some(usual)) = (rates.of(item), at(standard, item, above)) else { continue };
        let why = match tier {
            Tier::Batch if rate.0.saturating_mul(2) != usual.0 => "not half of",
            Tier::Flex if rate > usual => "dearer than",
            Tier::Priority | Tier::Fast | Tier::Ultrafast if rate < usual => "cheaper than",
            _ => continue,
        };
        let (is, usual) = (dollars(item, rate), dollars(item, usual));
        doubts.push(format!("{place}`{}` at {is} is {why} the standard rate of {usual}", item.name()));
    }
}

/// An item's standard rate in the band that begins above so many tokens.
fn at(standard: &Tariff, item: Item, above: Option<u64>) -> Option<Rate> {
    let mut found = None;
    for (begins, rates) in stretches(standard) {
        if begins <= above {
            found = rates.of(item).or(found);
        }
    }
    found
}

fn place(tier: &str, above: Option<u64>) -> String {
    match above {
        Some(above) => format!("{tier}, above {above} tokens: "),
        None => format!("{tier}: "),
    }
}

#[cfg(test)]
mod tests {
    use super::{doubts, leaps};
    use crate::list::read;
    use crate::rates::Prices;
    use crate::row::What;
    use crate::tree::File;

    fn prices(text: &str) -> Prices {
        let row = read(File("f"), &format!("[models.m]\n{text}")).unwrap().rows.remove(0);
        let What::Dated(mut all) = row.what else { panic!("{text}") };
        all.remove(0).prices
    }

    fn check(text: &str, says: &[&str]) {
        let told = doubts(&prices(text));
        assert_eq!(told.len(), says.len(), "{text}: {told:#?}");
        for (told, says) in told.iter().zip(says) {
            assert!(told.contains(says), "{text}: {told}");
        }
    }

    #[test]
    fn what_is_surely_not_meant_is_doubtful_and_what_providers_sell_is_not() {
        for (text, says) in [
            (
                "input = \"3\"\noutput = \"15\"\ncache_read = \"0.3\"\ncache_write_5m = \"3.75\"\ncache_write_1h = \"6\"",
                &[][..],
            ),
            ("input = \"0.02\"\noutput = \"0\"\ncache_write_5m = \"0\"", &[]),
            ("input = \"3\"\noutput = \"2\"", &["standard: `input` at 3 is dearer than `output` at 2"]),
            ("input = \"1\"\ncache_read = \"2\"", &["`cache_read` at 2 is dearer than `input` at 1"]),
            ("input = \"2\"\ncache_write_5m = \"1\"", &["`input` at 2 is dearer than `cache_write_5m` at 1"]),
            (
                "input = \"1\"\ncache_write_5m = \"2\"\ncache_write_1h = \"1.5\"",
                &["`cache_write_5m` at 2 is dearer than `cache_write_1h` at 1.5"],
            ),
            (
                "input = \"2\"\ntiers = [{ above = 10, input = \"4\" }, { above = 20, input = \"3\" }]",
                &["standard, above 20 tokens: `input` at 3 is cheaper than 4 for shorter prompts"],
            ),
            (
                "input = \"2\"\noutput = \"8\"\nservice_tiers.batch = { input = \"1\", output = \"5\" }",
                &["batch: `output` at 5 is not half of the standard rate of 8"],
            ),
            (
                "input = \"2\"\ntiers = [{ above = 10, input = \"4\" }]\n\
                 service_tiers.batch = { input = \"1\", tiers = [{ above = 10, input = \"2\" }] }",
                &[],
            ),
            (
                "input = \"2\"\nservice_tiers.flex = { input = \"3\" }\nservice_tiers.priority = { input = \"1\" }",
                &["flex: `input` at 3 is dearer than", "priority: `input` at 1 is cheaper than"],
            ),
            ("input = \"0.000003\"", &["another number of them"]),
            ("input = \"3000\"", &["another number of them"]),
        ] {
            check(text, says);
        }
    }

    #[test]
    fn a_price_that_leaps_is_doubtful() {
        let (was, is) = (prices("input = \"3\"\noutput = \"15\""), prices("input = \"30\"\noutput = \"16\""));
        let told = leaps(&was, &is);
        assert_eq!(told, ["`input` goes from 3 to 30: is it for the same number of tokens?"]);
        assert_eq!(leaps(&is, &was).len(), 1);
    }
}
