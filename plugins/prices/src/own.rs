//! Sluice's own price file: dollars for a million tokens, and for one of what costs a fee.

use sluice_api::settings::Problem;

use crate::dates;
use crate::decimal::{exact, rounded};
use crate::hours::{self, AtHours, Hours};
use crate::item::Item;
use crate::rates::{Band, Prices, RATE_MAX, Rate, Rates, Tariff, Tier};
use crate::row::{Dated, Format, Row, Rows, What};
use crate::tree::{File, Node, Value};

/// What the key of a fee begins with, before the item's name.
const PER: &str = "per_";

/// Other keys of a model.
const OF_MODELS: [&str; 7] = [
    "alias_of",
    "effective_from",
    "geo",
    "max_input_tokens",
    "max_output_tokens",
    "off_peak",
    "service_tiers",
];

/// Decimals of a rate for a million tokens: 6 fewer than those of a rate for one.
const DECIMALS_OF_MILLION: i32 = 12;

/// Decimals of a fee.
const DECIMALS_OF_FEE: i32 = crate::rates::DECIMALS;

/// Decimals of a multiplier, and the largest: a thousandfold.
const MULTIPLIER: (i32, u128) = (3, 1_000_000);

/// Reads a file whose top is not the community's.
pub(crate) fn read(file: File<'_>, tree: &Node) -> Result<Rows, Problem> {
    let (mut rows, mut date) = (Vec::new(), None);
    for (key, node) in table(file, tree, "")? {
        match key.as_str() {
            "models" => {
                for (name, node) in table(file, node, "models")? {
                    rows.push(row(file, name, node)?);
                }
            }
            "date" => date = Some(dates::read(file, node, key)?),
            "source" => drop(text(file, node, key)?),
            _ => return Err(unknown(file, node, key, key, &["models", "date", "source"])),
        }
    }
    Ok(Rows { rows, date, ..Rows::of(Format::Sluice) })
}

/// A model: a table, or a list of tables of which each begins at its `effective_from`.
fn row(file: File<'_>, name: &str, node: &Node) -> Result<Row, Problem> {
    let path = format!("models.{name}");
    let row = |what| Row { name: name.to_owned(), line: node.line, what };
    let Value::List(list) = &node.value else {
        let members = table(file, node, &path)?;
        if let Some((_, alias)) = members.iter().find(|(key, _)| key == "alias_of") {
            if members.len() > 1 {
                let message = "an alias has no other keys: its model has the prices";
                return Err(file.wrong(node.line, &path, message));
            }
            return Ok(row(What::Alias(text(file, alias, &format!("{path}.alias_of"))?.to_owned())));
        }
        return Ok(row(What::Dated(vec![dated(file, node, &path)?])));
    };
    let mut all: Vec<Dated> = Vec::with_capacity(list.len());
    for (at, node) in list.iter().enumerate() {
        let path = format!("{path}[{at}]");
        let next = dated(file, node, &path)?;
        if all.last().is_some_and(|last| last.from >= next.from) {
            let message =
                "each of a model's tables must have an `effective_from` after that of the one before it";
            return Err(file.wrong(node.line, &path, message));
        }
        all.push(next);
    }
    if all.is_empty() {
        return Err(file.other(node, &path, "a table with prices"));
    }
    Ok(row(What::Dated(all)))
}

fn dated(file: File<'_>, node: &Node, path: &str) -> Result<Dated, Problem> {
    let (mut prices, mut from, mut off_peak) = (Prices::default(), None, None);
    for (key, node) in table(file, node, path)? {
        let path = format!("{path}.{key}");
        if let Some(item) = key.strip_prefix(PER).and_then(|name| item(name, false)) {
            prices.standard.base.set(item, Some(rate(file, node, &path, DECIMALS_OF_FEE)?));
        } else if !rates(file, &mut prices.standard, (key, node), &path)? {
            match key.as_str() {
                "effective_from" => from = Some(dates::read(file, node, &path)?),
                "geo" => prices.geo = geo(file, node, &path)?,
                "service_tiers" => prices.tiers = tiers(file, node, &path)?,
                "max_input_tokens" => prices.max_input = Some(count(file, node, &path)?),
                "max_output_tokens" => prices.max_output = Some(count(file, node, &path)?),
                "off_peak" => off_peak = Some((node, path)),
                _ => {
                    let fees: Vec<String> = names(false).map(|name| format!("{PER}{name}")).collect();
                    let mut known: Vec<&str> = of_tariffs().chain(OF_MODELS).collect();
                    known.extend(fees.iter().map(String::as_str));
                    return Err(unknown(file, node, &path, key, &known));
                }
            }
        }
    }
    if prices.standard.base == Rates::default() {
        return Err(file.wrong(
            node.line,
            path,
            "this names no price: an `input` of \"0\" is one, nothing is none",
        ));
    }
    let hours = off_peak.map(|(node, path)| at_hours(file, node, &path, &prices)).transpose()?;
    Ok(Dated { from, prices, hours })
}

/// Rates of some hours, for the whole request whatever its length; what has none there costs what it costs else.
fn at_hours(file: File<'_>, node: &Node, path: &str, peak: &Prices) -> Result<AtHours, Problem> {
    let hours = Hours::read(file, node, path)?;
    let mut prices = peak.clone();
    for (key, node) in table(file, node, path)? {
        let path = format!("{path}.{key}");
        if let Some(item) = item(key, true) {
            prices.standard.set(item, rate(file, node, &path, DECIMALS_OF_MILLION)?);
        } else if !hours::KEYS.contains(&key.as_str()) {
            let known: Vec<&str> = names(true).chain(hours::KEYS).collect();
            return Err(unknown(file, node, &path, key, &known));
        }
    }
    Ok(AtHours { hours, prices })
}

/// Takes a key that is one of a tariff's; tells whether it is.
fn rates(
    file: File<'_>,
    tariff: &mut Tariff,
    (key, node): (&str, &Node),
    path: &str,
) -> Result<bool, Problem> {
    if let Some(item) = item(key, true) {
        tariff.base.set(item, Some(rate(file, node, path, DECIMALS_OF_MILLION)?));
        return Ok(true);
    }
    if key == "tiers" {
        tariff.bands = bands(file, node, path)?;
        return Ok(true);
    }
    Ok(false)
}

fn of_tariffs() -> impl Iterator<Item = &'static str> {
    names(true).chain(["tiers"])
}

fn bands(file: File<'_>, node: &Node, path: &str) -> Result<Vec<Band>, Problem> {
    let Value::List(list) = &node.value else { return Err(file.other(node, path, "a list of tables")) };
    let mut bands: Vec<Band> = Vec::with_capacity(list.len());
    for (at, node) in list.iter().enumerate() {
        let path = format!("{path}[{at}]");
        let (mut above, mut rates) = (None, Rates::default());
        for (key, node) in table(file, node, &path)? {
            let path = format!("{path}.{key}");
            if key == "above" {
                above = Some(count(file, node, &path)?);
            } else if let Some(item) = item(key, true) {
                rates.set(item, Some(rate(file, node, &path, DECIMALS_OF_MILLION)?));
            } else {
                let known: Vec<&str> = names(true).chain(["above"]).collect();
                return Err(unknown(file, node, &path, key, &known));
            }
        }
        let Some(above) = above else {
            return Err(file.wrong(node.line, &path, "this needs `above`, a number of tokens"));
        };
        let from = above.saturating_add(1);
        if bands.iter().any(|band| band.from == from) {
            return Err(file.wrong(
                node.line,
                &path,
                format!("there are two for prompts above {above} tokens"),
            ));
        }
        bands.push(Band { from, rates });
    }
    bands.sort_by_key(|band| std::cmp::Reverse(band.from));
    Ok(bands)
}

fn tiers(file: File<'_>, node: &Node, path: &str) -> Result<Vec<(Tier, Tariff)>, Problem> {
    let mut tiers = Vec::new();
    for (name, node) in table(file, node, path)? {
        let path = format!("{path}.{name}");
        let Some((_, tier)) = Tier::ALL.into_iter().find(|(known, _)| known == name) else {
            return Err(unknown(file, node, &path, name, &Tier::ALL.map(|(name, _)| name)));
        };
        let mut tariff = Tariff::default();
        for (key, node) in table(file, node, &path)? {
            let path = format!("{path}.{key}");
            if !rates(file, &mut tariff, (key, node), &path)? {
                return Err(unknown(file, node, &path, key, &of_tariffs().collect::<Vec<_>>()));
            }
        }
        tiers.push((tier, tariff));
    }
    Ok(tiers)
}

fn geo(file: File<'_>, node: &Node, path: &str) -> Result<Vec<(String, u32)>, Problem> {
    let mut places = Vec::new();
    for (place, node) in table(file, node, path)? {
        let path = format!("{path}.{place}");
        let wrong = |why: crate::decimal::Wrong| {
            file.wrong(node.line, &path, why.to_string()).found(node.value.told())
        };
        let thousandths = exact(number(file, node, &path)?, MULTIPLIER.0, MULTIPLIER.1).map_err(wrong)?;
        places.push((place.clone(), u32::try_from(thousandths).unwrap_or(u32::MAX)));
    }
    Ok(places)
}

/// The names of what is tokens, or of what costs a fee.
fn names(tokens: bool) -> impl Iterator<Item = &'static str> {
    Item::ALL.into_iter().filter(move |item| item.is_tokens() == tokens).map(Item::name)
}

fn item(name: &str, tokens: bool) -> Option<Item> {
    Item::ALL.into_iter().find(|item| item.is_tokens() == tokens && item.name() == name)
}

fn rate(file: File<'_>, node: &Node, path: &str, decimals: i32) -> Result<Rate, Problem> {
    let wrong =
        |why: crate::decimal::Wrong| file.wrong(node.line, path, why.to_string()).found(node.value.told());
    rounded(number(file, node, path)?, decimals, RATE_MAX).map(Rate).map_err(wrong)
}

/// The text of a number, in quotes or not.
fn number<'a>(file: File<'_>, node: &'a Node, path: &str) -> Result<&'a str, Problem> {
    match &node.value {
        Value::Text(text) | Value::Number(text) => Ok(text),
        _ => Err(file.other(node, path, "a decimal number, like \"0.30\"")),
    }
}

fn count(file: File<'_>, node: &Node, path: &str) -> Result<u64, Problem> {
    let number = number(file, node, path)?;
    number.parse().map_err(|_| file.other(node, path, "a whole number of tokens"))
}

fn text<'a>(file: File<'_>, node: &'a Node, path: &str) -> Result<&'a str, Problem> {
    match &node.value {
        Value::Text(text) => Ok(text),
        _ => Err(file.other(node, path, "text")),
    }
}

fn table<'a>(file: File<'_>, node: &'a Node, path: &str) -> Result<&'a [(String, Node)], Problem> {
    match &node.value {
        Value::Table(members) => Ok(members),
        _ => Err(file.other(node, path, "a table")),
    }
}

fn unknown(file: File<'_>, node: &Node, path: &str, key: &str, valid: &[&str]) -> Problem {
    let mut problem = Problem::unknown_key(file.0, path, key, valid);
    problem.line = Some(node.line);
    problem
}
