//! Pages for operators and for the holders of keys: who may sign in, what a session may do, and what ends it.

mod browser;

use serde_json::{Value, json};
use sluice_tests::client::{Whole, send};
use sluice_tests::gateway::{Gateway, KEY, TOKEN, account, key};
use sluice_tests::upstream::{Upstream, whole};

/// What a page of the gateway sends with each request.
const OURS: (&str, &str) = ("x-sluice-console", "1");

fn sign_in(address: &str, who: &str, secret: &str) -> Whole {
    let body = json!({ "secret": secret }).to_string();
    let headers = [OURS, ("content-type", "application/json")];
    send(address, "POST", &format!("/session/{who}"), &headers, body.as_bytes())
}

/// The cookie that an answer sets, as a browser sends it back.
fn cookie(answer: &Whole) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

fn get(address: &str, path: &str, headers: &[(&str, &str)]) -> Whole {
    send(address, "GET", path, headers, b"")
}

#[test]
fn a_session_stands_for_the_admin_token_where_a_page_of_ours_asks() {
    let gateway = Gateway::start(&key(""));
    let address = &gateway.address;
    let begun = sign_in(address, "operator", TOKEN);
    let set = begun.header("set-cookie").unwrap();
    for word in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(set.contains(word), "{set}");
    }
    assert!(!set.contains("Secure"), "there is no TLS: {set}");
    let own = cookie(&begun);
    assert!(own.len() > 64 && !own.contains(TOKEN) && !begun.text().contains(TOKEN), "{own}");
    let cookie = ("cookie", own.as_str());

    assert_eq!(get(address, "/admin/v1/keys", &[cookie, OURS]).status, 200);
    assert_eq!(get(address, "/session/operator", &[cookie, OURS]).status, 200);
    let alone = get(address, "/admin/v1/keys", &[cookie]);
    assert_eq!(
        (alone.status, &alone.json()["error"]["code"]),
        (403, &"forbidden".into()),
        "{}",
        alone.text()
    );
    for headers in [vec![OURS], vec![("cookie", "sluice-operator=x"), OURS]] {
        assert_eq!(get(address, "/admin/v1/keys", &headers).status, 401);
    }
    // A form of another site could send this, and nothing comes of it.
    let forged = [cookie, ("content-type", "text/plain"), ("origin", "http://elsewhere.example")];
    let made = send(address, "POST", "/admin/v1/keys", &forged, br#"{"name":"forged"}"#);
    assert_eq!(made.status, 403, "{}", made.text());
    let preflight = [("origin", "http://elsewhere.example"), ("access-control-request-method", "POST")];
    let answer = send(address, "OPTIONS", "/admin/v1/keys", &preflight, b"");
    assert!(answer.status >= 400 && answer.header("access-control-allow-origin").is_none());

    // What it does is told to be a session's, and what it is stands in no log.
    let made = send(
        address,
        "POST",
        "/admin/v1/keys",
        &[cookie, OURS, ("content-type", "application/json")],
        br#"{"name":"n"}"#,
    );
    assert_eq!(made.status, 201, "{}", made.text());
    gateway
        .until("the action is told", |gateway| gateway.log().contains("by=\"a session of the admin token\""));
    assert!(!gateway.log().contains(own.split('=').nth(1).unwrap()));

    let ended = send(address, "DELETE", "/session/operator", &[cookie, OURS], b"");
    assert!(ended.status == 204 && ended.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(get(address, "/admin/v1/keys", &[cookie, OURS]).status, 401);
}

#[test]
fn a_holders_session_is_the_keys_and_ends_with_its_secret() {
    let upstream = Upstream::start(|_| whole(200, "", r#"{"usage":{"input_tokens":3,"output_tokens":4}}"#));
    let config = account("hidden-account", "claude-console", &upstream.address, "") + &key("");
    let gateway = Gateway::start(&config);
    let address = &gateway.address;
    let made =
        gateway.admin("POST", "/keys", r#"{"name":"own","limits":[{"per":"day","requests":9}]}"#).json();
    let (id, secret) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    for key in [secret, KEY, secret] {
        let body = br#"{"model":"claude-haiku-4-5","max_tokens":9}"#;
        assert_eq!(send(address, "POST", "/v1/messages", &[("x-api-key", key)], body).status, 200);
    }
    let begun = sign_in(address, "holder", secret);
    assert_eq!(begun.json()["name"], "own");
    let own = cookie(&begun);
    let cookie = ("cookie", own.as_str());
    let me = get(address, "/v1/me", &[cookie, OURS]).json();
    assert_eq!(
        (&me["name"], &me["limits"][0]["used"], &me["timezone"]),
        (&"own".into(), &2.into(), &"UTC".into())
    );
    assert_eq!(get(address, "/v1/usage", &[cookie, OURS]).json()["data"][0]["requests"], 2);
    assert_eq!(get(address, "/v1/models", &[cookie, OURS]).status, 200);
    gateway.until("its requests are told", |_| own_requests(address, cookie).len() == 2);
    for request in own_requests(address, cookie) {
        assert_eq!((&request["status"], &request["input_tokens"]), (&200.into(), &3.into()));
        assert!(!request.to_string().contains("hidden-account"), "accounts are the operator's: {request}");
    }
    assert_eq!(get(address, "/v1/requests?account=x", &[cookie, OURS]).status, 400);

    // It is a key's: it opens no admin route, sends no request, and does nothing alone.
    assert_eq!(get(address, "/admin/v1/keys", &[cookie, OURS]).status, 401);
    assert_eq!(send(address, "POST", "/v1/messages", &[cookie, OURS], br#"{"model":"m"}"#).status, 401);
    assert_eq!(get(address, "/v1/me", &[cookie]).status, 403);

    let fresh = gateway.admin("POST", &format!("/keys/{id}/rotate"), "").json();
    assert_eq!(get(address, "/v1/me", &[cookie, OURS]).status, 401, "its secret is another one");
    let again = self::cookie(&sign_in(address, "holder", fresh["key"].as_str().unwrap()));
    assert_eq!(get(address, "/v1/me", &[("cookie", &again), OURS]).status, 200);
    assert_eq!(gateway.admin("DELETE", &format!("/keys/{id}"), "").status, 204);
    assert_eq!(get(address, "/v1/me", &[("cookie", &again), OURS]).status, 401, "it is revoked");
}

fn own_requests(address: &str, cookie: (&str, &str)) -> Vec<Value> {
    get(address, "/v1/requests", &[cookie, OURS]).json()["data"].as_array().unwrap().clone()
}

#[test]
fn what_a_session_is_told_is_kept_nowhere_and_a_new_one_takes_the_place_of_the_old() {
    let gateway = Gateway::start(&key(""));
    let address = &gateway.address;
    for (who, secret, paths) in [
        ("operator", TOKEN, ["/admin/v1/keys", "/admin/v1/requests", "/session/operator", "/admin/v1/usage"]),
        ("holder", KEY, ["/v1/me", "/v1/requests", "/v1/models", "/v1/usage"]),
    ] {
        let begun = sign_in(address, who, secret);
        assert_eq!(begun.header("cache-control"), Some("no-store"));
        let first = cookie(&begun);
        for path in paths {
            let told = get(address, path, &[("cookie", &first), OURS]);
            assert_eq!((told.status, told.header("cache-control")), (200, Some("no-store")), "{path}");
        }
        let body = json!({ "secret": secret }).to_string();
        let headers = [OURS, ("content-type", "application/json"), ("cookie", first.as_str())];
        let path = format!("/session/{who}");
        let second = cookie(&send(address, "POST", &path, &headers, body.as_bytes()));
        let status = |cookie: &str| get(address, &path, &[("cookie", cookie), OURS]).status;
        assert_eq!((status(&first), status(&second)), (401, 200), "{who}");
    }
}

#[test]
fn behind_a_proxy_with_tls_the_cookie_is_bound_to_the_host() {
    let gateway = Gateway::start(&key(""));
    let address = &gateway.address;
    let body = json!({ "secret": TOKEN }).to_string();
    for proxied in [("x-forwarded-proto", "HTTPS, http"), ("forwarded", "for=192.0.2.1;proto=https")] {
        let headers = [OURS, ("content-type", "application/json"), proxied];
        let begun = send(address, "POST", "/session/operator", &headers, body.as_bytes());
        let set = begun.header("set-cookie").unwrap();
        assert!(set.starts_with("__Host-sluice-operator=") && set.ends_with("; Secure"), "{set}");
        let own = cookie(&begun);
        let planted = own.trim_start_matches("__Host-").to_owned();
        let status =
            |cookie: &str| get(address, "/admin/v1/keys", &[("cookie", cookie), OURS, proxied]).status;
        assert_eq!((status(&own), status(&planted)), (200, 401));
    }
}

#[test]
fn failures_in_a_row_have_to_wait_and_lock_nobody_out() {
    let gateway = Gateway::start(&key(""));
    let wrong = || sign_in(&gateway.address, "operator", "not the token at all");
    for _ in 0..5 {
        let refused = wrong();
        assert_eq!((refused.status, &refused.json()["error"]["field"]), (401, &"secret".into()));
    }
    let waits = wrong();
    assert_eq!(
        (waits.status, &waits.json()["error"]["code"]),
        (429, &"too_many_failures".into()),
        "{}",
        waits.text()
    );
    let seconds: u64 = waits.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=31).contains(&seconds), "{seconds}");
    // Who has the token is served all the while, and signs in once the wait is over.
    assert_eq!(gateway.admin("GET", "/keys", "").status, 200);
    gateway.until("the wait is over", |gateway| sign_in(&gateway.address, "operator", TOKEN).status == 200);
    assert_eq!(wrong().status, 401, "what was before is forgotten");
    // With a key of one's own nobody guesses the token any faster.
    for _ in 0..4 {
        wrong();
    }
    assert_eq!(sign_in(&gateway.address, "holder", KEY).status, 200);
    assert_eq!(wrong().status, 429);
}

#[test]
fn without_pages_nobody_signs_in_and_a_reload_brings_them() {
    let off = format!("[console]\nenabled = false\n{}", key(""));
    let gateway = Gateway::start(&off);
    let address = &gateway.address;
    for path in ["/console", "/my", "/console/build"] {
        assert_eq!(get(address, path, &[("accept", "text/html")]).status, 404, "{path}");
    }
    assert_eq!(sign_in(address, "operator", TOKEN).status, 404);
    let front = get(address, "/", &[("accept", "text/html")]);
    assert_eq!((front.status, front.text().as_str()), (200, ""));
    gateway.rewrite(&key(""));
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    assert_eq!(get(address, "/console", &[]).status, 200);
    let own = cookie(&sign_in(address, "operator", TOKEN));
    let asked = |path: &str| get(address, path, &[("cookie", &own), OURS]).status;
    assert_eq!(asked("/admin/v1/keys"), 200);
    gateway.rewrite(&off);
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    assert_eq!(
        (asked("/admin/v1/keys"), asked("/session/operator")),
        (401, 404),
        "it is no session any longer"
    );
    let ended = send(address, "DELETE", "/session/operator", &[("cookie", &own), OURS], b"");
    assert!(ended.status == 204 && ended.header("set-cookie").unwrap().contains("Max-Age=0"));
    gateway.rewrite(&format!("[console]\nenable = true\n{}", key("")));
    let refused = gateway.admin("POST", "/reload", "");
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json()["error"]["problems"][0]["nearest"], "enabled", "{}", refused.text());
}

#[test]
fn a_browser_is_led_on_and_programs_find_what_they_always_did() {
    let gateway = Gateway::start(&key(""));
    let page = get(&gateway.address, "/", &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")]);
    for door in ["href=\"/console\"", "href=\"/my\"", "href=\"/docs/\""] {
        assert!(page.text().contains(door), "{}", page.text());
    }
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for headers in [vec![], vec![("accept", "*/*")], vec![("accept", "application/json")]] {
        let answer = get(&gateway.address, "/", &headers);
        assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    }
    for (path, cached) in [("/console", "no-cache"), ("/my", "no-cache"), ("/console/build", "no-store")] {
        let page = get(&gateway.address, path, &[]);
        assert_eq!((page.status, page.header("cache-control")), (200, Some(cached)), "{path}");
        for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")] {
            assert_eq!(page.header(name), Some(value), "{path}");
        }
    }
    let policy = get(&gateway.address, "/console", &[]);
    let policy = policy.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(send(&gateway.address, "POST", "/console", &[], b"").status, 404, "pages are only looked at");
}

#[test]
fn where_operators_have_a_listener_the_console_is_there_alone_and_a_holders_page_on_both() {
    let gateway = Gateway::start(&format!("admin.listen = \"127.0.0.1:0\"\n{}", key("")));
    gateway.until("it says where", |gateway| gateway.log().contains("operators on http://"));
    let log = gateway.log();
    let operators = log.split("operators on http://").nth(1).unwrap().split_whitespace().next().unwrap();
    let clients = &gateway.address;
    let status = |address: &str, path: &str| get(address, path, &[("accept", "text/html")]).status;
    for (path, at_operators, at_clients) in [
        ("/console", 200, 404),
        ("/my", 200, 200),
        ("/console/build", 200, 404),
        ("/", 200, 303),
        ("/admin/v1/keys", 401, 404),
    ] {
        assert_eq!((status(operators, path), status(clients, path)), (at_operators, at_clients), "{path}");
    }
    assert_eq!(sign_in(operators, "operator", TOKEN).status, 200);
    assert_eq!(sign_in(clients, "operator", TOKEN).status, 404);
    for address in [operators, clients] {
        let own = cookie(&sign_in(address, "holder", KEY));
        for path in ["/v1/me", "/v1/usage", "/v1/models", "/v1/requests"] {
            assert_eq!(get(address, path, &[("cookie", &own), OURS]).status, 200, "{address}{path}");
        }
    }
}

#[test]
fn limits_are_told_of_everybody_the_fullest_first() {
    let upstream = Upstream::start(|_| whole(200, "", r#"{"usage":{"input_tokens":3,"output_tokens":4}}"#));
    let config = "[[groups]]\nname = \"g\"\nlimits = [{ per = \"total\", requests = 2 }]\n".to_owned()
        + &account(
            "a",
            "claude-console",
            &upstream.address,
            "limits = [{ per = \"total\", requests = 10 }]\n",
        )
        + &key(
            "group = \"g\"\nlimits = [{ per = \"total\", requests = 4 }, { per = \"total\", tokens = 1000 }]",
        );
    let gateway = Gateway::start(&config);
    let body = br#"{"model":"m","max_tokens":9}"#;
    assert_eq!(send(&gateway.address, "POST", "/v1/messages", &[("x-api-key", KEY)], body).status, 200);
    let told = || gateway.admin("GET", "/limits", "").json()["data"].as_array().unwrap().clone();
    gateway.until("it is settled", |_| told().iter().all(|limit| limit["reserved"] == 0));
    let said: Vec<String> = told()
        .iter()
        .map(|one| {
            format!("{} {} {} of {}{}", one["of"], one["name"], one["used"], one["requests"], one["tokens"])
        })
        .collect();
    let expected = [
        r#""group" "g" 1 of 2null"#,
        r#""key" "test" 1 of 4null"#,
        r#""account" "a" 1 of 10null"#,
        r#""key" "test" 7 of null1000"#,
    ];
    assert_eq!(said, expected);
    let of_group = gateway.admin("GET", "/limits?of=group&of=account&name=g&limit=1", "").json();
    assert_eq!((of_group["data"].as_array().unwrap().len(), &of_group["data"][0]["left"]), (1, &1.into()));
    for wrong in ["of=x", "limit=0", "limit=1001", "nothing=1"] {
        assert_eq!(gateway.admin("GET", &format!("/limits?{wrong}"), "").status, 400, "{wrong}");
    }
}
