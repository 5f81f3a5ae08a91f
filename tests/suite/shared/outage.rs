//! A Redis that goes away and comes back.

use sluice_tests::client::send;
use sluice_tests::gateway::{account, key};
use sluice_tests::upstream::{Upstream, whole};

use super::{Redis, ask, me, message};

#[test]
fn while_the_store_is_away_requests_are_refused_at_once_and_nothing_is_lost() {
    let mut redis = Redis::start();
    let upstream = Upstream::start(|_| whole(200, "content-type: application/json\r\n", &message(20, 10)));
    let config = account("a", "claude-console", &upstream.address, "")
        + &key("concurrency = 5\nlimits = [{ per = \"total\", requests = 7 }]");
    let gateways = redis.gateways(2, &config);
    for gateway in &gateways {
        assert_eq!([(); 2].map(|()| ask(gateway)), [200; 2]);
    }
    for round in 0..2 {
        redis.kill();
        for gateway in &gateways {
            let refused = gateway.post("/v1/messages", &super::body("m"));
            assert_eq!(refused.status, 503, "{}", refused.text());
            assert_eq!(refused.json()["error"]["type"], "api_error");
            let told = ["retry-after", "x-should-retry"].map(|name| refused.header(name));
            assert_eq!(told, [Some("1"), Some("true")], "it comes back by itself");
            let ready = send(&gateway.address, "GET", "/readyz", &[], b"");
            assert_eq!(ready.status, 503, "{}", ready.text());
        }
        redis.revive();
        for gateway in &gateways {
            gateway.until("it serves again", |gateway| {
                send(&gateway.address, "GET", "/readyz", &[], b"").status == 200
            });
        }
        gateways[round].until("it counts on", |gateway| ask(gateway) == 200);
    }
    assert_eq!(upstream.seen().len(), 6);
    for gateway in &gateways {
        gateway.until("what was counted is there", |gateway| me(gateway)["limits"][0]["used"] == 6);
        gateway.until("every record is there", |gateway| {
            let usage = gateway.admin("GET", "/usage", "").json()["data"][0].clone();
            usage["input_tokens"] == 120
        });
        gateway.until("no slot is held", |gateway| me(gateway)["concurrency"]["held"] == 0);
    }
    assert_eq!([ask(&gateways[0]), ask(&gateways[1])], [200, 402]);
}
