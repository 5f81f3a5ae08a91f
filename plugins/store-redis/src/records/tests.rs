//! What a server elsewhere has beside what every store must do with records: answers that are lost, memory that is bounded,
//! and others who write.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use sluice_api::cost::{Money, Usage};
use sluice_api::plugin::Timestamp;
use sluice_api::record::{
    Bill, Cost, Dimension, Interned, Page, Record, RecordQuery, RecordStore as _, Span, SumQuery, SumRow,
};
use sluice_conformance::{usual, write_many};
use sluice_memory::RecordsInMemory;

use super::Records;
use crate::link::Link;
use crate::tests::event::until;
use crate::tests::proxy::Proxy;
use crate::tests::server::Server;

const LOTS: u64 = 1_000_000;

fn records(url: &str, most: u64) -> Records {
    Records::new(Arc::new(Link::new("records", url)), most)
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// So many records, one after another at equal distances.
fn usuals(number: u64, apart: Duration) -> Vec<Arc<Record>> {
    let from = time("2026-11-27T23:50:00.123456Z");
    let one = |at: u64| usual(at, from + apart * u32::try_from(at).unwrap());
    (0..number).map(one).map(Arc::new).collect()
}

fn all() -> SumQuery {
    let mut all = SumQuery::over(vec![Span::new(Timestamp::MIN, Timestamp::MAX)]);
    all.group_by = vec![Dimension::Key, Dimension::Model];
    all
}

async fn expected(records: &[Arc<Record>]) -> Vec<SumRow> {
    let model = RecordsInMemory::default();
    model.append(records.to_vec()).await.unwrap();
    model.sums(&all()).await.unwrap()
}

async fn pages(records: &Records, mut query: RecordQuery) -> Vec<Record> {
    let mut all = Vec::new();
    loop {
        let Page { records, next, .. } = records.page(&query).await.unwrap();
        all.extend(records);
        match next {
            Some(next) => query.before = Some(next),
            None => return all,
        }
    }
}

fn number(server: &Server, command: &[&str]) -> u64 {
    redis::from_redis_value(server.tell(command)).unwrap()
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_twice_where_answers_are_cut() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let store = records(&proxy.url(), LOTS);
    let all_of_them = usuals(600, Duration::from_secs(2));
    for (at, batch) in all_of_them.chunks(150).enumerate() {
        let before = proxy.answers_cut();
        // After the first steps of a batch, and of several of them.
        proxy.cut_answers_of(b"quarter:", 1 + at as u64 % 3);
        until("all are taken", async || store.append(batch.to_vec()).await.is_ok()).await;
        assert!(proxy.answers_cut() > before);
    }
    let straight = records(&server.url(), LOTS);
    assert_eq!(straight.sums(&all()).await.unwrap(), expected(&all_of_them).await);
    let found = pages(&straight, RecordQuery::newest(100)).await;
    assert!(found.iter().eq(all_of_them.iter().rev().map(|record| &**record)));
}

#[tokio::test]
async fn what_was_appended_outlives_the_server() {
    let mut server = Server::with(&["--appendfsync", "always"]);
    let all_of_them = usuals(300, Duration::from_secs(60));
    records(&server.url(), LOTS).append(all_of_them.clone()).await.unwrap();
    server.kill();
    server.revive();
    let store = records(&server.url(), LOTS);
    until("it is there again", async || store.last_id().await.is_ok()).await;
    assert_eq!(store.last_id().await.unwrap(), all_of_them.last().unwrap().id);
    assert_eq!(store.sums(&all()).await.unwrap(), expected(&all_of_them).await);
}

#[tokio::test]
async fn sums_stay_at_the_largest_there_is() {
    let server = Server::start();
    let store = records(&server.url(), LOTS);
    let record = |at: u64, units: i128| {
        let mut record = usual(1, time("2026-11-28T10:00:00Z"));
        record.id += at;
        record.usage = Some(Usage::new(u64::MAX, 1 << 63));
        record.cost = Cost::new(Some(Money::from_units(units)), Some(Money::from_units(-units)));
        Arc::new(record)
    };
    // Each in a step of its own, and then several in one.
    let huge = (1 << 94) + 1;
    for at in 0..3 {
        store.append(vec![record(at, huge)]).await.unwrap();
    }
    store.append((3..9).map(|at| record(at, huge)).collect()).await.unwrap();
    let sums = store.sums(&all()).await.unwrap().pop().unwrap().sums;
    assert_eq!((sums.requests, sums.input_tokens, sums.output_tokens), (9, u64::MAX, u64::MAX));
    assert_eq!((sums.cost.units(), sums.list_cost.units()), ((1 << 95) - 1, -(1 << 95)));

    // And below that they are exact to the last unit, where a double is long not.
    let store = Records::new(Arc::new(Link::new("exact", &server.url())), LOTS);
    let exact = (1 << 90) + 1;
    store.append((0..9).map(|at| record(at, exact)).collect()).await.unwrap();
    let sums = store.sums(&all()).await.unwrap().pop().unwrap().sums;
    assert_eq!((sums.cost.units(), sums.list_cost.units()), (9 * exact, -9 * exact));
}

#[tokio::test]
async fn beyond_the_most_the_oldest_go_and_their_sums_stay() {
    let server = Server::start();
    let store = records(&server.url(), 100);
    let mut all_of_them = usuals(1_000, Duration::from_secs(3));
    for record in &mut all_of_them {
        // Found by an index, which loses them too.
        Arc::make_mut(record).request_id = "client.id".into();
    }
    for batch in all_of_them.chunks(70) {
        store.append(batch.to_vec()).await.unwrap();
    }
    // What comes again is not new, though it is gone.
    store.append(all_of_them.clone()).await.unwrap();
    assert_eq!(store.sums(&all()).await.unwrap(), expected(&all_of_them).await);
    let kept = all_of_them.iter().rev().take(100).map(|record| &**record);
    assert!(pages(&store, RecordQuery::newest(33)).await.iter().eq(kept));
    assert_eq!(number(&server, &["ZCARD", "{records}:foreign"]), 100);
    assert_eq!(number(&server, &["ZCARD", "{records}:gone"]), 900);
    let mut query = RecordQuery::newest(30);
    query.filter.request_ids = vec!["client.id".to_owned()];
    assert_eq!(pages(&store, query).await.len(), 100);
}

#[tokio::test]
async fn an_old_record_that_comes_late_and_leaves_at_once_is_not_new_when_it_comes_again() {
    let server = Server::start();
    let store = records(&server.url(), 100);
    // As many have left as are remembered, all of them younger.
    let many = "for i = 1, 200000 do redis.call('ZADD', KEYS[1], i, string.format('z%07d', i)) end";
    server.tell(&["EVAL", many, "1", "{records}:gone"]);
    let all_of_them = usuals(101, Duration::from_secs(3));
    let (late, others) = all_of_them.split_first().unwrap();
    store.append(others.to_vec()).await.unwrap();
    for _ in 0..2 {
        store.append(vec![Arc::clone(late)]).await.unwrap();
    }
    assert_eq!(store.record(late.id).await.unwrap(), None);
    assert_eq!(store.sums(&all()).await.unwrap(), expected(&all_of_them).await);
}

#[tokio::test]
async fn who_makes_ever_new_words_has_them_in_the_records() {
    let server = Server::start();
    let store = records(&server.url(), LOTS);
    // More than there may be, as others have made them.
    let many = "for i = 1, 100000 do redis.call('HSET', KEYS[1], string.format('%010d', i), 'x') end";
    server.tell(&["EVAL", many, "1", "{records}:words"]);
    let all_of_them = usuals(100, Duration::from_secs(3));
    store.append(all_of_them.clone()).await.unwrap();
    assert!(
        pages(&store, RecordQuery::newest(7)).await.iter().eq(all_of_them.iter().rev().map(|one| &**one))
    );
    let labels = all_of_them.iter().map(|record| (&record.key, &record.model, &record.account));
    let words = labels.collect::<HashSet<_>>().len() + 5;
    let found = number(&server, &["HLEN", "{records}:words"]);
    assert!(found <= 100_000 + words as u64, "{found}");
}

#[tokio::test]
async fn terms_that_a_journal_has_the_number_of_alone_are_those_that_the_store_was_told() {
    let server = Server::start();
    let store = records(&server.url(), LOTS);
    let numbered = |number, terms: u64| {
        let mut record = usual(number, time("2026-11-28T10:00:01Z"));
        let quantities = record.bill.take().unwrap().quantities;
        record.bill = Some(Bill::new(Arc::new(Interned::unknown(terms)), quantities));
        record
    };
    let told = usual(1, time("2026-11-28T10:00:00Z"));
    let terms = Arc::clone(&told.bill.as_ref().unwrap().terms);
    let (known, strange) = (numbered(2, terms.id()), numbered(3, 7));
    store.append(vec![Arc::new(told.clone())]).await.unwrap();
    store.append(vec![Arc::new(known.clone()), Arc::new(strange.clone())]).await.unwrap();
    assert_eq!(store.record(told.id).await.unwrap(), Some(told));
    assert_eq!(store.record(known.id).await.unwrap().unwrap().bill.unwrap().terms, terms);
    assert_eq!(store.record(strange.id).await.unwrap(), Some(strange));
}

#[tokio::test]
async fn each_process_has_a_number_of_its_own_and_those_that_live_keep_theirs() {
    let server = Server::start();
    let store = || records(&server.url(), LOTS);
    let (first, second) = (store(), store());
    let number = async |store: &Records| store.process().await.unwrap().number;
    let [one, other] = [number(&first).await, number(&second).await];
    assert!(one != other && number(&first).await == one, "{one} {other}");
    let mut others = Vec::new();
    for _ in 2..super::PROCESSES {
        others.push(super::append::claim(&first.source, super::PROCESSES, 0, None).await.unwrap());
    }
    first.append(usuals(1, Duration::ZERO)).await.unwrap();
    second.is_here().await;
    // All are given: the next ones are those whose processes have said nothing for longest.
    assert_eq!([number(&store()).await, number(&store()).await], others[..2]);
}

#[tokio::test]
async fn who_starts_on_a_server_that_forgot_all_takes_no_number_of_those_that_have_not_spoken_yet() {
    let server = Server::start();
    let first = records(&server.url(), LOTS);
    let claim = |from| super::append::claim(&first.source, super::PROCESSES, from, None);
    assert_eq!([claim(1_023).await.unwrap(), claim(1_023).await.unwrap()], [1_023, 0]);
    server.tell(&["FLUSHALL"]);
    // Neither the first that is free nor how many there are: as chance would have it.
    assert_eq!([claim(700).await.unwrap(), claim(1_024 + 700).await.unwrap()], [700, 701]);
    let starts: HashSet<u32> = futures_util::future::join_all((0..8).map(async |_| {
        server.tell(&["FLUSHALL"]);
        records(&server.url(), LOTS).process().await.unwrap().number
    }))
    .await
    .into_iter()
    .collect();
    assert!(starts.len() > 1, "each starts somewhere else: {starts:?}");
}

#[tokio::test]
async fn many_rows_of_one_quarter_hour_are_read_and_moved_a_few_at_a_time() {
    let server = Server::start();
    let store = records(&server.url(), LOTS);
    let rows: Vec<Arc<Record>> = (0..2_500)
        .map(|at| {
            let mut record = usual(at, time("2026-11-28T10:00:00Z"));
            record.model = format!("model-{at}").into();
            Arc::new(record)
        })
        .collect();
    store.append(rows.clone()).await.unwrap();
    let before = expected(&rows).await;
    assert_eq!(store.sums(&all()).await.unwrap(), before);
    let (later, query) = (time("2026-11-29T10:00:00Z"), all());
    let mut gone = 0;
    loop {
        // Also while they are read: a little goes over between two steps of a read that takes several.
        let (step, meanwhile) = tokio::join!(store.expire(later, 40), store.sums(&query));
        assert_eq!(meanwhile.unwrap(), before);
        match step.unwrap() {
            0 => break,
            step => gone += step,
        }
        assert_eq!(store.sums(&all()).await.unwrap(), before);
    }
    assert_eq!(gone, 5_000);
    assert_eq!(number(&server, &["EXISTS", "{records}:records", "{records}:quarter:1795860000"]), 0);
}

#[tokio::test]
async fn what_is_remembered_of_days_is_as_others_have_changed_it() {
    let server = Server::start();
    let (one, other) = (records(&server.url(), LOTS), records(&server.url(), LOTS));
    // Some days, of which the first ones are over.
    let all_of_them = usuals(400, Duration::from_secs(900));
    let (first, late): (Vec<_>, Vec<_>) = all_of_them.iter().cloned().partition(|record| record.id % 7 > 0);
    other.append(first.clone()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(one.sums(&all()).await.unwrap(), expected(&first).await);
    }
    let mut appended = first;
    for batch in late.chunks(20) {
        other.append(batch.to_vec()).await.unwrap();
        appended.extend_from_slice(batch);
        assert_eq!(one.sums(&all()).await.unwrap(), expected(&appended).await);
    }
    let before = time("2026-11-30T12:00:00Z");
    while other.expire(before, 50).await.unwrap() > 0 {
        assert_eq!(one.sums(&all()).await.unwrap(), expected(&appended).await);
    }
    // Another zone's days are made of other quarter-hours.
    other.keep_days_of(&jiff::tz::TimeZone::get("Asia/Kathmandu").unwrap()).await.unwrap();
    assert_eq!(one.sums(&all()).await.unwrap(), expected(&appended).await);
}

/// What records take is said, and bounded: so many bytes each, with all that is kept beside them.
#[tokio::test]
async fn a_record_takes_few_bytes() {
    const NUMBER: u64 = 20_000;
    let server = Server::start();
    let store = records(&server.url(), LOTS);
    write_many(&store, NUMBER).await;
    let of = |key: &str| number(&server, &["MEMORY", "USAGE", &format!("{{records}}:{key}"), "SAMPLES", "0"]);
    let (each, words) = (of("records") / NUMBER, of("words"));
    println!("{each} bytes a record, {words} of words");
    assert!(each < 400 && words < 2_000_000, "{each} bytes a record, {words} of words");
}
