//! Figures in the sentences of refusals: clients go by the digits of a status in them, whatever they stand for.

/// What makes a client take a sentence for a rate limit's.
const STATUS: &str = "429";

/// The next figure from this one up that no client takes for a status.
#[must_use]
pub fn at_least(figure: u64) -> u64 {
    step(figure, |block, size| block.saturating_add(1).saturating_mul(size))
}

/// The next figure from this one down that no client takes for a status.
#[must_use]
pub fn at_most(figure: u64) -> u64 {
    step(figure, |block, size| block.saturating_mul(size).saturating_sub(1))
}

/// Whether a client would take what is written so for a rate limit's.
#[must_use]
pub fn reads_as_status(written: &str) -> bool {
    written.contains(STATUS)
}

/// Out of the stretch of figures that begin alike up to the status, which are so many: to where `out` leads from there.
fn step(figure: u64, out: impl Fn(u64, u64) -> u64) -> u64 {
    let digits = figure.to_string();
    let Some(at) = digits.find(STATUS) else { return figure };
    let behind = digits.len() - at - STATUS.len();
    let size = u32::try_from(behind).ok().and_then(|behind| 10_u64.checked_pow(behind)).unwrap_or(1);
    let next = out(figure / size, size);
    if next == figure || next == u64::MAX { figure } else { step(next, out) }
}

#[cfg(test)]
mod tests {
    use super::{at_least, at_most, reads_as_status};

    #[test]
    fn no_figure_that_is_said_reads_as_a_status_and_each_is_the_next_one() {
        let says = |figure: u64| !reads_as_status(&figure.to_string());
        for figure in (0..50_000).chain(428_990..430_010).chain(1_428_900..1_430_100) {
            let [up, down] = [at_least(figure), at_most(figure)];
            assert!(down <= figure && figure <= up && says(up) && says(down), "{figure}: {down} {up}");
            assert!((down + 1..up).all(|between| !says(between)) || up == down, "{figure}: {down} {up}");
        }
        assert_eq!([at_least(4_290), at_most(4_290), at_least(429_429)], [4_300, 4_289, 430_000]);
        assert_eq!(at_most(4_294_290), 4_289_999, "there is another one in what it begins with");
    }
}
