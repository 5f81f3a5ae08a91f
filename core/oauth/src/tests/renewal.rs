//! When tokens are renewed, how often, and where they are found again.

use std::task::{Context, Waker};

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::world::{Step, World, at, bearer, grant, usual};
use sluice_api::error::{Condition, Fault};
use sluice_api::provider::Renewal as _;

/// The refresh token is good no more.
fn refused() -> Step {
    Step::Answer(400, r#"{"error":"invalid_grant"}"#.to_owned())
}

#[tokio::test]
async fn a_token_is_renewed_a_minute_before_it_ends_and_not_sooner() {
    let world = World::new([grant("new", 3600, None)]);
    let bearer = usual();
    for (seconds, token) in [(0, "old"), (939, "old"), (940, "old"), (940, "new"), (4479, "new")] {
        assert_eq!(world.served(&bearer, seconds).await.unwrap(), token, "{seconds}");
    }
    let form = "grant_type=refresh_token&refresh_token=planted%2F1&client_id=id&client_secret=planted%262";
    assert_eq!(world.asked(), [form]);
    let request = world.last();
    assert_eq!(
        (request.method().as_str(), request.uri().to_string()),
        ("POST", "http://h/token?x=1".to_owned())
    );
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
}

#[tokio::test]
async fn a_token_that_lives_shorter_than_the_margin_is_not_renewed_for_each_request() {
    let world = World::new([grant("a", 40, None), grant("b", 40, None)]);
    let bearer = bearer("refresh_token = \"r\"\ntoken_url = \"http://h\"");
    for (seconds, token) in [(0, "a"), (29, "a"), (30, "a"), (30, "b"), (59, "b")] {
        assert_eq!(world.served(&bearer, seconds).await.unwrap(), token, "{seconds}");
    }
}

#[tokio::test]
async fn a_renewal_that_hangs_costs_no_request_whose_token_is_good() {
    let world = World::new([Step::Hang, grant("new", 3600, None)]);
    let bearer = usual();
    assert_eq!(world.given(&bearer, 940).await.unwrap(), "old");
    assert!(bearer.begins_renewal(at(940)));
    let cx = world.cx(940);
    let mut renewal = Box::pin(bearer.renew_ahead(&cx));
    while world.left() > 1 {
        assert!(renewal.as_mut().now_or_never().is_none());
    }
    for seconds in 940..1000 {
        assert_eq!(world.given(&bearer, seconds).now_or_never().unwrap().unwrap(), "old", "{seconds}");
        assert!(!bearer.begins_renewal(at(seconds)), "one renewal at a time");
    }
    // Who needs another one waits for what comes of it.
    assert!(world.given(&bearer, 1000).now_or_never().is_none());
    drop(renewal);
    assert_eq!(world.given(&bearer, 1000).await.unwrap(), "new");
}

#[tokio::test]
async fn a_token_that_is_about_to_end_at_the_start_is_used_and_renewed() {
    let world = World::new([grant("new", 3600, Some("r2"))]);
    let bearer = usual();
    assert_eq!(world.served(&bearer, 950).await.unwrap(), "old");
    assert_eq!(world.given(&bearer, 950).await.unwrap(), "new");
    assert_eq!(world.refreshes().len(), 1);
}

#[tokio::test]
async fn a_life_is_read_as_a_number_or_as_text_and_may_be_left_out() {
    for (life, renewed_at) in [
        ("100", Some(75)),
        ("100.9", Some(76)),
        ("\"100\"", Some(75)),
        ("null", None),
        ("0", None),
        ("-5", None),
        ("\"soon\"", None),
        ("1e300", None),
    ] {
        let answer = format!(r#"{{"access_token":"a","expires_in":{life},"scope":"x"}}"#);
        let world = World::new([Step::Answer(200, answer), grant("b", 100, None)]);
        let bearer = bearer("refresh_token = \"r\"\ntoken_url = \"http://h\"");
        assert_eq!(world.given(&bearer, 0).await.unwrap(), "a");
        let last = renewed_at.unwrap_or(1_000_000);
        assert_eq!(world.given(&bearer, last - 1).await.unwrap(), "a", "{life}");
        let then = if renewed_at.is_some() { "b" } else { "a" };
        assert_eq!(world.served(&bearer, last).await.unwrap(), "a", "{life}");
        assert_eq!(world.given(&bearer, last).await.unwrap(), then, "{life}");
    }
}

#[tokio::test]
async fn fifty_who_come_at_once_share_one_refresh_and_what_came_of_it() {
    let world = World::new([grant("new", 3600, Some("r2")), refused()]);
    let bearer = usual();
    let all = join_all((0..50).map(|_| world.given(&bearer, 1000))).await;
    assert!(all.iter().all(|token| token.as_ref().unwrap() == "new"));
    assert_eq!(world.refreshes().len(), 1);

    let all = join_all((0..50).map(|_| world.given(&bearer, 9000))).await;
    assert!(all.iter().all(|token| token.as_ref().unwrap_err().facts().fault == Fault::Account));
    assert_eq!(world.refreshes(), ["planted%2F1", "r2"]);
}

#[tokio::test]
async fn one_who_leaves_while_others_wait_leaves_the_refresh_to_them() {
    let world = World::new([grant("new", 3600, None)]);
    let bearer = usual();
    let mut gone = Box::pin(world.given(&bearer, 1000));
    assert!(gone.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(gone);
    assert_eq!(world.given(&bearer, 1000).await.unwrap(), "new");
}

#[tokio::test]
async fn a_rotated_refresh_token_is_kept_before_its_access_token_is_used_and_found_again() {
    let world =
        World::new([grant("a", 3600, Some("r2")), grant("b", 3600, Some("r3")), grant("c", 60, None)]);
    let first = usual();
    assert_eq!(world.given(&first, 1000).await.unwrap(), "a");
    // After a restart, the vault's tokens win over the configured ones; they are asked for once more only when due.
    let second = usual();
    assert_eq!(world.given(&second, 1001).await.unwrap(), "a");
    assert_eq!(world.given(&second, 9000).await.unwrap(), "b");
    assert_eq!(world.refreshes(), ["planted%2F1", "r2"]);
    // What another gateway has renewed meanwhile is taken from the vault.
    assert_eq!(world.given(&first, 9000).await.unwrap(), "b");
    assert_eq!(world.refreshes().len(), 2);
    // An operator who configures another refresh token starts anew.
    let changed = bearer("refresh_token = \"other\"\ntoken_url = \"http://h\"");
    assert_eq!(world.given(&changed, 9000).await.unwrap(), "c");
    assert_eq!(world.refreshes()[2], "other");
    let kept = world.kept();
    assert_eq!(kept.len(), 2);
    assert!(kept.keys().all(|name| name.starts_with("oauth/account/") && !name.contains("planted")));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_all_who_had_it() {
    let world = World::new([grant("b", 3600, None), grant("c", 3600, None)]);
    let bearer = usual();
    for seconds in 0..20 {
        assert_eq!(world.given(&bearer, seconds).await.unwrap(), "old");
    }
    let contexts: Vec<_> = (0..19).map(|seconds| world.cx(seconds)).collect();
    let all = join_all(contexts.iter().map(|cx| bearer.renew(cx))).await;
    assert!(all.into_iter().all(|renewed| renewed.unwrap()));
    assert_eq!(world.given(&bearer, 5).await.unwrap(), "b");
    // One that was refused only now had the token before, too.
    assert!(bearer.renew(&world.cx(19)).await.unwrap());
    assert_eq!(world.refreshes().len(), 1);
    // One that had the new one has it renewed.
    assert_eq!(world.given(&bearer, 21).await.unwrap(), "b");
    assert!(bearer.renew(&world.cx(21)).await.unwrap());
    assert_eq!(world.given(&bearer, 22).await.unwrap(), "c");
    assert_eq!(world.refreshes().len(), 2);
}

#[tokio::test]
async fn a_refused_token_is_given_to_nobody_else() {
    let world = World::new([Step::Gone, grant("b", 3600, None)]);
    let bearer = usual();
    assert_eq!(world.given(&bearer, 0).await.unwrap(), "old");
    assert!(bearer.renew(&world.cx(0)).await.is_err());
    assert_eq!(world.given(&bearer, 1).await.unwrap(), "b");
}

#[tokio::test]
async fn what_can_not_be_renewed_is_used_until_it_ends() {
    let world = World::new([]);
    let forever = bearer("access_token = \"a\"");
    assert_eq!(world.given(&forever, 1_000_000).await.unwrap(), "a");
    assert!(!forever.renew(&world.cx(0)).await.unwrap());

    let ends = bearer(&format!("access_token = \"a\"\nexpires_at = \"{}\"", at(100)));
    assert_eq!(world.given(&ends, 99).await.unwrap(), "a");
    let error = world.given(&ends, 100).await.unwrap_err();
    assert_eq!(error.facts().condition, Some(Condition::Unauthorized));
}
