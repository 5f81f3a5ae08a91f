//! `[limits]`: which limiters are at work, each built from the table of its kind.

use std::sync::Arc;

use figment::value::{Dict, Value};
use sluice_api::limiter::{AtWork, Limiter};
use sluice_api::settings::{Origins as _, Problem, Section};

use super::plugin::{self, Building, Place};
use crate::section::{Shared, file_of, shared, wrong_type};
use sluice_settings::tables::Limits;

/// Where the kinds are named.
const KINDS: &str = "limits.kinds";

pub(super) fn check(building: Building<'_>, problems: &mut Vec<Problem>) -> Vec<AtWork> {
    let loaded = building.loaded;
    let Shared { own, keys, rest, .. } = shared::<Limits>(loaded, "limits", problems);
    let linked = plugin::kinds::<dyn Limiter>();
    let all = || linked.iter().map(|kind| (*kind).to_owned()).collect();
    let kinds: Vec<String> = own.kinds.unwrap_or_else(all);
    let mut limiters = Vec::new();
    for (at, kind) in kinds.iter().enumerate() {
        if kinds.iter().take(at).any(|other| other == kind) {
            let message = format!("`{kind}` stands there twice, and would count everything twice");
            problems.push(Problem::at(file_of(loaded, KINDS), KINDS, message));
            continue;
        }
        let limiter = build(building, kind, rest.get(kind), problems);
        let known = linked.iter().copied().find(|known| known == kind);
        limiters.extend(known.zip(limiter).map(|(kind, limiter)| AtWork::new(kind, limiter)));
    }
    for (key, value) in rest.iter().filter(|(key, _)| !kinds.contains(key)) {
        let path = format!("limits.{key}");
        let (file, name) = (loaded.of(value), key.as_str());
        problems.push(if linked.contains(&name) {
            Problem::at(file, path, format!("the limiter `{key}` is not at work: name it in {KINDS}"))
        } else {
            let own = keys.iter().map(String::as_str);
            Problem::unknown_key(file, path, key, &own.chain(linked.iter().copied()).collect::<Vec<_>>())
        });
    }
    limiters
}

fn build(
    Building { loaded, cx }: Building<'_>,
    kind: &str,
    settings: Option<&Value>,
    problems: &mut Vec<Problem>,
) -> Option<Arc<dyn Limiter>> {
    let path = format!("limits.{kind}");
    let none = Dict::new();
    let values = match settings {
        None => &none,
        Some(Value::Dict(_, values)) => values,
        Some(other) => {
            problems.push(wrong_type(loaded, other, &path, &format!("a table: [{path}]")));
            &none
        }
    };
    let place = Place {
        section: Section::new(kind, &path, values, loaded),
        beside: &[],
        kind: KINDS.to_owned(),
        file: file_of(loaded, KINDS),
        cx,
    };
    plugin::build(kind, &place, problems)
}
