//! Limits as they are shown to whoever is bound by them.

use jiff::Timestamp;
use serde::Serialize;
use sluice_api::cost::Money;
use sluice_api::limiter::Unit;
use sluice_config::settings::Per;
use sluice_limits::levels::FilledLimit;
use utoipa::ToSchema;

/// Whom a limit binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LimitOf {
    /// The key.
    Key,
    /// All keys of its group together.
    Group,
    /// The account, whatever it is asked by.
    Account,
}

/// A limit, with what is left of it: of exactly one of requests, tokens and cost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitNow {
    /// Whom it binds.
    of: LimitOf,
    /// Its window.
    per: Per,
    /// So many requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<u64>,
    /// So many tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<u64>,
    /// So many US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<String>,
    /// What is settled of it.
    used: Amount,
    /// What running requests have reserved of it, or are expected to use.
    reserved: Amount,
    /// What there is room for: the limit without what is used, and without what running requests have reserved or are
    /// expected to use; never less than 0.
    left: Amount,
    /// When all of what is used is over, if nothing more is; null of a total, and of a rolling window where nothing is used.
    #[schema(value_type = Option<String>, format = DateTime)]
    resets_at: Option<Timestamp>,
    /// Globs over the models that it is for; null = all.
    models: Option<Vec<String>>,
}

/// An amount of what a limit is of.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Amount {
    /// Requests or tokens.
    Count(u64),
    /// US dollars, a decimal.
    Dollars(String),
}

impl LimitNow {
    pub(crate) fn new(of: LimitOf, filled: &FilledLimit<'_>) -> Self {
        let limit = filled.limit;
        let amount = |amount: u64| match limit.unit {
            Unit::Requests | Unit::Tokens => Amount::Count(amount),
            Unit::Cost => Amount::Dollars(dollars(amount)),
        };
        let most = |unit: Unit| (limit.unit == unit).then_some(limit.most);
        Self {
            of,
            per: limit.per.into(),
            requests: most(Unit::Requests),
            tokens: most(Unit::Tokens),
            cost: most(Unit::Cost).map(dollars),
            used: amount(filled.level.used),
            reserved: amount(filled.level.reserved),
            left: amount(filled.left()),
            resets_at: filled.level.resets,
            models: (!limit.written.is_empty()).then(|| limit.written.to_vec()),
        }
    }
}

fn dollars(units: u64) -> String {
    Money::from_units(units.into()).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use sluice_api::limiter::{Limit, Per, Unit};
    use sluice_api::store::Level;
    use sluice_config::settings::Globs;
    use sluice_limits::levels::FilledLimit;

    use super::{LimitNow, LimitOf};

    #[test]
    fn what_is_left_is_never_negative_and_money_is_a_decimal() {
        let models = ["a-*".to_owned()];
        let globs = Arc::new(Globs::compile(["a-*"]).unwrap());
        let cost = Limit::new(Unit::Cost, 200_000_000_000, Per::Day).of_models(globs, &models);
        let tokens = Limit::new(Unit::Tokens, 10, Per::Rolling(std::time::Duration::from_secs(18_000)));
        let resets = "2030-01-01T00:00:00Z".parse().unwrap();
        for (limit, level, shown) in [
            (
                &cost,
                Level::new(14_000_000, 5_000_000_000, Some(resets)),
                json!({ "of": "group", "per": "day", "cost": "20", "used": "0.0014", "reserved": "0.5", "left": "19.4986",
                        "resets_at": "2030-01-01T00:00:00Z", "models": ["a-*"] }),
            ),
            (
                &tokens,
                Level::new(8, 7, None),
                json!({ "of": "group", "per": "5h", "tokens": 10, "used": 8, "reserved": 7, "left": 0, "resets_at": null, "models": null }),
            ),
        ] {
            let now = LimitNow::new(LimitOf::Group, &FilledLimit { limit, level });
            assert_eq!(serde_json::to_value(now).unwrap(), shown);
        }
    }
}
