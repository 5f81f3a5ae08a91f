//! What `explain` says is what a request then does, and nothing is sent to find out.

mod command;
mod limits;
mod world;

use serde_json::{Value, json};
use sluice_tests::fleet::{Fleet, sample};
use sluice_tests::gateway::{Gateway, KEY, key};
use sluice_tests::moment::parse;
use sluice_tests::upstream::whole;

use world::World;

const CLAUDE: (&str, &str) = ("anthropic", "m-1");

/// Why an account is taken or passed over.
fn reason<'a>(told: &'a Value, name: &str) -> (bool, &'a str) {
    let one = told["accounts"].as_array().unwrap().iter().find(|one| one["name"] == name);
    let one = one.unwrap_or_else(|| panic!("{name} in {told}"));
    (one["taken"].as_bool().unwrap(), one["reason"].as_str().unwrap())
}

/// The last step, whose reason must have these words.
fn ends(told: &Value, step: &str, words: &str) {
    let steps = told["steps"].as_array().unwrap();
    assert!(
        steps.iter().all(|step| ["step", "decision", "reason"].iter().all(|field| step[*field].is_string()))
    );
    let last = steps.last().unwrap();
    let text = format!("{} {}", last["decision"].as_str().unwrap(), last["reason"].as_str().unwrap());
    assert!(last["step"] == step && text.contains(words), "{step}, {words}: {told:#}");
}

#[test]
fn what_a_key_may_not_do_is_told_with_the_status_that_it_would_get() {
    let world = World::start();
    for (key, asked, status, step) in [
        (("nobody", "no-key"), CLAUDE, 401, "key"),
        (("ended", "ended-key"), CLAUDE, 401, "key"),
        (("narrow", "narrow-key"), CLAUDE, 403, "permission"),
        (("narrow", "narrow-key"), ("gemini", "o-1"), 403, "permission"),
        (("narrow", "narrow-key"), ("openai-chat", "m-1"), 403, "permission"),
        (("narrow", "narrow-key"), ("openai-chat", "o-secret"), 403, "permission"),
    ] {
        let told = world.check(key, asked, None, Err(status));
        ends(&told, step, &status.to_string());
    }
    let told = world.check(("narrow", "narrow-key"), ("openai-chat", "o-1"), None, Ok("o"));
    ends(&told, "scheduler", "o");
}

#[test]
fn what_no_account_serves_is_told_for_each_of_them() {
    let world = World::start();
    let told = world.check(("test", KEY), ("gemini", "m-1"), None, Err(404));
    assert!(["a", "b", "c", "o"].iter().all(|name| !reason(&told, name).0), "{told:#}");
    ends(&told, "accounts", "404");
    let told = world.check(("test", KEY), ("openai-chat", "unserved"), None, Err(404));
    assert_eq!(reason(&told, "o"), (false, "it does not serve this model"));
}

#[test]
fn an_account_of_another_dialect_is_said_to_be_asked_in_it() {
    let world = World::start();
    let told = world.check(("test", KEY), ("openai-chat", "crossed"), None, Ok("a"));
    let (taken, why) = reason(&told, "a");
    assert!(taken && why.contains("in the Claude Messages API"), "{told:#}");
    assert!(told.to_string().contains("m-1"), "the route asks for another model: {told:#}");
}

#[test]
fn a_bound_key_sees_its_own_accounts_alone() {
    let world = World::start();
    let told = world.check(("bound", "bound-key"), CLAUDE, None, Ok("b"));
    assert!(reason(&told, "a").1.contains("bound"), "{told:#}");
    let told = world.check(("pooled", "pooled-key"), ("anthropic", "n-1"), None, Ok("c"));
    assert!(reason(&told, "a").1.contains("bound"), "{told:#}");
    let told = world.check(("pooled", "pooled-key"), CLAUDE, None, Err(403));
    assert!(told["accounts"].as_array().unwrap().iter().all(|one| one["taken"] == false), "{told:#}");
    ends(&told, "accounts", "403");
    assert_eq!(world.gateway.admin("PATCH", "/accounts/b", "{\"enabled\":false}").status, 200);
    // Nothing else ever serves it.
    let told = world.check(("bound", "bound-key"), CLAUDE, None, Err(503));
    assert_eq!(reason(&told, "b"), (false, "it is disabled"));
}

#[test]
fn the_route_and_its_pools_are_told_in_the_order_in_which_they_are_tried() {
    let world = World::start();
    let told = world.check(("test", KEY), ("anthropic", "n-1"), None, Ok("c"));
    let route = told["steps"].as_array().unwrap().iter().find(|step| step["step"] == "route").unwrap();
    assert!(route["decision"].as_str().unwrap().contains("other, claude"), "{told:#}");
    assert_eq!(world.gateway.admin("PATCH", "/accounts/c", "{\"enabled\":false}").status, 200);
    let told = world.check(("test", KEY), ("anthropic", "n-1"), None, Ok("a"));
    assert_eq!(reason(&told, "c"), (false, "it is disabled"));
    assert!(reason(&told, "a").1.contains("pool claude"), "{told:#}");
}

#[test]
fn an_account_that_is_cooling_full_or_off_is_passed_over_with_the_reason() {
    let world = World::start();
    let (key, path) = (("test", KEY), "/accounts/a");
    let told = world.check(key, CLAUDE, None, Ok("a"));
    assert!(reason(&told, "a").0 && reason(&told, "b").0, "{told:#}");
    for (status, state) in
        [(429, "rate_limited"), (401, "unauthorized"), (402, "quota_exceeded"), (503, "overloaded")]
    {
        world.fleet.tell("a", move |_| whole(status, "retry-after: 100\r\n", "{}"));
        assert_eq!(world.ask(KEY, CLAUDE, None).header("x-sluice-attempts"), Some("2"));
        world.fleet.heal("a");
        let told = world.check(key, CLAUDE, None, Ok("b"));
        let view = world.gateway.admin("GET", path, "").json();
        let noted = if status == 429 { &view["models"][0] } else { &view };
        let (taken, why) = reason(&told, "a");
        assert!(!taken && why.contains(state) && why.contains(&status.to_string()), "{told:#}");
        let until = why.split("until ").nth(1).and_then(|rest| rest.split(": ").next()).unwrap();
        assert_eq!(parse(until), parse(noted["until"].as_str().unwrap()), "{told:#}");
        assert_eq!(world.gateway.admin("POST", &format!("{path}/recover"), "").status, 200);
    }
    let running = world.running();
    assert_eq!(running.status, 200);
    let told = world.check(key, CLAUDE, None, Ok("b"));
    assert_eq!(reason(&told, "a"), (false, "it has all the requests that it may have at once"));
    drop(running);
    world.gateway.until("it has room again", |gateway| gateway.in_flight() == 0);
    let _ = world.check(key, CLAUDE, None, Ok("a"));
    for name in ["a", "b"] {
        assert_eq!(
            world.gateway.admin("PATCH", &format!("/accounts/{name}"), "{\"enabled\":false}").status,
            200
        );
    }
    let told = world.check(key, CLAUDE, None, Err(503));
    assert_eq!(
        (reason(&told, "a"), reason(&told, "b")),
        ((false, "it is disabled"), (false, "it is disabled"))
    );
}

#[test]
fn a_session_is_explained_by_the_account_that_it_is_on() {
    let world = World::start();
    let (key, s) = (("test", KEY), Some("s"));
    // It came to be on the second account while the first one was off.
    let switch = |enabled: bool| {
        let body = json!({ "enabled": enabled }).to_string();
        assert_eq!(world.gateway.admin("PATCH", "/accounts/a", &body).status, 200);
    };
    switch(false);
    let told = world.check(key, CLAUDE, s, Ok("b"));
    ends(&told, "scheduler", "b");
    switch(true);
    let told = world.check(key, CLAUDE, s, Ok("b"));
    ends(&told, "session", "b");
    assert_eq!(world.explain("test", CLAUDE, Some("another"))["account"], "a");
    assert_eq!(
        world.explain("bound", CLAUDE, s)["account"],
        "b",
        "by its binding, not by another key's session"
    );
    let _ = world.check(key, CLAUDE, None, Ok("a"));
}

#[test]
fn what_is_no_question_is_refused_with_its_field() {
    let world = World::start();
    let explain = |body: &str| world.gateway.admin("POST", "/explain", body);
    for (body, field) in [
        (r#"{"api":"anthropic","model":"m"}"#, "key"),
        (r#"{"key":"test","model":"m"}"#, "api"),
        (r#"{"key":"test","api":"anthropic"}"#, "model"),
        (r#"{"key":"test","api":"anthropic","model":"m","sesion":"s"}"#, "sesion"),
        (r#"{"key":"test","api":"claude","model":"m"}"#, "api"),
        (r#"{"key":7,"api":"anthropic","model":"m"}"#, "key"),
        (r#"{"key":"test","api":"anthropic","model":["m"]}"#, "model"),
        (r#"{"key":"test","api":"anthropic","model":"m","session":7}"#, "session"),
    ] {
        let told = explain(body);
        assert_eq!(
            (told.status, &told.json()["error"]["field"]),
            (400, &field.into()),
            "{body}: {}",
            told.text()
        );
    }
    for body in ["", "no", "[]", "{"] {
        assert_eq!(explain(body).status, 400, "{body}");
    }
    assert_eq!(world.fleet.asked_in_all(), 0);
}

#[test]
fn what_each_scheduler_will_pick_is_foreseen_and_not_spent() {
    for kind in ["least-loaded", "round-robin", "weighted"] {
        let fleet = Fleet::start(sample);
        let account = |name, weight| fleet.account(name, "claude-console", &format!("weight = {weight}"));
        let accounts = account("a", 3) + &account("b", 2) + &account("c", 1);
        let config =
            format!("server.reveal_route = true\nscheduler.kind = \"{kind}\"\n{accounts}{}", key(""));
        let gateway = Gateway::start(&config);
        for turn in 0..8 {
            let question = r#"{"key":"test","api":"anthropic","model":"m-1"}"#;
            let told = gateway.admin("POST", "/explain", question).json();
            let answer = gateway.post("/v1/messages", r#"{"model":"m-1","max_tokens":9,"messages":[]}"#);
            assert_eq!(
                told["account"].as_str(),
                answer.header("x-sluice-account"),
                "{kind} {turn}: {told:#}"
            );
        }
    }
}

#[test]
fn a_session_with_a_long_name_is_explained_by_its_account_too() {
    let world = World::start();
    let long = "s".repeat(500);
    let session = Some(long.as_str());
    assert_eq!(world.gateway.admin("PATCH", "/accounts/a", "{\"enabled\":false}").status, 200);
    let _ = world.check(("test", KEY), CLAUDE, session, Ok("b"));
    assert_eq!(world.gateway.admin("PATCH", "/accounts/a", "{\"enabled\":true}").status, 200);
    let told = world.check(("test", KEY), CLAUDE, session, Ok("b"));
    ends(&told, "session", "b");
}
