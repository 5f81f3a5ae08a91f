//! Keys made at run time, and who may use the admin API.

use std::sync::Arc;

use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, KEY, TOKEN, account, key};
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
    for file in std::fs::read_dir(folder.0.join("data")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
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
        (r#"{"name":"x","limits":[{"per":"day","requests":1}]}"#, 400, "limits"),
        (r#"{"name":"x","mode":"hard"}"#, 400, "mode"),
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
    // SHA-256 of "hashed".
    let hash = "sha256:c2bb97d69f79ec7271b9a7f4df8d8d33f0b0e5e9dc2f9ce1e2cd9c1b0e1a0d55";
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
    assert_eq!(status(&gateway, hash), 401);
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
fn the_keys_command_works_against_a_running_gateway() {
    let gateway = Gateway::start(&key(""));
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(sluice_tests::gateway::binary())
            .arg("keys")
            .args(arguments)
            .args(["--url", &format!("http://{}", gateway.address), "--token", TOKEN])
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (code, text) = run(&["create", "--name", "cli", "--concurrency", "3", "--json"]);
    let made: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, made["concurrency"].as_u64()), (Some(0), Some(3)));
    assert!(run(&["list"]).1.contains("cli"));
    assert!(run(&["show", "cli"]).1.contains(made["id"].as_str().unwrap()));
    assert_eq!(run(&["rotate", "cli"]).0, Some(0));
    assert_eq!(run(&["revoke", "cli"]).0, Some(0));
    let (code, text) = run(&["show", "cli"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("no key `cli`"), "{text}");
    let hash = std::process::Command::new(sluice_tests::gateway::binary())
        .args(["keys", "hash", "abc"])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&hash.stdout).trim(),
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}
