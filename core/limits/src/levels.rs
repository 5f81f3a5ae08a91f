//! How full limits are, for those who look.

use std::sync::Arc;

use sluice_api::limiter::{AtWork, Limit, Party, Take, Window};
use sluice_api::store::{Level, Store, StoreError};

use crate::now::Now;

/// How full what bounds a party is.
#[derive(Debug, Default)]
pub struct Filled<'a> {
    /// How many requests it has at once, where they are counted.
    pub held: Option<u64>,
    /// Those of its limits that a limiter at work counts, in their order.
    pub limits: Vec<FilledLimit<'a>>,
}

/// A limit, with how full it is.
#[derive(Clone, Copy, Debug)]
pub struct FilledLimit<'a> {
    /// The limit.
    pub limit: &'a Limit,
    /// How full it is. It resets when its window ends, of a day, week or month also where nothing was used yet.
    pub level: Level,
}

impl FilledLimit<'_> {
    /// What there is room for, beside what is used and what running requests have reserved.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.limit.most.saturating_sub(self.level.used).saturating_sub(self.level.reserved)
    }
}

/// How full what bounds some parties is, each in its turn, by one question to the store.
///
/// # Errors
///
/// When the store is out of reach.
pub async fn filled<'a>(
    store: &Arc<dyn Store>,
    limiters: &[AtWork],
    parties: &[Party<'a>],
    now: Now<'_>,
) -> Result<Vec<Filled<'a>>, StoreError> {
    let takes: Vec<Vec<Take>> =
        parties.iter().map(|party| AtWork::counts(limiters, party, (now.wall, now.zone))).collect();
    let all: Vec<Take> = takes.iter().flatten().cloned().collect();
    if all.is_empty() {
        return Ok(parties.iter().map(|_| Filled::default()).collect());
    }
    let mut levels = store.levels(all, now.steady).await?.into_iter();
    let of_party = |(party, takes): (&Party<'a>, &Vec<Take>)| {
        let levels: Vec<Level> = levels.by_ref().take(takes.len()).collect();
        let takes: Vec<(&Take, Level)> = takes.iter().zip(levels).collect();
        let held = takes.iter().find(|(take, _)| take.is_slot()).map(|(_, level)| level.used);
        let limit = |limit: &'a Limit| {
            let counts = |(take, _): &&(&Take, Level)| take.bucket.part.as_ref() == Some(&limit.part);
            let (take, level) = takes.iter().find(counts)?;
            Some(FilledLimit { limit, level: with_end(take, *level, now) })
        };
        Filled { held, limits: party.limits.iter().filter_map(limit).collect() }
    };
    Ok(parties.iter().zip(&takes).map(of_party).collect())
}

/// With its end by the wall clock.
fn with_end(take: &Take, level: Level, now: Now<'_>) -> Level {
    let resets = match take.window {
        Window::Calendar { to, .. } => level.resets.or(Some(to)),
        Window::Rolling(_) => level.resets.map(|resets| now.by_the_wall(resets)),
        Window::Held | Window::Total => level.resets,
    };
    Level::new(level.used, level.reserved, resets)
}
