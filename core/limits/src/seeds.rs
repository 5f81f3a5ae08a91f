//! What was used before a store that forgets has counted: read from the ledger, so that a restart forgets no limit.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sluice_api::limiter::{AtWork, Limit, Party, Principal, Take, Unit, Window};
use sluice_api::record::{Dimension, Span, SumQuery, SumRow, Sums};
use sluice_api::store::{Seed, Store, StoreError};

use crate::now::Now;

/// Parts that a window which rolls is read in.
const PARTS: u32 = 64;

/// What ledgers sum by: a window of many is read in whole ones.
const QUARTER: Duration = Duration::from_secs(15 * 60);

/// Up to this length a window is read in parts of its own, from single records.
const SHORT: Duration = Duration::from_secs(60 * 60);

/// Names by which a question is narrowed; more are as quick to be read all.
const NAMES: usize = 64;

/// Tells a store what was used of the limits of these parties, where it has no count of them.
///
/// # Errors
///
/// When the ledger can't be read.
pub async fn seed(
    store: &Arc<dyn Store>,
    limiters: &[AtWork],
    parties: &[Party<'_>],
    now: Now<'_>,
) -> Result<(), StoreError> {
    let Now { wall, zone, .. } = now;
    let takes = parties.iter().flat_map(|party| AtWork::counts(limiters, party, (wall, zone)));
    let forgotten = store.forgotten(takes.filter(|take| !take.is_slot()).collect()).await?;
    let mut asked: HashMap<(Window, Dimension), Vec<Take>> = HashMap::new();
    for take in forgotten {
        asked.entry((take.window, dimension(&take.bucket.principal))).or_default().push(take);
    }
    for ((window, dimension), takes) in asked {
        let spans = spans(window, wall);
        let mut query = SumQuery::over(spans.clone());
        query.group_by = vec![dimension, Dimension::Model];
        let names: Vec<String> = takes.iter().map(|take| take.bucket.principal.name().to_string()).collect();
        if names.len() <= NAMES {
            query.filter = vec![(dimension, names)];
        }
        let rows = store.records().sums(&query).await?;
        let seeds = takes.into_iter().filter_map(|take| of(take, parties, &rows, (&spans, now)));
        store.seed(seeds.collect(), now.steady).await?;
    }
    Ok(())
}

/// Tells a store that nobody has the limits of this party any more.
///
/// # Errors
///
/// When the store can't be told: what was counted stays.
pub async fn leave(
    store: &Arc<dyn Store>,
    limiters: &[AtWork],
    party: &Party<'_>,
    now: Now<'_>,
) -> Result<(), StoreError> {
    let takes = AtWork::counts(limiters, party, (now.wall, now.zone));
    let takes: Vec<Take> = takes.into_iter().filter(|take| !take.is_slot()).collect();
    if takes.is_empty() { Ok(()) } else { store.drop_counts(takes).await }
}

/// What was used of a bucket, by the limit that it is of.
fn of(take: Take, parties: &[Party<'_>], rows: &[SumRow], (spans, now): (&[Span], Now<'_>)) -> Option<Seed> {
    let party = parties.iter().find(|party| party.principal == take.bucket.principal)?;
    let limit: &Limit = party.limits.iter().find(|limit| take.bucket.part.as_ref() == Some(&limit.part))?;
    let name = take.bucket.principal.name();
    let mut used: Vec<(Timestamp, u64)> = Vec::new();
    for row in rows {
        let [Some(whose), model] = row.names.as_slice() else { continue };
        if **whose != **name || !limit.counts(model.as_deref().unwrap_or_default()) {
            continue;
        }
        let amount = amount(take.unit, &row.sums);
        // As of its end: it may have been used then.
        let Some(end) = spans.get(row.span).map(|span| span.to.min(now.wall)).filter(|_| amount > 0) else {
            continue;
        };
        // By the clock that windows which roll go by.
        let at = now.by_the_other(end);
        match used.last_mut() {
            Some((last, sum)) if *last == at => *sum = sum.saturating_add(amount),
            _ => used.push((at, amount)),
        }
    }
    Some(Seed::new(take.bucket, take.window, used))
}

fn amount(unit: Unit, sums: &Sums) -> u64 {
    match unit {
        Unit::Requests => sums.counted_requests,
        Unit::Tokens => {
            [sums.input_tokens, sums.output_tokens, sums.cache_write_tokens, sums.cache_read_tokens]
                .into_iter()
                .fold(0, u64::saturating_add)
        }
        Unit::Cost => u64::try_from(sums.cost.units().max(0)).unwrap_or(u64::MAX),
    }
}

fn dimension(principal: &Principal) -> Dimension {
    match principal {
        Principal::Group(_) => Dimension::Group,
        Principal::Account(_) => Dimension::Account,
        _ => Dimension::KeyId,
    }
}

/// The spans that a window is read in; the last one without an end, as records may have been written by a clock that was
/// ahead.
fn spans(window: Window, now: Timestamp) -> Vec<Span> {
    let length = match window {
        Window::Held | Window::Total => return vec![Span::new(Timestamp::MIN, Timestamp::MAX)],
        Window::Calendar { from, to } => return vec![Span::new(from, to)],
        Window::Rolling(length) => length,
    };
    let back = |from: Timestamp, by: Duration| {
        from.saturating_sub(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX))
            .unwrap_or(Timestamp::MIN)
    };
    let begin = back(now, length);
    let (first, step) = if length <= SHORT {
        (begin, (length / PARTS).max(Duration::from_millis(1)))
    } else {
        let quarters = (length / PARTS).as_secs().div_ceil(QUARTER.as_secs()).max(1);
        let step = QUARTER.as_secs() * quarters;
        let second =
            i64::try_from(step).map_or(0, |step| begin.as_second().div_euclid(step).saturating_mul(step));
        (Timestamp::from_second(second).unwrap_or(begin), Duration::from_secs(step))
    };
    let mut spans = Vec::new();
    let mut from = first;
    while from < now {
        let to = from.saturating_add(SignedDuration::try_from(step).unwrap_or(SignedDuration::MAX));
        let to = to.unwrap_or(Timestamp::MAX).min(now);
        spans.push(Span::new(from, to));
        from = to;
    }
    if let Some(last) = spans.last_mut() {
        last.to = Timestamp::MAX;
    }
    spans
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};
    use sluice_api::limiter::Window;

    use super::spans;

    #[test]
    fn a_window_is_read_in_parts_that_lie_side_by_side_and_cover_it() {
        let now = "2026-11-28T12:34:56.789Z".parse::<Timestamp>().unwrap();
        for seconds in [1, 60, 3_600, 18_000, 86_400, 30 * 86_400] {
            let length = Duration::from_secs(seconds);
            let spans = spans(Window::Rolling(length), now);
            let begin = now.saturating_sub(SignedDuration::try_from(length).unwrap()).unwrap();
            assert!((16..=80).contains(&spans.len()), "{seconds}: {}", spans.len());
            assert!(
                spans[0].from <= begin && spans.last().is_some_and(|span| span.to == Timestamp::MAX),
                "{seconds}"
            );
            assert!(spans.windows(2).all(|two| two[0].to == two[1].from), "{seconds}");
            let whole = seconds <= 3_600 || spans[1..].iter().all(|span| span.from.as_second() % 900 == 0);
            assert!(whole, "{seconds}: sums of quarter-hours are all that it takes");
        }
        let from = now.saturating_sub(SignedDuration::from_hours(5)).unwrap();
        let day = spans(Window::Calendar { from, to: Timestamp::MAX }, now);
        assert_eq!((day.len(), day[0].from, day[0].to), (1, from, Timestamp::MAX));
        assert_eq!(spans(Window::Total, now)[0].from, Timestamp::MIN);
    }
}
