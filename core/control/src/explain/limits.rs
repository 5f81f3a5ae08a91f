//! What limits say of a request that is not asked: which of them have room, and with which figures.

use sluice_api::cost::Money;
use sluice_api::limiter::Unit;
use sluice_api::store::StoreError;
use sluice_config::key::Key;
use sluice_config::settings::Per;
use sluice_limits::levels::{Filled, FilledLimit, filled};
use sluice_line::snapshot::Snapshot;

use super::{Explanation, WithoutRoom};
use crate::control::Control;

impl Control {
    /// Tells a step for each limit of a key and its group that a model counts in; `None` where one of them refuses the
    /// request, else which accounts have no room for it.
    pub(super) async fn weigh_limits(
        &self,
        told: &mut Explanation,
        snapshot: &Snapshot,
        (key, model): (&Key, &str),
    ) -> Result<Option<WithoutRoom>, StoreError> {
        let own = [Some(key.party()), key.group.as_ref().map(|group| group.party())];
        let mut parties: Vec<_> = own.into_iter().flatten().collect();
        let own = parties.len();
        parties.extend(snapshot.roster.accounts.iter().map(|account| account.party()));
        let at = self.gateway().both_clocks(&snapshot.stats.timezone);
        let all = filled(self.gateway().store(), &snapshot.limiters, &parties, at).await?;
        let (own, accounts) = all.split_at(own.min(all.len()));
        let mut refused = false;
        for ((whose, party), filled) in ["the key", "its group"].into_iter().zip(&parties).zip(own) {
            refused |= !at_once(told, whose, (party.concurrency, filled), key.queue.is_some());
            for limit in filled.limits.iter().filter(|limit| limit.limit.counts(model)) {
                // What never begins anew is told like money that is used up.
                let total = limit.limit.per == sluice_api::limiter::Per::Total;
                let (decision, refuses) = match (limit.left() > 0, limit.limit.unit) {
                    (true, _) => ("has room", false),
                    // What only running requests have set aside comes back.
                    (false, _) if limit.level.used < limit.limit.most => ("refused: 429", true),
                    (false, Unit::Cost) => ("refused: 402", true),
                    (false, _) if total => ("refused: 402", true),
                    (false, Unit::Requests | Unit::Tokens) => ("refused: 429", true),
                };
                refused |= refuses;
                told.step("limit", decision, format!("{whose}: {}", figures(limit)));
            }
        }
        let full = accounts.iter().enumerate().filter_map(|(index, filled)| {
            let counts = |limit: &&FilledLimit<'_>| limit.limit.counts(model) && limit.left() == 0;
            let limit = filled.limits.iter().find(counts)?;
            Some((index, format!("its own limit has no room: {}", figures(limit))))
        });
        Ok((!refused).then(|| full.collect()))
    }
}

/// Tells whether one more request at once has a slot; whether it is let in, if only to wait.
fn at_once(told: &mut Explanation, whose: &str, (most, filled): (u32, &Filled<'_>), queued: bool) -> bool {
    let Some(held) = filled.held else { return true };
    let (decision, enters) = match (held < most.into(), queued) {
        (true, _) => ("has room", true),
        (false, true) => ("waits in line", true),
        (false, false) => ("refused: 429", false),
    };
    told.step("limit", decision, format!("{whose}: {held} of {most} requests at once"));
    enters
}

/// How full a limit is, in words.
fn figures(filled: &FilledLimit<'_>) -> String {
    let (limit, level) = (filled.limit, filled.level);
    let amount = |amount: u64| match limit.unit {
        Unit::Requests | Unit::Tokens => amount.to_string(),
        Unit::Cost => format!("{} USD", Money::from_units(amount.into())),
    };
    let per = serde_json::to_value(Per::from(limit.per)).unwrap_or_default();
    let mut text = format!(
        "{} of {} {} per {} used, {} reserved",
        amount(level.used),
        amount(limit.most),
        limit.unit.name(),
        per.as_str().unwrap_or_default(),
        amount(level.reserved)
    );
    if !limit.written.is_empty() {
        text += &format!(", of {}", limit.written.join(", "));
    }
    if let Some(resets) = level.resets {
        text += &format!("; none of it counts any more at {resets}");
    }
    text
}

#[cfg(test)]
mod tests {
    use sluice_api::limiter::{Limit, Per, Unit};
    use sluice_api::store::Level;
    use sluice_limits::levels::FilledLimit;

    use super::figures;

    #[test]
    fn a_limit_is_told_with_its_figures() {
        let cost = Limit::new(Unit::Cost, 200_000_000_000, Per::Day);
        let tokens = Limit::new(Unit::Tokens, 10, Per::Rolling(std::time::Duration::from_secs(18_000)));
        let resets = "2030-01-01T00:00:00Z".parse().unwrap();
        for (limit, level, says) in [
            (
                &cost,
                Level::new(14_000_000, 5_000_000_000, Some(resets)),
                "0.0014 USD of 20 USD cost per day used, 0.5 USD reserved; none of it counts any more at 2030-01-01T00:00:00Z",
            ),
            (&tokens, Level::new(8, 0, None), "8 of 10 tokens per 5h used, 0 reserved"),
        ] {
            assert_eq!(figures(&FilledLimit { limit, level }), says);
        }
    }
}
