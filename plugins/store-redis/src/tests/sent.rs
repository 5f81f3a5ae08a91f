//! What is sent through whatever becomes of the server and of the way to it, and what is said of what failed.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;

use super::event::{PATIENCE, until};
use super::proxy::Proxy;
use super::server::Server;
use crate::link::{Failure, Heard, Link, Servers};
use crate::script::Script;

/// One operation's time where a test waits for it to run out.
const SHORT: Duration = Duration::from_millis(200);

pub(crate) fn count() -> Script {
    Script::new(&["#!lua\n", "return redis.call('INCR', KEYS[1])"])
}

pub(crate) fn link(url: &str, timeout: Duration) -> Link {
    Link::to(&Servers::new(&[url], None).unwrap(), "sluice", timeout)
}

/// One more in a counter.
pub(crate) async fn more(link: &Link, counter: &str) -> Result<i64, Failure> {
    let answer = link.run(&count(), &[link.key(counter)], &[]).await?;
    let Value::Int(count) = answer else { panic!("{answer:?}") };
    Ok(count)
}

/// Waits until it is done again, and says what it comes to; each failure on the way must be one that says so.
pub(crate) async fn until_more(link: &Link, counter: &str) -> i64 {
    let mut found = None;
    until("it is done again", async || {
        found = more(link, counter).await.ok();
        found.is_some()
    })
    .await;
    found.unwrap()
}

/// Waits until it fails as what was not done, without a word to the server.
pub(crate) async fn until_refused(link: &Link) -> String {
    let mut found = None;
    until("it is refused", async || {
        if let Err(Failure::NotDone(why)) = link.ask(&redis::cmd("PING")).await {
            found = Some(why);
        }
        found.is_some()
    })
    .await;
    found.unwrap()
}

#[tokio::test]
async fn a_script_runs_whether_it_is_known_or_not() {
    let server = Server::start();
    let link = link(&server.url(), PATIENCE);
    for expected in 1..=3 {
        assert_eq!(more(&link, "n").await.unwrap(), expected);
        server.tell(&["SCRIPT", "FLUSH"]);
    }
    let many = futures(100, || more(&link, "n")).await;
    assert!(many.iter().all(Result::is_ok), "{many:?}");
    assert_eq!(more(&link, "n").await.unwrap(), 104);
    let large = link.run_much(&count(), &[link.key("n")], &[]).await.unwrap();
    assert_eq!(large, Value::Int(105));
    assert_eq!(link.key("n"), "{sluice}:n");
}

#[tokio::test]
async fn a_server_that_comes_back_is_found_and_has_what_it_kept() {
    let mut server = Server::with(&["--appendfsync", "always"]);
    let link = link(&server.url(), PATIENCE);
    for at in 0..3 {
        assert_eq!(until_more(&link, "n").await, at + 1);
        server.kill();
        let why = until_refused(&link).await;
        assert!(why.contains(&server.port.to_string()), "{why}");
        // Nobody waits while it is away, however many come.
        let away = futures(200, || more(&link, "n")).await;
        assert!(away.iter().all(|one| matches!(one, Err(Failure::NotDone(_)))), "{away:?}");
        server.revive();
    }
    assert_eq!(until_more(&link, "n").await, 4);
}

#[tokio::test]
async fn a_server_that_was_away_for_long_is_found_again() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let link = link(&proxy.url(), PATIENCE);
    let mut knocked = 0;
    // About a second, and about 15: so long that waits have grown as long as they get.
    for knocks in [6, 25] {
        until_more(&link, "n").await;
        proxy.refuse(true);
        proxy.cut();
        knocked += knocks;
        proxy.refuses_until(knocked).await;
        until_refused(&link).await;
        proxy.refuse(false);
        until_more(&link, "n").await;
        knocked = proxy.refused();
    }
}

#[tokio::test]
async fn what_was_not_sent_was_not_done() {
    let port = Server::start().port;
    let link = link(&format!("redis://127.0.0.1:{port}"), PATIENCE);
    let failure = more(&link, "n").await.unwrap_err();
    assert!(matches!(&failure, Failure::NotDone(why) if why.contains("refused")), "{failure:?}");
}

#[tokio::test]
async fn nobody_waits_for_an_answer_on_a_connection_that_is_given_up() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let link = link(&proxy.url(), SHORT);
    until_more(&link, "n").await;
    proxy.swallow(true);
    let until = tokio::time::Instant::now() + 10 * PATIENCE;
    let ping = redis::cmd("PING");
    let answer = tokio::time::timeout(PATIENCE, link.ask_until(&ping, until)).await;
    assert!(matches!(answer, Ok(Err(Failure::Unknown(_)))), "{answer:?}");
}

#[tokio::test]
async fn an_answer_that_is_cut_may_have_been_done_and_is_not_sent_again() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let link = link(&proxy.url(), PATIENCE);
    let (mut known, mut unknown) = (until_more(&link, "n").await, 0);
    for _ in 0..5 {
        proxy.cut_answers_of(b"EVALSHA", 1);
        let failure = more(&link, "n").await.unwrap_err();
        assert!(matches!(failure, Failure::Unknown(_)), "{failure:?}");
        unknown += 1;
        known += 1;
        // It ran, once: the next one counts on from it.
        known += 1;
        assert_eq!(until_more(&link, "n").await, known);
    }
    assert_eq!(proxy.answers_cut(), unknown);
}

#[tokio::test]
async fn a_mute_connection_is_replaced() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let link = link(&proxy.url(), SHORT);
    until_more(&link, "n").await;
    proxy.swallow(true);
    let failure = more(&link, "n").await.unwrap_err();
    assert!(matches!(failure, Failure::Unknown(_)), "{failure:?}");
    until_refused(&link).await;
    let before = proxy.connections();
    proxy.swallow(false);
    until_more(&link, "n").await;
    assert!(proxy.connections() > before, "the old connection was no longer of use");
}

#[tokio::test]
async fn a_mute_connection_that_nobody_uses_is_found_too() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let link = link(&proxy.url(), SHORT);
    until_more(&link, "n").await;
    let passes = proxy.passes_another();
    proxy.swallow(true);
    passes.await;
}

#[tokio::test]
async fn one_slow_answer_costs_no_connection() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let link = link(&proxy.url(), PATIENCE);
    until_more(&link, "n").await;
    let before = proxy.connections();
    proxy.delay(SHORT);
    assert_eq!(more(&link, "n").await.unwrap(), 2);
    proxy.delay(Duration::ZERO);
    assert_eq!((more(&link, "n").await.unwrap(), proxy.connections()), (3, before));
}

#[tokio::test]
async fn a_password_that_is_changed_and_put_back_is_no_end() {
    let server = Server::with(&["--requirepass", "one"]);
    let client = |password: &str| format!("redis://:{password}@127.0.0.1:{}/", server.port);
    let admin = redis::Client::open(client("one")).unwrap();
    let mut admin = admin.get_connection().unwrap();
    let mut require = |password: &str| {
        let set = redis::cmd("CONFIG").arg("SET").arg("requirepass").arg(password).query::<()>(&mut admin);
        set.unwrap();
    };
    let proxy = Proxy::before(server.port);
    let link = link(&format!("redis://:one@127.0.0.1:{}/", proxy.port), PATIENCE);
    until_more(&link, "n").await;
    require("two");
    proxy.cut();
    let why = until_refused(&link).await;
    assert!(!why.contains("one") || !why.contains(":one@"), "{why}");
    require("one");
    until_more(&link, "n").await;
}

#[tokio::test]
async fn a_master_that_was_demoted_is_left_and_found_again_when_it_is_one() {
    let (server, other) = (Server::start(), Server::start());
    let link = link(&server.url(), PATIENCE);
    until_more(&link, "n").await;
    let (host, port) = ("127.0.0.1", other.port.to_string());
    server.tell(&["REPLICAOF", host, &port]);
    let failure = more(&link, "n").await.unwrap_err();
    assert!(matches!(failure, Failure::NotDone(_)), "{failure:?}");
    let why = until_refused(&link).await;
    assert!(why.contains("replica"), "{why}");
    server.tell(&["REPLICAOF", "NO", "ONE"]);
    until_more(&link, "n").await;
}

#[tokio::test]
async fn an_address_that_leads_to_another_server_is_followed() {
    let (server, other) = (Server::start(), Server::start());
    let proxy = Proxy::before(server.port);
    let link = link(&proxy.url(), PATIENCE);
    assert_eq!(until_more(&link, "n").await, 1);
    // As a name does whose master has changed.
    proxy.lead_to(other.port);
    server.tell(&["REPLICAOF", "127.0.0.1", &other.port.to_string()]);
    let failure = more(&link, "n").await.unwrap_err();
    assert!(matches!(failure, Failure::NotDone(_)), "{failure:?}");
    until_more(&link, "n").await;
    assert!(matches!(other.tell(&["GET", "{sluice}:n"]), Value::BulkString(_)));
}

#[tokio::test]
async fn a_server_that_loads_is_waited_for_without_a_word_to_it() {
    let mut server = Server::start();
    let link = link(&server.url(), PATIENCE);
    for at in 0..200 {
        until_more(&link, &format!("filler{at}")).await;
    }
    assert_eq!(until_more(&link, "n").await, 1);
    server.tell(&["BGREWRITEAOF"]);
    let info = || redis::from_redis_value::<String>(server.tell(&["INFO", "persistence"])).unwrap();
    until("the file is written anew", async || {
        info().contains("aof_rewrite_in_progress:0") && info().contains("aof_rewrite_scheduled:0")
    })
    .await;
    server.kill();
    until_refused(&link).await;
    // So slowly that it is met while it does.
    server.revive_with(&["--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024"]);
    let (mut met, mut found) = (false, None);
    until("it has loaded", async || {
        match more(&link, "n").await {
            Ok(count) => found = Some(count),
            Err(Failure::NotDone(why)) => met |= why.contains("LOADING"),
            Err(failure) => {
                panic!("nothing was cut: {failure}")
            }
        }
        found.is_some()
    })
    .await;
    assert_eq!((found, met), (Some(2), true));
}

#[tokio::test]
async fn nothing_small_waits_behind_what_is_large() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let link = link(&proxy.url(), PATIENCE);
    until_more(&link, "n").await;
    assert_eq!(proxy.connections(), 1);
    let mut set = redis::cmd("SET");
    set.arg(link.key("large")).arg(vec![b'x'; 1 << 20]);
    link.ask_much(&set).await.unwrap();
    assert_eq!(proxy.connections(), 2);
    until_more(&link, "n").await;
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn what_finds_no_memory_was_not_done() {
    let server = Server::start();
    let link = link(&server.url(), PATIENCE);
    let before = until_more(&link, "n").await;
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    for _ in 0..3 {
        let failure = more(&link, "n").await.unwrap_err();
        assert!(matches!(&failure, Failure::NotDone(why) if why.contains("memory")), "{failure:?}");
    }
    let frees = Script::new(&["#!lua flags=allow-oom\n", "return redis.call('INCRBY', KEYS[1], 10)"]);
    assert_eq!(link.run(&frees, &[link.key("n")], &[]).await.unwrap(), Value::Int(before + 10));
    server.tell(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(more(&link, "n").await.unwrap(), before + 11);
}

#[tokio::test]
async fn who_listens_hears_each_message_and_each_time_that_it_may_have_missed_some() {
    let mut server = Server::start();
    let proxy = Proxy::before(server.port);
    let link = Arc::new(link(&proxy.url(), SHORT));
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let listen = |name: &str| {
        let (told, channel) = (told.clone(), name.to_owned());
        let ear = move |heard: Heard<'_>| {
            let heard = match heard {
                Heard::Message(message) => String::from_utf8(message.to_vec()).unwrap(),
                Heard::Listening => "listening".to_owned(),
            };
            told.send(format!("{channel}: {heard}")).unwrap();
        };
        link.listen(link.key(name), Box::new(ear));
    };
    let mut next = async || tokio::time::timeout(PATIENCE, heard.recv()).await.unwrap().unwrap();
    listen("a");
    assert_eq!(next().await, "a: listening");
    listen("b");
    assert_eq!(next().await, "b: listening");
    for (cut, name) in [(0, "a"), (1, "b"), (2, "a"), (3, "b")] {
        match cut {
            0 => {}
            1 => proxy.cut(),
            2 => {
                proxy.swallow(true);
                proxy.passes_another().await;
                proxy.swallow(false);
            }
            _ => {
                server.kill();
                server.revive();
            }
        }
        if cut > 0 {
            let mut both = [next().await, next().await];
            both.sort();
            assert_eq!(both, ["a: listening", "b: listening"], "{cut}");
        }
        let Value::Int(heard) = server.tell(&["PUBLISH", &link.key(name), "hello"]) else { panic!() };
        assert_eq!((heard, next().await), (1, format!("{name}: hello")), "{cut}");
    }
}

/// So many of it at once.
pub(crate) async fn futures<T: Send + 'static, F: Future<Output = T>>(
    many: usize,
    one: impl Fn() -> F,
) -> Vec<T> {
    let mut all: Vec<_> = (0..many).map(|_| Some(Box::pin(one()))).collect();
    let mut done: Vec<Option<T>> = (0..many).map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (running, done) in all.iter_mut().zip(&mut done) {
            if let Some(future) = running
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *done = Some(value);
                *running = None;
            }
        }
        if all.iter().all(Option::is_none) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
