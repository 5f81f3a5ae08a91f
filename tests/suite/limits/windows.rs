//! Windows: exactly as many as there may be, and how a refusal is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::moment::pause;
use sluice_tests::upstream::{Upstream, whole};

use super::{answering, ask, at_once, count, message, priced, start};

#[test]
fn never_more_requests_than_the_limit_pass_however_many_come_at_once() {
    for (limit, status) in [
        ("{ per = \"60s\", requests = 7 }", 429),
        ("{ per = \"day\", requests = 7 }", 429),
        ("{ per = \"total\", requests = 7 }", 402),
    ] {
        let upstream = answering(1, 1);
        let config =
            account("a", "claude-console", &upstream.address, "") + &key(&format!("limits = [{limit}]"));
        let gateway = Arc::new(start(&config));
        let statuses = at_once(&gateway, 40, |gateway| ask(gateway, "m").status);
        assert_eq!((count(&statuses, 200), count(&statuses, status)), (7, 33), "{limit}");
        assert_eq!(upstream.seen().len(), 7, "{limit}");
    }
}

#[test]
fn a_window_that_rolls_is_told_how_long_it_is_full_and_is_true_both_ways() {
    let upstream = answering(1, 1);
    let config = account("a", "claude-console", &upstream.address, "")
        + &key("limits = [{ per = \"3s\", requests = 1 }]");
    let gateway = start(&config);
    let began = Instant::now();
    assert_eq!(ask(&gateway, "m").status, 200);
    let refused = ask(&gateway, "m");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3).contains(&wait), "{wait}");
    assert_eq!(refused.header("x-sluice-retry-after"), Some(wait.to_string().as_str()));
    assert_eq!(refused.header("x-should-retry"), Some("true"));
    let told = &refused.json()["error"];
    assert_eq!(told["type"], "rate_limit_error");
    let says = "this key's limit of 1 requests in any 3 seconds is used up: there is room again in";
    assert!(told["message"].as_str().unwrap().starts_with(says), "{told}");
    // One that comes clearly sooner is refused; whoever waits so long is served, with nobody else's traffic.
    pause(Duration::from_millis(1_500));
    if began.elapsed() < Duration::from_millis(2_900) {
        assert_eq!(ask(&gateway, "m").status, 429);
    }
    pause(Duration::from_secs(wait).saturating_sub(Duration::from_millis(1_500)));
    assert_eq!(ask(&gateway, "m").status, 200);
}

#[test]
fn what_is_expected_of_running_requests_counts_and_then_what_they_used() {
    let (go, gate) = std::sync::mpsc::channel();
    let gate = std::sync::Mutex::new(Some(gate));
    let upstream = Upstream::start(move |_| {
        let waits = gate.lock().unwrap().take().map(sluice_tests::upstream::Step::Wait);
        let answer = whole(200, "content-type: application/json\r\n", &message(20, 10));
        waits.into_iter().chain(answer).collect()
    });
    let config = account("a", "claude-console", &upstream.address, "")
        + &key("limits = [{ per = \"60s\", tokens = 100 }]");
    let gateway = Arc::new(start(&config));
    let first = std::thread::spawn({
        let gateway = Arc::clone(&gateway);
        move || ask(&gateway, "m").status
    });
    gateway.until("the first runs", |_| upstream.seen().len() == 1);
    let refused = ask(&gateway, "m");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")), "{}", refused.text());
    go.send(()).unwrap();
    assert_eq!(first.join().unwrap(), 200);
    gateway.until("it is settled", |gateway| gateway.in_flight() == 0);
    // Each uses 30, and so much is expected of the next.
    let statuses: Vec<u16> = (0..4).map(|_| ask(&gateway, "m").status).collect();
    assert_eq!(statuses, [200, 200, 200, 429], "30, 60, 90 and 120 were there before each");
}

#[test]
fn a_budget_is_refused_with_402_in_every_dialect_and_never_as_a_rate_limit() {
    let (_folder, prices) = priced();
    // A thousand tokens out of `m` are 0.015 dollars.
    let upstream = answering(0, 1_000);
    let accounts: String = ["claude-console", "openai", "gemini"]
        .map(|kind| account(kind, kind, &upstream.address, "models = [\"m\"]"))
        .concat();
    let gateway = start(&(prices + &accounts + &key("limits = [{ per = \"day\", cost = \"0.01\" }]")));
    assert_eq!(ask(&gateway, "m").status, 200);
    let chat = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let gemini = r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#;
    for (path, body, pointer, says) in [
        ("/v1/messages", super::body("m", 9), "/error/type", "billing_error"),
        ("/v1/chat/completions", chat.to_owned(), "/error/code", "insufficient_quota"),
        ("/v1beta/models/m:generateContent", gemini.to_owned(), "/error/status", "RESOURCE_EXHAUSTED"),
    ] {
        let refused = gateway.post(path, &body);
        let told = refused.json();
        assert_eq!(
            (refused.status, told.pointer(pointer).and_then(Value::as_str)),
            (402, Some(says)),
            "{path}"
        );
        let wait: u64 = refused.header("x-sluice-retry-after").unwrap().parse().unwrap();
        assert!(wait <= 24 * 60 * 60, "until midnight: {wait}");
        assert_eq!(refused.header("retry-after"), None, "coding agents would sleep it out");
        assert_eq!(refused.header("x-should-retry"), Some("false"));
        // The sentence alone: ids and times have any digits.
        let sentence = told.pointer("/error/message").and_then(Value::as_str).unwrap();
        let text = sentence.replace(&wait.to_string(), "").to_lowercase();
        assert!(!["rate limit", "429", "too many requests"].iter().any(|word| text.contains(word)), "{text}");
        assert!(text.contains("0.01 dollars a day"), "{text}");
    }
    assert_eq!(upstream.seen().len(), 1);
    assert_eq!(gateway.record()["outcome"], "refused:budget_used");
}

#[test]
fn a_total_that_is_used_up_is_refused_without_a_wait() {
    let (_folder, prices) = priced();
    let upstream = answering(0, 1_000);
    let config = prices
        + &account("a", "claude-console", &upstream.address, "")
        + &key("limits = [{ per = \"total\", cost = \"0.015\" }]");
    let gateway = start(&config);
    assert_eq!(ask(&gateway, "m").status, 200);
    let refused = ask(&gateway, "m");
    let waits = ["retry-after", "x-sluice-retry-after"].map(|name| refused.header(name));
    assert_eq!((refused.status, waits), (402, [None; 2]), "{}", refused.text());
    assert!(refused.text().contains("ask your operator for more"), "{}", refused.text());
}

#[test]
fn days_and_months_are_those_of_the_configured_zone() {
    for (per, zone) in [("day", "Asia/Tokyo"), ("month", "Asia/Tokyo"), ("week", "America/St_Johns")] {
        let upstream = answering(1, 1);
        let config = format!("[stats]\ntimezone = \"{zone}\"\n")
            + &account("a", "claude-console", &upstream.address, "")
            + &key(&format!("limits = [{{ per = \"{per}\", requests = 1 }}]"));
        let gateway = Gateway::start(&config);
        assert_eq!(ask(&gateway, "m").status, 200);
        let program = "import datetime as d, sys, zoneinfo\n\
            per, zone = sys.argv[1:]\n\
            z = zoneinfo.ZoneInfo(zone)\n\
            now = d.datetime.now(z)\n\
            day = now.date()\n\
            next = {'day': day + d.timedelta(1), 'week': day + d.timedelta(7 - day.weekday()),\n\
                'month': (day.replace(day=1) + d.timedelta(32)).replace(day=1)}[per]\n\
            end = d.datetime(next.year, next.month, next.day, tzinfo=z)\n\
            print(int(end.timestamp() - now.timestamp()))\n";
        let refused = ask(&gateway, "m");
        let python = std::process::Command::new(std::env::var_os("SLUICE_TEST_PYTHON").unwrap())
            .args(["-c", program, per, zone])
            .output()
            .unwrap();
        assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
        let right: i64 = String::from_utf8_lossy(&python.stdout).trim().parse().unwrap();
        let told: i64 = refused.header("x-sluice-retry-after").unwrap().parse().unwrap();
        assert_eq!(refused.status, 429);
        assert!((told - right).abs() <= 2, "{per} in {zone}: {told}, not {right}");
        assert_eq!(refused.header("retry-after").is_some(), told <= 600, "a long wait is not slept out");
    }
}
