//! What clients have to do with health: nothing decides it but their upstreams, and with every account out they are told when to come.

use std::time::Duration;

use sluice_tests::client::send;
use sluice_tests::dialects::dialect;
use sluice_tests::fleet::{Fleet, sample};
use sluice_tests::gateway::{Gateway, KEY, key};
use sluice_tests::moment::{now, parse, pass};
use sluice_tests::refusal::{NO_ACCOUNT, Row, Style};
use sluice_tests::upstream::whole;

use super::cases::KINDS;

#[test]
fn neither_a_clients_fault_nor_its_headers_decide_an_accounts_state() {
    let selecting =
        ["openai-organization", "openai-project", "anthropic-workspace-id", "x-goog-user-project", "cookie"];
    let fleet =
        Fleet::start(move |request| match selecting.iter().find(|name| request.header(name).is_some()) {
            Some(_) => whole(403, "", "{}"),
            None => sample(request),
        });
    for (provider, api) in KINDS {
        let gateway = Gateway::start(&(fleet.account(provider, provider, "") + &key("")));
        let dialect = dialect(api);
        let ready = |what: &str| {
            let view = gateway.admin("GET", &format!("/accounts/{provider}"), "").json();
            assert_eq!(
                (&view["state"], &view["models"]),
                (&"ready".into(), &serde_json::json!([])),
                "{what}: {view}"
            );
        };
        for status in [400, 404, 413, 422] {
            // More than the failures in a row that would take an account out; a time to come back is no one's either.
            fleet.tell(provider, move |_| {
                whole(status, "retry-after: 60\r\n", r#"{"error":{"message":"no"}}"#)
            });
            for _ in 0..4 {
                assert_eq!(gateway.post(dialect.paths[0], dialect.request).status, status, "{provider}");
            }
            ready(&format!("{provider} {status}"));
        }
        fleet.heal(provider);
        let mut headers: Vec<_> = selecting.map(|name| (name, "planted")).to_vec();
        headers.extend([("x-api-key", KEY), ("retry-after", "60"), ("x-should-retry", "false")]);
        let answer = send(&gateway.address, "POST", dialect.paths[0], &headers, dialect.request.as_bytes());
        assert_eq!(answer.status, 200, "{provider}: {}", answer.text());
        ready(provider);
    }
}

#[test]
fn a_relayed_refusal_tells_when_the_first_account_is_back_and_not_what_the_last_one_said() {
    let names = ["soon", "late"];
    for (status, last) in [
        (429, "retry-after: 3600\r\n"),
        (429, "retry-after: 2.5\r\nx-should-retry: false\r\n"),
        (429, "retry-after: -1\r\n"),
        (429, "retry-after: Wed, 25 Nov 2020 12:00:00 GMT\r\n"),
        (429, "retry-after-ms: 90500\r\n"),
        (429, ""),
        (503, "retry-after: 3600\r\n"),
        (503, ""),
    ] {
        let fleet = Fleet::start(sample);
        let each = names.iter().enumerate();
        let accounts: String = each
            .map(|(at, name)| fleet.account(name, "claude-console", &format!("priority = {at}")))
            .collect();
        let gateway = Gateway::start(&(accounts + &key("")));
        fleet.tell("soon", |_| whole(429, "retry-after-ms: 4200\r\n", "{}"));
        fleet.tell("late", move |_| whole(status, last, "{\"late\":1}"));
        let dialect = dialect("anthropic");
        let answer = gateway.post(dialect.paths[0], dialect.request);
        assert_eq!((answer.status, answer.text().as_str()), (status, "{\"late\":1}"), "{last}");
        let views = names.map(|name| gateway.admin("GET", &format!("/accounts/{name}"), "").json());
        let until = |view: &serde_json::Value| {
            let noted = if view["until"].is_null() { &view["models"][0]["until"] } else { &view["until"] };
            parse(noted.as_str().unwrap())
        };
        let first = views.iter().map(until).min().unwrap();
        let told: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        let left = first.saturating_sub(now());
        assert!((left.as_secs()..=5).contains(&told), "{last}: {told} of {left:?}");
        assert!(Duration::from_secs(told) >= left, "{last}: who waits so long is served");
        assert_eq!(answer.header("x-sluice-retry-after"), Some(told.to_string().as_str()), "{last}");
        assert_eq!(answer.header("retry-after-ms"), None, "{last}");
        let retry = if last.contains("false") { "false" } else { "true" };
        assert_eq!(answer.header("x-should-retry"), Some(retry), "{last}");
    }
}

#[test]
fn with_every_account_out_the_client_is_told_the_first_recovery_and_is_served_then() {
    let kinds = [("claude-console", "anthropic"), ("openai", "openai-chat"), ("gemini", "gemini")];
    let fleet = Fleet::start(sample);
    let name = |provider: &str, which: &str| format!("{provider}-{which}");
    let accounts = kinds.iter().flat_map(|(provider, _)| {
        [("late", "3600000"), ("soon", "1400")].map(|(which, wait)| {
            let name = name(provider, which);
            fleet.tell(&name, move |_| whole(429, &format!("retry-after-ms: {wait}\r\n"), "{}"));
            fleet.account(&name, provider, "")
        })
    });
    let gateway = Gateway::start(&(accounts.collect::<String>() + &key("")));
    let mut last = Duration::ZERO;
    for (provider, api) in kinds {
        let dialect = dialect(api);
        // Both were asked: what the last one said is what the client gets.
        assert_eq!(gateway.post(dialect.paths[0], dialect.request).status, 429, "{provider}");
        let soon = gateway.admin("GET", &format!("/accounts/{}", name(provider, "soon")), "").json();
        let until = parse(soon["models"][0]["until"].as_str().unwrap());
        let asked = fleet.asked_in_all();
        let before = until.saturating_sub(now()).as_secs_f64().ceil();
        let answer = gateway.post(dialect.paths[0], dialect.request);
        let told = answer
            .header("retry-after")
            .unwrap_or_else(|| panic!("{provider}: {}", answer.text()))
            .to_owned();
        let after = until.saturating_sub(now()).as_secs_f64().ceil().max(1.0);
        assert!(
            (after..=before).contains(&told.parse().unwrap()),
            "{provider}: {told}, not {after} to {before}"
        );
        let after: &'static str = if told == "1" { "1" } else { "2" };
        Row { after: Some(after), ..NO_ACCOUNT }.check(Style::of(api), &answer, provider);
        assert_eq!(fleet.asked_in_all(), asked, "{provider}: nobody was asked");
        assert_eq!(gateway.record()["outcome"], "refused:no_account");
        last = now() + Duration::from_secs(told.parse().unwrap());
    }
    kinds.iter().for_each(|(provider, _)| fleet.heal(&name(provider, "soon")));
    pass(last);
    for (provider, api) in kinds {
        let dialect = dialect(api);
        assert_eq!(gateway.post(dialect.paths[0], dialect.request).status, 200, "{provider}");
        assert_eq!(gateway.record()["account"], name(provider, "soon"));
    }
}
