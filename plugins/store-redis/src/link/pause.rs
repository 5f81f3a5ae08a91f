//! Waits of random length: gateways that lost the same server must not all knock at once.

use std::time::Duration;

/// The first wait, at most.
const LEAST: Duration = Duration::from_millis(20);

/// Every wait, at most: a server that is back is found again within it.
const MOST: Duration = Duration::from_secs(1);

/// Waits before the next try, after so many that failed.
pub(crate) async fn pause(failed: u32) {
    tokio::time::sleep(span(failed, getrandom::u32().unwrap_or_default())).await;
}

/// Between half of what the number of failures allows and all of it, by a random number.
fn span(failed: u32, random: u32) -> Duration {
    let most = LEAST.saturating_mul(1 << failed.min(6)).min(MOST);
    let half = most / 2;
    half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LEAST, MOST, span};

    #[test]
    fn waits_grow_to_their_bound_and_differ() {
        assert_eq!((span(0, 0), span(0, u32::MAX)), (LEAST / 2, LEAST));
        assert_eq!((span(40, 0), span(u32::MAX, u32::MAX)), (MOST / 2, MOST));
        for failed in 0..20 {
            assert!(span(failed, 7) <= span(failed + 1, 7) && span(failed, 7) < span(failed, 1 << 31));
        }
        assert!(MOST <= Duration::from_secs(1));
    }
}
