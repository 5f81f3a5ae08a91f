//! The line of a key: first come first served, for slots of its own, its group's and accounts'.

use std::collections::VecDeque;
use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use sluice_tests::client::{PATIENCE, Whole};
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::upstream::{Step, Upstream, whole};

use super::{ask, ask_as, body, me, message, start};

/// Requests that are at the upstream, in the order in which they came, each with what has it answered.
#[derive(Default)]
pub(crate) struct Held(Mutex<VecDeque<Sender<()>>>, Condvar);

impl Held {
    /// An upstream that answers a request when it is told to.
    pub(crate) fn back() -> (Arc<Self>, Upstream) {
        let held = Arc::new(Self::default());
        let upstream = Upstream::start({
            let held = Arc::clone(&held);
            move |_| {
                let (answer, wait) = channel();
                held.0.lock().unwrap().push_back(answer);
                held.1.notify_all();
                let answer = whole(200, "content-type: application/json\r\n", &message(1, 1));
                std::iter::once(Step::Wait(wait)).chain(answer).collect()
            }
        });
        (held, upstream)
    }

    /// Has the first of them answered, once there is one.
    pub(crate) fn answer(&self) {
        let waiting = self.0.lock().unwrap();
        let (mut waiting, waited) =
            self.1.wait_timeout_while(waiting, PATIENCE, |waiting| waiting.is_empty()).unwrap();
        assert!(!waited.timed_out(), "nobody came to the upstream");
        waiting.pop_front().unwrap().send(()).unwrap();
    }
}

/// Asks for this model, beside what goes on.
pub(crate) fn asking(gateway: &Arc<Gateway>, model: &str) -> JoinHandle<Whole> {
    let (gateway, model) = (Arc::clone(gateway), model.to_owned());
    std::thread::spawn(move || ask(&gateway, &model))
}

fn waiting(gateway: &Gateway) -> u64 {
    me(gateway)["concurrency"]["waiting"].as_u64().unwrap()
}

pub(crate) fn models(upstream: &Upstream) -> Vec<String> {
    let model = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).unwrap()["model"].clone();
    upstream.seen().iter().map(|seen| model(&seen.body).as_str().unwrap().to_owned()).collect()
}

#[test]
fn who_came_first_is_served_first_and_no_more_wait_than_may() {
    let (held, upstream) = Held::back();
    let config = account("a", "claude-console", &upstream.address, "")
        + &key("concurrency = 1\nqueue = { size = 3, wait = \"20s\" }");
    let gateway = Arc::new(start(&config));
    let mut asked = vec![asking(&gateway, "m-0")];
    gateway.until("the first runs", |_| upstream.seen().len() == 1);
    for number in 1..=3 {
        asked.push(asking(&gateway, &format!("m-{number}")));
        gateway.until("it waits", |gateway| waiting(gateway) == number);
    }
    let refused = ask(&gateway, "m-4");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    assert!(refused.text().contains("as many wait for a slot as may"), "{}", refused.text());
    let at_once = gateway.admin("GET", "/concurrency", "").json();
    assert_eq!(
        at_once["keys"][0],
        serde_json::json!({ "name": "test", "held": 1, "waiting": 3, "limit": 1 })
    );
    for _ in 0..4 {
        held.answer();
    }
    let statuses: Vec<u16> = asked.into_iter().map(|one| one.join().unwrap().status).collect();
    assert_eq!(statuses, [200; 4]);
    assert_eq!(models(&upstream), ["m-0", "m-1", "m-2", "m-3"]);
    assert_eq!(waiting(&gateway), 0);
}

#[test]
fn who_waits_too_long_is_told_and_who_leaves_makes_room_for_the_next() {
    let (held, upstream) = Held::back();
    let config = account("a", "claude-console", &upstream.address, "")
        + &key("concurrency = 1\nqueue = { size = 1, wait = \"700ms\" }");
    let gateway = Arc::new(start(&config));
    let first = asking(&gateway, "m-0");
    gateway.until("the first runs", |_| upstream.seen().len() == 1);
    let refused = ask(&gateway, "m-1");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")), "{}", refused.text());
    assert!(refused.text().contains("in 0.7 s it was not this one's turn"), "{}", refused.text());
    assert_eq!(waiting(&gateway), 0, "its place is free again");
    held.answer();
    assert_eq!(first.join().unwrap().status, 200);
    assert_eq!(upstream.seen().len(), 1, "who was refused was never sent");
    let last = asking(&gateway, "m");
    held.answer();
    assert_eq!(last.join().unwrap().status, 200);
}

#[test]
fn who_hangs_up_while_it_waits_is_waited_for_by_nobody() {
    let (held, upstream) = Held::back();
    let config = account("a", "claude-console", &upstream.address, "")
        + &key("concurrency = 1\nqueue = { size = 2, wait = \"20s\" }");
    let gateway = Arc::new(start(&config));
    let first = asking(&gateway, "m-0");
    gateway.until("the first runs", |_| upstream.seen().len() == 1);
    let mut leaves = TcpStream::connect(&gateway.address).unwrap();
    let body = body("m-1", 9);
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    leaves.write_all((head + &body).as_bytes()).unwrap();
    gateway.until("it waits", |gateway| waiting(gateway) == 1);
    let last = asking(&gateway, "m-2");
    gateway.until("two wait", |gateway| waiting(gateway) == 2);
    drop(leaves);
    gateway.until("one waits", |gateway| waiting(gateway) == 1);
    held.answer();
    held.answer();
    assert_eq!([first, last].map(|one| one.join().unwrap().status), [200, 200]);
    assert_eq!(models(&upstream), ["m-0", "m-2"]);
}

#[test]
fn what_ran_before_an_account_had_a_bound_is_in_nobodys_way() {
    let (held, upstream) = Held::back();
    let config = account("a", "claude-console", &upstream.address, "")
        + &key("concurrency = 9\nqueue = { size = 9, wait = \"20s\" }");
    let gateway = Arc::new(start(&config));
    let first = asking(&gateway, "m-0");
    gateway.until("the first runs", |_| upstream.seen().len() == 1);
    assert_eq!(gateway.admin("PATCH", "/accounts/a", r#"{"concurrency":1}"#).status, 200);
    let second = asking(&gateway, "m-1");
    gateway.until("both run", |_| upstream.seen().len() == 2);
    let third = asking(&gateway, "m-2");
    gateway.until("it waits", |gateway| waiting(gateway) == 1);
    for _ in 0..3 {
        held.answer();
    }
    assert_eq!([first, second, third].map(|one| one.join().unwrap().status), [200; 3]);
}

#[test]
fn a_burst_of_requests_that_may_wait_uses_the_slots_of_all_accounts_before_any_waits() {
    let (held, upstream) = Held::back();
    let accounts: String = ["a", "b", "c"]
        .map(|name| account(name, "claude-console", &upstream.address, "concurrency = 4"))
        .concat();
    let config = accounts + &key("concurrency = 90\nqueue = { size = 90, wait = \"20s\" }");
    let gateway = Arc::new(start(&config));
    let asked: Vec<_> = (0..12).map(|_| asking(&gateway, "m")).collect();
    gateway.until("all run", |_| upstream.seen().len() == 12);
    assert_eq!(waiting(&gateway), 0);
    for _ in 0..12 {
        held.answer();
    }
    assert!(asked.into_iter().all(|one| one.join().unwrap().status == 200));
}

#[test]
fn a_line_waits_for_a_groups_slot_and_for_accounts_alike() {
    for (group, more) in [("concurrency = 1", ""), ("", "concurrency = 1")] {
        let (held, upstream) = Held::back();
        let member = |name: &str| {
            format!(
                "[[keys]]\nname = \"{name}\"\nkey = \"{name}\"\ngroup = \"g\"\nconcurrency = 9\nqueue = {{ size = 9, wait = \"20s\" }}\n"
            )
        };
        let config = account("a", "claude-console", &upstream.address, more)
            + &format!("[[groups]]\nname = \"g\"\n{group}\n")
            + &member("one")
            + &member("two");
        let gateway = Arc::new(start(&config));
        let ask = |key: &'static str, model: &'static str| {
            let gateway = Arc::clone(&gateway);
            std::thread::spawn(move || ask_as(&gateway, key, model).status)
        };
        let waits = |name: &str| {
            let at_once = gateway.admin("GET", "/concurrency", "").json();
            let keys = at_once["keys"].as_array().unwrap().clone();
            keys.iter().find(|key| key["name"] == name).unwrap()["waiting"].as_u64().unwrap()
        };
        let mut asked = vec![ask("one", "m-0")];
        gateway.until("the first runs", |_| upstream.seen().len() == 1);
        for (key, model, there) in [("one", "m-1", 1), ("two", "m-2", 1), ("one", "m-3", 2)] {
            asked.push(ask(key, model));
            gateway.until("it waits", |_| waits(key) == there);
        }
        for _ in 0..4 {
            held.answer();
        }
        let statuses: Vec<u16> = asked.into_iter().map(|one| one.join().unwrap()).collect();
        assert_eq!(statuses, [200; 4], "{group} {more}");
        assert_eq!(models(&upstream), ["m-0", "m-1", "m-2", "m-3"], "{group} {more}");
    }
}

#[test]
fn nothing_is_counted_of_who_waits_and_what_is_used_up_is_not_waited_for() {
    let (held, upstream) = Held::back();
    let config = account("a", "claude-console", &upstream.address, "")
        + &key(
            "concurrency = 1\nqueue = { size = 9, wait = \"20s\" }\nlimits = [{ per = \"day\", requests = 2 }]",
        );
    let gateway = Arc::new(start(&config));
    let first = asking(&gateway, "m-0");
    gateway.until("the first runs", |_| upstream.seen().len() == 1);
    let second = asking(&gateway, "m-1");
    gateway.until("it waits", |gateway| waiting(gateway) == 1);
    assert_eq!(me(&gateway)["limits"][0]["used"], 1);
    held.answer();
    held.answer();
    assert_eq!([first, second].map(|one| one.join().unwrap().status), [200, 200]);
    let refused = ask(&gateway, "m-2");
    assert_eq!(refused.status, 429);
    assert!(refused.text().contains("requests a day is used up"), "{}", refused.text());
}

#[test]
fn hundreds_that_wait_are_all_served_with_never_more_at_once_than_may_be() {
    let upstream = Upstream::start(|_| {
        let pause = Step::Pause(Duration::from_millis(3));
        std::iter::once(pause)
            .chain(whole(200, "content-type: application/json\r\n", &message(1, 1)))
            .collect()
    });
    let config = account("a", "claude-console", &upstream.address, "concurrency = 7")
        + &key("concurrency = 5\nqueue = { size = 400, wait = \"60s\" }");
    let gateway = Arc::new(start(&config));
    let statuses =
        super::at_once(&gateway, 300, |gateway| gateway.post("/v1/messages", &body("m", 9)).status);
    assert_eq!(super::count(&statuses, 200), 300);
    upstream.wait_until_open(5);
    assert_eq!((waiting(&gateway), me(&gateway)["concurrency"]["held"].as_u64()), (0, Some(0)));
}
