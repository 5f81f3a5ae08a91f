//! Models that upstreams list themselves, or that an account's configuration lists: seen by clients and in metrics, and
//! never asked for on a request's way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sluice_tests::client::send;
use sluice_tests::dialects::dialect;
use sluice_tests::gateway::{Gateway, KEY, SECRET, account, key};
use sluice_tests::upstream::{Request, Step, Upstream, stream, whole};

/// What OpenAI's list looks like with these models in it.
fn list(names: &[&str]) -> String {
    let each: Vec<String> =
        names.iter().map(|name| format!("{{\"id\":\"{name}\",\"object\":\"model\"}}")).collect();
    format!("{{\"object\":\"list\",\"data\":[{}]}}", each.join(","))
}

/// An upstream that is asked for its list, and answers each other request of its dialect.
fn upstream(api: &'static str, lists: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |request| match request.line.starts_with("GET ") {
        true => lists(request),
        false => whole(200, "", dialect(api).answer),
    })
}

/// Names that a client of OpenAI's sees.
fn seen(gateway: &Gateway) -> Vec<String> {
    let answer = send(&gateway.address, "GET", "/v1/models", &[("x-api-key", KEY)], b"");
    assert_eq!(answer.status, 200);
    let body = answer.json();
    body["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

fn lists_asked(upstream: &Upstream) -> Vec<Request> {
    upstream.seen().into_iter().filter(|request| request.line.starts_with("GET ")).collect()
}

fn metrics(gateway: &Gateway) -> String {
    send(&gateway.address, "GET", "/metrics", &[], b"").text()
}

#[test]
fn what_an_upstream_lists_is_listed_and_a_label_and_is_asked_for_once() {
    let upstream = upstream("openai-chat", |_| whole(200, "", &list(&["meta/llama", "m-1", "secret-m"])));
    let more = "discover = true\nmodels = [\"m*\"]\nheaders = { x-team = \"a\" }";
    let gateway = Gateway::start(&(account("a", "openai-compatible", &upstream.address, more) + &key("")));
    gateway.until("the upstream's list", |gateway| seen(gateway) == ["m-1", "meta/llama"]);
    // What a try asks for is known by now.
    let tried = gateway.admin("POST", "/accounts/a/test", "").json();
    assert_eq!((&tried["ok"], &tried["model"]), (&true.into(), &"m-1".into()), "{tried}");
    let answer = gateway.post("/v1/chat/completions", r#"{"model":"meta/llama","messages":[]}"#);
    assert_eq!(answer.status, 200);
    let label =
        "sluice_requests_total{api=\"openai-chat\",model=\"meta/llama\",account=\"a\",status=\"200\"} 1";
    gateway.until("a label of the model", |gateway| metrics(gateway).contains(label));
    for _ in 0..20 {
        let _ = seen(&gateway);
    }
    let asked = lists_asked(&upstream);
    assert_eq!(asked.len(), 1, "lists that clients ask for ask nobody else");
    assert_eq!(asked[0].line, "GET /v1/models");
    assert_eq!(asked[0].header("authorization"), Some(&*format!("Bearer {SECRET}")));
    assert_eq!(asked[0].header("x-team"), Some("a"), "as every request of the account");
    let view = gateway.admin("GET", "/accounts/a", "").json();
    assert_eq!((&view["state"], &view["in_flight"]), (&"ready".into(), &0.into()));
}

#[test]
fn whose_lists_are_read_goes_by_the_provider_the_names_and_the_setting() {
    let upstream = upstream("openai-chat", |request| {
        whole(200, "", &list(&[&request.line.split('/').nth(1).unwrap().replace('-', "")]))
    });
    let each = [
        ("unasked", "openai-compatible", "", true),
        ("globs", "openai-compatible", "models = [\"*\"]", true),
        ("named", "openai-compatible", "models = [\"n\", \"o-*\"]", false),
        ("told", "openai-compatible", "models = [\"n\", \"told\"]\ndiscover = true", true),
        ("silenced", "openai-compatible", "discover = false", false),
        ("off", "openai-compatible", "enabled = false", false),
        ("router", "ccr", "pools = [\"openai\"]", true),
        ("console", "claude-console", "", false),
        ("google", "gemini", "discover = true", true),
        ("claude", "claude-official", "discover = true", true),
        ("plain", "openai", "", false),
    ];
    let accounts = each.iter().map(|(name, provider, more, _)| {
        // The suite's own accounts keep it off where they say nothing.
        let config = account(name, provider, &format!("{}/{name}", upstream.address), more);
        if more.contains("discover") { config } else { config.replace("discover = false\n", "") }
    });
    let gateway = Gateway::start(&(accounts.collect::<String>() + &key("")));
    let mut expected: Vec<&str> = each.iter().filter(|(.., asked)| *asked).map(|(name, ..)| *name).collect();
    expected.sort_unstable();
    let asked = || {
        let lines = lists_asked(&upstream).into_iter().map(|request| request.line);
        let mut names: Vec<String> = lines.map(|line| line.split('/').nth(1).unwrap().to_owned()).collect();
        names.sort_unstable();
        names
    };
    gateway.until("all the lists", |_| asked().len() >= expected.len());
    assert_eq!(asked(), expected);
    let lines: Vec<String> = lists_asked(&upstream).into_iter().map(|request| request.line).collect();
    for line in ["GET /router/v1/models?limit=1000", "GET /google/v1beta/models?pageSize=1000"] {
        assert!(lines.iter().any(|found| found == line), "{line} in {lines:?}");
    }
}

#[test]
fn an_upstream_that_has_no_list_or_hangs_or_answers_nonsense_costs_nobody_anything() {
    let hangs = upstream("openai-chat", |_| vec![Step::Hang]);
    let none = upstream("openai-chat", |_| whole(404, "", r#"{"error":{"message":"no"}}"#));
    let page = upstream("openai-chat", |_| whole(200, "content-type: text/html\r\n", "<html>hello</html>"));
    let refuses = upstream("openai-chat", |_| whole(401, "", r#"{"error":{"message":"no"}}"#));
    let away = upstream("openai-chat", |_| whole(503, "", "{}"));
    let half = upstream("openai-chat", |_| stream("application/json", "{\"data\":[{\"id\":\"half", 3));
    let fine = upstream("openai-chat", |_| whole(200, "", &list(&["fine"])));
    let all = [
        ("hangs", &hangs),
        ("none", &none),
        ("page", &page),
        ("refuses", &refuses),
        ("away", &away),
        ("half", &half),
        ("fine", &fine),
    ];
    let accounts: String = all
        .iter()
        .map(|(name, upstream)| {
            let more =
                format!("discover = true\nmodel_map = {{ \"{name}-mapped\" = \"x\" }}\npools = [\"{name}\"]");
            let route = format!("[[routes]]\nmodel = \"{name}*\"\npools = [\"{name}\"]\n");
            account(name, "openai-compatible", &upstream.address, &more) + &route
        })
        .collect();
    let gateway = Gateway::start(&(accounts + &key("")));
    gateway.until("the list of the one that has one", |gateway| {
        seen(gateway).iter().any(|name| name == "fine")
            && all.iter().all(|(_, upstream)| !lists_asked(upstream).is_empty())
    });
    let mut expected: Vec<String> = all.iter().map(|(name, _)| format!("{name}-mapped")).collect();
    expected.push("fine".to_owned());
    expected.sort_unstable();
    assert_eq!(seen(&gateway), expected);
    for (name, _) in all {
        let body = format!("{{\"model\":\"{name}-mapped\",\"messages\":[]}}");
        assert_eq!(gateway.post("/v1/chat/completions", &body).status, 200, "{name}");
        let view = gateway.admin("GET", &format!("/accounts/{name}"), "").json();
        assert_eq!(view["state"], "ready", "{name}: a list says nothing of the account's health");
    }
    gateway.until("a word about the one that is away", |gateway| {
        gateway.log().contains("the upstream's list of models could not be had")
    });
    // One that is asked for still holds up no stop.
    gateway.signal("TERM");
    assert!(gateway.wait().0.success());
}

#[test]
fn a_list_that_has_changed_is_seen_after_a_reload_and_one_that_fails_is_kept() {
    let told = Arc::new(Mutex::new(whole_list(&["old", "both"])));
    let asked = Arc::new(AtomicUsize::new(0));
    let (tells, counts) = (Arc::clone(&told), Arc::clone(&asked));
    let upstream = upstream("openai-chat", move |_| {
        counts.fetch_add(1, Ordering::SeqCst);
        let (status, body) = tells.lock().unwrap().clone();
        whole(status, "", &body)
    });
    let config = account("a", "openai-compatible", &upstream.address, "discover = true") + &key("");
    let gateway = Gateway::start(&config);
    let reload = || assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    gateway.until("the first list", |gateway| seen(gateway) == ["both", "old"]);
    *told.lock().unwrap() = whole_list(&["both", "new"]);
    reload();
    gateway.until("the second list", |gateway| seen(gateway) == ["both", "new"]);
    *told.lock().unwrap() = (500, String::new());
    reload();
    gateway.until("a list that fails", |gateway| {
        asked.load(Ordering::SeqCst) == 3 && gateway.log().contains("could not be had")
    });
    assert_eq!(seen(&gateway), ["both", "new"], "an upstream that is away has not changed its models");
    *told.lock().unwrap() = (404, String::new());
    reload();
    gateway.until("none any more", |gateway| seen(gateway).is_empty());
}

fn whole_list(names: &[&str]) -> (u16, String) {
    (200, list(names))
}

#[test]
fn names_that_an_account_lists_or_a_key_has_are_listed_and_labels() {
    let upstream = upstream("openai-chat", |_| whole(404, "", "{}"));
    let config = account("a", "openai-compatible", &upstream.address, "list = [\"listed\"]")
        + &key("models = [\"listed\", \"own\", \"other-*\"]");
    let gateway = Gateway::start(&config);
    assert_eq!(seen(&gateway), ["listed", "own"]);
    let made = gateway.admin("POST", "/keys", r#"{"name":"made","models":["of-a-made-key"]}"#);
    assert_eq!(made.status, 201);
    let secret = made.json()["key"].as_str().unwrap().to_owned();
    for (secret, model) in [(KEY, "listed"), (KEY, "own"), (&*secret, "of-a-made-key"), (KEY, "other-x")] {
        let body = format!("{{\"model\":\"{model}\",\"messages\":[]}}");
        let path = "/v1/chat/completions";
        assert_eq!(
            send(&gateway.address, "POST", path, &[("x-api-key", secret)], body.as_bytes()).status,
            200
        );
    }
    for model in ["listed", "own", "of-a-made-key", "other"] {
        let label = format!(
            "sluice_requests_total{{api=\"openai-chat\",model=\"{model}\",account=\"a\",status=\"200\"}} 1"
        );
        gateway.until(model, |gateway| metrics(gateway).contains(&label));
    }
}
