//! Policy of limits: which buckets a request takes from, how much, and what that means to the client.

mod subject;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::dialect::{Api, Operation};
use crate::error::Error;

pub use sluice_quota::demand::{Demand, Mode, Most, Party, Spend};
pub use sluice_quota::limit::{Limit, ModelNames, Per, Unit, Window};
pub use sluice_quota::take::{Bucket, Denial, Principal, Rule, Take, Takes, Why};
pub use sluice_quota::windows::Windows;

pub use subject::Subject;

/// The limiter whose buckets are the slots of keys, groups and accounts, as clients are told of them by `GET /v1/me`.
pub const CONCURRENCY: &str = "concurrency";

/// Says which buckets a request takes from. Pure: the store takes them, all or none, in one step.
pub trait Limiter: fmt::Debug + Send + Sync + 'static {
    /// What a request takes of the limits of the parties that the subject names. Called for each request once its body is
    /// read, with its key, its group and the account that it is to go to; and again with the account alone where it goes to
    /// another one after that.
    fn takes(&self, subject: &Subject<'_>, takes: &mut Takes);

    /// What a client is told whose request was refused, as one of this limiter's own takes had no room: what went wrong,
    /// a sentence that says what to do, and how long to wait where that is known.
    fn refusal(&self, refused: &Denial) -> Error;
}

/// A limiter at work, with the kind that it is registered under, which names its buckets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AtWork {
    /// The kind.
    pub kind: &'static str,
    /// The limiter.
    pub limiter: Arc<dyn Limiter>,
}

impl AtWork {
    /// A limiter of this kind.
    #[must_use]
    pub fn new(kind: &'static str, limiter: Arc<dyn Limiter>) -> Self {
        Self { kind, limiter }
    }

    /// What all limiters say that a request takes, each in its turn.
    #[must_use]
    pub fn takes(limiters: &[Self], subject: &Subject<'_>) -> Vec<Take> {
        let mut takes = Takes::of("");
        for Self { kind, limiter } in limiters {
            takes.turn(kind);
            limiter.takes(subject, &mut takes);
        }
        takes.into_all()
    }

    /// What all limiters count of a party, whatever is asked for: for those who look how full its buckets are. Of each take
    /// the bucket's part names the limit.
    #[must_use]
    pub fn counts(limiters: &[Self], party: &Party<'_>, at: (Timestamp, &TimeZone)) -> Vec<Take> {
        let limits: Vec<Limit> = party.limits.iter().map(Limit::of_all_models).collect();
        let parties = [Party::new(party.principal.clone(), party.concurrency, &limits)];
        let any = (Api::Anthropic, Operation::Generate);
        Self::takes(limiters, &Subject::new(&parties, any, "", at))
    }
}
