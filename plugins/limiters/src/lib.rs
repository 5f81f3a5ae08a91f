//! Limiters: which buckets a request takes from.

mod budget;
mod concurrency;
mod rate;
#[cfg(test)]
mod tests;
mod words;
