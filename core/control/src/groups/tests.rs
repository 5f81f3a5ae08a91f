//! Groups made at run time, with the keys that are in them: nothing is half done, and nothing is lost.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use sluice_config::{check, read};
use sluice_fixtures::FULL;

use crate::error::GroupError;
use crate::{Control, Loss};

/// A gateway with a group `files` of its configuration, and more.
async fn control(more: &str) -> Arc<Control> {
    let text = format!(
        "store.kind = \"test-store\"\nscheduler.kind = \"test-scheduler\"\ncost.kind = \"test-cost\"\n\
         [[accounts]]\nname = \"a\"\nprovider = \"test-secretive\"\n[[groups]]\nname = \"files\"\n{more}"
    );
    let loaded = read::load_text(&text).unwrap();
    let resolved = check::check(&loaded).unwrap();
    Control::start(&loaded, resolved, read::Sources::Text(text)).await.unwrap()
}

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn a_group_binds_its_keys_from_its_making_to_its_last_change() {
    let control = control("").await;
    let made = fields(json!({ "name": "g", "concurrency": 2, "limits": [{ "per": "day", "tokens": 5 }] }));
    control.create_group(made.clone()).await.unwrap();
    assert!(matches!(control.create_group(made).await, Err(GroupError::NameTaken(_))));
    let (_, secret) = control.create_key(fields(json!({ "name": "k", "group": "g" }))).await.unwrap();
    let group = || {
        let key = control.gateway().snapshot().keys.find(secret.as_bytes()).unwrap();
        Arc::clone(key.group.as_ref().unwrap())
    };
    let before = group();
    assert_eq!((before.concurrency, before.limits[0].most), (2, 5));
    let patch = fields(json!({ "concurrency": null, "limits": [{ "per": "day", "tokens": 7 }] }));
    control.change_group("g", &patch).await.unwrap();
    let after = group();
    assert_eq!((after.concurrency, after.limits[0].most), (0, 7));
    assert_eq!(before.limits[0].part, after.limits[0].part, "what was counted still counts");

    control.reload(Loss::Refused).await.unwrap();
    assert_eq!(group().limits[0].most, 7, "a reload leaves it as it is");
    assert!(matches!(control.delete_group("g").await, Err(GroupError::HasKeys { .. })));
    control.delete_key("k").await.unwrap();
    control.delete_group("g").await.unwrap();
    assert!(matches!(control.show_group("g").await, Err(GroupError::NotFound(_))));
    assert!(control.create_key(fields(json!({ "name": "k", "group": "g" }))).await.is_err());
}

#[tokio::test]
async fn a_change_that_one_of_its_keys_does_not_fit_changes_nothing() {
    let control = control("").await;
    control.create_group(fields(json!({ "name": "g", "concurrency": 2 }))).await.unwrap();
    let queued = json!({ "name": "k", "group": "g", "queue": { "size": 1, "wait": "1s" } });
    control.create_key(fields(queued)).await.unwrap();
    let error = control.change_group("g", &fields(json!({ "concurrency": 0 }))).await.unwrap_err();
    assert!(error.to_string().contains("`k`") && error.to_string().contains("a queue needs"), "{error}");
    let renamed = control.change_group("g", &fields(json!({ "name": "h" }))).await.unwrap_err();
    assert!(renamed.to_string().contains("keeps its name"), "{renamed}");
    control.gateway().store().put(FULL, "", "").await.unwrap();
    assert!(control.change_group("g", &fields(json!({ "concurrency": 9 }))).await.is_err());
    assert!(control.delete_group("g").await.is_err());
    let shown = control.show_group("g").await.unwrap();
    assert_eq!(shown.fields.concurrency, 2);
}

#[tokio::test]
async fn groups_of_files_are_theirs_and_their_names_are_nobody_elses() {
    let control = control("").await;
    for changed in
        [control.change_group("files", &Map::new()).await.map(drop), control.delete_group("files").await]
    {
        assert!(matches!(changed, Err(GroupError::ManagedByConfig(_))), "{changed:?}");
    }
    let taken = control.create_group(fields(json!({ "name": "files" }))).await;
    assert!(matches!(taken, Err(GroupError::NameTaken(_))));
    control.create_group(fields(json!({ "name": "later" }))).await.unwrap();
    let listed: Vec<_> =
        control.list_groups().await.iter().map(|view| view.fields.name.to_string()).collect();
    assert_eq!(listed, ["files", "later"]);
}

#[tokio::test]
async fn a_file_that_takes_a_groups_name_is_refused_by_a_reload_and_stands_before_it_at_a_start() {
    let with = |more: &str| {
        let text = format!(
            "store.kind = \"test-store\"\nscheduler.kind = \"test-scheduler\"\ncost.kind = \"test-cost\"\n{more}"
        );
        check::check(&read::load_text(&text).unwrap()).unwrap()
    };
    let before = with("");
    let store = Arc::clone(&before.store);
    let stored = json!({ "created": "1970-01-01T00:00:00Z", "fields": { "name": "g", "concurrency": 3 } });
    store.put(super::KIND, "g", &stored.to_string()).await.unwrap();
    let taking = with("[[groups]]\nname = \"g\"\nconcurrency = 8\n");

    let groups = super::made::MadeGroups::load(&store, &before).await.unwrap();
    let problems = groups.bind(&taking).unwrap_err();
    assert!(problems.len() == 1 && problems[0].path == "groups.g.name", "{problems:?}");
    assert!(problems[0].message.contains("made at run time"), "{problems:?}");
    assert_eq!(groups.with(&before)["g"].concurrency, 3);

    let groups = super::made::MadeGroups::load(&store, &taking).await.unwrap();
    assert_eq!(groups.with(&taking)["g"].concurrency, 8);
    assert!(groups.by_name("g").unwrap().in_force().is_none(), "it is kept, and out of force");
    let back = groups.bind(&before).unwrap();
    groups.commit(back);
    assert_eq!(groups.with(&before)["g"].concurrency, 3);
}
