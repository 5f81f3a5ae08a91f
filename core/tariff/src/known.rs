//! What a model costs by a cost model that is only asked for prices: of one of each class.

use crate::listed::{ListedModel, ListedRate, Source, Unit};
use crate::priced::Priced;

/// The rates by which these are priced, each one of a class; nothing where none of them has a price.
#[must_use]
pub fn of_prices<T>(
    classes: impl IntoIterator<Item = (T, Unit)>,
    price: impl Fn(&T) -> Option<Priced>,
) -> Option<ListedModel> {
    let mut listed: Option<ListedModel> = None;
    for (used, unit) in classes {
        let Some(priced) = price(&used) else { continue };
        let entry = priced.source.entry;
        let model = listed.get_or_insert_with(|| ListedModel {
            entry: entry.name.to_string(),
            rule: priced.source.rule.to_owned(),
            list: entry.list.to_string(),
            hash: entry.hash.to_string(),
            ..ListedModel::default()
        });
        let units = if unit == Unit::MillionTokens { 1_000_000 } else { 1 };
        for line in priced.lines {
            let mut rate = ListedRate::new(line.class, line.rate.times(units).to_string(), unit);
            rate.source = line.rule.map_or(Source::Listed, |rule| Source::Rule(rule.to_owned()));
            if !model.rates.contains(&rate) {
                model.rates.push(rate);
            }
        }
    }
    listed
}
