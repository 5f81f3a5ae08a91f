//! Spans of time in few bytes: to 8 binary digits, and counted where they are alike.

use std::time::Duration;

/// Binary digits that are kept of a span in microseconds: as many as histograms of two decimal digits keep.
const DIGITS: u32 = 8;

/// A span's place among all that are told apart, in order of length: less than 0.8 % between neighbours, and microseconds
/// below 256 of them. What is longer than 71 minutes is taken for that.
pub(super) fn place(span: Duration) -> u16 {
    let micros = u32::try_from(span.as_micros()).unwrap_or(u32::MAX);
    let cut = (u32::BITS - micros.leading_zeros()).saturating_sub(DIGITS);
    // At most 24 and 8 binary digits.
    ((cut << DIGITS) + (micros >> cut)) as u16
}

/// The shortest span of a place, in microseconds.
pub(super) fn micros(place: u16) -> u64 {
    u64::from(place & ((1 << DIGITS) - 1)) << (place >> DIGITS)
}

/// How many spans were alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    /// What was measured, of whom, and its place.
    pub(super) key: u32,
    pub(super) count: u32,
}

/// Counts alike ones together, in the order of their keys.
pub(super) fn compact(all: &mut Vec<Counted>) {
    all.sort_unstable_by_key(|one| one.key);
    all.dedup_by(|next, kept| {
        let alike = next.key == kept.key;
        if alike {
            kept.count = kept.count.saturating_add(next.count);
        }
        alike
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Counted, compact, micros, place};

    #[test]
    fn a_span_is_kept_to_less_than_a_hundredth_and_in_order() {
        let mut last = 0;
        for exponent in 0..32 {
            for offset in [0, 1, 3, 77, 1 << 20] {
                let exact = ((1_u64 << exponent) + offset).min(u64::from(u32::MAX));
                let kept = micros(place(Duration::from_micros(exact)));
                assert!(kept <= exact && (exact - kept) * 127 <= exact, "{exact} {kept}");
            }
        }
        for micros in (0..100_000).chain((100_000..u64::from(u32::MAX)).step_by(9_973)) {
            let place = place(Duration::from_micros(micros));
            assert!(last <= place, "{micros}");
            last = place;
        }
        assert_eq!(place(Duration::from_secs(1 << 40)), place(Duration::from_micros(u64::from(u32::MAX))));
    }

    #[test]
    fn alike_ones_are_counted_together() {
        let counted = |key, count| Counted { key, count };
        let mut all = vec![counted(2, 1), counted(1, 5), counted(2, u32::MAX), counted(1, 1), counted(0, 1)];
        compact(&mut all);
        assert_eq!(all, [counted(0, 1), counted(1, 6), counted(2, u32::MAX)]);
    }
}
