//! Two gateways on one store: what one changes is in force on the other one after its next turn, and nothing is undone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Request;
use http_body_util::Full;
use serde_json::{Map, Value, json};
use sluice_api::dialect::{Api, Operation};
use sluice_api::plugin::Bytes;
use sluice_config::{check, read};
use sluice_fixtures::{AWAY, FULL, LATE};
use sluice_fleet::session::Conversation;
use sluice_line::ask::ClientRoute;
use sluice_line::line;
use sluice_wire::request::session::known_as;

use super::{Change, Following, changes};
use crate::error::KeyError;
use crate::overrides::AccountPatch;
use crate::seen::Seen;
use crate::{Control, Loss};

const FILE: &str = "limits.kinds = []\nstore.kind = \"test-store\"\nscheduler.kind = \"test-scheduler\"\ncost.kind = \"test-cost\"\n\
                    [[accounts]]\nname = \"a\"\nprovider = \"test-secretive\"\nweight = 2\n";

/// Gateways with these files, and what has them follow.
async fn gateways(files: [&str; 2]) -> [Following; 2] {
    let [one, other] = sluice_fixtures::shared();
    let start = async |store, text: &str| {
        let loaded = read::load_text(text).unwrap();
        let mut resolved = check::check(&loaded).unwrap();
        resolved.store = store;
        let sources = read::Sources::Text(text.to_owned());
        Following::new(Control::start(&loaded, resolved, sources).await.unwrap(), Instant::now())
    };
    [start(one, files[0]).await, start(other, files[1]).await]
}

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn works(following: &Following, secret: &str) -> bool {
    following.control.gateway().snapshot().keys.find(secret.as_bytes()).is_some()
}

fn weight(following: &Following) -> u32 {
    following.control.gateway().snapshot().roster.accounts[0].config.weight
}

fn patch(weight: u32) -> AccountPatch {
    AccountPatch { weight: Some(weight), ..AccountPatch::default() }
}

#[tokio::test]
async fn a_key_works_everywhere_from_its_making_to_its_deletion() {
    let [mut one, mut other] = gateways([FILE; 2]).await;
    let (made, first) = one.control.create_key(fields(json!({ "name": "k" }))).await.unwrap();
    assert!(works(&one, &first) && !works(&other, &first));
    other.turn(Instant::now).await;
    assert!(works(&other, &first));
    assert_eq!(other.control.show_key("k").unwrap().status.id, made.status.id);

    let (_, second) = other.control.rotate_key("k").await.unwrap();
    one.turn(Instant::now).await;
    assert!(!works(&one, &first) && works(&one, &second));
    one.control.change_key("k", &fields(json!({ "name": "renamed" }))).await.unwrap();
    other.turn(Instant::now).await;
    assert!(other.control.show_key("k").is_err() && other.control.show_key("renamed").is_ok());

    other.control.delete_key("renamed").await.unwrap();
    one.turn(Instant::now).await;
    assert!(!works(&one, &second) && one.control.list_keys().is_empty());
}

#[tokio::test]
async fn a_change_that_took_so_long_that_others_have_changed_the_same_undoes_nothing() {
    let [mut one, mut other] = gateways([FILE; 2]).await;
    let (made, _) = one.control.create_key(fields(json!({ "name": "k" }))).await.unwrap();
    other.turn(Instant::now).await;
    let slow = one.control.changing().await.unwrap();
    let store = &**one.control.gateway().store();
    let kept = async || store.list(crate::made::KIND).await.unwrap();
    store.put(LATE, "", "").await.unwrap();
    other.control.change_key("k", &fields(json!({ "user": "quick" }))).await.unwrap();
    store.delete(LATE, "").await.unwrap();
    let (before, place) = (kept().await, (crate::made::KIND, &*made.status.id));
    for document in [Some("slow"), None] {
        let error = slow.claim.write(store, place, document).await.unwrap_err();
        assert!(error.to_string().contains("try again"), "{error}");
    }
    slow.claim.write_soon(store, place, "slow").await.unwrap_err();
    assert_eq!(kept().await, before);
    drop(slow);
    one.turn(Instant::now).await;
    assert_eq!(one.control.show_key("k").unwrap().fields.user.as_deref(), Some("quick"));
}

#[tokio::test]
async fn a_group_binds_its_keys_everywhere() {
    let [mut one, mut other] = gateways([FILE; 2]).await;
    one.control.create_group(fields(json!({ "name": "g", "concurrency": 2 }))).await.unwrap();
    let (_, secret) = one.control.create_key(fields(json!({ "name": "k", "group": "g" }))).await.unwrap();
    let (_, alone) = one.control.create_key(fields(json!({ "name": "alone" }))).await.unwrap();
    other.turn(Instant::now).await;
    let found = |following: &Following, secret: &str| {
        following.control.gateway().snapshot().keys.find(secret.as_bytes()).unwrap()
    };
    let concurrency = |following| found(following, &secret).group.as_ref().unwrap().concurrency;
    assert_eq!(concurrency(&other), 2);
    let before = found(&one, &alone);
    other.control.change_group("g", &fields(json!({ "concurrency": 7 }))).await.unwrap();
    one.turn(Instant::now).await;
    assert_eq!(concurrency(&one), 7);
    assert!(Arc::ptr_eq(&before, &found(&one, &alone)), "what is as it was is not made anew");
    assert!(one.control.delete_group("g").await.is_err());
    one.control.delete_key("k").await.unwrap();
    one.control.delete_group("g").await.unwrap();
    other.turn(Instant::now).await;
    assert!(other.control.list_groups().await.is_empty());
}

#[tokio::test]
async fn what_is_changed_on_two_gateways_at_once_is_changed_twice_and_what_is_deleted_stays_so() {
    let [one, other] = gateways([FILE; 2]).await;
    let (_, secret) = one.control.create_key(fields(json!({ "name": "k" }))).await.unwrap();
    // Neither has had a turn to follow the other one.
    other.control.change_key("k", &fields(json!({ "user": "u" }))).await.unwrap();
    let (tags, concurrency) = (fields(json!({ "tags": ["t"] })), fields(json!({ "concurrency": 3 })));
    let changed =
        tokio::join!(one.control.change_key("k", &tags), other.control.change_key("k", &concurrency));
    assert!(changed.0.is_ok() && changed.1.is_ok());
    let taken = other.control.create_key(fields(json!({ "name": "k" }))).await;
    assert!(matches!(taken, Err(KeyError::NameTaken(_))));
    let mut other = other;
    other.turn(Instant::now).await;
    let shown = other.control.show_key("k").unwrap().fields;
    assert_eq!((shown.user.as_deref(), shown.concurrency, shown.tags.len()), (Some("u"), 3, 1));

    one.control.delete_key("k").await.unwrap();
    assert!(works(&other, &secret), "it has not followed yet");
    let gone = other.control.change_key("k", &fields(json!({ "user": "v" }))).await;
    assert!(matches!(gone, Err(KeyError::NotFound(_))) && !works(&other, &secret));
}

#[tokio::test]
async fn what_an_operator_changes_of_an_account_is_changed_everywhere() {
    let [mut one, mut other] = gateways([FILE; 2]).await;
    let roster = Arc::as_ptr(&one.control.gateway().snapshot());
    one.turn(Instant::now).await;
    assert_eq!(roster, Arc::as_ptr(&one.control.gateway().snapshot()), "nothing is built for nothing");
    assert!(one.control.change_account("a", patch(7)).await.unwrap());
    other.turn(Instant::now).await;
    assert_eq!((weight(&one), weight(&other)), (7, 7));
    assert!(other.control.change_account("a", patch(9)).await.unwrap());
    one.turn(Instant::now).await;
    assert_eq!((weight(&one), weight(&other)), (9, 9));
}

#[tokio::test]
async fn a_gateway_with_another_file_takes_no_change_from_the_others() {
    let heavier = FILE.replace("weight = 2", "weight = 3");
    let [mut one, other] = gateways([FILE; 2]).await;
    assert!(one.control.change_account("a", patch(7)).await.unwrap());
    // A third one starts with another file: what stands over 2 is not its own, and is not in its way.
    let loaded = read::load_text(&heavier).unwrap();
    let mut resolved = check::check(&loaded).unwrap();
    resolved.store = Arc::clone(other.control.gateway().store());
    let third = Control::start(&loaded, resolved, read::Sources::Text(heavier)).await.unwrap();
    third.reload(Loss::Refused).await.unwrap();
    assert_eq!(weight(&Following::new(third, Instant::now())), 3);
    one.turns = 0;
    one.turn(Instant::now).await;
    assert_eq!(weight(&one), 7);
}

#[tokio::test]
async fn a_key_that_a_file_has_no_room_for_is_out_there_alone_until_it_fits() {
    let taken = format!("{FILE}[[keys]]\nname = \"k\"\nkey = \"file\"\n");
    let [one, mut other] = gateways([FILE, &taken]).await;
    let (_, secret) = one.control.create_key(fields(json!({ "name": "k" }))).await.unwrap();
    other.turn(Instant::now).await;
    assert!(works(&one, &secret) && !works(&other, &secret) && works(&other, "file"));
    let id = one.control.show_key("k").unwrap().status.id;
    let shown = other.control.show_key(&id).unwrap().status.not_in_force;
    assert!(shown.unwrap().contains("has this name"));
    one.control.change_key("k", &fields(json!({ "name": "own" }))).await.unwrap();
    other.turn(Instant::now).await;
    assert!(works(&other, &secret));
}

#[tokio::test]
async fn while_the_store_is_away_all_stays_and_then_it_is_caught_up_with() {
    let [one, mut other] = gateways([FILE; 2]).await;
    let (_, stays) = one.control.create_key(fields(json!({ "name": "stays" }))).await.unwrap();
    let (_, goes) = one.control.create_key(fields(json!({ "name": "goes" }))).await.unwrap();
    other.turn(Instant::now).await;
    let store = Arc::clone(one.control.gateway().store());
    store.put(AWAY, "", "").await.unwrap();
    for turn in 0..3 {
        other.turn(Instant::now).await;
        assert!(other.away && works(&other, &stays) && works(&other, &goes), "turn {turn}");
    }
    // It stops where it is deleted, whatever the store does, and everywhere once it is deleted there.
    assert!(matches!(one.control.delete_key("goes").await, Err(KeyError::NotForgotten(_))));
    assert!(!works(&one, &goes));
    assert!(one.control.create_key(fields(json!({ "name": "new" }))).await.is_err());
    store.delete(AWAY, "").await.unwrap();
    one.control.delete_key("goes").await.unwrap();
    other.turn(Instant::now).await;
    assert!(!other.away && works(&other, &stays) && !works(&other, &goes));
}

#[tokio::test]
async fn who_can_not_know_what_others_change_serves_nobody_for_longer_than_they_wait_for_it() {
    let file = format!("{FILE}[[keys]]\nname = \"k\"\nkey = \"k\"\n");
    let [mut one, _] = gateways([&file; 2]).await;
    let gateway = Arc::clone(one.control.gateway());
    let status = async || {
        let request = Request::post("http://g/v1/messages").header("x-api-key", "k");
        let request = request.body(Full::new(Bytes::from_static(b"{}"))).unwrap();
        let route = ClientRoute::body(Api::Anthropic, Operation::Generate);
        line::serve(&gateway, request, route).await.status().as_u16()
    };
    let begun = one.followed;
    let at = |ms: u64| move || begun + Duration::from_millis(ms);
    gateway.store().put(AWAY, "", "").await.unwrap();
    for (ms, told) in [(500, 400), (999, 400), (1_000, 503), (9_000, 503)] {
        one.turn(at(ms)).await;
        assert_eq!(status().await, told, "after {ms} ms");
    }
    gateway.store().delete(AWAY, "").await.unwrap();
    one.turn(at(9_500)).await;
    assert_eq!(status().await, 400);
    gateway.store().put(AWAY, "", "").await.unwrap();
    one.turn(at(10_499)).await;
    assert_eq!(status().await, 400, "it counts from when it was asked last");
}

#[tokio::test]
async fn what_could_not_be_deleted_stays_out_here_until_somebody_makes_something_else_of_it() {
    let [mut one, mut other] = gateways([FILE; 2]).await;
    let (_, secret) = one.control.create_key(fields(json!({ "name": "k" }))).await.unwrap();
    let store = Arc::clone(one.control.gateway().store());
    other.turn(Instant::now).await;
    store.put(FULL, "", "").await.unwrap();
    assert!(one.control.delete_key("k").await.is_err());
    store.delete(FULL, "").await.unwrap();
    one.turns = 0;
    one.turn(Instant::now).await;
    assert!(!works(&one, &secret) && works(&other, &secret));
    let (_, fresh) = other.control.rotate_key("k").await.unwrap();
    one.turn(Instant::now).await;
    assert!(works(&one, &fresh));
}

#[tokio::test]
async fn a_gateways_own_changes_are_not_read_again() {
    let [mut one, mut other] = gateways([FILE; 2]).await;
    one.turn(Instant::now).await;
    let store = Arc::clone(one.control.gateway().store());
    let is_up = async |following: &Following| {
        following.control.current().await.seen == Seen::now(&*store).await.unwrap()
    };
    one.control.create_group(fields(json!({ "name": "g" }))).await.unwrap();
    one.control.create_key(fields(json!({ "name": "k", "group": "g" }))).await.unwrap();
    one.control.change_account("a", patch(3)).await.unwrap();
    assert!(is_up(&one).await && !is_up(&other).await);
    other.turn(Instant::now).await;
    assert!(is_up(&other).await);
    // One of another gateway between is read, whoever writes next.
    other.control.create_key(fields(json!({ "name": "l" }))).await.unwrap();
    one.control.delete_key("k").await.unwrap();
    assert!(is_up(&one).await && one.control.show_key("l").is_ok());
}

#[tokio::test]
async fn a_session_is_on_its_account_whichever_gateway_is_asked() {
    let two = FILE
        .replace("weight = 2", "weight = 2\n[[accounts]]\nname = \"b\"\nprovider = \"test-claude\"")
        + "[[keys]]\nname = \"k\"\nkey = \"k\"\n";
    let two = two.replace("test-secretive", "test-claude");
    let [one, other] = gateways([&two; 2]).await;
    let gateway = one.control.gateway();
    let pool = gateway.snapshot().roster.accounts[1].config.pools[0].clone();
    let name = known_as("s".to_owned());
    let scope = Conversation { key: "k", pool: &pool, session: &name };
    let ttl = gateway.snapshot().choosing.sticky_ttl;
    gateway.fleet().sessions().bind(scope, &"b".into(), gateway.now(), ttl);
    one.control.finish().await;
    let question = fields(json!({ "key": "k", "api": "anthropic", "model": "claude-x", "session": "s" }));
    let question = serde_json::from_value(Value::Object(question)).unwrap();
    let told = other.control.explain(&question).await.unwrap();
    assert!(
        told.account.as_deref() == Some("b") && told.steps.iter().any(|step| step.step == "session"),
        "{told:?}"
    );
}

#[tokio::test]
async fn what_can_not_be_read_changes_nothing() {
    let [one, _] = gateways([FILE; 2]).await;
    let (made, _) = one.control.create_key(fields(json!({ "name": "k" }))).await.unwrap();
    let current = one.control.current().await;
    let documents = |text: &str| vec![(made.status.id.clone(), text.to_owned())];
    for text in ["", "{}", "[]", "{\"id\":\"another\"}"] {
        let changes = changes(documents(text), one.control.keys(), &[].into(), &current).await;
        assert!(changes.is_empty(), "{text}");
    }
    let changes = changes(Vec::new(), one.control.keys(), &[].into(), &current).await;
    assert!(matches!(changes.as_slice(), [Change::Gone(_)]));
}
