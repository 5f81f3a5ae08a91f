//! Reloads: all or nothing, for accounts, for keys of files, and for keys made at run time.

use std::sync::Arc;
use std::sync::mpsc::channel;

use serde_json::Value;
use sluice_tests::client::{begin, send};
use sluice_tests::gateway::{Folder, Gateway, KEY, TOKEN, account, key, program};
use sluice_tests::upstream::{Step, Upstream, chunk, end, stream_head, whole};

#[test]
fn a_reload_is_all_or_nothing_and_disturbs_no_request() {
    let (go, gate) = channel();
    let gate = std::sync::Mutex::new(Some(gate));
    let slow = Upstream::start(move |_| {
        let wait = gate.lock().unwrap().take().unwrap();
        vec![
            stream_head("text/event-stream"),
            chunk(b"event: content_block_start\ndata: {}\n\n"),
            Step::Wait(wait),
            chunk(b"event: message_stop\ndata: {}\n\n"),
            end(),
        ]
    });
    let fresh = Upstream::start(|_| whole(200, "", "{\"fresh\":1}"));
    let gateway = Gateway::start(&(account("a", "claude-console", &slow.address, "") + &key("")));
    let body = br#"{"model":"m","stream":true}"#;
    let mut running = begin(&gateway.address, "POST", "/v1/messages", &[("x-api-key", KEY)], body);
    assert!(running.piece().unwrap().is_some());

    gateway.rewrite("[[accounts]]\nname = \"a\"\n");
    let refused = gateway.admin("POST", "/reload", "");
    assert_eq!(
        (refused.status, refused.json()["error"]["code"].as_str()),
        (422, Some("invalid_configuration"))
    );
    assert_eq!(gateway.in_flight(), 1);

    gateway.rewrite(
        &(account("a", "claude-console", &fresh.address, "")
            + &key("")
            + "[[keys]]\nname = \"second\"\nkey = \"second\"\n"),
    );
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    assert_eq!(
        send(&gateway.address, "POST", "/v1/messages", &[("x-api-key", "second")], br#"{"model":"m"}"#)
            .text(),
        "{\"fresh\":1}"
    );
    assert_eq!(gateway.in_flight(), 1, "the account keeps its count");

    gateway.rewrite(
        &(account("a", "claude-console", &fresh.address, "")
            + "[[keys]]\nname = \"second\"\nkey = \"second\"\n"),
    );
    gateway.signal("HUP");
    gateway
        .until("the key is gone", |gateway| gateway.post("/v1/messages", r#"{"model":"m"}"#).status == 401);

    go.send(()).unwrap();
    assert!(running.whole().text().contains("message_stop"));
    gateway.rewrite("server.max_body = \"1MiB\"\ntelemetry.log = \"warn\"\n");
    assert!(gateway.admin("POST", "/reload", "").text().contains("restart"));
}

fn status(gateway: &Gateway, secret: &str) -> u16 {
    send(&gateway.address, "POST", "/v1/messages", &[("x-api-key", secret)], br#"{"model":"m"}"#).status
}

#[test]
fn a_reload_that_fails_leaves_made_keys_as_they_were() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let own = account("a", "claude-console", &upstream.address, "pools = [\"claude\", \"own\"]")
        + "[[routes]]\nmodel = \"*\"\npools = [\"own\"]\n";
    let gateway = Gateway::start(&own);
    let made = gateway.admin("POST", "/keys", r#"{"name":"made","pools":["own"]}"#).json();
    let (id, secret) = (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned());
    assert_eq!(gateway.admin("POST", "/keys", r#"{"name":"other","pools":["claude"]}"#).status, 201);
    let listed = |gateway: &Gateway| {
        let mut keys = gateway.admin("GET", "/keys", "").json();
        // When they were used is all that the requests in between change.
        keys["data"].as_array_mut().unwrap().iter_mut().for_each(|key| key["last_used"] = Value::Null);
        keys
    };
    let before = listed(&gateway);

    let moved = account("a", "claude-console", &upstream.address, "pools = [\"claude\", \"else\"]");
    for (config, path) in [
        (moved.clone(), format!("keys.{id}")),
        (format!("{own}[[keys]]\nname = \"made\"\nkey = \"fresh\"\n"), "keys.made.name".to_owned()),
        (format!("{own}[[keys]]\nname = \"fresh\"\nkey = \"{secret}\"\n"), "keys.fresh.key".to_owned()),
    ] {
        gateway.rewrite(&config);
        let refused = gateway.admin("POST", "/reload", "");
        let problems = &refused.json()["error"]["problems"];
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert_eq!(
            (problems[0]["path"].as_str(), problems.as_array().unwrap().len()),
            (Some(path.as_str()), 1)
        );
        assert!(problems[0]["message"].as_str().unwrap().contains("`made`"), "{problems}");
        assert!(!refused.text().contains(&secret));
        assert_eq!(listed(&gateway), before);
        assert_eq!((status(&gateway, &secret), status(&gateway, "fresh")), (200, 401));
    }

    // Without the key that stood in the way it is taken into force.
    assert_eq!(gateway.admin("DELETE", &format!("/keys/{id}"), "").status, 204);
    gateway.rewrite(&moved);
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
}

/// Reloads in both ways, neither of which may take anything into force; gives what the admin API said.
fn refused(gateway: &Gateway) -> String {
    let told = |gateway: &Gateway| gateway.log().matches("the configuration was not reloaded").count();
    let before = told(gateway);
    gateway.signal("HUP");
    gateway.until("the log tells it", |gateway| told(gateway) > before);
    let answer = gateway.admin("POST", "/reload", "");
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert_eq!(status(gateway, KEY), 200, "what was in force stays");
    answer.text()
}

#[test]
fn a_file_that_is_gone_or_empty_drops_nothing_even_if_forced() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let folder = Arc::new(Folder::new());
    let path = folder.0.join("sluice.toml");
    let text = account("a", "claude-console", &upstream.address, "") + &key("");
    let text = format!("server.listen = \"127.0.0.1:0\"\nadmin.token = \"{TOKEN}\"\n{text}");
    std::fs::write(&path, &text).unwrap();
    // Found by itself: nothing names it a second time.
    let gateway = Gateway::run(Arc::clone(&folder), &mut program(&folder.0));
    for (lost, says) in [
        (None, "can't be read"),
        (Some(""), "is empty now"),
        (Some("# all of it is commented out\n"), "is empty now"),
    ] {
        match lost {
            None => std::fs::remove_file(&path).unwrap(),
            Some(rest) => std::fs::write(&path, rest).unwrap(),
        }
        let told = refused(&gateway);
        assert!(told.contains(says) && told.contains("sluice.toml"), "{told}");
        assert_eq!(gateway.admin("POST", "/reload?force=true", "").status, 422);
    }
    std::fs::write(&path, text).unwrap();
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
}

#[test]
fn what_leaves_no_account_or_no_key_must_be_meant() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let accounts = account("a", "claude-console", &upstream.address, "");
    let gateway = Gateway::start(&(accounts.clone() + &key("")));
    for (config, what) in [(key(""), "accounts"), (accounts.clone(), "keys")] {
        gateway.rewrite(&config);
        let told = refused(&gateway);
        assert!(told.contains(&format!("\"path\":\"{what}\"")) && told.contains("force=true"), "{told}");
    }
    // A key of run time stays, so that not all keys are lost.
    let made = gateway.admin("POST", "/keys", "{\"name\":\"made\"}").json();
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    assert_eq!((status(&gateway, KEY), status(&gateway, made["key"].as_str().unwrap())), (401, 200));

    gateway.rewrite(&key(""));
    assert_eq!(gateway.admin("POST", "/reload?force=false", "").status, 422);
    assert_eq!(gateway.admin("POST", "/reload?force=true", "").status, 200);
    assert_eq!(gateway.admin("GET", "/accounts", "").json()["data"].as_array().unwrap().len(), 0);
    for wrong in ["/reload?force=yes", "/reload?forced=true"] {
        let answer = gateway.admin("POST", wrong, "");
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
}

#[test]
fn keys_can_be_made_while_the_configuration_is_read_again() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let gateway = Gateway::start(&account("a", "claude-console", &upstream.address, ""));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..20 {
                assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
            }
        });
        for turn in 0..20 {
            let made = gateway.admin("POST", "/keys", &format!("{{\"name\":\"k{turn}\"}}"));
            assert_eq!(made.status, 201, "{}", made.text());
            assert_eq!(status(&gateway, made.json()["key"].as_str().unwrap()), 200);
        }
    });
    let listed = gateway.admin("GET", "/keys", "").json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 20);
}
