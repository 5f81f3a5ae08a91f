//! Limits: what is admitted, what is refused and how, and what comes back.

mod hard;
pub(crate) mod queue;
mod restart;
pub(crate) mod scope;
mod told;
mod windows;

use std::sync::Arc;

use serde_json::{Value, json};
use sluice_tests::client::{Whole, send};
use sluice_tests::gateway::{Gateway, KEY};
use sluice_tests::moment::noon;
use sluice_tests::upstream::{Upstream, whole};

/// Prices of the model `m`: a million tokens in cost 3 dollars, out 15.
const PRICES: &str = "[models.m]\ninput = \"3\"\noutput = \"15\"\n[models.n]\ninput = \"3\"\noutput = \"15\"\n\
                      [models.n.service_tiers.fast]\ninput = \"6\"\noutput = \"30\"\n";

/// Configuration of a cost model that knows `m` and `n`.
pub(crate) fn priced() -> (sluice_tests::gateway::Folder, String) {
    let folder = sluice_tests::gateway::Folder::new();
    let path = folder.0.join("prices.toml");
    std::fs::write(&path, PRICES).unwrap();
    let config = format!("[cost]\nfiles = [{path:?}]\n");
    (folder, config)
}

/// A gateway whose days, weeks and months don't end while it is tested.
fn start(config: &str) -> Gateway {
    Gateway::start(&(noon() + config))
}

/// A message that used so many tokens.
pub(crate) fn message(input: u64, output: u64) -> String {
    json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [{ "type": "text", "text": "hi" }], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": { "input_tokens": input, "output_tokens": output } })
    .to_string()
}

/// An upstream whose messages used so many tokens.
fn answering(input: u64, output: u64) -> Upstream {
    Upstream::start(move |_| whole(200, "content-type: application/json\r\n", &message(input, output)))
}

pub(crate) fn body(model: &str, max_tokens: u64) -> String {
    json!({ "model": model, "max_tokens": max_tokens, "messages": [{ "role": "user", "content": "hi" }] })
        .to_string()
}

/// Asks for a message with the key of the tests.
fn ask(gateway: &Gateway, model: &str) -> Whole {
    gateway.post("/v1/messages", &body(model, 100))
}

/// Asks with another key.
fn ask_as(gateway: &Gateway, secret: &str, model: &str) -> Whole {
    let headers = [("x-api-key", secret), ("content-type", "application/json")];
    send(&gateway.address, "POST", "/v1/messages", &headers, body(model, 100).as_bytes())
}

/// Asks so often at once, and gives the statuses.
fn at_once(gateway: &Arc<Gateway>, count: usize, ask: fn(&Gateway) -> u16) -> Vec<u16> {
    let asking: Vec<_> = (0..count)
        .map(|_| {
            let gateway = Arc::clone(gateway);
            std::thread::spawn(move || ask(&gateway))
        })
        .collect();
    asking.into_iter().map(|one| one.join().unwrap()).collect()
}

pub(crate) fn count(statuses: &[u16], status: u16) -> usize {
    statuses.iter().filter(|one| **one == status).count()
}

/// What the holder of the tests' key is told of itself.
fn me(gateway: &Gateway) -> Value {
    send(&gateway.address, "GET", "/v1/me", &[("x-api-key", KEY)], b"").json()
}
