//! What one gateway learns of an account is known on the other one after its next turn, and nobody passes on what was heard.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::{Condition, Error, Fault, Kind, Scope};
use sluice_api::store::Store;
use sluice_config::{check, read};
use sluice_fixtures::{AWAY, FULL};
use sluice_fleet::choosing::Criteria;
use sluice_fleet::choosing::order::{Order, Picking};

use super::{Hearing, KEPT, KIND};
use crate::control::{Control, Loss};
use crate::operate::AccountView;

/// A gateway with a store, and what it has heard.
struct Hears {
    control: Arc<Control>,
    hearing: Hearing,
}

impl Hears {
    async fn start(store: &Arc<dyn Store>, credential: &str) -> Self {
        let text = format!(
            "limits.kinds = []\nstore.kind = \"test-store\"\nscheduler.kind = \"test-scheduler\"\n\
             cost.kind = \"test-cost\"\n[[keys]]\nname = \"k\"\nkey = \"k\"\n\
             [[accounts]]\nname = \"a\"\nprovider = \"test-claude\"\ncredential = {credential:?}\n"
        );
        let loaded = read::load_text(&text).unwrap();
        let mut resolved = check::check(&loaded).unwrap();
        resolved.store = Arc::clone(store);
        let control = Control::start(&loaded, resolved, read::Sources::Text(text)).await.unwrap();
        Self { control, hearing: Hearing::default() }
    }

    /// A request for a model fails so.
    fn fails(&self, model: &str, condition: Condition, scope: Scope, seconds: u64) {
        let gateway = self.control.gateway();
        let (snapshot, now) = (gateway.snapshot(), gateway.now());
        let wanted = Criteria::of(Api::Anthropic, Operation::Generate, model);
        let mut order = Order::new(snapshot.roster.candidates(wanted), None, None);
        let (fleet, choosing) = (gateway.fleet(), &snapshot.choosing);
        let key = &snapshot.keys.configured()[0];
        let mut picked = order.pick(&Picking { fleet, choosing, key, wanted, now }).unwrap();
        let error = Error::new(Kind::Upstream, "said so").blame(Fault::Account, scope);
        let error = error.condition(Some(condition)).recovers(Some(Duration::from_secs(seconds)));
        picked.place.failed(error.facts(), now);
    }

    async fn hears(&mut self) -> AccountView {
        self.hearing.turn(self.control.gateway(), false).await.unwrap();
        self.view()
    }

    fn view(&self) -> AccountView {
        self.control.account_view("a").unwrap()
    }
}

/// How much is told in a store.
async fn told(store: &Arc<dyn Store>) -> usize {
    store.list(KIND).await.unwrap().len()
}

async fn two() -> ([Arc<dyn Store>; 2], [Hears; 2]) {
    let stores = sluice_fixtures::shared();
    let mut hear = [Hears::start(&stores[0], "c").await, Hears::start(&stores[1], "c").await];
    for one in &mut hear {
        one.hears().await;
    }
    (stores, hear)
}

#[tokio::test]
async fn a_state_of_an_account_or_of_a_model_on_it_holds_on_every_gateway() {
    let (stores, [mut one, mut other]) = two().await;
    one.fails("m", Condition::RateLimited, Scope::Model, 60);
    one.control.tell().await;
    let heard = other.hears().await;
    assert_eq!((heard.state, heard.models.len(), heard.models[0].state), ("ready", 1, "rate_limited"));
    one.fails("n", Condition::QuotaExceeded, Scope::Account, 600);
    one.control.tell().await;
    let (own, heard) = (one.hears().await, other.hears().await);
    assert_eq!((heard.state, heard.since, heard.until), ("quota_exceeded", own.since, own.until));
    assert!(heard.reason.unwrap().contains("said so"));

    // What was heard is not told again, nor what was told.
    let before = stores[0].revision(KIND).await.unwrap();
    one.control.tell().await;
    other.control.tell().await;
    assert_eq!(stores[0].revision(KIND).await.unwrap(), before);
    assert_eq!(told(&stores[0]).await, 2);
}

#[tokio::test]
async fn what_an_operator_recovers_is_recovered_everywhere_and_a_state_after_it_stands() {
    let (stores, [mut one, mut other]) = two().await;
    one.fails("m", Condition::RateLimited, Scope::Model, 60);
    one.fails("m2", Condition::QuotaExceeded, Scope::Account, 600);
    one.control.tell().await;
    assert_eq!(other.hears().await.state, "quota_exceeded");
    assert_eq!(other.control.recover_account("a").unwrap().state, "ready");
    other.control.tell().await;
    let heard = one.hears().await;
    assert_eq!((heard.state, heard.models.len()), ("ready", 0));
    assert_eq!(told(&stores[0]).await, 1, "the recovery alone");

    other.control.recover_account("a").unwrap();
    other.fails("m", Condition::RateLimited, Scope::Account, 60);
    other.control.tell().await;
    assert_eq!((one.hears().await.state, other.hears().await.state), ("rate_limited", "rate_limited"));
    // Who starts later hears the state, and recovers nothing of its own.
    let mut third = Hears::start(&stores[0], "c").await;
    third.fails("o", Condition::Overloaded, Scope::Model, 60);
    let heard = third.hears().await;
    assert_eq!((heard.state, heard.models.len()), ("rate_limited", 1));
}

#[tokio::test]
async fn an_account_with_other_credentials_is_another_one() {
    let stores = sluice_fixtures::shared();
    let (one, mut other) = (Hears::start(&stores[0], "old").await, Hears::start(&stores[1], "new").await);
    one.fails("m", Condition::Unauthorized, Scope::Account, 600);
    one.control.tell().await;
    assert_eq!((one.view().state, other.hears().await.state), ("unauthorized", "ready"));
    // Nor is a recovery of the one any of the other's, or what was told of the other over by it.
    other.fails("m", Condition::QuotaExceeded, Scope::Model, 600);
    other.control.tell().await;
    one.control.recover_account("a").unwrap();
    one.control.tell().await;
    let heard = other.hears().await;
    assert_eq!((heard.models.len(), told(&stores[0]).await), (1, 2));
    one.fails("m", Condition::Unauthorized, Scope::Account, 600);
    // Whose credentials may be others after a reload is told of no more.
    one.control.reload(Loss::Refused).await.unwrap();
    one.control.tell().await;
    assert_eq!((one.view().state, told(&stores[0]).await), ("ready", 2));
}

#[tokio::test]
async fn of_two_times_the_later_one_wins() {
    let (_, [mut one, mut other]) = two().await;
    one.fails("m", Condition::RateLimited, Scope::Account, 60);
    other.fails("m", Condition::RateLimited, Scope::Account, 600);
    let late = other.view().until;
    one.control.tell().await;
    assert_eq!(other.hears().await.until, late);
    other.control.tell().await;
    assert_eq!(one.hears().await.until, late);
}

#[tokio::test]
async fn what_a_store_that_is_away_was_not_told_it_is_told_later() {
    let (stores, [one, mut other]) = two().await;
    for mode in [AWAY, FULL] {
        stores[0].put(mode, "", "").await.unwrap();
        one.control.recover_account("a").unwrap();
        one.fails("m", Condition::RateLimited, Scope::Model, 60);
        one.fails("n", Condition::RateLimited, Scope::Account, 60);
        one.control.tell().await;
        stores[0].delete(mode, "").await.unwrap();
        assert_eq!(told(&stores[0]).await, 0, "{mode}");
    }
    one.control.tell().await;
    let heard = other.hears().await;
    assert_eq!((heard.state, heard.models.len()), ("rate_limited", 1));
}

#[tokio::test]
async fn what_is_over_for_long_is_deleted_and_what_can_not_be_read() {
    let (stores, [one, mut other]) = two().await;
    one.fails("m", Condition::RateLimited, Scope::Account, 60);
    one.control.tell().await;
    stores[0].put(KIND, "nonsense", "{").await.unwrap();
    other.hears().await;
    let now = Timestamp::now();
    other.hearing.sweep(&*stores[1], now).await.unwrap();
    assert_eq!(told(&stores[0]).await, 1);
    for (seconds, left) in [(59, 1), (61, 0)] {
        let later = now.saturating_add(KEPT + Duration::from_secs(seconds)).unwrap();
        other.hearing.sweep(&*stores[1], later).await.unwrap();
        assert_eq!(told(&stores[0]).await, left, "{seconds}");
    }
}
