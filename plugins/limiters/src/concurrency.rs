//! Requests at once, of a key, its group and an account.

use std::sync::Arc;

use sluice_api::dialect::Operation;
use sluice_api::error::{Error, Kind};
use sluice_api::limiter::{Denial, Limiter, Subject, Take, Takes, Why};
use sluice_api::plugin::NoSettings;
use sluice_api::register;

use crate::words::{SOON, whose};

/// Slots.
#[derive(Debug)]
pub(crate) struct Concurrency;

impl Limiter for Concurrency {
    fn takes(&self, subject: &Subject<'_>, takes: &mut Takes) {
        // Clients count tokens by the dozen.
        if subject.operation == Operation::CountTokens {
            return;
        }
        for party in subject.parties.iter().filter(|party| party.concurrency > 0) {
            let bucket = takes.bucket(party.principal.clone());
            takes.push(Take::one(bucket, party.concurrency.into()));
        }
    }

    fn refusal(&self, refused: &Denial) -> Error {
        let (whose, limit) = (whose(&refused.take), refused.take.limit);
        let message = match refused.why {
            Why::Line => format!(
                "{whose} may have {limit} requests at once, and as many wait for a slot as may: try again later"
            ),
            _ => format!("{whose} may have {limit} requests at once, and has them: wait until one has ended"),
        };
        Error::new(Kind::RateLimited, message).retry_after(SOON)
    }
}

register! {
    dyn Limiter: "concurrency",
    summary: "Requests at once, of a key, its group and an account",
    settings: NoSettings,
    build: |_, section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(Concurrency))
    },
}
