//! Schedulers: which account a request goes to, among those that can serve it.
//!
//! All of them look at the accounts of the lowest priority number alone.

mod least_loaded;
mod round_robin;
mod weighted;

#[cfg(test)]
mod tests;

use sluice_api::scheduler::Candidate;

/// The candidates of the lowest priority number, with their indices.
fn first_tier<'a>(
    candidates: &'a [Candidate<'a>],
) -> impl Iterator<Item = (usize, &'a Candidate<'a>)> + Clone {
    let first = candidates.iter().map(|candidate| candidate.priority).min().unwrap_or_default();
    candidates.iter().enumerate().filter(move |(_, candidate)| candidate.priority == first)
}
