//! Medians and percentiles.

use std::time::Duration;

/// The value that `part` (0 to 1) of all are not above, by nearest rank; zero of none.
pub(crate) fn percentile(sorted: &[Duration], part: f64) -> Duration {
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// The middle value, or the mean of the two; zero of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let upper = sorted.get(half).copied().unwrap_or_default();
    if sorted.len() % 2 == 1 {
        return upper;
    }
    let lower = half.checked_sub(1).and_then(|lower| sorted.get(lower)).copied().unwrap_or_default();
    f64::midpoint(lower, upper)
}

/// The lowest and the highest value; zeros of none.
pub(crate) fn range(values: &[f64]) -> (f64, f64) {
    let lowest = values.iter().copied().min_by(f64::total_cmp).unwrap_or_default();
    let highest = values.iter().copied().max_by(f64::total_cmp).unwrap_or_default();
    (lowest, highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let sorted: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        for (part, expected) in [(0.0, 1), (0.5, 100), (0.99, 198), (1.0, 200)] {
            assert_eq!(percentile(&sorted, part), Duration::from_millis(expected), "{part}");
        }
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }

    #[test]
    fn a_median_is_in_the_middle() {
        for (values, expected) in [(&[][..], 0.0), (&[3.0], 3.0), (&[5.0, 1.0], 3.0), (&[9.0, 1.0, 2.0], 2.0)]
        {
            assert_eq!(median(values), expected, "{values:?}");
        }
        assert_eq!(range(&[2.0, 1.0, 3.0]), (1.0, 3.0));
    }
}
