//! Health: what an upstream says of an account is its state, for as long as was said, and nobody is sent there meanwhile.

mod cases;
mod clients;
mod evidence;
mod operators;
mod reloads;

use std::thread;
use std::time::Duration;

use serde_json::Value;
use sluice_tests::client::{PATIENCE, Whole, send};
use sluice_tests::dialects::dialect;
use sluice_tests::door::Door;
use sluice_tests::fleet::{Fleet, sample};
use sluice_tests::gateway::{Gateway, SECRET, key};
use sluice_tests::moment::{now, parse, pass};
use sluice_tests::upstream::whole;

use cases::{CASES, Case, KINDS, Scope, Told};

/// A case with a provider: two accounts in a pool of their own, of which the first is asked first and fails.
struct Pair {
    case: &'static Case,
    provider: &'static str,
    api: &'static str,
    name: String,
    door: Option<Door>,
}

impl Pair {
    fn all(fleet: &Fleet) -> Vec<Self> {
        let each = CASES.iter().enumerate().flat_map(|(at, case)| {
            let kinds = KINDS.iter().filter(|(provider, _)| case.on.contains(provider));
            kinds.map(move |(provider, api)| (case, *provider, *api, format!("{provider}-{at}")))
        });
        each.map(|(case, provider, api, name)| {
            let door = matches!(case.told, Told::Nothing).then(|| Door::shut_before(fleet.address()));
            Self { case, provider, api, name, door }
        })
        .collect()
    }

    fn first(&self) -> String {
        format!("{}-first", self.name)
    }

    fn config(&self, fleet: &Fleet) -> String {
        let address = self.door.as_ref().map_or(fleet.address(), |door| &door.address);
        let (name, pool) = (&self.name, format!("pools = [\"{}\"]\n", self.name));
        let more = |priority: u8| format!("{pool}priority = {priority}");
        fleet.account_at(address, &self.first(), self.provider, &more(1))
            + &fleet.account(&format!("{name}-second"), self.provider, &more(2))
            + &format!("[[routes]]\nmodel = \"{name}\"\n{pool}")
    }

    /// Asks the pair as a client does.
    fn ask(&self, gateway: &Gateway) -> Whole {
        let dialect = dialect(self.api);
        let answer = gateway
            .post(&dialect.paths[0].replace("m-1", &self.name), &dialect.request.replace("m-1", &self.name));
        assert_eq!((answer.status, answer.text().as_str()), (200, dialect.answer), "{}", self.what());
        answer
    }

    /// The first account begins to fail, as often as it takes.
    fn fail(&self, fleet: &Fleet, gateway: &Gateway) {
        if let Told::Answer(status, headers, body) = self.case.told {
            fleet.tell(&self.first(), move |_| whole(status, &headers(), body));
        }
        for _ in 0..self.case.times {
            assert_eq!(self.view(gateway)["state"], "ready", "{}", self.what());
            let answer = self.ask(gateway);
            assert_eq!(answer.header("x-sluice-attempts"), Some("2"), "{}", self.what());
        }
    }

    fn heal(&self, fleet: &Fleet) {
        fleet.heal(&self.first());
        if let Some(door) = &self.door {
            door.open();
        }
    }

    fn view(&self, gateway: &Gateway) -> Value {
        gateway.admin("GET", &format!("/accounts/{}", self.first()), "").json()
    }

    /// What is noted of the first account: of itself or of the model, as the case says.
    fn noted(&self, gateway: &Gateway) -> Value {
        let view = self.view(gateway);
        match self.case.scope {
            Scope::Account => view,
            Scope::Model => view["models"][0].clone(),
        }
    }

    fn what(&self) -> String {
        format!("{}: {}", self.provider, self.case.what)
    }
}

/// All pairs on one gateway.
fn start(fleet: &Fleet, scheduler: &str) -> (Vec<Pair>, Gateway) {
    let pairs = Pair::all(fleet);
    let accounts: String = pairs.iter().map(|pair| pair.config(fleet)).collect();
    let config = format!("server.reveal_route = true\n{accounts}{}[scheduler]\n{scheduler}\n", key(""));
    (pairs, Gateway::start(&config))
}

fn is_near(value: &Value, from: Duration, to: Duration) -> bool {
    let at = parse(value.as_str().unwrap_or_else(|| panic!("{value} is no time")));
    // A date and a reset are in whole seconds.
    at + Duration::from_millis(1_100) >= from && at <= to + Duration::from_millis(100)
}

#[test]
fn an_account_is_in_the_state_that_its_upstream_told_for_as_long_as_it_said() {
    let fleet = Fleet::start(sample);
    let (pairs, gateway) = start(&fleet, "");
    for pair in &pairs {
        let what = pair.what();
        let wait = Duration::from_secs_f64(pair.case.seconds);
        let before = now();
        pair.fail(&fleet, &gateway);
        let after = now();
        let (view, noted) = (pair.view(&gateway), pair.noted(&gateway));
        assert_eq!(noted["state"], pair.case.state, "{what}: {view}");
        assert!(is_near(&noted["until"], before + wait, after + wait), "{what}: {view} at {after:?}");
        assert!(is_near(&noted["since"], before, after), "{what}: {view}");
        let reason = noted["reason"].as_str().unwrap_or_default();
        assert!(!reason.is_empty() && !view.to_string().contains(SECRET), "{what}: {view}");
        match pair.case.scope {
            Scope::Account => assert_eq!(view["models"], serde_json::json!([]), "{what}: {view}"),
            Scope::Model => {
                assert_eq!(
                    (&noted["model"], &view["state"]),
                    (&pair.name.as_str().into(), &"ready".into()),
                    "{view}"
                );
                assert!(view["until"].is_null() && view["reason"].is_null(), "{what}: {view}");
            }
        }
        let asked = fleet.asked(&pair.first());
        assert_eq!(asked, if pair.door.is_some() { 0 } else { pair.case.times }, "{what}");
        let answer = pair.ask(&gateway);
        assert_eq!(answer.header("x-sluice-attempts"), Some("1"), "{what}");
        assert_eq!(fleet.asked(&pair.first()), asked, "{what}: it is left alone");
    }
    let metrics = send(&gateway.address, "GET", "/metrics", &[], b"").text();
    for pair in &pairs {
        let state = if pair.case.scope == Scope::Account { pair.case.state } else { "ready" };
        let line =
            |state: &str| format!("sluice_account_state{{account=\"{}\",state=\"{state}\"}}", pair.first());
        assert!(metrics.contains(&format!("{} 1", line(state))), "{}: {}", pair.what(), line(state));
        let ready = format!("{} 1", line("ready"));
        assert_eq!(metrics.contains(&ready), state == "ready", "{}", pair.what());
    }
}

#[test]
fn an_account_is_sent_nothing_before_its_time_and_is_asked_again_once_it_is_over() {
    let fleet = Fleet::start(sample);
    // What upstream names is longer: the longest cool-down bounds that, too.
    let each = ["rate_limited", "overloaded", "failing", "unauthorized", "quota", "max"];
    let each = each.map(|state| format!("{state} = \"300ms\"")).join(", ");
    let (pairs, gateway) = start(&fleet, &format!("cooldown = {{ {each} }}"));
    let (fleet, gateway) = (&fleet, &gateway);
    thread::scope(|scope| {
        for (provider, _) in KINDS {
            let own: Vec<&Pair> = pairs.iter().filter(|pair| pair.provider == provider).collect();
            scope.spawn(move || own.into_iter().for_each(|pair| comes_back(pair, fleet, gateway)));
        }
    });
}

fn comes_back(pair: &Pair, fleet: &Fleet, gateway: &Gateway) {
    let what = pair.what();
    pair.fail(fleet, gateway);
    let failed = now();
    let until = parse(pair.noted(gateway)["until"].as_str().unwrap_or_else(|| panic!("{what}")));
    assert!(until <= failed + Duration::from_millis(300), "{what}: cooldown.max bounds what upstream names");
    let before = fleet.asked(&pair.first());
    pair.heal(fleet);
    loop {
        let sent = now();
        let account = pair.ask(gateway).header("x-sluice-account").unwrap().to_owned();
        if account == pair.first() {
            break;
        }
        assert!(sent < until, "{what}: its time was over, and the second was asked");
        assert!(now() < failed + PATIENCE, "{what}");
        pass(now() + Duration::from_millis(20));
    }
    let arrived = fleet.arrivals(&pair.first())[before];
    assert!(arrived >= until, "{what}: asked {:?} too early", until - arrived);
    let view = pair.view(gateway);
    assert_eq!(
        (&view["state"], &view["models"]),
        (&"ready".into(), &serde_json::json!([])),
        "{what}: {view}"
    );
}

#[test]
fn a_limit_of_token_counting_keeps_no_account_from_serving() {
    let fleet = Fleet::start(|request| match request.line.contains("count_tokens") {
        true => whole(429, "retry-after: 60\r\n", "{}"),
        false => sample(request),
    });
    let config = fleet.account("a", "claude-console", "") + &key("");
    let gateway = Gateway::start(&config);
    let body = r#"{"model":"m-1","max_tokens":9,"messages":[]}"#;
    for _ in 0..2 {
        assert_eq!(gateway.post("/v1/messages/count_tokens", body).status, 429);
        let account = gateway.admin("GET", "/accounts/a", "").json();
        assert_eq!((&account["state"], &account["models"]), (&"ready".into(), &Value::Array(Vec::new())));
        assert_eq!(gateway.post("/v1/messages", body).status, 200);
    }
}

#[test]
fn tokens_that_are_counted_between_failures_do_not_interrupt_them() {
    let fleet = Fleet::start(|request| match request.line.contains("count_tokens") {
        true => whole(200, "", "{\"input_tokens\":7}"),
        false => whole(500, "", "{}"),
    });
    let gateway = Gateway::start(&(fleet.account("a", "claude-console", "") + &key("")));
    let body = r#"{"model":"m-1","max_tokens":9,"messages":[]}"#;
    for _ in 0..3 {
        assert_eq!(gateway.post("/v1/messages/count_tokens", body).status, 200);
        assert_eq!(gateway.post("/v1/messages", body).status, 500);
    }
    assert_eq!(gateway.admin("GET", "/accounts/a", "").json()["state"], "failing");
}
