//! Both sides, by day, model and class.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cause::Difference;
use crate::class::{Class, Values};
use crate::ledger::{Kept, Ledger, Tally, UNITS};
use crate::models;
use crate::report::{Line, Report};
use crate::told::{DAY, Part, Sheet, Stated};

/// Both sides of a model on a day; the model is none where the report is not by model.
#[derive(Debug, Default)]
struct Pair {
    stated: Stated,
    tally: Tally,
}

type Pairs = BTreeMap<(i64, Option<String>), Pair>;

/// Holds the ledger against the reports.
#[must_use]
pub fn compare(ledger: &Ledger<'_>, kept: Kept) -> Report {
    let told = ledger.told();
    let mut notes = told.notes.clone();
    let mut lines: Vec<(i64, Line)> = Vec::new();
    // Whether the tokens of a day, and of a model on it, agree; costs come last.
    let mut usage: BTreeMap<(i64, Option<String>), bool> = BTreeMap::new();
    for (part, sheet) in &told.sheets {
        let pairs = pairs((*part, sheet), ledger, &mut notes);
        let classes: Vec<Class> = sheet.classes.iter().copied().collect();
        for ((day, model), pair) in &pairs {
            for class in &classes {
                let at = At { day: *day, model, class: *class, classes: &classes };
                let Some(line) = line(&at, pair, &pairs, &Around { sheet, kept, usage: &usage }) else {
                    continue;
                };
                if *part != Part::Costs {
                    for model in [model.as_deref().map(models::base), None] {
                        *usage.entry((*day, model)).or_insert(true) &= line.agrees;
                    }
                }
                lines.push((*day, line));
            }
        }
    }
    lines.sort_by(|(one, first), (other, second)| {
        (one, &first.model, first.class).cmp(&(other, &second.model, second.class))
    });
    let data: Vec<Line> = lines.into_iter().map(|(_, line)| line).collect();
    notes.sort_unstable();
    notes.dedup();
    Report { agrees: data.iter().all(|line| line.agrees), provider: told.vendor(), data, notes }
}

/// Which line.
struct At<'a> {
    day: i64,
    model: &'a Option<String>,
    class: Class,
    classes: &'a [Class],
}

/// What stands around it.
struct Around<'a> {
    sheet: &'a Sheet,
    kept: Kept,
    usage: &'a BTreeMap<(i64, Option<String>), bool>,
}

/// A line; none where there is nothing on both sides.
fn line(at: &At<'_>, pair: &Pair, pairs: &Pairs, around: &Around<'_>) -> Option<Line> {
    let At { day, model, class, classes } = *at;
    let (vendor, own) = (pair.stated.values.get(class), pair.tally.values.get(class));
    let rounding = rounding(class, pair);
    let difference = vendor.saturating_sub(own);
    let agrees = difference.saturating_abs() <= rounding;
    let nothing = vendor == 0 && own == 0;
    if nothing {
        return None;
    }
    let differs = |day: i64| {
        let other = pairs.get(&(day, model.clone()));
        other.map_or(0, |pair| pair.stated.values.get(class).saturating_sub(pair.tally.values.get(class)))
    };
    let cause = (!agrees).then(|| {
        let now = around.kept.now.as_second();
        let covered_until = around.sheet.end_of(day).unwrap_or_default();
        let key = (day, model.as_deref().map(models::base));
        let known = Difference {
            class,
            vendor: &pair.stated.values,
            tally: &pair.tally,
            classes,
            rounding,
            around: [differs(day - 1), differs(day + 1)],
            is_deleted: day.saturating_mul(DAY) < around.kept.from.as_second(),
            is_running: covered_until > now,
            usage_agrees: around.usage.get(&key).copied(),
        };
        known.cause()
    });
    let (cause, reason) = cause.unzip();
    Some(Line {
        day: day_text(day),
        model: model.clone(),
        class,
        ledger: class.text(own),
        vendor: class.text(vendor),
        difference: class.text(difference),
        agrees,
        cause,
        reason,
    })
}

/// By how much a line may be off without differing: the report may have been rounded, and so is each of the ledger's
/// costs, at 10 decimals.
fn rounding(class: Class, pair: &Pair) -> i128 {
    match class {
        Class::Cost => pair.stated.rounding + i128::from(pair.tally.requests) * UNITS / 2,
        _ => 0,
    }
}

fn day_text(day: i64) -> String {
    let begins = Timestamp::from_second(day.saturating_mul(DAY)).unwrap_or_default();
    TimeZone::UTC.to_datetime(begins).date().to_string()
}

/// Brings both sides of a part together.
fn pairs((part, sheet): (Part, &Sheet), ledger: &Ledger<'_>, notes: &mut Vec<String>) -> Pairs {
    let by_model = sheet.is_by_model();
    let mut days: BTreeMap<i64, Day> = BTreeMap::new();
    for ((day, model), stated) in &sheet.stated {
        let name = model.clone().filter(|_| by_model).unwrap_or_default();
        let known = days.entry(*day).or_default().stated.entry(name).or_default();
        known.values.add_all(&stated.values);
        known.rounding = known.rounding.saturating_add(stated.rounding);
    }
    for ((of, day, model), tally) in &ledger.tallies {
        if *of == part {
            let mut tally = tally.clone();
            // A vendor that tells writes of one kind has all of them in it.
            if !sheet.classes.contains(&Class::CacheWrite1h) {
                tally.fold(Class::CacheWrite1h, Class::CacheWrite5m);
            }
            if !sheet.classes.contains(&Class::CacheWrite5m) {
                tally.fold(Class::CacheWrite5m, Class::Input);
            }
            let name = if by_model { model.as_str() } else { "" };
            days.entry(*day).or_default().tallies.entry(name.to_owned()).or_default().add(&tally);
        }
    }
    if !by_model && !days.is_empty() {
        notes.push(match part {
            Part::Costs => {
                "costs are compared by day alone: not every row of the report has a model".to_owned()
            }
            _ => "usage is compared by day alone: the report was not asked for by model (group_by=model)"
                .to_owned(),
        });
    }
    let mut pairs = Pairs::new();
    for (day, both) in days {
        for (name, pair) in both.matched(&sheet.classes, notes) {
            pairs.insert((day, Some(name).filter(|_| by_model)), pair);
        }
    }
    pairs
}

/// A day of a part.
#[derive(Debug, Default)]
struct Day {
    stated: BTreeMap<String, Stated>,
    tallies: BTreeMap<String, Tally>,
}

impl Day {
    /// Both sides by model. A name that both have is one model where its values agree; what is left of the names of one
    /// model is taken together, as one side may have it by an alias and the other by a snapshot.
    fn matched(mut self, classes: &BTreeSet<Class>, notes: &mut Vec<String>) -> BTreeMap<String, Pair> {
        let mut matched = BTreeMap::new();
        let bases: BTreeSet<String> =
            self.stated.keys().chain(self.tallies.keys()).map(|name| models::base(name)).collect();
        for base in bases {
            let of = |names: Vec<String>| -> BTreeSet<String> {
                names.into_iter().filter(|name| models::base(name) == base).collect()
            };
            let mut told = of(self.stated.keys().cloned().collect());
            let mut own = of(self.tallies.keys().cloned().collect());
            let same = told == own;
            for name in told.intersection(&own).cloned().collect::<Vec<_>>() {
                let both = self.stated.get(&name).zip(self.tallies.get(&name));
                if same || both.is_some_and(|(stated, tally)| agree(&stated.values, &tally.values, classes)) {
                    told.remove(&name);
                    own.remove(&name);
                    let one = std::slice::from_ref(&name);
                    let pair = self.take(one, one);
                    matched.insert(name, pair);
                }
            }
            let (told, own): (Vec<String>, Vec<String>) =
                (told.into_iter().collect(), own.into_iter().collect());
            let name = match (told.as_slice(), own.as_slice()) {
                ([], []) => continue,
                ([one], _) | ([], [one]) => one.clone(),
                _ => base,
            };
            if !told.is_empty() && !own.is_empty() && told != own {
                let note = format!(
                    "{} of the report is one model with {} of the ledger: they are compared together",
                    told.join(", "),
                    own.join(", ")
                );
                notes.push(note);
            }
            let pair = self.take(&told, &own);
            matched.insert(name, pair);
        }
        matched
    }

    fn take(&mut self, told: &[String], own: &[String]) -> Pair {
        let mut pair = Pair::default();
        for stated in told.iter().filter_map(|name| self.stated.remove(name)) {
            pair.stated.values.add_all(&stated.values);
            pair.stated.rounding = pair.stated.rounding.saturating_add(stated.rounding);
        }
        for tally in own.iter().filter_map(|name| self.tallies.remove(name)) {
            pair.tally.add(&tally);
        }
        pair
    }
}

fn agree(vendor: &Values, own: &Values, classes: &BTreeSet<Class>) -> bool {
    classes.iter().all(|class| vendor.get(*class) == own.get(*class))
}

#[cfg(test)]
mod tests;
