//! Limits of several gateways are one.

use sluice_tests::gateway::{account, key};
use sluice_tests::moment::noon;

use super::{GATEWAYS, Redis, answering, ask, at_once, count, me};

#[test]
fn exactly_so_many_requests_pass_however_many_come_at_once_and_wherever() {
    let redis = Redis::start();
    let upstream = answering();
    for (name, per) in [("rolling", "1h"), ("day", "day"), ("total", "total")] {
        let config = noon()
            + &format!("store.prefix = \"{name}\"\n")
            + &account("a", "claude-console", &upstream.address, "")
            + &key(&format!("limits = [{{ per = \"{per}\", requests = 40 }}]"));
        let gateways = redis.gateways(GATEWAYS, &config);
        let before = upstream.seen().len();
        let statuses = at_once(&gateways, 200, ask);
        let refused = if per == "total" { 402 } else { 429 };
        assert_eq!((count(&statuses, 200), count(&statuses, refused)), (40, 160), "{per}: {statuses:?}");
        assert_eq!(upstream.seen().len() - before, 40, "{per}");
        for gateway in &gateways {
            let limit = &me(gateway)["limits"][0];
            assert_eq!((limit["used"].as_u64(), limit["left"].as_u64()), (Some(40), Some(0)), "{per}");
        }
    }
}

#[test]
fn requests_one_right_after_the_other_never_meet_their_own_slot() {
    crate::limits::scope::one_right_after_the_other(&Redis::start().store());
}
