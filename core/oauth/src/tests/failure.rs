//! What is told of a renewal that fails, and what is not lost by it.

use std::sync::atomic::Ordering;

use super::world::{Step, World, grant, usual};
use sluice_api::error::{Condition, Fault, Kind, Scope};

/// A token in a script that must never be seen in an error.
const PLANTED: &str = "planted";

#[tokio::test]
async fn a_rotated_token_that_can_not_be_kept_is_not_used_and_not_lost() {
    let world = World::new([grant("new", 3600, Some("r2"))]);
    let bearer = usual();
    world.full.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let error = world.given(&bearer, 1000).await.unwrap_err();
        assert_eq!((error.kind(), error.facts().elsewhere), (Kind::StoreUnavailable, true));
        assert_eq!(error.facts().condition, None);
    }
    world.full.store(false, Ordering::SeqCst);
    assert_eq!(world.given(&bearer, 1000).await.unwrap(), "new");
    assert!(world.kept().values().all(|text| text.contains("r2")));
    assert_eq!(world.refreshes().len(), 1);
}

#[tokio::test]
async fn a_token_that_was_not_rotated_is_used_though_it_can_not_be_kept() {
    let world = World::new([grant("new", 3600, None)]);
    world.full.store(true, Ordering::SeqCst);
    assert_eq!(world.given(&usual(), 1000).await.unwrap(), "new");
}

#[tokio::test]
async fn a_renewal_that_fails_early_leaves_the_token_in_use_for_a_while() {
    let world =
        World::new([Step::Gone, Step::Answer(500, String::new()), Step::Gone, grant("new", 3600, None)]);
    let bearer = usual();
    // Each patience lasts ten seconds, and none longer than the token.
    for (seconds, token, asked) in [
        (950, "old", 1),
        (959, "old", 1),
        (960, "old", 2),
        (995, "old", 3),
        (999, "old", 3),
        (1000, "new", 4),
    ] {
        assert_eq!(world.served(&bearer, seconds).await.unwrap(), token, "{seconds}");
        assert_eq!(world.refreshes().len(), asked, "{seconds}");
    }
}

#[tokio::test]
async fn what_a_token_endpoint_does_wrong_is_told_without_its_words() {
    let account = (Fault::Account, Scope::Account);
    let provider = (Fault::Provider, Scope::Account);
    let answer = |status: u16, body: &str| Step::Answer(status, body.to_owned());
    let long = format!(r#"{{"access_token":"planted{}"}}"#, "x".repeat(100_000));
    for (step, blamed, condition, told) in [
        (answer(200, "planted nonsense"), provider, Condition::Failing, "answered 200 without tokens"),
        (answer(200, "<html>planted</html>"), provider, Condition::Failing, "check the account's token_url"),
        (answer(200, r#"{"error":"planted"}"#), provider, Condition::Failing, "answered 200 without tokens"),
        (
            answer(200, r#"{"error":"invalid_grant"}"#),
            account,
            Condition::Unauthorized,
            "(200, invalid_grant)",
        ),
        (answer(200, "[]"), account, Condition::Unauthorized, "no bearer token"),
        (answer(200, r#"{"access_token":"planted\n"}"#), account, Condition::Unauthorized, "no bearer token"),
        (answer(200, r#"{"access_token":["planted"]}"#), account, Condition::Unauthorized, "no bearer token"),
        (answer(200, r#"{"access_token":""}"#), account, Condition::Unauthorized, "no bearer token"),
        (
            answer(200, r#"{"access_token":"planted","token_type":"mac"}"#),
            account,
            Condition::Unauthorized,
            "no bearer token",
        ),
        (answer(200, &long), provider, Condition::Failing, "too long"),
        (
            answer(400, r#"{"error":"temporarily_unavailable"}"#),
            provider,
            Condition::Failing,
            "answered 400 without tokens",
        ),
        (answer(400, "<html>planted</html>"), provider, Condition::Failing, "answered 400 without tokens"),
        (
            answer(401, r#"{"error":"invalid_client"}"#),
            account,
            Condition::Unauthorized,
            "(401, invalid_client): give the account new credentials",
        ),
        (
            answer(400, r#"{"error":"unauthorized_client"}"#),
            account,
            Condition::Unauthorized,
            "give the account new credentials",
        ),
        (
            answer(400, r#"{"error":"unsupported_grant_type"}"#),
            account,
            Condition::Unauthorized,
            "check the account's oauth settings",
        ),
        (
            answer(400, r#"{"error":"invalid_grant","error_description":"planted"}"#),
            account,
            Condition::Unauthorized,
            "400, invalid_grant",
        ),
        (answer(401, r#"{"error":"planted"}"#), provider, Condition::Failing, "answered 401 without tokens"),
        (answer(302, ""), provider, Condition::Failing, "answered 302 without tokens; if it goes on"),
        (answer(429, "planted"), account, Condition::RateLimited, "too many requests"),
        (answer(503, "planted"), provider, Condition::Failing, "answered 503"),
        (Step::Gone, provider, Condition::Failing, "nobody listens"),
    ] {
        let world = World::new([step.clone()]);
        let error = world.given(&usual(), 1000).await.unwrap_err();
        let facts = error.facts();
        assert_eq!(((facts.fault, facts.scope), facts.condition), (blamed, Some(condition)), "{step:?}");
        assert!(facts.elsewhere && facts.message.contains(told), "{step:?}: {error}");
        assert!(!format!("{error:?} {error}").contains(PLANTED), "{error:?}");
        let answered = matches!(step, Step::Answer(..)) && told != "too long";
        assert_eq!(facts.recovers.map(|wait| wait.as_secs()), answered.then_some(7), "{step:?}");
        assert!(world.kept().is_empty());
    }
}

#[tokio::test]
async fn no_secret_prints() {
    let world = World::new([grant("planted", 3600, Some("planted"))]);
    let bearer = usual();
    world.full.store(true, Ordering::SeqCst);
    assert!(world.given(&bearer, 1000).await.is_err());
    assert!(!format!("{bearer:?}").contains(PLANTED), "{bearer:?}");
    world.full.store(false, Ordering::SeqCst);
    assert!(world.given(&bearer, 1000).await.is_ok());
    assert!(!format!("{bearer:?}").contains(PLANTED), "{bearer:?}");
}
