//! What outlives a process: limits are counted on from the ledger, however the one before ended.

use std::sync::Arc;

use sluice_tests::gateway::{Folder, Gateway, account, key};
use sluice_tests::moment::noon;

use super::{answering, ask, me, priced};

#[test]
fn a_restart_forgets_no_limit_whichever_way_the_gateway_ended() {
    for signal in ["TERM", "KILL"] {
        let (_prices, cost) = priced();
        // Each costs 0.0153 dollars and uses 1,100 tokens.
        let upstream = answering(100, 1_000);
        let folder = Arc::new(Folder::new());
        let limits = "limits = [{ per = \"day\", cost = \"0.03\" }, { per = \"total\", tokens = 3000 }, { per = \"5h\", requests = 4 }, { per = \"10m\", requests = 5 }]";
        let config = noon()
            + &cost
            + &account(
                "a",
                "claude-console",
                &upstream.address,
                "limits = [{ per = \"month\", requests = 100 }]",
            )
            + "[[groups]]\nname = \"g\"\nlimits = [{ per = \"week\", requests = 50 }]\n"
            + &key(&format!("group = \"g\"\n{limits}"));
        let gateway = Gateway::start_in(Arc::clone(&folder), &config);
        assert_eq!(ask(&gateway, "m").status, 200);
        let before = me(&gateway)["limits"].clone();
        gateway.signal(signal);
        let _ = gateway.wait();

        let gateway = Gateway::start_in(Arc::clone(&folder), &config);
        let after = me(&gateway)["limits"].clone();
        for at in 0..5 {
            for field in ["per", "requests", "tokens", "cost", "used", "left"] {
                assert_eq!(after[at][field], before[at][field], "{signal}: limit {at}, {field}: {after}");
            }
        }
        assert_eq!([after[0]["used"].as_str(), after[0]["left"].as_str()], [Some("0.0153"), Some("0.0147")]);
        assert_eq!(ask(&gateway, "m").status, 200, "{signal}");
        assert_eq!(ask(&gateway, "m").status, 402, "{signal}: 0.0306 dollars are used");
    }
}

#[test]
fn a_limit_that_is_new_counts_what_was_used_before_it() {
    let upstream = answering(1, 1);
    let zone = noon();
    let config =
        |limits: &str| zone.clone() + &account("a", "claude-console", &upstream.address, "") + &key(limits);
    let gateway = Gateway::start(&config(""));
    assert_eq!([(); 2].map(|()| ask(&gateway, "m").status), [200, 200]);
    // They have just ended.
    gateway.rewrite(&config("limits = [{ per = \"day\", requests = 3 }]"));
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    assert_eq!([(); 2].map(|()| ask(&gateway, "m").status), [200, 429]);
    // A limit that is changed keeps its count.
    gateway.rewrite(&config("limits = [{ per = \"day\", requests = 5 }]"));
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    assert_eq!([(); 3].map(|()| ask(&gateway, "m").status), [200, 200, 429]);

    let made = gateway.admin("POST", "/keys", r#"{"name":"made"}"#).json();
    let secret = made["key"].as_str().unwrap().to_owned();
    assert_eq!(super::ask_as(&gateway, &secret, "m").status, 200);
    let limits = r#"{"limits":[{"per":"total","requests":1}]}"#;
    assert_eq!(gateway.admin("PATCH", "/keys/made", limits).status, 200);
    assert_eq!(super::ask_as(&gateway, &secret, "m").status, 402);
}
