//! The parts of a record that have a price of their own: attempts that failed and were billed, and other models.

use sluice_api::cost::Usage;
use sluice_api::record::{Billed, Cost, Record, Try};

/// Attempts before the last one that were billed although they failed.
pub fn before(record: &Record) -> impl Iterator<Item = (&Try, &Billed)> {
    record.tries.iter().filter_map(|attempt| Some((attempt, attempt.billed.as_deref()?)))
}

/// This, and what was used by those attempts.
#[must_use]
pub fn with_before(record: &Record, last: Option<Usage>) -> Option<Usage> {
    if before(record).next().is_none() {
        return last;
    }
    Some(plus(last.unwrap_or_default(), used_before(record)))
}

/// What its last attempt used, other models included, and what that cost.
#[must_use]
pub fn last_attempt(record: &Record) -> (Option<Usage>, Cost) {
    if before(record).next().is_none() {
        return (record.usage, record.cost);
    }
    let Some(usage) = without(record, used_before(record)) else { return (None, Cost::default()) };
    let own = record.bill.as_ref().and_then(|bill| bill.cost()).unwrap_or_default();
    (Some(usage), record.others.iter().map(|other| other.cost).fold(own, Cost::plus))
}

/// What its last attempt used of the model that it is priced as.
#[must_use]
pub fn own_usage(record: &Record) -> Option<Usage> {
    let others = record.others.iter().map(|other| other.usage);
    without(record, others.fold(used_before(record), plus))
}

fn used_before(record: &Record) -> Usage {
    before(record).filter_map(|(attempt, _)| attempt.usage).fold(Usage::default(), plus)
}

fn without(record: &Record, part: Usage) -> Option<Usage> {
    if part == Usage::default() {
        return record.usage;
    }
    record.usage.map(|usage| minus(usage, part)).filter(|left| !is_none(*left))
}

macro_rules! counts {
    ($($name:ident)*) => {
        /// Every count of a usage.
        fn counts(usage: &mut Usage) -> [&mut u64; [$(stringify!($name)),*].len()] {
            let Usage { $($name,)* .. } = usage;
            [$($name),*]
        }
    };
}

counts! {
    input output cache_write_5m cache_write_1h cache_read reasoning audio_input image_input video_input tool_input
    audio_cache_read image_cache_read audio_output image_output web_searches web_search_previews maps_prompts
    file_searches code_containers images
}

/// What two used together.
fn plus(mut one: Usage, mut more: Usage) -> Usage {
    for (count, by) in counts(&mut one).into_iter().zip(counts(&mut more)) {
        *count = count.saturating_add(*by);
    }
    one.estimated |= more.estimated;
    one.inconsistent |= more.inconsistent;
    one.more |= more.more;
    one
}

/// What is left without a part.
fn minus(mut whole: Usage, mut part: Usage) -> Usage {
    for (count, by) in counts(&mut whole).into_iter().zip(counts(&mut part)) {
        *count = count.saturating_sub(*by);
    }
    whole
}

fn is_none(mut usage: Usage) -> bool {
    counts(&mut usage).into_iter().all(|count| *count == 0)
}

#[cfg(test)]
mod tests {
    use sluice_api::cost::Usage;
    use utoipa::PartialSchema as _;

    use super::{counts, is_none, minus, plus};

    #[test]
    fn each_class_of_usage_is_added_and_taken_away() {
        let mut all = Usage::default();
        counts(&mut all).into_iter().zip(1..).for_each(|(count, number)| *count = number);
        (all.estimated, all.inconsistent, all.more) = (true, true, true);
        let named = serde_json::to_value(all).unwrap().as_object().unwrap().len();
        let schema = serde_json::to_value(Usage::schema()).unwrap();
        assert_eq!(named, schema["properties"].as_object().unwrap().len(), "a class is not named here");
        let twice = plus(all, all);
        assert_eq!((twice.input, twice.images), (2 * all.input, 2 * all.images));
        assert_eq!(minus(twice, all), all);
        assert!(is_none(minus(all, all)) && !is_none(all));
    }
}
