//! Conversations stay where they were, on every gateway that has the store, and are bounded.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sluice_api::store::Store;
use sluice_fixtures::AWAY;

use super::{Conversation, REMEMBERED_MAX, Sessions};

const TTL: Duration = Duration::from_secs(3600);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

#[test]
fn a_session_stays_while_it_is_used_and_is_its_keys_and_pools_own() {
    let sessions = Sessions::default();
    let scope = Conversation { key: "k", pool: "p", session: "s" };
    let account: Arc<str> = "a".into();
    sessions.bind(scope, &account, at(0), TTL);
    assert_eq!(sessions.account(scope, at(3599)).as_deref(), Some("a"));
    assert_eq!(sessions.account(scope, at(3600)), None);
    sessions.bind(scope, &account, at(3599), TTL);
    assert_eq!(sessions.account(scope, at(7000)).as_deref(), Some("a"), "renewed by use");
    assert_eq!(sessions.account(Conversation { key: "other", ..scope }, at(1)), None);
    assert_eq!(sessions.account(Conversation { pool: "other", ..scope }, at(1)), None);
    sessions.sweep(at(99_999));
    assert_eq!(sessions.bindings.lock().len(), 0);
}

#[test]
fn sessions_are_bounded() {
    let sessions = Sessions::default();
    let account: Arc<str> = "a".into();
    for number in 0..=REMEMBERED_MAX {
        let session = number.to_string();
        sessions.bind(Conversation { key: "k", pool: "p", session: &session }, &account, at(0), TTL);
    }
    assert!(sessions.bindings.lock().len() <= REMEMBERED_MAX);
}

const SCOPE: Conversation<'_> = Conversation { key: "k", pool: "p", session: "s" };

/// Where a gateway sends the conversation that it is asked for now.
async fn asked(sessions: &Sessions, store: &dyn Store, now: Timestamp) -> Option<Arc<str>> {
    sessions.recall([SCOPE].into_iter(), store, now).await;
    sessions.account(SCOPE, now)
}

#[tokio::test]
async fn a_session_is_found_by_every_gateway_and_one_that_moves_takes_the_others_along() {
    let stores = sluice_fixtures::shared();
    let [one, other] = stores.each_ref().map(|store| Sessions::of(&**store));
    let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
    assert_eq!(asked(&one, &*stores[0], at(0)).await, None);
    one.bind(SCOPE, &a, at(0), TTL);
    assert_eq!((one.keep(&*stores[0]).await, one.keep(&*stores[0]).await), (1, 0));
    assert_eq!(asked(&other, &*stores[1], at(1)).await.as_deref(), Some("a"));
    other.bind(SCOPE, &b, at(1), TTL);
    // What is on its way holds, whatever the store says.
    assert_eq!(asked(&other, &*stores[1], at(3)).await.as_deref(), Some("b"));
    other.keep(&*stores[1]).await;
    assert_eq!(asked(&one, &*stores[0], at(4)).await.as_deref(), Some("b"));
    let elsewhere = Conversation { key: "other", ..SCOPE };
    one.recall([elsewhere].into_iter(), &*stores[0], at(4)).await;
    assert_eq!(one.account(elsewhere, at(4)), None);
}

#[tokio::test]
async fn a_session_that_goes_on_is_written_now_and_then_and_lasts_everywhere_as_long_as_it_is_used() {
    let stores = sluice_fixtures::shared();
    let [one, other] = stores.each_ref().map(|store| Sessions::of(&**store));
    let a: Arc<str> = "a".into();
    let mut written = 0;
    for request in 0..6_000 {
        one.bind(SCOPE, &a, at(request / 10), TTL);
        written += one.keep(&*stores[0]).await;
    }
    assert_eq!(written, 600, "once a second");
    assert_eq!(asked(&other, &*stores[1], at(599 + 3_599)).await.as_deref(), Some("a"));
    assert_eq!(asked(&other, &*stores[1], at(599 + 3_600 + 1)).await, None);
    one.bind(SCOPE, &"b".into(), at(599), TTL);
    assert_eq!(one.keep(&*stores[0]).await, 1, "one that moves is written at once");
}

#[tokio::test]
async fn a_store_that_is_away_keeps_no_session_from_its_account_and_is_told_in_the_end() {
    let stores = sluice_fixtures::shared();
    let [one, other] = stores.each_ref().map(|store| Sessions::of(&**store));
    stores[0].put(AWAY, "", "").await.unwrap();
    one.bind(SCOPE, &"a".into(), at(0), TTL);
    assert_eq!(one.keep(&*stores[0]).await, 0);
    assert_eq!(asked(&one, &*stores[0], at(5)).await.as_deref(), Some("a"));
    assert_eq!(asked(&other, &*stores[1], at(5)).await, None);
    one.bind(SCOPE, &"b".into(), at(6), TTL);
    stores[0].delete(AWAY, "").await.unwrap();
    assert_eq!(one.keep(&*stores[0]).await, 1);
    assert_eq!(asked(&other, &*stores[1], at(6)).await.as_deref(), Some("b"));
}

#[tokio::test]
async fn what_nobody_shares_is_not_written() {
    let store = sluice_fixtures::store();
    let sessions = Sessions::of(&*store);
    sessions.bind(SCOPE, &"a".into(), at(0), TTL);
    assert_eq!(
        (sessions.keep(&*store).await, asked(&sessions, &*store, at(9)).await.as_deref()),
        (0, Some("a"))
    );
}
