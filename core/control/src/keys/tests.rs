//! Keys made at run time against configurations that change: nothing is half done, and nothing is lost.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sluice_api::dialect::{Api, Operation};
use sluice_api::store::Store;
use sluice_config::key::KeyHash;
use sluice_config::resolved::Resolved;
use sluice_config::{check, read};
use sluice_fixtures::FULL;
use sluice_line::ask::ClientRoute;
use sluice_line::line;

use super::KeyView;
use crate::groups::made::{self, Groups};
use crate::made::{KIND, MadeKeys, Stored};
use crate::overrides::AccountPatch;
use crate::{Control, Loss};

/// A configuration with one account in this pool, and more.
fn config(pool: &str, more: &str) -> Resolved {
    let text = format!(
        "store.kind = \"test-store\"\nscheduler.kind = \"test-scheduler\"\ncost.kind = \"test-cost\"\n\
         [[accounts]]\nname = \"a\"\nprovider = \"test-secretive\"\npools = [{pool:?}]\n{more}"
    );
    check::check(&read::load_text(&text).unwrap()).unwrap()
}

fn groups(config: &Resolved) -> Groups {
    made::in_force(config, &made::Bound::new())
}

async fn stored(store: &Arc<dyn Store>, name: &str, secret: &str, pool: &str) {
    let Value::Object(fields) = json!({ "name": name, "pools": [pool] }) else { panic!("no object") };
    put(store, name, secret, fields).await;
}

async fn put(store: &Arc<dyn Store>, name: &str, secret: &str, fields: Map<String, Value>) {
    let stored = Stored {
        id: format!("key_{name}"),
        hash: KeyHash::of(secret.as_bytes()).to_string(),
        created: Timestamp::UNIX_EPOCH,
        rotated: None,
        fields,
    };
    store.put(KIND, &stored.id, &serde_json::to_string(&stored).unwrap()).await.unwrap();
}

fn in_force(keys: &MadeKeys) -> Vec<String> {
    keys.in_force().iter().map(|key| key.name.to_string()).collect()
}

#[tokio::test]
async fn a_configuration_that_is_not_taken_into_force_changes_no_key() {
    let before = config("own", "");
    let store = Arc::clone(&before.store);
    stored(&store, "one", "s1", "own").await;
    let keys = MadeKeys::load(&store, &before, &groups(&before)).await.unwrap();
    let first = keys.in_force();

    // Bound to another configuration, as a reload does before its snapshot fails: the keys are as they were.
    let other = config("own", "[[groups]]\nname = \"g\"\n");
    let bound = keys.bind(&other, &groups(&other)).unwrap();
    assert!(Arc::ptr_eq(&first[0], &keys.in_force()[0]));
    keys.commit(bound);
    assert!(!Arc::ptr_eq(&first[0], &keys.in_force()[0]));
}

#[tokio::test]
async fn a_configuration_that_a_key_in_force_does_not_fit_is_refused() {
    let before = config("own", "");
    let store = Arc::clone(&before.store);
    stored(&store, "one", "s1", "own").await;
    stored(&store, "two", "s2", "own").await;
    let keys = MadeKeys::load(&store, &before, &groups(&before)).await.unwrap();
    for (fresh, problems) in [
        (config("other", ""), vec![("keys.key_one", "`own`"), ("keys.key_two", "`own`")]),
        (
            config("own", "[[keys]]\nname = \"one\"\nkey = \"fresh\"\n"),
            vec![("keys.one.name", "has this name")],
        ),
        (
            config("own", "[[keys]]\nname = \"fresh\"\nkey = \"s2\"\n"),
            vec![("keys.fresh.key", "has this secret")],
        ),
    ] {
        let told = keys.bind(&fresh, &groups(&fresh)).unwrap_err();
        assert_eq!(told.len(), problems.len(), "{told:?}");
        for (problem, (path, says)) in told.iter().zip(problems) {
            assert!(problem.path == path && problem.message.contains(says), "{problem}");
        }
        assert_eq!(in_force(&keys), ["one", "two"]);
    }
}

#[tokio::test]
async fn a_key_that_does_not_fit_at_the_start_is_shown_and_comes_back_when_it_fits() {
    let without = config("other", "[[keys]]\nname = \"taken\"\nkey = \"t\"\n");
    let store = Arc::clone(&without.store);
    stored(&store, "bound", "s1", "own").await;
    stored(&store, "taken", "s2", "other").await;
    put(&store, "old", "s3", Map::from_iter([("former".to_owned(), json!(1))])).await;
    let keys = MadeKeys::load(&store, &without, &groups(&without)).await.unwrap();
    assert!(in_force(&keys).is_empty());
    let views: Vec<KeyView> = keys.all().iter().map(KeyView::of_made).collect();
    for (view, (name, says)) in views.iter().zip([
        ("bound", "no pool `own`"),
        ("", "unknown key `former`"),
        ("taken", "has this name"),
    ]) {
        assert_eq!(&*view.fields.name, name);
        assert!(view.status.not_in_force.as_ref().unwrap().contains(says), "{view:?}");
    }
    assert_eq!(views[0].fields.pools, ["own"]);

    let fits = config("own", "");
    let with = keys.bind(&fits, &groups(&fits)).unwrap();
    keys.commit(with);
    let standings: Vec<bool> = keys.all().iter().map(|made| made.in_force().is_some()).collect();
    assert_eq!(standings, [true, false, false]);
    assert_eq!(in_force(&keys), ["bound"]);
}

async fn control(text: &str) -> Arc<Control> {
    let loaded = read::load_text(text).unwrap();
    let resolved = check::check(&loaded).unwrap();
    Control::start(&loaded, resolved, read::Sources::Text(text.to_owned())).await.unwrap()
}

fn named(name: &str) -> Map<String, Value> {
    Map::from_iter([("name".to_owned(), json!(name))])
}

#[tokio::test]
async fn a_key_that_is_made_changed_or_deleted_rebuilds_nothing_else() {
    let control = control(
        "store.kind = \"test-store\"\nscheduler.kind = \"test-scheduler\"\ncost.kind = \"test-cost\"\n\
         [[accounts]]\nname = \"a\"\nprovider = \"test-secretive\"\n[[keys]]\nname = \"k\"\nkey = \"k\"\n",
    )
    .await;
    let before = control.gateway().snapshot();
    let (one, secret) = control.create_key(named("one")).await.unwrap();
    let first = before.keys.find(secret.as_bytes()).unwrap();
    let (two, _) = control.create_key(named("two")).await.unwrap();
    control.change_key("two", &Map::from_iter([("user".to_owned(), json!("u"))])).await.unwrap();
    let (_, rotated) = control.rotate_key(&two.status.id).await.unwrap();
    assert_eq!(before.keys.find(rotated.as_bytes()).unwrap().user.as_deref(), Some("u"));
    control.delete_key(&two.status.id).await.unwrap();
    assert!(before.keys.find(rotated.as_bytes()).is_none());

    let patch = AccountPatch { weight: Some(7), ..AccountPatch::default() };
    assert!(control.change_account("a", patch).await.unwrap());
    let after = control.gateway().snapshot();
    assert_eq!(after.roster.accounts[0].config.weight, 7);
    assert!(Arc::ptr_eq(&before.keys, &after.keys), "an account's change touches no key");
    // The very key that was made first, not another one like it.
    assert!(Arc::ptr_eq(&first, &after.keys.find(secret.as_bytes()).unwrap()));
    assert_eq!(
        control.list_keys().iter().map(|key| &key.status.id).collect::<Vec<_>>(),
        ["k", &one.status.id]
    );
}

/// By what is the very same afterwards: no time is measured.
#[tokio::test]
async fn each_of_ten_thousand_keys_leaves_all_others_as_they_are() {
    const KEYS: usize = 10_000;
    let control = control(
        "store.kind = \"test-store\"\nscheduler.kind = \"test-scheduler\"\ncost.kind = \"test-cost\"\n\
         [[accounts]]\nname = \"a\"\nprovider = \"test-secretive\"\n[[keys]]\nname = \"k\"\nkey = \"k\"\n",
    )
    .await;
    let snapshot = control.gateway().snapshot();
    let mut all = Vec::new();
    for number in 0..KEYS {
        let (_, secret) = control.create_key(named(&format!("k{number}"))).await.unwrap();
        all.push((snapshot.keys.find(secret.as_bytes()).unwrap(), secret));
    }
    assert!(Arc::ptr_eq(&snapshot, &control.gateway().snapshot()), "nothing else was rebuilt");
    for (key, secret) in &all {
        let found = snapshot.keys.find(secret.as_bytes()).unwrap();
        assert!(Arc::ptr_eq(key, &found), "no key was made anew for another one");
    }
    assert_eq!(control.list_keys().len(), KEYS + 1);
}

#[tokio::test]
async fn what_the_store_can_not_keep_is_not_changed_but_a_deleted_key_stays_out() {
    let control = control(
        "store.kind = \"test-store\"\nscheduler.kind = \"test-scheduler\"\ncost.kind = \"test-cost\"\n\
         [[accounts]]\nname = \"a\"\nprovider = \"test-secretive\"\n",
    )
    .await;
    let works = |secret: &str| control.gateway().snapshot().keys.find(secret.as_bytes()).is_some();
    let (made, secret) = control.create_key(named("one")).await.unwrap();
    control.gateway().store().put(FULL, "", "").await.unwrap();
    assert!(control.create_key(named("two")).await.is_err());
    assert!(control.change_key("one", &Map::from_iter([("user".to_owned(), json!("u"))])).await.is_err());
    assert!(control.rotate_key("one").await.is_err());
    let patch = AccountPatch { enabled: Some(false), ..AccountPatch::default() };
    assert!(control.change_account("a", patch).await.is_err());
    let listed = control.list_keys();
    assert_eq!((listed.len(), &listed[0].fields.user, listed[0].status.rotated), (1, &None, None));
    assert!(works(&secret) && control.gateway().snapshot().roster.accounts[0].config.enabled);

    let error = control.delete_key("one").await.unwrap_err().to_string();
    assert!(error.contains("has stopped") && !works(&secret), "{error}");
    let shown = control.show_key("one").unwrap();
    assert!(
        shown.status.id == made.status.id && shown.status.not_in_force.unwrap().contains("delete it again")
    );
    control.reload(Loss::Refused).await.unwrap();
    assert!(!works(&secret), "a reload takes it not into force again");
    control.gateway().store().delete(FULL, "").await.unwrap();
    control.delete_key("one").await.unwrap();
    assert!(control.list_keys().is_empty() && control.create_key(named("one")).await.is_ok());
}

#[tokio::test]
async fn when_a_key_was_used_is_forgotten_with_the_key() {
    let control = control(
        "store.kind = \"test-store\"\nscheduler.kind = \"test-scheduler\"\ncost.kind = \"test-cost\"\n\
         limits.kinds = []\n[[keys]]\nname = \"k\"\nkey = \"k\"\n",
    )
    .await;
    let used = || {
        let mut ids = Vec::new();
        control.gateway().records().last_used(|used| ids.extend(used.keys().map(ToString::to_string)));
        ids.sort_unstable();
        ids
    };
    let (stays, stays_secret) = control.create_key(named("stays")).await.unwrap();
    let (goes, goes_secret) = control.create_key(named("goes")).await.unwrap();
    for secret in ["k", &stays_secret, &goes_secret] {
        let request = http::Request::post("http://g/v1/messages").header("x-api-key", secret);
        let request =
            request.body(http_body_util::Full::new(sluice_api::plugin::Bytes::from_static(b"{}"))).unwrap();
        let route = ClientRoute::body(Api::Anthropic, Operation::Generate);
        line::serve(control.gateway(), request, route).await;
    }
    control.sweep();
    assert_eq!(used(), ["k", &stays.status.id, &goes.status.id]);
    control.delete_key(&goes.status.id).await.unwrap();
    control.sweep();
    assert_eq!(used(), ["k", &stays.status.id]);
}

#[test]
fn a_merge_patch_reaches_into_tables() {
    let fields = |value: Value| value.as_object().unwrap().clone();
    let mut merged = fields(json!({ "name": "n", "queue": { "size": 1, "wait": "1s" }, "user": "u" }));
    crate::merge::merge(&mut merged, &fields(json!({ "queue": { "size": 2 }, "user": null, "tags": ["t"] })));
    let wanted = json!({ "name": "n", "queue": { "size": 2, "wait": "1s" }, "tags": ["t"] });
    assert_eq!(Value::Object(merged), wanted);
}
