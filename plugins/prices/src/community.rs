//! The community's price file, LiteLLM's `model_prices_and_context_window.json`: dollars for one, by its own key names.

mod key;

use std::collections::BTreeSet;

use sluice_api::cost::divided;
use sluice_api::settings::Problem;

use self::key::Key;
use crate::decimal::{exact, rounded};
use crate::hours::{AtHours, Hours};
use crate::item::Item;
use crate::rates::{Band, DECIMALS, Prices, RATE_MAX, Rate, Rates, Tariff, Tier};
use crate::row::{Dated, Format, Row, Rows, What};
use crate::tree::{File, Node, Value};

/// The row that explains the others.
const SAMPLE: &str = "sample_spec";

/// The provider whose bands begin at the threshold itself.
const AT_THE_THRESHOLD: &str = "xai";

/// What of a row are the prices of some hours; its own are those of the peak.
const OFF_PEAK: &str = "off_peak_pricing";

/// Reads a file whose top is its models.
pub(crate) fn read(file: File<'_>, models: &[(String, Node)]) -> Result<Rows, Problem> {
    let mut rows = Rows::of(Format::Litellm);
    for (name, node) in models {
        let Value::Table(members) = &node.value else { continue };
        if name == SAMPLE {
            continue;
        }
        match what(file, (name, node), members, &mut rows.unknown_keys)? {
            Some(what) => rows.rows.push(Row { name: name.clone(), line: node.line, what }),
            None => {
                // It stays a name, which aliases may stand for.
                rows.rows.push(Row { name: name.clone(), line: node.line, what: What::Dated(Vec::new()) });
            }
        }
    }
    Ok(rows)
}

fn what(
    file: File<'_>,
    (name, node): (&str, &Node),
    members: &[(String, Node)],
    unknown: &mut BTreeSet<String>,
) -> Result<Option<What>, Problem> {
    let text = |key: &str| {
        members.iter().find_map(|(known, node)| match &node.value {
            Value::Text(text) if known == key => Some(text.as_str()),
            _ => None,
        })
    };
    if members.iter().any(|(key, _)| key == "alias_of") {
        let target = text("alias_of").filter(|_| members.len() == 1);
        let alone = "an alias has the name of its model in `alias_of`, and no other keys";
        let target = target.ok_or_else(|| file.wrong(node.line, name, alone))?;
        return Ok(Some(What::Alias(target.to_owned())));
    }
    let at = u64::from(text("litellm_provider") != Some(AT_THE_THRESHOLD));
    // Google bills by the prompt whatever it searches for, but for models of which a row says otherwise.
    let google = text("litellm_provider").is_some_and(|id| id == "gemini" || id.starts_with("vertex_ai"));
    let by_query = !google || text("web_search_billing_unit") == Some("per_query");
    let openais = text("litellm_provider").is_some_and(|id| matches!(id, "openai" | "azure"));
    let search = match by_query {
        // The file has the preview's fee of them; the tool that took its place costs one fee for all models.
        true if openais => Item::WebSearchPreview,
        true => Item::WebSearch,
        false => Item::GroundedPrompt,
    };
    let mut prices = Prices::default();
    for (key, node) in members {
        let path = format!("{name}.{key}");
        match (Key::parse(key), &node.value) {
            (Some(key), _) => {
                let rate = rate(file, node, &path)?;
                slot(&mut prices, &key, at).set(key.item, Some(rate));
            }
            (None, Value::List(list)) if key == "tiered_pricing" => tiered(file, list, &path, &mut prices)?,
            (None, Value::Table(sizes)) if key == "search_context_cost_per_query" => {
                let medium = sizes.iter().find(|(size, _)| size == "search_context_size_medium");
                if let Some((size, node)) = medium {
                    let rate = rate(file, node, &format!("{path}.{size}"))?;
                    prices.standard.base.set(search, Some(rate));
                }
            }
            (None, Value::Table(_)) if matches!(key.as_str(), "provider_specific_entry" | OFF_PEAK) => {}
            (None, Value::Number(text)) if key == "max_input_tokens" => prices.max_input = tokens(text),
            (None, Value::Number(text)) if key == "max_output_tokens" => prices.max_output = tokens(text),
            (None, _) if key.contains("_cost") || key.contains("price") => drop(unknown.insert(key.clone())),
            (None, _) => {}
        }
    }
    for tariff in
        std::iter::once(&mut prices.standard).chain(prices.tiers.iter_mut().map(|(_, tariff)| tariff))
    {
        tariff.bands.sort_by_key(|band| std::cmp::Reverse(band.from));
    }
    // An image's price by the piece says the same as the one of its tokens.
    if prices.standard.base.of(Item::ImageOutput).is_some() {
        prices.standard.base.set(Item::Image, None);
    }
    multiply(file, members, name, &mut prices)?;
    let priced = prices.standard.base != Rates::default() || !prices.standard.bands.is_empty();
    let off_peak = members.iter().find(|(key, _)| key == OFF_PEAK);
    let hours = off_peak.filter(|(_, node)| node.value != Value::Table(Vec::new()));
    let hours = hours.map(|(_, node)| at_hours(file, node, name, &prices)).transpose()?;
    Ok(priced.then(|| What::Dated(vec![Dated { from: None, prices, hours }])))
}

/// A number of tokens, which some rows write with a point.
fn tokens(text: &str) -> Option<u64> {
    exact(text, 0, u128::from(u64::MAX)).ok().and_then(|tokens| u64::try_from(tokens).ok())
}

/// Prices of some hours: the rates that are named there, whatever the prompt's length, and the row's own for the rest.
fn at_hours(file: File<'_>, node: &Node, name: &str, peak: &Prices) -> Result<AtHours, Problem> {
    let path = format!("{name}.{OFF_PEAK}");
    let hours = Hours::read(file, node, &path)?;
    let mut prices = peak.clone();
    let Value::Table(members) = &node.value else { return Err(file.other(node, &path, "a table")) };
    for (key, node) in members {
        if let Some(known) = Key::parse(key).filter(|key| key.tier.is_none() && key.above.is_none()) {
            prices.standard.set(known.item, rate(file, node, &format!("{path}.{key}"))?);
        }
    }
    Ok(AtHours { hours, prices })
}

/// Where a key's rate belongs. `past` is 1 where a band begins just above its threshold.
fn slot<'a>(prices: &'a mut Prices, key: &Key, past: u64) -> &'a mut Rates {
    let tariff = match key.tier {
        None => &mut prices.standard,
        Some(tier) => of_tier(prices, tier),
    };
    match key.above {
        None => &mut tariff.base,
        Some(above) => of_band(tariff, above.saturating_add(past)),
    }
}

fn of_tier(prices: &mut Prices, tier: Tier) -> &mut Tariff {
    let at = prices.tiers.iter().position(|(known, _)| *known == tier).unwrap_or_else(|| {
        prices.tiers.push((tier, Tariff::default()));
        prices.tiers.len() - 1
    });
    // It is there: it was found, or pushed.
    match prices.tiers.get_mut(at) {
        Some((_, tariff)) => tariff,
        None => &mut prices.standard,
    }
}

fn of_band(tariff: &mut Tariff, from: u64) -> &mut Rates {
    let at = tariff.bands.iter().position(|band| band.from == from).unwrap_or_else(|| {
        tariff.bands.push(Band { from, rates: Rates::default() });
        tariff.bands.len() - 1
    });
    match tariff.bands.get_mut(at) {
        Some(band) => &mut band.rates,
        None => &mut tariff.base,
    }
}

/// Prices by ranges of the prompt, from exclusive and to inclusive: the first is that of any prompt, the last has no end.
fn tiered(file: File<'_>, list: &[Node], path: &str, prices: &mut Prices) -> Result<(), Problem> {
    for (at, node) in list.iter().enumerate() {
        let path = format!("{path}[{at}]");
        let Value::Table(members) = &node.value else { return Err(file.other(node, &path, "a table")) };
        let Some((_, range)) = members.iter().find(|(key, _)| key == "range") else { continue };
        let from = match &range.value {
            Value::List(bounds) => bounds.first().and_then(|bound| match &bound.value {
                Value::Number(text) => tokens(text),
                _ => None,
            }),
            _ => None,
        };
        let from =
            from.ok_or_else(|| file.other(range, &format!("{path}.range"), "two numbers of tokens"))?;
        for (key, node) in members {
            let Some(key) = Key::parse(key).filter(|key| key.tier.is_none() && key.above.is_none()) else {
                continue;
            };
            let rate = rate(file, node, &path)?;
            let rates = match from {
                0 => &mut prices.standard.base,
                _ => of_band(&mut prices.standard, from.saturating_add(1)),
            };
            rates.set(key.item, Some(rate));
        }
    }
    Ok(())
}

/// Keys of a row by which its tokens are multiplied, and the place where they are processed then.
const PLACES: [(&str, &str); 4] = [
    ("regional_processing_uplift_multiplier_eu", "eu"),
    ("regional_processing_uplift_multiplier_us", "us"),
    ("regional_endpoint_uplift_multiplier", "regional"),
    ("fedramp_uplift_multiplier", "fedramp"),
];

/// Takes what a row multiplies its tokens by where they are processed; `fast` as rates of a tier of that name.
fn multiply(
    file: File<'_>,
    members: &[(String, Node)],
    name: &str,
    prices: &mut Prices,
) -> Result<(), Problem> {
    for (key, place) in PLACES {
        if let Some((_, node)) = members.iter().find(|(known, _)| known == key)
            && let Some(by) = multiplier(file, node, &format!("{name}.{key}"))?
        {
            prices.geo.push((place.to_owned(), by));
        }
    }
    let Some((_, node)) = members.iter().find(|(key, _)| key == "provider_specific_entry") else {
        return Ok(());
    };
    let Value::Table(members) = &node.value else { return Ok(()) };
    for (key, node) in members.iter().filter(|(key, _)| matches!(key.as_str(), "us" | "fast")) {
        let by = multiplier(file, node, &format!("{name}.provider_specific_entry.{key}"))?;
        match by {
            Some(by) if key == "us" => prices.geo.push((key.clone(), by)),
            Some(by) => prices.tiers.push((Tier::Fast, times(&prices.standard, by.into()))),
            None => {}
        }
    }
    Ok(())
}

/// A multiplier, in thousandths; `None` of what is no number.
fn multiplier(file: File<'_>, node: &Node, path: &str) -> Result<Option<u32>, Problem> {
    let Value::Number(text) = &node.value else { return Ok(None) };
    let wrong = |why: crate::decimal::Wrong| file.wrong(node.line, path, why.to_string()).found(text.clone());
    let by = exact(text, 3, 1_000_000).map_err(wrong)?;
    Ok(Some(u32::try_from(by).unwrap_or(u32::MAX)))
}

fn times(tariff: &Tariff, thousandths: u128) -> Tariff {
    let rates = |rates: &Rates| {
        let mut product = Rates::default();
        for item in Item::ALL.into_iter().filter(|item| item.is_tokens()) {
            product.set(item, rates.of(item).map(|rate| Rate(divided(rate.0 * thousandths, 1_000))));
        }
        product
    };
    let bands = tariff.bands.iter().map(|band| Band { from: band.from, rates: rates(&band.rates) });
    Tariff { base: rates(&tariff.base), bands: bands.collect() }
}

fn rate(file: File<'_>, node: &Node, path: &str) -> Result<Rate, Problem> {
    let (Value::Text(text) | Value::Number(text)) = &node.value else {
        return Err(file.other(node, path, "a decimal number, in dollars"));
    };
    let wrong =
        |why: crate::decimal::Wrong| file.wrong(node.line, path, why.to_string()).found(node.value.told());
    rounded(text, DECIMALS, RATE_MAX).map(Rate).map_err(wrong)
}
