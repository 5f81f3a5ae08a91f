//! The way upstream: what a server may do with its connections, and whom it may cost something.

mod addresses;
mod breaks;
mod ends;
mod limits;
mod refused;

use sluice_tests::dialects::{Dialect, dialect};
use sluice_tests::fleet::sample;
use sluice_tests::gateway::{Gateway, key};
use sluice_tests::upstream::{Request, Step, Upstream};

/// The dialect that these tests speak.
fn spoken() -> &'static Dialect {
    dialect("anthropic")
}

/// A gateway with one account, `a`, at an upstream.
fn before(upstream: &Upstream, more: &str) -> Gateway {
    Gateway::start(&(upstream.account("a", "claude-console", more) + &key("concurrency = 4000")))
}

/// Whether a header of the request, which clients of these tests send, says this.
fn turn(request: &Request, says: &str) -> bool {
    request.header("x-turn") == Some(says)
}

/// The sample, whole or streamed as was asked.
fn usual(request: &Request) -> Vec<Step> {
    sample(request)
}

/// Nothing is in flight, and nothing is held against the account.
fn is_well(gateway: &Gateway, what: &str) {
    gateway.until("nothing in flight", |gateway| gateway.in_flight() == 0);
    let account = gateway.admin("GET", "/accounts/a", "").json();
    assert_eq!(account["state"], "ready", "{what}: {account}");
}
