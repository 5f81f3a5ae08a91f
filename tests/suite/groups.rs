//! Groups made at run time, and the limits of keys and groups through the admin API.

mod command;

use std::sync::Arc;

use serde_json::{Value, json};
use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::upstream::{Upstream, whole};

const FILES: &str = "[[groups]]\nname = \"files\"\nconcurrency = 9\n";

fn error(answer: &sluice_tests::client::Whole) -> (u16, String, String) {
    let told = answer.json();
    let text = |field: &str| told["error"][field].as_str().unwrap_or_default().to_owned();
    assert!(told["error"]["request_id"].is_string(), "{told}");
    (answer.status, text("code"), text("field"))
}

#[test]
fn a_group_lives_from_its_making_to_its_deletion_over_restarts() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let config = account("a", "claude-console", &upstream.address, "") + FILES;
    let gateway = Gateway::start(&config);
    let body = r#"{"name":"team","concurrency":2,"max_output_tokens":8000,"limits":[{"per":"5h","cost":"5.50","models":["m-*"]}]}"#;
    let made = gateway.admin("POST", "/groups", body);
    assert_eq!(made.status, 201, "{}", made.text());
    let fields = json!({
        "name": "team", "source": "admin", "concurrency": 2, "max_output_tokens": 8000, "not_in_force": null,
        "created": made.json()["created"], "limits": [{ "per": "5h", "cost": "5.5", "models": ["m-*"] }],
    });
    assert_eq!(made.json(), fields);
    let key = gateway.admin("POST", "/keys", r#"{"name":"k","group":"team"}"#);
    assert_eq!(key.status, 201, "{}", key.text());
    let secret = key.json()["key"].as_str().unwrap().to_owned();

    let patch = r#"{"concurrency":null,"limits":[{"per":"day","requests":7}]}"#;
    let changed = gateway.admin("PATCH", "/groups/team", patch);
    assert_eq!((changed.status, &changed.json()["concurrency"]), (200, &0.into()), "{}", changed.text());
    let me =
        |gateway: &Gateway| send(&gateway.address, "GET", "/v1/me", &[("x-api-key", &secret)], b"").json();
    let limit = |gateway: &Gateway| me(gateway)["limits"][0].clone();
    assert_eq!(limit(&gateway)["requests"], 7, "its keys are bound by it at once");

    let folder = Arc::clone(&gateway.folder);
    gateway.signal("TERM");
    assert!(gateway.wait().0.success());
    let gateway = Gateway::start_in(folder, &config);
    assert_eq!((&limit(&gateway)["of"], &limit(&gateway)["per"]), (&"group".into(), &"day".into()));
    let list = gateway.admin("GET", "/groups", "").json();
    let names: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|group| &group["name"]).collect();
    assert_eq!(names, ["files", "team"]);

    let refused = gateway.admin("DELETE", "/groups/team", "");
    assert_eq!(error(&refused).1, "group_has_keys");
    assert_eq!((refused.status, refused.text().contains("`k`")), (409, true), "{}", refused.text());
    assert_eq!(gateway.admin("PATCH", "/keys/k", r#"{"group":"files"}"#).status, 200);
    assert_eq!(gateway.admin("DELETE", "/groups/team", "").status, 204);
    assert_eq!(error(&gateway.admin("GET", "/groups/team", "")), (404, "not_found".into(), String::new()));
    assert_eq!(me(&gateway)["group"], "files");
}

#[test]
fn a_group_of_a_file_is_the_files_and_its_name_is_taken() {
    let gateway = Gateway::start(&(FILES.to_owned() + &key("")));
    let shown = gateway.admin("GET", "/groups/files", "").json();
    assert_eq!((&shown["source"], &shown["concurrency"]), (&"config".into(), &9.into()));
    for method in ["PATCH", "DELETE"] {
        assert_eq!(error(&gateway.admin(method, "/groups/files", "{}")).1, "managed_by_config", "{method}");
    }
    let taken = error(&gateway.admin("POST", "/groups", r#"{"name":"files"}"#));
    assert_eq!(taken, (409, "name_taken".into(), "name".into()));

    // Nor may a file take the name of one that was made.
    assert_eq!(gateway.admin("POST", "/groups", r#"{"name":"made"}"#).status, 201);
    gateway.rewrite(&(FILES.to_owned() + "[[groups]]\nname = \"made\"\n" + &key("")));
    let refused = gateway.admin("POST", "/reload", "");
    assert_eq!(refused.status, 422, "{}", refused.text());
    let problem = &refused.json()["error"]["problems"][0];
    assert_eq!(problem["path"], "groups.made.name");
    assert!(
        problem["file"].as_str().unwrap().ends_with("sluice.toml") && problem["line"].is_u64(),
        "{problem}"
    );
    assert!(problem["message"].as_str().unwrap().contains("made at run time"), "{problem}");
}

/// Limits that can't be meant, and where in them it is told.
const WRONG: [(&str, &str); 13] = [
    (r#"[{"per":"day"}]"#, "limits[0]"),
    (r#"[{"per":"year","requests":1}]"#, "limits[0].per"),
    (r#"[{"per":"999ms","requests":1}]"#, "limits[0].per"),
    (r#"[{"per":"31d","requests":1}]"#, "limits[0].per"),
    (r#"[{"per":"day","requests":0}]"#, "limits[0].requests"),
    (r#"[{"per":"day","tokens":-1}]"#, "limits[0].tokens"),
    (r#"[{"per":"day","tokens":9007199254740993}]"#, "limits[0].tokens"),
    (r#"[{"per":"day","cost":5}]"#, "limits[0].cost"),
    (r#"[{"per":"day","cost":"1e3"}]"#, "limits[0].cost"),
    (r#"[{"per":"day","cost":"900000001"}]"#, "limits[0].cost"),
    (r#"[{"per":"total","cost":"1","zone":"UTC"}]"#, "limits[0].zone"),
    (r#"[{"per":"day","requests":1,"models":["["]}]"#, "limits[0].models"),
    (r#"[{"per":"1m","requests":1},{"per":"60s","requests":2}]"#, "limits[1].requests"),
];

#[test]
fn what_can_not_be_meant_is_refused_with_its_place_whoever_it_is_of() {
    let gateway = Gateway::start(&(FILES.to_owned() + "[[groups]]\nname = \"open\"\n"));
    for kind in ["/keys", "/groups"] {
        assert_eq!(gateway.admin("POST", kind, r#"{"name":"old"}"#).status, 201);
        for (limits, field) in WRONG {
            let wanted = (400, "invalid_field".to_owned(), field.to_owned());
            let made = gateway.admin("POST", kind, &format!(r#"{{"name":"x","limits":{limits}}}"#));
            assert_eq!(error(&made), wanted, "{kind} {limits}: {}", made.text());
            let changed =
                gateway.admin("PATCH", &format!("{kind}/old"), &format!(r#"{{"limits":{limits}}}"#));
            assert_eq!(error(&changed), wanted, "{kind} {limits}: {}", changed.text());
        }
        let bound = gateway.admin("POST", kind, r#"{"name":"x","max_output_tokens":0}"#);
        assert_eq!(error(&bound).2, "max_output_tokens");
    }
    let queue = r#""queue":{"size":16,"wait":"20s"}"#;
    for (fields, field) in [
        (format!(r#"{{"name":"x",{queue}}}"#), "queue"),
        (format!(r#"{{"name":"x","group":"open",{queue}}}"#), "queue"),
        (r#"{"name":"x","concurrency":1,"queue":{"size":0,"wait":"20s"}}"#.to_owned(), "queue.size"),
        (r#"{"name":"x","mode":"hrad"}"#.to_owned(), "mode"),
    ] {
        let refused = gateway.admin("POST", "/keys", &fields);
        assert_eq!(
            (refused.status, error(&refused).2.as_str()),
            (400, field),
            "{fields}: {}",
            refused.text()
        );
    }
    for fields in [
        format!(r#"{{"name":"one","concurrency":1,"mode":"hard",{queue}}}"#),
        format!(r#"{{"name":"two","group":"files",{queue}}}"#),
    ] {
        let made = gateway.admin("POST", "/keys", &fields);
        assert_eq!((made.status, &made.json()["queue"]), (201, &json!({ "size": 16, "wait": "20s" })));
    }
    for (fields, field) in [
        (r#"{"name":""}"#, "name"),
        (r#"{"name":".."}"#, "name"),
        (r#"{"name":"a\u001b"}"#, "name"),
        (r#"{"name":"x","concurency":1}"#, "concurency"),
        ("{}", "name"),
    ] {
        let refused = gateway.admin("POST", "/groups", fields);
        assert_eq!(
            (refused.status, error(&refused).2.as_str()),
            (400, field),
            "{fields}: {}",
            refused.text()
        );
    }
    let renamed = gateway.admin("PATCH", "/groups/old", r#"{"name":"new"}"#);
    assert_eq!(error(&renamed), (400, "invalid_field".into(), "name".into()));
}
