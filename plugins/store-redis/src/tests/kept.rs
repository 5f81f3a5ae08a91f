//! Documents, values and claims, as several gateways see them; and what a server must be to keep them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Value;
use sluice_api::plugin::Timestamp;
use sluice_api::store::{Owner, Remembered};

use super::event::{PATIENCE, until};
use super::sent::{link, until_refused};
use super::server::Server;
use crate::claims::Claims;
use crate::documents::Documents;
use crate::link::Link;
use crate::opening::{open, ready};
use crate::values::Values;

fn two(server: &Server) -> [Arc<Link>; 2] {
    [0, 1].map(|_| Arc::new(link(&server.url(), PATIENCE)))
}

/// What the server's clock says, in milliseconds since 1970.
fn now(server: &Server) -> i64 {
    let (seconds, micros): (i64, i64) = redis::from_redis_value(server.tell(&["TIME"])).unwrap();
    seconds * 1000 + micros / 1000
}

#[tokio::test]
async fn the_last_document_of_a_kind_and_id_is_there_for_everybody_and_each_change_counts() {
    let server = Server::start();
    let [one, other] = two(&server).map(Documents::of);
    let mut model: BTreeMap<(&str, &str), String> = BTreeMap::new();
    let (kinds, ids) = (["key", "key:a", "ke", "a}b{c"], ["a", "a%", "", "ä/:{x}*", "A", "\0\r\n"]);
    let mut changes: BTreeMap<&str, u64> = BTreeMap::new();
    for round in 0..3 {
        for kind in kinds {
            for (at, id) in ids.into_iter().enumerate() {
                if (at + round) % 3 == 0 {
                    let was_there = model.remove(&(kind, id)).is_some();
                    assert_eq!(other.delete(kind, id).await.unwrap(), was_there);
                    *changes.entry(kind).or_default() += u64::from(was_there);
                    continue;
                }
                let text = format!("{kind} {id} {round}");
                one.put(kind, id, &text).await.unwrap();
                model.insert((kind, id), text);
                *changes.entry(kind).or_default() += 1;
            }
            assert_eq!(one.revision(kind).await.unwrap(), changes[kind]);
            let expected: Vec<_> = model
                .iter()
                .filter(|((of, _), _)| *of == kind)
                .map(|((_, id), text)| ((*id).to_owned(), text.clone()))
                .collect();
            assert_eq!(other.list(kind).await.unwrap(), expected, "{kind}");
        }
    }
    assert_eq!(one.revision("never").await.unwrap(), 0);
}

#[tokio::test]
async fn a_document_is_deleted_where_there_is_no_memory_and_none_is_written() {
    let server = Server::start();
    let [link, _] = two(&server);
    let documents = Documents::of(Arc::clone(&link));
    documents.put("key", "a", "text").await.unwrap();
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(documents.put("key", "b", "text").await.is_err());
    assert!(ready(&link).await.unwrap_err().to_string().contains("memory"));
    assert!(documents.delete("key", "a").await.unwrap());
    server.tell(&["CONFIG", "SET", "maxmemory", "0"]);
    ready(&link).await.unwrap();
    server.tell(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    assert!(ready(&link).await.unwrap_err().to_string().contains("noeviction"));
    server.tell(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    ready(&link).await.unwrap();
    assert_eq!((documents.list("key").await.unwrap(), documents.revision("key").await.unwrap()), (vec![], 2));
    // One that came back empty is ours from now on, and one that a newer one has laid out is not.
    server.tell(&["FLUSHALL"]);
    ready(&link).await.unwrap();
    assert_eq!(server.tell(&["GET", "{sluice}:layout"]), Value::BulkString(b"1".to_vec()));
    server.tell(&["SET", "{sluice}:layout", "2"]);
    assert!(ready(&link).await.unwrap_err().to_string().contains("newer"));
}

#[tokio::test]
async fn values_are_there_until_their_time_and_gone_without_a_word() {
    let server = Server::start();
    let [one, other] = two(&server).map(Values::of);
    let at = |ms: i64| Timestamp::from_millisecond(ms).unwrap();
    let soon = at(now(&server) + 300);
    let late = at(now(&server) + 3_600_000);
    let value = |id: &str, until| Remembered::new(id.to_owned(), format!("value of {id}"), until);
    let over = at(-5);
    let written = [value("soon", soon), value("late", late), value("over", over), value("ä:{}", late)];
    one.remember("refer", &written).await.unwrap();
    one.remember("refer:late", &[value("", late)]).await.unwrap();
    assert_eq!(other.recall("refer", "late").await.unwrap().as_deref(), Some("value of late"));
    assert_eq!(other.recall("refer", "ä:{}").await.unwrap().as_deref(), Some("value of ä:{}"));
    for (kind, id) in
        [("refer", "over"), ("refer", "none"), ("reference", "late"), ("refer", "late:"), ("refe", "r:late")]
    {
        assert_eq!(other.recall(kind, id).await.unwrap(), None, "{kind} {id}");
    }
    let until = Instant::now() + PATIENCE;
    while other.recall("refer", "soon").await.unwrap().is_some() {
        assert!(Instant::now() < until);
    }
    assert!(now(&server) >= soon.as_millisecond(), "it was gone before its time");
    assert_eq!(server.tell(&["EXISTS", "{sluice}:value:5:refer:soon"]), Value::Int(0));
}

#[tokio::test]
async fn many_values_are_written_in_steps_of_bounded_size() {
    let server = Server::start();
    let [one, other] = two(&server).map(Values::of);
    let late = Timestamp::from_millisecond(now(&server) + 3_600_000).unwrap();
    let mut values: Vec<_> =
        (0..2_000).map(|id| Remembered::new(id.to_string(), format!("v{id}"), late)).collect();
    values.push(Remembered::new("large".to_owned(), "x".repeat(1 << 20), late));
    server.tell(&["CONFIG", "RESETSTAT"]);
    one.remember("k", &values).await.unwrap();
    let stats: String = redis::from_redis_value(server.tell(&["INFO", "commandstats"])).unwrap();
    let set = stats.lines().find(|line| line.starts_with("cmdstat_set:")).unwrap();
    assert!(set.contains("calls=2001,"), "{set}");
    let steps = stats.lines().filter(|line| line.starts_with("cmdstat_eval"));
    let calls =
        |line: &str| line.split("calls=").nth(1).unwrap().split(',').next().unwrap().parse::<u64>().unwrap();
    // 250 at a time, the large one by itself, and once what the server did not know yet.
    assert_eq!(steps.map(calls).sum::<u64>(), 8 + 1 + 1);
    for id in [0, 249, 250, 1_999] {
        assert_eq!(other.recall("k", &id.to_string()).await.unwrap(), Some(format!("v{id}")));
    }
    assert_eq!(other.recall("k", "large").await.unwrap().map(|large| large.len()), Some(1 << 20));
}

#[tokio::test]
async fn one_gateway_at_a_time_has_a_claim_until_it_ends_or_is_given_up() {
    let server = Server::start();
    let [one, other] = two(&server).map(Claims::of);
    let (first, second, long) = (Owner(1), Owner(u64::MAX), Duration::from_secs(3600));
    assert!(one.claim("refresh", first, long).await.unwrap());
    assert!(!other.claim("refresh", second, long).await.unwrap());
    assert!(one.claim("refresh", first, long).await.unwrap(), "it is its own already");
    assert!(other.claim("another", second, long).await.unwrap());
    other.release("refresh", second).await;
    assert!(!other.claim("refresh", second, long).await.unwrap(), "nobody gives up what is another's");
    one.release("refresh", first).await;
    assert!(other.claim("refresh", second, Duration::from_millis(100)).await.unwrap());
    let until = Instant::now() + PATIENCE;
    while !one.claim("refresh", first, long).await.unwrap() {
        assert!(Instant::now() < until, "a claim ends by its time");
    }
}

#[tokio::test]
async fn who_took_longer_than_a_claim_lasts_writes_nothing_over_what_others_have_done_since() {
    let server = Server::start();
    let [link, others] = two(&server);
    let (claims, documents) = (Claims::of(Arc::clone(&link)), Documents::of(link));
    let (slow, quick, long) = (Owner(1), Owner(u64::MAX), Duration::from_secs(3600));
    let claim = || claims.key("changes");
    assert!(claims.claim("changes", slow, long).await.unwrap());
    let put = |by, text| documents.write_claimed((claim(), by), ("keys", "k"), Some(text));
    let delete = |by| documents.write_claimed((claim(), by), ("keys", "k"), None);
    assert_eq!(put(slow, "first").await.unwrap(), Some(true));
    server.tell(&["DEL", &claim()]);
    assert!(Claims::of(others).claim("changes", quick, long).await.unwrap());
    assert_eq!(put(quick, "second").await.unwrap(), Some(true));
    let before = documents.revision("keys").await.unwrap();
    assert_eq!(put(slow, "over it").await.unwrap(), None);
    assert_eq!(delete(slow).await.unwrap(), None);
    assert_eq!(documents.list("keys").await.unwrap(), [("k".to_owned(), "second".to_owned())]);
    assert_eq!(documents.revision("keys").await.unwrap(), before);
    assert_eq!([delete(quick).await.unwrap(), delete(quick).await.unwrap()], [Some(true), Some(false)]);
    assert_eq!(documents.revision("keys").await.unwrap(), before + 1);
}

#[tokio::test]
async fn a_server_is_looked_at_before_it_is_the_store() {
    let server = Server::start();
    let [link, again] = two(&server);
    open(&link).await.unwrap();
    open(&again).await.unwrap();
    assert_eq!(server.tell(&["GET", "{sluice}:layout"]), Value::BulkString(b"1".to_vec()));
    for (command, says) in [
        (&["SET", "{sluice}:layout", "2"][..], "newer Sluice"),
        (&["SET", "{sluice}:layout", "theirs"], "another program's"),
        (&["DEL", "{sluice}:layout"], ""),
        (&["LPUSH", "list", "theirs"], ""),
        (&["RENAME", "list", "{sluice}:layout"], "another program's"),
        (&["DEL", "{sluice}:layout"], ""),
        (&["CONFIG", "SET", "maxmemory-policy", "volatile-ttl"], "set it to noeviction"),
        (&["CONFIG", "SET", "maxmemory-policy", "noeviction"], ""),
        // Persistence that is off is warned of, and no more.
        (&["CONFIG", "SET", "appendonly", "no"], ""),
    ] {
        server.tell(command);
        match open(&link).await {
            Ok(()) => assert_eq!(says, "", "{command:?}"),
            Err(why) => assert!(!says.is_empty() && why.to_string().contains(says), "{command:?}: {why}"),
        }
    }
}

#[tokio::test]
async fn keys_of_another_program_under_our_prefix_are_found_before_the_store_is_used() {
    let server = Server::start();
    let [link, _] = two(&server);
    // What is under other names is nobody's concern, and what is ours may be there without the layout.
    for key in ["sluice:records", "{sluice2}:x", "{sluice}", "{sluice}:count:key/k:rate::total"] {
        server.tell(&["SET", key, "x"]);
    }
    server.tell(&["HSET", "{sluice}:gateways", "one", "7"]);
    open(&link).await.unwrap();
    for (key, set) in [
        ("{sluice}:jobs", ["LPUSH", "{sluice}:jobs", "x"]),
        ("{sluice}:records", ["SET", "{sluice}:records", "x"]),
        ("{sluice}:told", ["LPUSH", "{sluice}:told", "x"]),
    ] {
        server.tell(&set);
        let why = open(&link).await.unwrap_err().to_string();
        assert!(
            why.contains("another program") && why.contains(key) && why.contains("store.prefix"),
            "{why}"
        );
        // A gateway that runs finds what its steps would stumble over.
        assert_eq!(ready(&link).await.is_err(), key != "{sluice}:jobs", "{key}");
        server.tell(&["DEL", key]);
        open(&link).await.unwrap();
    }
}

#[tokio::test]
async fn a_user_without_info_and_roles_is_enough() {
    let server = Server::start();
    let acl = [
        "ACL",
        "SETUSER",
        "gate",
        "on",
        ">secret",
        "~{sluice}:*",
        "&{sluice}:*",
        "+@all",
        "-@dangerous",
        "-@admin",
    ];
    server.tell(&acl);
    let link = link(&format!("redis://gate:secret@127.0.0.1:{}/", server.port), PATIENCE);
    open(&link).await.unwrap();
    ready(&link).await.unwrap();
}

#[tokio::test]
async fn what_is_away_is_not_ready_and_not_opened_and_says_so_at_once() {
    let mut server = Server::start();
    let [link, _] = two(&server);
    ready(&link).await.unwrap();
    server.kill();
    until_refused(&link).await;
    let port = server.port.to_string();
    for why in [ready(&link).await.unwrap_err(), open(&link).await.unwrap_err()] {
        assert!(why.to_string().contains(&port), "{why}");
    }
    server.revive();
    until("it is ready again", async || ready(&link).await.is_ok()).await;
}
