//! Very many who wait at once: all are served, those of one key in their order, and never too many at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use sluice_api::limiter::{Bucket, Principal, Take};
use sluice_api::store::{Asked, Lease, LeaseId, Line, Owner, Place, Store, Taken, Used};

use crate::held::Stores;

const WAITERS: u64 = 300;
const KEYS: u64 = 12;

/// Far more than it takes: only who is forgotten waits as long.
const HANGS: Duration = Duration::from_secs(120);

/// How many hold what, and who was served.
#[derive(Default)]
struct Seen {
    groups: [AtomicU64; 3],
    accounts: [AtomicU64; 4],
    /// The key and the number of each that waited, as it was served.
    served: Mutex<Vec<(u64, u64)>>,
}

/// Requests of a key, of a group, to an account, which there may be at once.
const AT_ONCE: [u64; 3] = [1, 3, 2];

/// Where very many wait, each is served, and no turn is missed, whatever else happens at that moment.
///
/// # Panics
///
/// Where that is not so.
pub fn everybody_in_a_line_is_served(stores: &dyn Stores) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = stores.fresh().await;
        let seen = Arc::new(Seen::default());
        #[expect(clippy::disallowed_methods, reason = "the test waits for all of them itself")]
        let all: Vec<_> = (0..WAITERS)
            .map(|number| tokio::spawn(request(Arc::clone(&store), Arc::clone(&seen), number)))
            .collect();
        for one in all {
            let served = tokio::time::timeout(HANGS, one).await;
            served.unwrap_or_else(|_| panic!("somebody is never served: {:?}", seen.served.lock())).unwrap();
        }
        stores.settled(&store).await;
        let served = seen.served.lock().clone();
        for key in 0..KEYS {
            let places = served.iter().filter(|(of, _)| *of == key).map(|(_, place)| *place);
            assert!(places.is_sorted(), "key {key} was served in another order than it waited: {served:?}");
        }
        let keys = (0..KEYS).map(|key| id(key).into()).collect();
        assert!(store.waiting(keys).await.unwrap().iter().all(|waiting| *waiting == 0));
        for number in 0..KEYS {
            for slot in slots(number) {
                assert_eq!(store.held(&slot.bucket).await.unwrap(), 0, "{slot:?}");
            }
        }
    });
}

fn id(key: u64) -> String {
    format!("key-{key}")
}

/// The slots of a request of this number: of its key, of the key's group, of an account.
fn slots(number: u64) -> [Take; 3] {
    let key = number % KEYS;
    let principals = [
        Principal::Key(id(key).into()),
        Principal::Group(format!("group-{}", key % 3).into()),
        Principal::Account(format!("account-{}", number % 4).into()),
    ];
    let mut limits = AT_ONCE.into_iter();
    principals
        .map(|principal| Take::one(Bucket::new("concurrency", principal), limits.next().unwrap_or_default()))
}

async fn request(store: Arc<dyn Store>, seen: Arc<Seen>, number: u64) {
    let key = number % KEYS;
    let mut place: Option<Place> = None;
    for round in 0_u64.. {
        let line = Line::new(id(key).into(), 1_000).at(place.clone());
        let [of_key, of_group, of_account] = slots(number);
        let lease = |which, takes| {
            let id = LeaseId::new(Owner(1), (round * WAITERS + number) * 2 + which);
            Lease::new(id, Timestamp::now(), takes)
        };
        let leases = vec![lease(0, vec![of_key, of_group]), lease(1, vec![of_account])];
        match store.take_all(Asked::new(leases).in_line(line)).await.unwrap() {
            Taken::All(leases) => {
                if let Some(place) = place {
                    seen.served.lock().push((key, place.number));
                }
                return serve(&*store, &seen, number, leases).await;
            }
            Taken::Waits(at) => {
                // One in ten goes away, before or after its turn has come.
                if number.is_multiple_of(10) {
                    let mut turn = store.turn(&at);
                    tokio::select! {
                        biased;
                        () = &mut turn => {}
                        () = tokio::task::yield_now() => {}
                    }
                    return store.leave(at);
                }
                store.turn(&at).await;
                place = Some(at);
            }
            Taken::Refused(denial) => panic!("{denial:?}"),
        }
    }
}

/// Holds what was taken for a moment.
async fn serve(store: &dyn Store, seen: &Seen, number: u64, leases: Vec<Lease>) {
    let group = &seen.groups[usize::try_from(number % KEYS % 3).unwrap()];
    let account = &seen.accounts[usize::try_from(number % 4).unwrap()];
    assert!(group.fetch_add(1, Ordering::SeqCst) < AT_ONCE[1], "more of a group than may be");
    assert!(account.fetch_add(1, Ordering::SeqCst) < AT_ONCE[2], "more to an account than may be");
    for _ in 0..number % 5 {
        tokio::task::yield_now().await;
    }
    group.fetch_sub(1, Ordering::SeqCst);
    account.fetch_sub(1, Ordering::SeqCst);
    for lease in leases {
        store.settle(lease, Used::new(0, 0), Timestamp::now());
    }
}
