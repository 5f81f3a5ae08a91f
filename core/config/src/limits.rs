//! Limits as they are written, made what limiters count by: one of each unit.

use std::sync::Arc;

use sluice_api::limiter::{Limit, ModelNames, Unit};
use sluice_settings::limit::Limit as Written;

/// Units of 1e-10 in a dollar.
pub(crate) const UNITS_PER_DOLLAR: u64 = 10_000_000_000;

/// All that limits say, made once, when they are taken into force.
pub(crate) fn limits(written: &[Written]) -> Arc<[Limit]> {
    written.iter().flat_map(each).collect()
}

/// What one says of each unit. What is too much for its unit, which a check refuses, is the most that there is.
pub(crate) fn each(written: &Written) -> impl Iterator<Item = Limit> {
    let cost = written.cost.as_ref().map(|cost| u64::try_from(cost.ten_billionths()).unwrap_or(u64::MAX));
    let amounts = [(Unit::Requests, written.requests), (Unit::Tokens, written.tokens), (Unit::Cost, cost)];
    let models = written.models.as_ref().filter(|models| !models.written().is_empty());
    let models = models.map(|models| {
        // The order says nothing: what is counted under one is counted under the other.
        let mut names = models.written().to_vec();
        names.sort();
        names.dedup();
        (Arc::new(models.clone()) as Arc<dyn ModelNames>, names)
    });
    let per = written.per.into();
    amounts.into_iter().filter_map(move |(unit, most)| {
        let limit = Limit::new(unit, most?, per);
        Some(match &models {
            Some((models, names)) => limit.of_models(Arc::clone(models), names),
            None => limit,
        })
    })
}

#[cfg(test)]
mod tests {
    use sluice_api::limiter::Unit;

    use super::limits;

    fn parts(written: &str) -> Vec<(Unit, u64, String)> {
        let written: Vec<_> = serde_json::from_str(written).unwrap();
        limits(&written).iter().map(|limit| (limit.unit, limit.most, limit.part.to_string())).collect()
    }

    #[test]
    fn a_limit_is_one_of_each_unit_that_it_names() {
        let found = parts(
            r#"[{"per":"5h","requests":60,"tokens":2,"cost":"0.25"},{"per":"total","cost":"900000000","models":["b","a","b"]}]"#,
        );
        let part = |part: &str| part.to_owned();
        assert_eq!(
            found,
            [
                (Unit::Requests, 60, part("requests/18000000ms")),
                (Unit::Tokens, 2, part("tokens/18000000ms")),
                (Unit::Cost, 2_500_000_000, part("cost/18000000ms")),
                (Unit::Cost, 9_000_000_000_000_000_000, part("cost/total\na\nb")),
            ]
        );
    }

    #[test]
    fn what_is_counted_has_one_name_however_it_is_written() {
        let [one, other] = [
            r#"[{"per":"60s","tokens":5},{"per":"day","cost":"1","models":["a","!b"]},{"per":"week","cost":"1"}]"#,
            r#"[{"per":"1m","tokens":7},{"per":"day","cost":"9","models":["!b","a"]},{"per":"week","cost":"1","models":[]}]"#,
        ]
        .map(parts);
        let names =
            |found: Vec<(Unit, u64, String)>| found.into_iter().map(|(_, _, part)| part).collect::<Vec<_>>();
        assert_eq!(names(one), names(other));
    }
}
