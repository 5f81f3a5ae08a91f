//! Limiters: which buckets a request takes from.

use std::sync::Arc;

use sluice_api::limiter::{Bucket, Limiter, Subject, Take};
use sluice_api::plugin::NoSettings;
use sluice_api::register;

/// Requests at once, of a key and of its group.
#[derive(Debug)]
struct Concurrency;

impl Limiter for Concurrency {
    fn takes(&self, subject: &Subject<'_>, takes: &mut Vec<Take>) {
        if subject.key_concurrency > 0 {
            let bucket = Bucket::KeySlots(Arc::clone(subject.key));
            takes.push(Take { bucket, amount: 1, limit: u64::from(subject.key_concurrency) });
        }
        if let Some(group) = subject.group
            && subject.group_concurrency > 0
        {
            let bucket = Bucket::GroupSlots(Arc::clone(group));
            takes.push(Take { bucket, amount: 1, limit: u64::from(subject.group_concurrency) });
        }
    }
}

register! {
    dyn Limiter: "concurrency",
    summary: "Requests at once, of a key and of its group",
    settings: NoSettings,
    build: |section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(Concurrency))
    },
}

#[cfg(test)]
mod tests {
    use super::Concurrency;
    use sluice_api::limiter::{Limiter, Subject};
    use std::sync::Arc;

    #[test]
    fn only_what_is_bounded_takes_a_slot() {
        let (key, group): (Arc<str>, Arc<str>) = ("k".into(), "g".into());
        for (key_bound, group_bound, taken) in [(0, 0, 0), (8, 0, 1), (0, 50, 1), (8, 50, 2)] {
            let subject = Subject {
                key: &key,
                key_concurrency: key_bound,
                group: Some(&group),
                group_concurrency: group_bound,
            };
            let mut takes = Vec::new();
            Concurrency.takes(&subject, &mut takes);
            assert_eq!(takes.len(), taken);
        }
    }
}
