//! The data of genai-prices: dollars for a million tokens or a thousand calls, by provider and model, over time.

use std::collections::{BTreeSet, HashSet};

use sluice_api::settings::Problem;

use crate::dates;
use crate::decimal::rounded;
use crate::hours::{AtHours, Hours};
use crate::item::Item;
use crate::rates::{Band, DECIMALS, Prices, RATE_MAX, Rate, Rates};
use crate::row::{Dated, Format, Row, Rows, What};
use crate::tree::{File, Node, Value};

/// What stands before the names of a provider's models, by its id; before all others' their id, as in `groq/`.
const PREFIXES: [(&str, &str); 5] =
    [("anthropic", ""), ("openai", ""), ("aws", ""), ("google", "gemini/"), ("azure", "azure/")];

/// The provider whose searches are billed by the query or by the prompt, which is not told.
const SEARCHES_UNTOLD: &str = "google";

/// Keys of rates for a million tokens.
const TOKENS: [(&str, Item); 15] = [
    ("input_mtok", Item::Input),
    ("output_mtok", Item::Output),
    ("cache_read_mtok", Item::CacheRead),
    ("cache_write_mtok", Item::CacheWrite5m),
    ("cache_write_5m_mtok", Item::CacheWrite5m),
    ("cache_write_1h_mtok", Item::CacheWrite1h),
    ("output_reasoning_mtok", Item::Reasoning),
    ("input_audio_mtok", Item::AudioInput),
    ("input_image_mtok", Item::ImageInput),
    ("input_video_mtok", Item::VideoInput),
    ("input_tool_mtok", Item::ToolInput),
    ("cache_audio_read_mtok", Item::AudioCacheRead),
    ("cache_image_read_mtok", Item::ImageCacheRead),
    ("output_audio_mtok", Item::AudioOutput),
    ("output_image_mtok", Item::ImageOutput),
];

/// Keys of fees for a thousand.
const FEES: [(&str, Item); 3] = [
    ("web_searches_kcount", Item::WebSearch),
    ("storage_searches_kcount", Item::FileSearch),
    ("requests_kcount", Item::Request),
];

/// Decimals that a rate for one has more than one for a million, and a fee more than one for a thousand.
const OF_MILLION: i32 = 6;
const OF_THOUSAND: i32 = 3;

/// Reads the providers of a file. Of a model's names its id counts and what its `match` says it equals; what it is to begin
/// with or to contain is a guess.
pub(crate) fn read(file: File<'_>, providers: &[Node]) -> Result<Rows, Problem> {
    let (mut rows, mut seen) = (Rows::of(Format::GenaiPrices), HashSet::new());
    for (at, provider) in providers.iter().enumerate() {
        let path = format!("[{at}]");
        let id = text(file, provider, "id", &path)?;
        let prefix = PREFIXES.iter().find(|(known, _)| *known == id);
        let prefix = prefix.map_or_else(|| format!("{id}/"), |(_, prefix)| (*prefix).to_owned());
        let Some(Value::List(models)) = member(provider, "models").map(|node| &node.value) else {
            return Err(file.other(provider, &path, "a provider with a list of `models`"));
        };
        for node in models {
            let id_of_model = text(file, node, "id", &path)?;
            let name = format!("{prefix}{id_of_model}");
            let path = format!("{id}.{id_of_model}");
            let Some(prices) = member(node, "prices") else {
                return Err(file.wrong(node.line, &path, "a model needs `prices`"));
            };
            let dated = over_time(file, prices, (id, &path), &mut rows.unknown_keys)?;
            if !seen.insert(name.clone()) {
                continue;
            }
            let mut others = Vec::new();
            member(node, "match").into_iter().for_each(|clause| equals(clause, &mut others));
            let line = node.line;
            for other in others {
                let other = format!("{prefix}{other}");
                if seen.insert(other.clone()) {
                    rows.rows.push(Row { name: other, line, what: What::Alias(name.clone()) });
                }
            }
            rows.rows.push(Row { name, line, what: What::Dated(dated) });
        }
    }
    Ok(rows)
}

/// Prices over time, or some at all times and others at some hours; none where they depend on both.
fn over_time(
    file: File<'_>,
    node: &Node,
    (provider, path): (&str, &str),
    unknown: &mut BTreeSet<String>,
) -> Result<Vec<Dated>, Problem> {
    let Value::List(all) = &node.value else {
        let prices = prices(file, node, (provider, path), unknown)?;
        let priced = prices.standard.base != Rates::default();
        return Ok(if priced { vec![Dated { from: None, prices, hours: None }] } else { Vec::new() });
    };
    let mut dated: Vec<Dated> = Vec::with_capacity(all.len());
    let mut at_hours = None;
    for one in all {
        let constraint = member(one, "constraint");
        let start = constraint.and_then(|node| member(node, "start_date").or_else(|| member(node, "start")));
        let from = start.map(|start| dates::read(file, start, path)).transpose()?;
        let Some(node) = member(one, "prices") else {
            return Err(file.wrong(one.line, path, "each of a model's prices needs `prices`"));
        };
        let prices = prices(file, node, (provider, path), unknown)?;
        if let Some(constraint) = constraint.filter(|node| member(node, "start_time").is_some()) {
            let clock = |key: &str| member(constraint, key).and_then(time_of_day);
            let (Some(from), Some(until), None) = (clock("start_time"), clock("end_time"), &at_hours) else {
                return Ok(Vec::new());
            };
            at_hours = Some(AtHours { hours: Hours::daily(from, until), prices });
            continue;
        }
        // The last one that holds counts.
        dated.retain(|earlier| earlier.from != from);
        dated.push(Dated { from, prices, hours: None });
    }
    dated.sort_by_key(|one| one.from);
    if at_hours.is_some() {
        match dated.as_mut_slice() {
            [always] if always.from.is_none() => always.hours = at_hours,
            _ => return Ok(Vec::new()),
        }
    }
    Ok(dated)
}

/// The second of the day of a time in UTC, like `16:30:00Z`.
fn time_of_day(node: &Node) -> Option<i64> {
    let Value::Text(text) = &node.value else { return None };
    let time: jiff::civil::Time = text.strip_suffix('Z').unwrap_or(text).parse().ok()?;
    Some(i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second()))
}

fn prices(
    file: File<'_>,
    node: &Node,
    (provider, path): (&str, &str),
    unknown: &mut BTreeSet<String>,
) -> Result<Prices, Problem> {
    let Value::Table(members) = &node.value else { return Err(file.other(node, path, "a table of prices")) };
    let mut prices = Prices::default();
    for (key, node) in members {
        let path = format!("{path}.{key}");
        let of = |all: &[(&str, Item)]| all.iter().find(|(known, _)| known == key).map(|(_, item)| *item);
        match (of(&TOKENS), of(&FEES)) {
            (Some(item), _) => banded(file, node, (&path, item), &mut prices)?,
            (None, Some(Item::WebSearch)) if provider == SEARCHES_UNTOLD => drop(unknown.insert(key.clone())),
            (None, Some(item)) => {
                let fee = rate(file, node, &path, DECIMALS - OF_THOUSAND)?;
                prices.standard.base.set(item, Some(fee));
            }
            (None, None) => drop(unknown.insert(key.clone())),
        }
    }
    prices.standard.bands.sort_by_key(|band| std::cmp::Reverse(band.from));
    Ok(prices)
}

/// A rate, or one with those of longer prompts: `{base, tiers: [{start, price}]}`, each above its start.
fn banded(
    file: File<'_>,
    node: &Node,
    (path, item): (&str, Item),
    prices: &mut Prices,
) -> Result<(), Problem> {
    let decimals = DECIMALS - OF_MILLION;
    if !matches!(node.value, Value::Table(_)) {
        prices.standard.base.set(item, Some(rate(file, node, path, decimals)?));
        return Ok(());
    }
    let part = |node: &Node, key: &str| {
        let missing = || file.wrong(node.line, path, format!("a price by the prompt's length needs `{key}`"));
        member(node, key).cloned().ok_or_else(missing)
    };
    prices.standard.base.set(item, Some(rate(file, &part(node, "base")?, path, decimals)?));
    let tiers = part(node, "tiers")?;
    let Value::List(tiers) = &tiers.value else { return Err(file.other(&tiers, path, "a list of tiers")) };
    for tier in tiers {
        let start = part(tier, "start")?;
        let above = match &start.value {
            Value::Number(text) => text.parse::<u64>().ok(),
            _ => None,
        };
        let above = above.ok_or_else(|| file.other(&start, path, "a whole number of tokens"))?;
        let rate = rate(file, &part(tier, "price")?, path, decimals)?;
        let from = above.saturating_add(1);
        let bands = &mut prices.standard.bands;
        match bands.iter_mut().find(|band| band.from == from) {
            Some(band) => band.rates.set(item, Some(rate)),
            None => {
                let mut rates = Rates::default();
                rates.set(item, Some(rate));
                bands.push(Band { from, rates });
            }
        }
    }
    Ok(())
}

/// The names that a clause says a model has.
fn equals(clause: &Node, names: &mut Vec<String>) {
    if let Some(Value::Text(name)) = member(clause, "equals").map(|node| &node.value) {
        names.push(name.clone());
    }
    if let Some(Value::List(each)) = member(clause, "or").map(|node| &node.value) {
        each.iter().for_each(|clause| equals(clause, names));
    }
}

fn member<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Value::Table(members) = &node.value else { return None };
    members.iter().find_map(|(known, node)| (known == key).then_some(node))
}

fn text<'a>(file: File<'_>, node: &'a Node, key: &str, path: &str) -> Result<&'a str, Problem> {
    match member(node, key).map(|node| &node.value) {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(file.other(node, path, &format!("a table with a text `{key}`"))),
    }
}

fn rate(file: File<'_>, node: &Node, path: &str, decimals: i32) -> Result<Rate, Problem> {
    let (Value::Text(text) | Value::Number(text)) = &node.value else {
        return Err(file.other(node, path, "a decimal number, in dollars"));
    };
    let wrong =
        |why: crate::decimal::Wrong| file.wrong(node.line, path, why.to_string()).found(node.value.told());
    rounded(text, decimals, RATE_MAX).map(Rate).map_err(wrong)
}
