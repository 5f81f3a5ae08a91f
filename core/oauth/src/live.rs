//! The tokens in use, and who was given them.

use http::HeaderValue;

use super::tokens::Tokens;
use jiff::Timestamp;
use sluice_api::error::{Error, Kind};

/// What changes while an account runs.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// `None` until the vault was looked into.
    pub(super) tokens: Option<Tokens>,
    /// Tokens that the vault could not be given yet. They are not used before it has them.
    pub(super) unkept: Option<Tokens>,
    /// The latest request that was given these tokens, by its time.
    given: Option<Timestamp>,
    /// The latest request that was given others before.
    given_others: Option<Timestamp>,
    renewals: u64,
    /// Somebody was told to renew them ahead of their end, and has not done it yet.
    ahead: bool,
    failed: Option<Error>,
}

/// What a request needs that was refused its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing: there are others by now.
    Nothing,
    /// A renewal after this many.
    Renewal(u64),
}

impl Live {
    /// The token for a request of this time, or the count of renewals so far where it can't do without one.
    pub(super) fn valid(&mut self, now: Timestamp) -> Result<HeaderValue, u64> {
        let valid =
            self.tokens.as_ref().filter(|tokens| tokens.is_valid(now)).and_then(Tokens::header).cloned();
        let header = valid.ok_or(self.renewals)?;
        self.given = self.given.max(Some(now));
        Ok(header)
    }

    /// Whether the tokens are still good and due for a renewal that nobody was told to do.
    pub(super) fn begins_ahead(&mut self, now: Timestamp) -> bool {
        let due = self.tokens.as_ref().is_some_and(|tokens| tokens.is_valid(now) && !tokens.is_fresh(now));
        due && !std::mem::replace(&mut self.ahead, true)
    }

    /// The count of renewals so far.
    pub(super) fn renewals(&self) -> u64 {
        self.renewals
    }

    /// Puts the next renewal ahead off: the one before has failed.
    pub(super) fn put_off(&mut self, until: Timestamp) {
        if let Some(tokens) = &mut self.tokens {
            tokens.not_before(until);
        }
    }

    /// The token that a renewal has left, for a request of this time, however short it lives.
    pub(super) fn renewed(&mut self, now: Timestamp) -> Result<HeaderValue, Error> {
        let header = self.tokens.as_ref().and_then(Tokens::header).cloned();
        self.given = self.given.max(Some(now));
        header.ok_or_else(|| Error::new(Kind::Internal, "a renewal left no token"))
    }

    /// Notes that the token of a request of this time was refused, unless that was another token.
    pub(super) fn refused(&mut self, now: Timestamp) -> Needs {
        // A request of the same time as one that was given the token before may be that one.
        if self.given_others.is_some_and(|at| now <= at) {
            return Needs::Nothing;
        }
        // Who comes now waits for the next one.
        if let Some(tokens) = &mut self.tokens {
            tokens.refuse();
        }
        Needs::Renewal(self.renewals)
    }

    /// What came of the renewal that somebody else did since there had been this many.
    pub(super) fn outcome_since(&self, seen: u64) -> Option<Result<(), Error>> {
        (self.renewals != seen).then(|| self.failed.clone().map_or(Ok(()), Err))
    }

    /// Notes what came of a renewal.
    pub(super) fn note(&mut self, outcome: Result<Tokens, Error>) -> Result<(), Error> {
        self.renewals += 1;
        self.ahead = false;
        self.failed = outcome.as_ref().err().cloned();
        self.take(outcome?);
        Ok(())
    }

    /// Uses these tokens from now on.
    pub(super) fn take(&mut self, tokens: Tokens) {
        if !self.tokens.as_ref().is_some_and(|before| before.same_access(&tokens)) {
            self.given_others = self.given_others.max(self.given.take());
        }
        self.tokens = Some(tokens);
    }
}
