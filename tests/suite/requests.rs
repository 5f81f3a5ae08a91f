//! The list of records: page by page, and narrowed by filters.

use serde_json::Value;
use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::upstream::{Upstream, whole};

/// The models of the records that a query lists, and where its next page starts.
fn list(gateway: &Gateway, query: &str) -> (Vec<String>, Option<String>) {
    let answer = gateway.admin("GET", &format!("/requests?{query}"), "");
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let listed = answer.json();
    let models = listed["data"].as_array().unwrap().iter().map(|record| record["model"].as_str().unwrap());
    (models.map(ToOwned::to_owned).collect(), listed["next_cursor"].as_str().map(ToOwned::to_owned))
}

fn models(gateway: &Gateway, query: &str) -> Vec<String> {
    let (models, next) = list(gateway, query);
    assert_eq!(next, None, "{query}");
    models
}

/// Seven requests of two keys, told apart by their models.
fn asked() -> (Upstream, Gateway) {
    let upstream = Upstream::start(|request| match String::from_utf8_lossy(&request.body).contains("m-3") {
        true => whole(400, "", "{}"),
        false => whole(200, "", "{}"),
    });
    let account = account("a", "claude-console", &upstream.address, "");
    let other = "[[keys]]\nname = \"other\"\nkey = \"other-key\"\nuser = \"u\"\ntags = [\"t-1\", \"t-2\"]\n";
    let gateway = Gateway::start(&(account + &key("") + other));
    for number in 0..7 {
        let secret = if number % 2 == 0 { KEY } else { "other-key" };
        let body = format!("{{\"model\":\"m-{number}\",\"max_tokens\":1,\"messages\":[]}}");
        let answer =
            send(&gateway.address, "POST", "/v1/messages", &[("x-api-key", secret)], body.as_bytes());
        assert_eq!(answer.status, if number == 3 { 400 } else { 200 });
    }
    (upstream, gateway)
}

#[test]
fn pages_follow_each_other_newest_first_and_leave_nothing_out() {
    let (_upstream, gateway) = asked();
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let (models, next) = list(&gateway, &format!("limit=3{cursor}"));
        assert!(models.len() == 3 || next.is_none());
        all.extend(models);
        let Some(next) = next else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(all, ["m-6", "m-5", "m-4", "m-3", "m-2", "m-1", "m-0"]);
}

#[test]
fn filters_of_one_name_widen_and_of_different_names_narrow() {
    let (_upstream, gateway) = asked();
    for (query, expected) in [
        ("key=other", &["m-5", "m-3", "m-1"][..]),
        ("user=u&tag=t-2&model=m-1", &["m-1"]),
        ("model=m-1&model=m-2", &["m-2", "m-1"]),
        ("key=other&status=400", &["m-3"]),
        ("api=anthropic&provider=claude-console&account=a&outcome=completed&model=m%2D6", &["m-6"]),
        ("key=test&status=400", &[]),
        ("group=none", &[]),
    ] {
        assert_eq!(models(&gateway, query), expected, "{query}");
    }
}

#[test]
fn a_time_from_which_is_inclusive_and_one_to_which_is_not() {
    let (_upstream, gateway) = asked();
    let listed = gateway.admin("GET", "/requests", "").json();
    let time = |model: &str| -> String {
        let records = listed["data"].as_array().unwrap();
        let record: &Value = records.iter().find(|record| record["model"] == model).unwrap();
        record["time"].as_str().unwrap().replace('+', "%2B")
    };
    let (second, fifth) = (time("m-1"), time("m-4"));
    assert!(models(&gateway, &format!("from={second}")).ends_with(&["m-1".to_owned()]));
    let between = models(&gateway, &format!("from={second}&to={fifth}"));
    assert!(between.contains(&"m-1".to_owned()) && !between.contains(&"m-4".to_owned()), "{between:?}");
    assert_eq!(models(&gateway, "from=2100-01-01T00:00:00Z"), [""; 0]);
    assert_eq!(models(&gateway, "to=2000-01-01T00:00:00Z"), [""; 0]);
}

#[test]
fn what_is_no_filter_is_refused_with_its_name() {
    let gateway = Gateway::start("");
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=x", "cursor"),
        ("from=yesterday", "from"),
        ("to=2026-01-32", "to"),
        ("outcome=zzz", "outcome"),
        ("api=claude", "api"),
        ("account=", "account"),
        ("status=ok", "status"),
        ("status=-1", "status"),
        ("modle=m", "modle"),
    ] {
        let answer = gateway.admin("GET", &format!("/requests?{query}"), "");
        assert_eq!((answer.status, &answer.json()["error"]["field"]), (400, &field.into()), "{query}");
    }
}
