//! The real thing: accounts of all kinds in pools and routes, driven by the official SDKs while accounts are limited,
//! refused, killed and revived. Clients see no failure that any account could have avoided.

pub(crate) mod answers;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use sluice_tests::dice::Dice;
use sluice_tests::door::Door;
use sluice_tests::fleet::{Fleet, asks_stream};
use sluice_tests::gateway::{Gateway, key};
use sluice_tests::moment::{now, pass};
use sluice_tests::sdks::Sdks;
use sluice_tests::upstream::{Step, stream_head, whole};

use answers::answer;

/// Accounts: name, provider, what it needs beside.
const ACCOUNTS: [(&str, &str, &str); 11] = [
    ("official", "claude-official", ""),
    ("console-a", "claude-console", "pools = [\"claude\", \"spare\"]"),
    ("console-b", "claude-console", "pools = [\"spare\"]"),
    ("router", "ccr", "model_map = { claude-opus-5-5 = \"openrouter,sonnet\" }"),
    ("aws", "bedrock", "region = \"us-east-1\"\npools = [\"spare\"]"),
    ("gemini-a", "gemini", ""),
    ("gemini-b", "gemini", "models = [\"gemini-*\"]"),
    ("openai", "openai", ""),
    ("responses", "openai-responses", ""),
    ("compatible", "openai-compatible", ""),
    ("azure", "azure-openai", "deployments = { \"gpt-5.5\" = \"prod\" }"),
];

/// Accounts that together can serve every client; in each round one of each family's stays well.
const ENOUGH: [&[&[&str]]; 3] = [
    &[&["official"], &["console-a"], &["console-b"], &["router"], &["aws"]],
    &[&["gemini-a"], &["gemini-b"]],
    &[&["openai"], &["azure"], &["compatible", "responses"]],
];

/// What can be wrong with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Manner {
    /// It answers with this status.
    Status(u16),
    /// It ends the connection in place of an answer.
    Closes,
    /// It begins to answer and says nothing. A whole answer that is late would be paid twice: that is no manner here.
    Hangs,
    /// Nobody listens.
    Refuses,
}

const MANNERS: [Manner; 9] = [
    Manner::Status(429),
    Manner::Status(401),
    Manner::Status(402),
    Manner::Status(500),
    Manner::Status(503),
    Manner::Status(529),
    Manner::Closes,
    Manner::Hangs,
    Manner::Refuses,
];

/// How often accounts break down.
const ROUNDS: usize = 10;

/// How long a stream is waited for.
const FIRST_BYTE: Duration = Duration::from_millis(200);

/// How long they stay so: longer than a wait for an upstream's first byte, shorter than a second.
const ROUND: Duration = Duration::from_millis(400);

/// The accounts, each behind a door.
struct World {
    fleet: Fleet,
    accounts: Vec<(&'static str, Door)>,
}

impl World {
    fn new(linked: &BTreeSet<String>) -> (Self, String) {
        let fleet = Fleet::start(answer);
        let mut config = String::new();
        let mut accounts = Vec::new();
        for (name, provider, more) in ACCOUNTS.iter().filter(|(_, provider, _)| linked.contains(*provider)) {
            let door = Door::shut_before(fleet.address());
            door.open();
            config += &fleet.account_at(&door.address, name, provider, more);
            accounts.push((*name, door));
        }
        (Self { fleet, accounts }, config)
    }

    fn does(&self, (name, door): &(&'static str, Door), manner: Manner) {
        self.fleet.tell(name, move |request| match manner {
            Manner::Status(status) => {
                whole(status, "retry-after-ms: 150\r\n", "{\"error\":{\"message\":\"no\"}}")
            }
            Manner::Hangs if asks_stream(request) && !request.line.contains("/invoke") => {
                vec![stream_head("text/event-stream"), Step::Hang]
            }
            Manner::Hangs if asks_stream(request) => vec![Step::Hang],
            Manner::Closes | Manner::Hangs | Manner::Refuses => vec![Step::Close],
        });
        if manner == Manner::Refuses {
            door.shut();
        }
    }

    fn heal(&self) {
        for (name, door) in &self.accounts {
            self.fleet.heal(name);
            door.open();
        }
    }
}

/// Waits until every account is well again, as far as the gateway knows.
fn wait_until_ready(gateway: &Gateway) {
    gateway.until("every account is ready again", |gateway| {
        let accounts = gateway.admin("GET", "/accounts", "").json();
        let mut all = accounts["data"].as_array().unwrap().iter();
        all.all(|account| account["state"] == "ready" && account["models"] == json!([]))
    });
}

#[test]
fn clients_of_a_pool_see_no_failure_that_any_account_could_have_avoided() {
    let linked: BTreeSet<String> = super::conformance::linked_in().into_iter().collect();
    let (world, accounts) = World::new(&linked);
    assert!(world.accounts.len() >= 10, "{linked:?}");
    let each = ["rate_limited", "overloaded", "failing", "unauthorized", "quota", "max"];
    let each = each.map(|state| format!("{state} = \"150ms\"")).join(", ");
    // Either pool is the first for somebody, so that whoever is back there is asked again.
    let routes = "[[routes]]\nmodel = \"claude-streamed\"\napi = [\"anthropic\"]\npools = [\"spare\", \"claude\"]\n\
        rewrite = \"claude-opus-5-5\"\n\
        [[routes]]\nmodel = \"claude-*\"\napi = [\"anthropic\"]\npools = [\"claude\", \"spare\"]\n";
    let scheduler = format!("[scheduler]\nattempts = 6\ncooldown = {{ {each} }}\n");
    let config = format!("upstream.first_byte_timeout = \"{}ms\"\n", FIRST_BYTE.as_millis())
        + &accounts
        + &key("")
        + routes
        + &scheduler;
    let gateway = Gateway::start(&config);
    let sdks = Sdks::start(&gateway);
    let mut dice = Dice::new(11);
    let mut seen = BTreeSet::new();
    for _ in 0..ROUNDS {
        // Who is to stay is known to be well before the others break down, and what still waits there for an answer
        // has gone elsewhere: it would not be sent there twice.
        world.heal();
        pass(now() + 2 * FIRST_BYTE);
        wait_until_ready(&gateway);
        let stay: Vec<&str> = ENOUGH
            .iter()
            .flat_map(|family| {
                let there = |names: &&&[&str]| {
                    names.iter().all(|name| world.accounts.iter().any(|(known, _)| known == name))
                };
                let able: Vec<&[&str]> = family.iter().filter(there).copied().collect();
                dice.pick(&able)
            })
            .copied()
            .collect();
        for account in world.accounts.iter().filter(|(name, _)| !stay.contains(name)) {
            let manner = dice.pick(&MANNERS);
            seen.insert(manner);
            world.does(account, manner);
        }
        pass(now() + ROUND);
    }
    world.heal();
    wait_until_ready(&gateway);
    let said = sdks.end();
    assert_eq!(said["failures"], json!([]), "\n{said:#}\n");
    let served = said["served"].as_object().unwrap();
    assert_eq!(served.len(), 8, "{said}");
    assert!(served.values().all(|count| count.as_u64() > Some(20)), "{said}");
    assert_eq!(seen.len(), MANNERS.len(), "every manner had its turn: {seen:?}");
    assert!(
        world.accounts.iter().all(|(name, _)| world.fleet.asked(name) > 10),
        "every account had its part"
    );
    gateway.until("nothing is in flight", |gateway| gateway.in_flight() == 0);
    let records = gateway.admin("GET", "/requests?limit=1000", "").json();
    let records = records["data"].as_array().unwrap();
    assert!(records.iter().all(|record| record["outcome"] == "completed"), "by the records, too");
    assert!(records.iter().any(|record| record["attempts"].as_u64() > Some(1)), "some were failed over");
}
