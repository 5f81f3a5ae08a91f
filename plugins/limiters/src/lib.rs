//! Limiters: which buckets a request takes from.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::error::{Error, Kind};
use sluice_api::limiter::{Denial, Limiter, Principal, Subject, Take, Takes};
use sluice_api::plugin::NoSettings;
use sluice_api::register;

/// What a client is told to wait: when a request ends, nobody knows.
const SOON: Duration = Duration::from_secs(1);

/// Requests at once, of a key and of its group.
#[derive(Debug)]
struct Concurrency;

impl Limiter for Concurrency {
    fn takes(&self, subject: &Subject<'_>, takes: &mut Takes) {
        if subject.key_concurrency > 0 {
            let bucket = takes.bucket(Principal::Key(Arc::clone(subject.key)));
            takes.push(Take::one(bucket, subject.key_concurrency.into()));
        }
        if let Some(group) = subject.group
            && subject.group_concurrency > 0
        {
            let bucket = takes.bucket(Principal::Group(Arc::clone(group)));
            takes.push(Take::one(bucket, subject.group_concurrency.into()));
        }
    }

    fn refusal(&self, refused: &Denial) -> Error {
        let whose = match &refused.take.bucket.principal {
            Principal::Group(_) => "this key's group",
            _ => "this key",
        };
        let limit = refused.take.limit;
        let message =
            format!("{whose} may have {limit} requests at once, and has them: wait until one has ended");
        Error::new(Kind::RateLimited, message).retry_after(SOON)
    }
}

register! {
    dyn Limiter: "concurrency",
    summary: "Requests at once, of a key and of its group",
    settings: NoSettings,
    build: |_, section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(Concurrency))
    },
}

#[cfg(test)]
mod tests {
    use super::Concurrency;
    use sluice_api::dialect::{Api, Operation};
    use sluice_api::error::Kind;
    use sluice_api::limiter::{CONCURRENCY, Denial, Limiter, Principal, Subject, Takes};
    use sluice_api::plugin::{Plugin, Timestamp, inventory};
    use std::sync::Arc;

    #[test]
    fn only_what_is_bounded_takes_a_slot() {
        let (key, group): (Arc<str>, Arc<str>) = ("k".into(), "g".into());
        for (key_bound, group_bound, taken) in [(0, 0, 0), (8, 0, 1), (0, 50, 1), (8, 50, 2)] {
            let takes = takes(&key, key_bound, Some(&group), group_bound);
            assert_eq!(takes.all().len(), taken);
        }
    }

    fn takes(key: &Arc<str>, key_bound: u32, group: Option<&Arc<str>>, group_bound: u32) -> Takes {
        let mut subject = Subject::new(key, Api::Anthropic, Operation::Generate, Timestamp::UNIX_EPOCH);
        (subject.key_concurrency, subject.group, subject.group_concurrency) = (key_bound, group, group_bound);
        let mut takes = Takes::of(CONCURRENCY);
        Concurrency.takes(&subject, &mut takes);
        takes
    }

    #[test]
    fn a_refusal_says_whose_limit_it_is_and_what_to_do() {
        let (key, group): (Arc<str>, Arc<str>) = ("k".into(), "g".into());
        let takes = takes(&key, 8, Some(&group), 50);
        let principals = [Principal::Key(key), Principal::Group(group)];
        for ((take, principal), says) in takes.all().iter().zip(principals).zip([
            "this key may have 8 requests at once, and has them: wait until one has ended",
            "this key's group may have 50 requests at once, and has them: wait until one has ended",
        ]) {
            assert_eq!(take.bucket.principal, principal);
            let error = Concurrency.refusal(&Denial::new(take.clone()));
            let wait = error.facts().retry_after.map(|wait| wait.as_secs());
            assert_eq!((error.kind(), error.to_string().as_str(), wait), (Kind::RateLimited, says, Some(1)));
        }
    }

    #[test]
    fn its_kind_is_the_one_that_clients_are_told_of() {
        let kinds: Vec<_> = inventory::iter::<Plugin<dyn Limiter>>.into_iter().map(|one| one.kind).collect();
        assert_eq!(kinds, [CONCURRENCY]);
    }
}
