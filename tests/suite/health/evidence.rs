//! What failures are worth: one client's requests take no account from the others.

use sluice_tests::client::send;
use sluice_tests::dialects::{dialect, streaming};
use sluice_tests::fleet::{Fleet, sample};
use sluice_tests::gateway::{Gateway, key};
use sluice_tests::upstream::{Request, whole};

const OTHER: &str = "[[keys]]\nname = \"other\"\nkey = \"other\"\n";

fn is_poisoned(request: &Request) -> bool {
    String::from_utf8_lossy(&request.body).contains("poison")
}

fn states(gateway: &Gateway) -> Vec<String> {
    let views = gateway.admin("GET", "/accounts", "").json();
    let views = views["data"].as_array().unwrap().iter();
    views.map(|view| view["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_body_that_no_upstream_can_take_takes_no_account_from_the_others() {
    for dialect in streaming() {
        let fleet = Fleet::start(|request| match is_poisoned(request) {
            true => whole(500, "", "{}"),
            false => sample(request),
        });
        let names = ["a", "b", "c"];
        let accounts: String = names.iter().map(|name| fleet.account(name, dialect.provider, "")).collect();
        let gateway = Gateway::start(&(accounts + &key("") + OTHER));
        let poisoned = dialect.request.replacen('{', "{\"x\":\"poison\",", 1);
        for _ in 0..5 {
            assert_eq!(gateway.post(dialect.paths[0], &poisoned).status, 500, "{}", dialect.api);
        }
        assert_eq!(fleet.asked_in_all(), 15, "{}: everybody was asked each time", dialect.api);
        assert_eq!(states(&gateway), ["ready"; 3], "{}", dialect.api);
        let headers = [("x-api-key", "other")];
        let answer = send(&gateway.address, "POST", dialect.paths[0], &headers, dialect.request.as_bytes());
        assert_eq!(answer.status, 200, "{}", dialect.api);
    }
}

#[test]
fn one_client_whose_requests_all_fail_takes_no_account_out_while_others_are_answered() {
    let fleet = Fleet::start(|request| match is_poisoned(request) {
        true => whole(500, "", "{}"),
        false => sample(request),
    });
    let gateway = Gateway::start(&(fleet.account("a", "claude-console", "") + &key("") + OTHER));
    let dialect = dialect("anthropic");
    let as_other = |body: &str| {
        send(&gateway.address, "POST", dialect.paths[0], &[("x-api-key", "other")], body.as_bytes()).status
    };
    assert_eq!(as_other(dialect.request), 200);
    for number in 0..9 {
        let poisoned = dialect.request.replacen('{', &format!("{{\"x\":\"poison {number}\","), 1);
        assert_eq!(gateway.post(dialect.paths[0], &poisoned).status, 500);
    }
    assert_eq!((states(&gateway), as_other(dialect.request)), (vec!["ready".to_owned()], 200));
    // When the others see it fail too, it is the account.
    fleet.tell("a", |_| whole(500, "", "{}"));
    for _ in 0..2 {
        let _ = gateway.post(dialect.paths[0], dialect.request);
    }
    assert_eq!(as_other(dialect.request), 500);
    assert_eq!(states(&gateway), ["failing"]);
}
