//! Several gateways on one Redis: what one of them counts, makes and hears of holds on all.

mod limits;
mod line;
mod many;
mod outage;
mod seen;

use std::sync::Arc;

use serde_json::Value;
use sluice_tests::client::{Whole, send};
use sluice_tests::gateway::{Gateway, KEY};
use sluice_tests::redis::Redis;
use sluice_tests::upstream::{Upstream, whole};

use crate::limits::{count, message};

/// How many gateways share a server.
const GATEWAYS: usize = 3;

/// Asks so often at once, each time another of the gateways, and gives the statuses.
fn at_once(gateways: &[Arc<Gateway>], asks: usize, ask: fn(&Gateway) -> u16) -> Vec<u16> {
    let asking: Vec<_> = gateways
        .iter()
        .cycle()
        .take(asks)
        .map(|gateway| {
            let gateway = Arc::clone(gateway);
            std::thread::spawn(move || ask(&gateway))
        })
        .collect();
    asking.into_iter().map(|one| one.join().unwrap()).collect()
}

/// An upstream that answers.
fn answering() -> Upstream {
    Upstream::start(|_| whole(200, "content-type: application/json\r\n", &message(1, 1)))
}

fn body(model: &str) -> String {
    crate::limits::body(model, 100)
}

/// Asks for a message, and gives the status.
fn ask(gateway: &Gateway) -> u16 {
    gateway.post("/v1/messages", &body("m")).status
}

fn ask_as(gateway: &Gateway, secret: &str) -> Whole {
    let headers = [("x-api-key", secret), ("content-type", "application/json")];
    send(&gateway.address, "POST", "/v1/messages", &headers, body("m").as_bytes())
}

/// What the holder of the tests' key is told of itself.
fn me(gateway: &Gateway) -> Value {
    send(&gateway.address, "GET", "/v1/me", &[("x-api-key", KEY)], b"").json()
}
