//! What is taken in whose name, who says why it is refused, and that it comes back.

use std::sync::Arc;

use jiff::Timestamp;
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::{Error, Kind};
use sluice_api::limiter::{AtWork, Bucket, Denial, Limiter, Principal, Subject, Take, Takes};

use crate::Limits;

/// So many requests of a key at once, by a count of its own.
#[derive(Debug)]
struct Most(u64, Option<&'static str>);

impl Limiter for Most {
    fn takes(&self, subject: &Subject<'_>, takes: &mut Takes) {
        let bucket = takes.bucket(Principal::Key(Arc::clone(subject.key)));
        let bucket = self.1.map_or(bucket.clone(), |part| bucket.part(part.into()));
        takes.push(Take::one(bucket, self.0));
    }

    fn refusal(&self, refused: &Denial) -> Error {
        Error::new(Kind::RateLimited, format!("{:?}, {}", self.1, refused.take.limit))
    }
}

fn at_work(kind: &'static str, most: u64, part: Option<&'static str>) -> AtWork {
    AtWork::new(kind, Arc::new(Most(most, part)))
}

fn asking(key: &Arc<str>, operation: Operation) -> Subject<'_> {
    Subject::new(key, Api::Anthropic, operation, Timestamp::UNIX_EPOCH)
}

#[tokio::test]
async fn each_limiter_counts_for_itself_and_says_itself_what_it_refuses() {
    let (store, key) = (sluice_fixtures::store(), Arc::from("k"));
    let limits = Limits::new(Arc::clone(&store));
    let limiters = [at_work("one", 3, None), at_work("other", 2, Some("part")), at_work("third", 2, None)];
    let held = async |kind, part: Option<&str>| {
        let bucket = Bucket::new(kind, Principal::Key(Arc::clone(&key)));
        let bucket = part.map_or(bucket.clone(), |part| bucket.part(part.into()));
        store.held(&bucket).await.unwrap()
    };
    let first = limits.slots(&limiters, asking(&key, Operation::Generate)).await.unwrap();
    let second = limits.slots(&limiters[..2], asking(&key, Operation::Generate)).await.unwrap();
    let counts =
        async || (held("one", None).await, held("other", Some("part")).await, held("third", None).await);
    assert_eq!(counts().await, (2, 2, 1));
    assert_eq!(held("other", None).await, 0, "another part is another count");

    let refused = limits.slots(&limiters, asking(&key, Operation::Generate)).await.unwrap_err();
    assert_eq!((refused.kind(), refused.to_string().as_str()), (Kind::RateLimited, "Some(\"part\"), 2"));
    assert_eq!(counts().await, (2, 2, 1), "what is refused takes nothing");
    limits.slots(&limiters, asking(&key, Operation::CountTokens)).await.unwrap();

    drop(first);
    assert_eq!(counts().await, (1, 1, 0));
    drop(second);
    assert_eq!(counts().await, (0, 0, 0));
}

#[test]
fn a_lease_has_a_name_of_its_own_among_all_gateways_and_an_end() {
    let key = Arc::from("k");
    let now = asking(&key, Operation::Generate).now;
    let (one, other) = (Limits::new(sluice_fixtures::store()), Limits::new(sluice_fixtures::store()));
    let leases = [&one, &one, &other].map(|limits| limits.lease(now, Vec::new()));
    let [first, second, elsewhere] = leases.map(|lease| {
        assert_eq!((lease.since, lease.until.as_second() - now.as_second()), (now, 60));
        lease.id
    });
    assert_eq!(first.owner, second.owner);
    assert_ne!(first.number, second.number);
    assert_ne!(first.owner, elsewhere.owner);
}
