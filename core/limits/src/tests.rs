//! What is taken in whose name, who says why it is refused, that it comes back, and who waits.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::{Error, Kind};
use sluice_api::limiter::{
    AtWork, Bucket, CONCURRENCY, Denial, Limiter, Party, Principal, Subject, Take, Takes, Unit, Why,
};
use sluice_api::store::{Store, Used};

use crate::{Admitted, Asking, Held, Limits, Stood, Waiting, refusal};

/// So many requests of each party at once, by a count of its own.
#[derive(Debug)]
struct Most(u64, Option<&'static str>);

impl Limiter for Most {
    fn takes(&self, subject: &Subject<'_>, takes: &mut Takes) {
        for party in subject.parties {
            let bucket = takes.bucket(party.principal.clone());
            let bucket = self.1.map_or(bucket.clone(), |part| bucket.part(part.into()));
            takes.push(Take::one(bucket, self.0));
        }
    }

    fn refusal(&self, refused: &Denial) -> Error {
        Error::new(Kind::RateLimited, format!("{:?}, {}", self.1, refused.take.limit))
    }
}

fn at_work(kind: &'static str, most: u64, part: Option<&'static str>) -> AtWork {
    AtWork::new(kind, Arc::new(Most(most, part)))
}

struct World {
    store: Arc<dyn Store>,
    limits: Limits,
    key: Arc<str>,
}

impl World {
    fn new() -> Self {
        let store = sluice_fixtures::store();
        let limits = Limits::new(Arc::clone(&store), (Instant::now(), Timestamp::UNIX_EPOCH));
        Self { store, limits, key: "k".into() }
    }

    async fn asks(&self, limiters: &[AtWork], queue: u32, waiting: &mut Option<Waiting>) -> Admitted {
        let own = [Party::new(Principal::Key(Arc::clone(&self.key)), 0, &[])];
        let account = [];
        let subject = |parties| {
            let asks = (Api::Anthropic, Operation::Generate);
            Subject::new(parties, asks, "m", (Timestamp::UNIX_EPOCH, const { &TimeZone::UTC }))
        };
        let (own, account) = (Some(subject(&own)), subject(&account));
        let asking = Asking { limiters, own, account, key: &self.key, queue };
        self.limits.admit(&asking, waiting).await.unwrap()
    }

    async fn takes(&self, limiters: &[AtWork]) -> Held {
        match self.asks(limiters, 0, &mut None).await {
            Admitted::Taken(own, _) => own,
            other => panic!("{other:?}"),
        }
    }

    async fn held(&self, kind: &'static str, part: Option<&str>) -> u64 {
        let bucket = Bucket::new(kind, Principal::Key(Arc::clone(&self.key)));
        let bucket = part.map_or(bucket.clone(), |part| bucket.part(part.into()));
        self.store.held(&bucket).await.unwrap()
    }
}

#[tokio::test]
async fn each_limiter_counts_for_itself_and_says_itself_what_it_refuses() {
    let world = World::new();
    let limiters = [at_work("one", 3, None), at_work("other", 2, Some("part")), at_work("third", 2, None)];
    let first = world.takes(&limiters).await;
    let second = world.takes(&limiters[..2]).await;
    let counts = async || {
        (
            world.held("one", None).await,
            world.held("other", Some("part")).await,
            world.held("third", None).await,
        )
    };
    assert_eq!(counts().await, (2, 2, 1));
    assert_eq!(world.held("other", None).await, 0, "another part is another count");

    let Admitted::Refused(denial) = world.asks(&limiters, 0, &mut None).await else { panic!("it is full") };
    let refused = refusal(&limiters, &denial);
    assert_eq!((refused.kind(), refused.to_string().as_str()), (Kind::RateLimited, "Some(\"part\"), 2"));
    assert_eq!(counts().await, (2, 2, 1), "what is refused takes nothing");

    drop(first);
    assert_eq!(counts().await, (1, 1, 0));
    let mut second = second;
    second.settle(Used::new(7, 7));
    drop(second);
    assert_eq!(counts().await, (0, 0, 0), "what is settled is not given back once more");
}

#[tokio::test]
async fn a_request_waits_in_line_and_keeps_its_place_until_it_is_its_turn() {
    let world = World::new();
    let limiters = [at_work("one", 1, None)];
    let running = world.takes(&limiters).await;
    let (mut first, mut second, mut third) = (None, None, None);
    assert!(matches!(world.asks(&limiters, 2, &mut first).await, Admitted::Waits));
    assert!(matches!(world.asks(&limiters, 2, &mut second).await, Admitted::Waits));
    let Admitted::Refused(full) = world.asks(&limiters, 2, &mut third).await else { panic!("two may wait") };
    assert_eq!(full.why, Why::Line);
    assert_eq!(world.store.waiting(vec![Arc::clone(&world.key)]).await.unwrap(), [2]);

    let mut turn = first.as_ref().and_then(Waiting::turn).unwrap();
    let is_its_turn = async |turn: &mut sluice_api::store::Turn| {
        poll_fn(|cx| Poll::Ready(turn.as_mut().poll(cx).is_ready())).await
    };
    assert!(!is_its_turn(&mut turn).await);
    drop(running);
    turn.await;
    assert!(matches!(world.asks(&limiters, 2, &mut second).await, Admitted::Waits), "it is another's turn");
    let Admitted::Taken(held, _) = world.asks(&limiters, 2, &mut first).await else { panic!("its turn") };
    assert!(first.is_none(), "its place is gone with what it waited for");

    let mut turn = second.as_ref().and_then(Waiting::turn).unwrap();
    drop(held);
    assert!(tokio::time::timeout(Duration::from_secs(5), turn.as_mut()).await.is_ok());
    drop(second);
    assert_eq!(world.store.waiting(vec![Arc::clone(&world.key)]).await.unwrap(), [0]);
    assert!(
        matches!(world.asks(&limiters, 2, &mut None).await, Admitted::Taken(..)),
        "nobody waits any more"
    );
}

#[tokio::test]
async fn a_request_may_wait_for_one_of_several_slots() {
    let world = World::new();
    let limiters = [at_work("one", 1, None)];
    let running = world.takes(&limiters).await;
    let slot = || Take::one(Bucket::new("one", Principal::Key(Arc::clone(&world.key))), 1);
    let mut waiting = None;
    let line: Arc<str> = "another".into();
    let stand =
        async |waiting: &mut _| world.limits.line_up((&line, 1), vec![slot()], waiting).await.unwrap();
    assert_eq!(stand(&mut waiting).await, Stood::Waits);
    assert_eq!(stand(&mut None).await, Stood::Full);
    let turn = waiting.as_ref().and_then(Waiting::turn).unwrap();
    drop(running);
    turn.await;
    assert_eq!(stand(&mut waiting).await, Stood::Free);
}

#[test]
fn a_key_has_no_more_requests_inside_than_it_may_have_and_than_may_wait() {
    let world = World::new();
    let limiters = [at_work(CONCURRENCY, 9, None)];
    let key = |most| Party::new(Principal::Key(Arc::clone(&world.key)), most, &[]);
    let group = |most| Party::new(Principal::Group("g".into()), most, &[]);
    let enters = |parties: &[Party<'_>], queue| world.limits.enter(&limiters, parties, queue);
    assert!(enters(&[key(0)], 0).unwrap().is_none(), "it has no bound");
    let within = [(); 3].map(|()| enters(&[key(2), group(1)], 1).unwrap());
    assert_eq!(enters(&[key(2), group(9)], 1).unwrap_err().to_string(), "None, 2");
    assert!(
        enters(&[key(0), group(1)], 0).is_ok(),
        "who waits for a key's own slots shuts nobody of its group out"
    );
    let one = enters(&[key(0), group(1)], 0).unwrap();
    assert_eq!(
        enters(&[key(0), group(1)], 0).unwrap_err().to_string(),
        "None, 1",
        "the group's bound is one too"
    );
    let of = |name: &str| Party::new(Principal::Key(name.into()), 0, &[]);
    let waits = [(); 2].map(|()| enters(&[of("waits"), group(1)], 1).unwrap());
    assert!(enters(&[of("waits"), group(1)], 1).is_err(), "as many as may run and may wait");
    assert!(
        enters(&[of("other"), group(1)], 1).is_ok(),
        "what waits of one key shuts out no other of its group"
    );
    drop((one, within, waits));
    assert!(world.limits.has_nobody_inside());
    assert!(world.limits.enter(&[], &[key(1)], 0).unwrap().is_none(), "nobody bounds it");
}

#[test]
fn windows_that_roll_go_by_a_clock_that_nobody_sets() {
    let began = Instant::now();
    let wall = "2026-11-28T12:00:00Z".parse::<Timestamp>().unwrap();
    let clock = crate::clock::Clock::new(began, wall);
    assert_eq!(clock.at(began), wall);
    assert_eq!(clock.at(began + Duration::from_secs(90)).as_second(), wall.as_second() + 90);
    assert_eq!(clock.at(began - Duration::from_secs(1)), wall, "it never goes back");
}

#[test]
fn a_lease_has_a_name_of_its_own_among_all_gateways() {
    let [one, other] = [World::new(), World::new()];
    let leases = [&one, &one, &other].map(|world| world.limits.lease(Vec::new()));
    let [first, second, elsewhere] = leases.map(|lease| lease.id);
    assert_eq!(first.owner, second.owner);
    assert_ne!(first.number, second.number);
    assert_ne!(first.owner, elsewhere.owner);
}

#[tokio::test]
async fn only_what_rolls_is_told_of_while_it_runs() {
    let world = World::new();
    let slot = world.takes(&[at_work("one", 1, None)]).await;
    assert!(!slot.rolls());
    #[derive(Debug)]
    struct Tokens;
    impl Limiter for Tokens {
        fn takes(&self, subject: &Subject<'_>, takes: &mut Takes) {
            for party in subject.parties {
                let window = sluice_api::limiter::Window::Rolling(Duration::from_secs(60));
                let take = Take::within(takes.bucket(party.principal.clone()), window, 5, 100);
                takes.push(take.of(Unit::Tokens, sluice_api::limiter::Rule::Within));
            }
        }

        fn refusal(&self, _refused: &Denial) -> Error {
            Error::new(Kind::RateLimited, "")
        }
    }
    let held = world.takes(&[AtWork::new("tokens", Arc::new(Tokens))]).await;
    assert!(held.rolls());
}

#[tokio::test]
async fn a_place_that_the_store_has_lost_is_replaced() {
    let world = World::new();
    let limiters = [at_work("one", 1, None)];
    let _running = world.takes(&limiters).await;
    let mut waiting = None;
    assert!(matches!(world.asks(&limiters, 1, &mut waiting).await, Admitted::Waits));
    world.store.leave(waiting.as_ref().and_then(Waiting::place).unwrap());
    assert!(matches!(world.asks(&limiters, 1, &mut waiting).await, Admitted::Waits));
    drop(waiting);
    assert_eq!(world.store.waiting(vec![Arc::clone(&world.key)]).await.unwrap(), [0]);
}
