//! Others' gateways as upstreams of ours: conversations with tools go through both, and what they use is recorded.

use serde_json::{Value, json};
use sluice_tests::conversation::{self, ROUNDS};
use sluice_tests::gateway::{self, Gateway, KEY, key};
use sluice_tests::kits;
use sluice_tests::middle::Middle;
use sluice_tests::turn::USED;
use sluice_tests::upstream::Upstream;

/// Has the conversations by accounts of these providers behind it, each asked for by its name; gives the records of each.
fn converse(middle: &Middle, providers: &[&str]) -> Vec<Vec<Value>> {
    let mut config = key("");
    for provider in providers {
        config +=
            &gateway::account(provider, provider, &middle.address, &format!("pools = [\"{provider}\"]\n"));
        config += &format!("[[routes]]\nmodel = \"{provider}\"\npools = [\"{provider}\"]\n");
    }
    let gateway = Gateway::start(&config);
    let mut command = kits::script("middle_sdk.py");
    command.args([&format!("http://{}", gateway.address), KEY]).args(providers);
    kits::succeeds(command, "");
    let of = |provider: &&str| {
        let told = gateway.admin("GET", &format!("/requests?limit=100&account={provider}"), "").json();
        let records = told["data"].as_array().unwrap().clone();
        assert_eq!(records.len(), 2 * (ROUNDS + 1), "{told:#}");
        assert!(records.iter().all(|record| record["outcome"] == "completed"), "{told:#}");
        records
    };
    providers.iter().map(of).collect()
}

/// What a record says was used, and whether it was estimated.
fn used(record: &Value) -> [&Value; 4] {
    ["input_tokens", "cache_read_tokens", "output_tokens", "usage_estimated"].map(|name| &record[name])
}

#[test]
fn a_litellm_proxy_is_an_upstream_in_either_of_its_dialects() {
    let upstream = Upstream::start(conversation::answer);
    let middle = Middle::litellm(&upstream);
    for records in converse(&middle, &["openai-compatible", "claude-console"]) {
        for record in records {
            assert_eq!(
                used(&record),
                [&json!(USED.0), &json!(USED.1), &json!(USED.2), &json!(false)],
                "{record:#}"
            );
        }
    }
}

#[test]
fn a_claude_code_router_is_an_upstream() {
    let upstream = Upstream::start(conversation::answer);
    let middle = Middle::router(&upstream);
    for record in converse(&middle, &["ccr"]).concat() {
        // It loses the usage of a stream where that has come in one piece with the end of the answer, and says 0 then.
        if record["stream"] == true && record["usage_estimated"] == true {
            assert!(record["output_tokens"].as_u64() > Some(0), "{record:#}");
        } else {
            assert_eq!(
                used(&record),
                [&json!(USED.0), &json!(USED.1), &json!(USED.2), &json!(false)],
                "{record:#}"
            );
        }
    }
}
