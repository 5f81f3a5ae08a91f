//! Keys made at run time, and who may use the admin API.

mod command;
mod leaving;

use std::sync::Arc;

use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, KEY, TOKEN, account, key};
use sluice_tests::place::files_below;
use sluice_tests::upstream::{Upstream, whole};

fn status(gateway: &Gateway, secret: &str) -> u16 {
    send(&gateway.address, "POST", "/v1/messages", &[("x-api-key", secret)], br#"{"model":"m"}"#).status
}

#[test]
fn a_key_lives_from_its_making_to_its_deletion_over_restarts() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let config = account("a", "claude-console", &upstream.address, "") + &key("");
    let gateway = Gateway::start(&config);
    let made = gateway.admin("POST", "/keys", r#"{"name":"ci","models":["m"],"tags":["x"],"concurrency":4}"#);
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let (id, secret) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert!(secret.starts_with("sk-sluice-"));
    assert_eq!(status(&gateway, secret), 200);
    assert_eq!(gateway.record()["key_id"], *id);

    let shown = gateway.admin("GET", &format!("/keys/{id}"), "");
    assert!(!shown.text().contains(secret) && shown.json()["concurrency"] == 4);
    assert_eq!(
        gateway.admin("PATCH", &format!("/keys/{id}"), r#"{"models":["other"],"tags":null}"#).status,
        200
    );
    assert_eq!(status(&gateway, secret), 403);
    assert_eq!(gateway.admin("PATCH", &format!("/keys/{id}"), r#"{"models":[]}"#).status, 200);

    let rotated = gateway.admin("POST", &format!("/keys/{id}/rotate"), "").json();
    let fresh = rotated["key"].as_str().unwrap();
    assert_eq!((status(&gateway, secret), status(&gateway, fresh)), (401, 200));

    let folder = Arc::clone(&gateway.folder);
    gateway.signal("TERM");
    assert!(gateway.wait().0.success());
    let files = files_below(&folder.0.join("data"));
    assert!(files.len() > 2, "{files:?}");
    for file in files {
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.windows(fresh.len()).any(|window| window == fresh.as_bytes()));
    }
    let gateway = Gateway::start_in(folder, &config);
    assert_eq!(status(&gateway, fresh), 200);
    assert_eq!(gateway.admin("DELETE", &format!("/keys/{id}"), "").status, 204);
    assert_eq!(status(&gateway, fresh), 401);
    assert_eq!(gateway.admin("GET", &format!("/keys/{id}"), "").status, 404);
}

#[test]
fn a_wrong_key_is_refused_with_its_field() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
    for (body, status, field) in [
        (r#"{"name":"x","pools":["nowhere"]}"#, 400, "pools"),
        (r#"{"name":"x","group":"nobody"}"#, 400, "group"),
        (r#"{"name":"x","concurency":1}"#, 400, "concurency"),
        (r#"{"name":"x","mode":"hrad"}"#, 400, "mode"),
        (r#"{"name":"x","expires":"soon"}"#, 400, "expires"),
        (r#"{"name":"test"}"#, 409, "name"),
        ("{}", 400, "name"),
    ] {
        let answer = gateway.admin("POST", "/keys", body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert!(
            answer.json()["error"]["field"].as_str().unwrap_or_default().contains(field),
            "{}",
            answer.text()
        );
        assert!(answer.json()["error"]["request_id"].is_string());
    }
    let managed = gateway.admin("DELETE", "/keys/test", "");
    assert_eq!((managed.status, managed.json()["error"]["code"].as_str()), (409, Some("managed_by_config")));
    assert_eq!(gateway.admin("POST", "/keys", "nonsense").status, 400);
}

#[test]
fn keys_are_bound_to_pools_and_accounts_and_a_hash_is_no_key() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    // That of "hashed".
    let hash = "sha256:1a06df824ed741b53c785079a6347f00eec5af82f9850775409ca69dff4068a6";
    let config = account("a", "claude-console", &upstream.address, "")
        + &account("b", "claude-console", &upstream.address, "pools = [\"own\"]")
        + &key("pools = [\"own\"]")
        + &format!(
            "[[keys]]\nname = \"h\"\nhash = \"{hash}\"\n[[keys]]\nname = \"acc\"\nkey = \"to-b\"\naccounts = [\"b\"]\n"
        )
        + "[[routes]]\nmodel = \"both\"\npools = [\"own\", \"claude\"]\n";
    let gateway = Gateway::start(&config);
    assert_eq!(gateway.post("/v1/messages", r#"{"model":"m"}"#).status, 403);
    assert_eq!(gateway.post("/v1/messages", r#"{"model":"both"}"#).status, 200);
    assert_eq!(gateway.record()["account"], "b");
    assert_eq!(status(&gateway, "to-b"), 403);
    // What the hash is of opens the gate; the hash itself does not.
    for (secret, wanted) in [("hashed", 200), (hash, 401), (hash.trim_start_matches("sha256:"), 401)] {
        assert_eq!(status(&gateway, secret), wanted, "{secret}");
    }
    assert_eq!(gateway.record()["key"], "h");
}

#[test]
fn the_admin_api_is_closed_to_all_but_the_admin_token() {
    let gateway = Gateway::start(&key(""));
    let document = send(&gateway.address, "GET", "/openapi.json", &[], b"").json();
    let mut walked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        if !path.starts_with("/admin/") {
            continue;
        }
        for method in item.as_object().unwrap().keys() {
            let path = path.replace("{id}", "x").replace("{name}", "x");
            for sent in [
                "",
                &format!("Bearer {KEY}"),
                "Bearer",
                "Bearer wrong",
                &format!("Bearer {TOKEN}x"),
                &format!("Basic {TOKEN}"),
            ] {
                let answer = send(
                    &gateway.address,
                    &method.to_uppercase(),
                    &path,
                    &[("authorization", sent), ("x-api-key", TOKEN)],
                    b"{}",
                );
                assert_eq!(answer.status, 401, "{method} {path} with {sent:?}");
            }
            walked += 1;
        }
    }
    assert!(walked >= 11, "{walked}");
    assert_eq!(gateway.admin("GET", "/nowhere", "").status, 404);
    assert_eq!(send(&gateway.address, "GET", "/admin/v1/nowhere", &[], b"").status, 401);
}

#[test]
fn every_key_is_shown_with_the_same_fields() {
    let gateway = Gateway::start(&(key("") + "[[groups]]\nname = \"g\"\n"));
    let made = gateway.admin("POST", "/keys", r#"{"name":"made"}"#).json();
    let keys = gateway.admin("GET", "/keys", "").json();
    let fields = |key: &serde_json::Value| key.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let wanted = [
        "accounts",
        "allow",
        "concurrency",
        "created",
        "expires",
        "group",
        "id",
        "last_used",
        "limits",
        "max_output_tokens",
        "mode",
        "models",
        "name",
        "not_in_force",
        "pools",
        "queue",
        "rotated",
        "source",
        "tags",
        "user",
    ];
    for key in keys["data"].as_array().unwrap() {
        assert_eq!(fields(key), wanted);
        assert_eq!(key["allow"], serde_json::json!(["claude", "gemini", "openai"]));
        assert_eq!((&key["mode"], &key["concurrency"]), (&"soft".into(), &0.into()));
    }
    assert_eq!(fields(&made).len(), wanted.len() + 1, "its secret besides");
    let changed = gateway.admin("PATCH", "/keys/made", r#"{"group":"g","expires":"2030-01-01T00:00:00Z"}"#);
    assert_eq!((changed.json()["group"].as_str(), changed.status), (Some("g"), 200));
    assert_eq!(
        gateway.admin("PATCH", "/keys/made", r#"{"group":null}"#).json()["group"],
        serde_json::Value::Null
    );
}

#[test]
fn a_key_that_fits_no_longer_is_shown_deletable_and_comes_back() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let own = account("a", "claude-console", &upstream.address, "pools = [\"own\"]")
        + "[[routes]]\nmodel = \"*\"\npools = [\"own\"]\n";
    let without = account("a", "claude-console", &upstream.address, "");
    let gateway = Gateway::start(&own);
    let make = |name: &str| {
        let made = gateway.admin("POST", "/keys", &format!("{{\"name\":\"{name}\",\"pools\":[\"own\"]}}"));
        made.json()["key"].as_str().unwrap().to_owned()
    };
    let (stays, goes) = (make("stays"), make("goes"));
    let folder = Arc::clone(&gateway.folder);
    gateway.signal("TERM");
    assert!(gateway.wait().0.success());

    let gateway = Gateway::start_in(folder, &without);
    assert_eq!((status(&gateway, &stays), status(&gateway, &goes)), (401, 401));
    let listed = gateway.admin("GET", "/keys", "").json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    let shown = gateway.admin("GET", "/keys/stays", "").json();
    assert!(shown["not_in_force"].as_str().unwrap().contains("no pool `own`"), "{shown}");
    assert_eq!(gateway.admin("POST", "/keys", r#"{"name":"stays"}"#).status, 409, "its name stays its own");
    assert_eq!(gateway.admin("DELETE", "/keys/goes", "").status, 204);

    gateway.rewrite(&own);
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    assert_eq!((status(&gateway, &stays), status(&gateway, &goes)), (200, 401));
    assert!(gateway.admin("GET", "/keys/stays", "").json()["not_in_force"].is_null());
}

#[test]
fn a_name_or_a_time_that_makes_no_sense_is_refused_with_what_is_allowed() {
    let gateway = Gateway::start("");
    for (body, field, says) in [
        (r#"{"name":"a\n2026-01-01 ERROR forged"}"#, "name", "control characters"),
        (r#"{"name":"a","expires":"tomorrow"}"#, "expires", "RFC 3339"),
        (r#"{"name":"a","expires":"2027-01-31"}"#, "expires", "RFC 3339"),
    ] {
        let answer = gateway.admin("POST", "/keys", body);
        assert_eq!(
            (answer.status, &answer.json()["error"]["field"]),
            (400, &field.into()),
            "{}",
            answer.text()
        );
        assert!(answer.text().contains(says), "{}", answer.text());
    }
}
