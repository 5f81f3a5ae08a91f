//! Whose a name is, over its time, and what is kept of many.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{HALF, MAKERS_MAX, Maker, Moment, PENDING_MAX, References, Whose, digest};

const TTL: Duration = Duration::from_secs(100);

fn bind(references: &References, name: &str, key: &Arc<str>, account: &Arc<str>, now: Timestamp) {
    let by = Maker { key: Arc::clone(key), account: Arc::clone(account) };
    references.bind([name].into_iter(), by, now, TTL);
}

fn take(references: &References, name: &str, key: &Arc<str>, (now, claims): (Timestamp, bool)) -> Whose {
    references.take(name, key, None, Moment { now, claims })
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

#[test]
fn a_name_is_each_keys_own_that_was_given_it_for_its_time() {
    let references = References::default();
    let [one, other, account]: [Arc<str>; 3] = ["one", "other", "account"].map(Into::into);
    let keys = |now: i64| -> Vec<String> {
        let known = references.known.lock();
        let made = known.get(&digest("r")).filter(|made| at(now) < made.until);
        made.map_or_else(Vec::new, |made| made.by.iter().map(|maker| maker.key.to_string()).collect())
    };
    bind(&references, "r", &one, &account, at(0));
    assert_eq!(keys(99), ["one"]);
    // An upstream that gives a name twice takes it from nobody.
    bind(&references, "r", &other, &account, at(50));
    bind(&references, "r", &other, &account, at(51));
    assert_eq!((keys(150), keys(151)), (vec!["one".to_owned(), "other".to_owned()], vec![]));
    bind(&references, "r", &other, &account, at(151));
    assert_eq!(keys(152), ["other"], "what was over is forgotten");
    for key in 0..99 {
        bind(&references, "r", &key.to_string().into(), &account, at(152));
    }
    assert_eq!(keys(153).len(), MAKERS_MAX);
}

#[test]
fn what_is_in_memory_is_bounded() {
    let references = References::default();
    let (key, account): (Arc<str>, Arc<str>) = ("k".into(), "a".into());
    for number in 0..3 * HALF {
        bind(&references, &number.to_string(), &key, &account, at(0));
    }
    let known = references.known.lock();
    assert!(known.newer.len() <= HALF && known.older.len() <= HALF);
    drop(known);
    // Nor does it grow while the store is out of reach.
    let waiting = || references.pending.lock().len();
    assert_eq!(waiting(), PENDING_MAX);
    let unwritten = std::mem::take(&mut *references.pending.lock());
    bind(&references, "meanwhile", &key, &account, at(0));
    references.put_back(unwritten);
    assert_eq!(waiting(), PENDING_MAX);
    let dropped = references.dropped.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(dropped, (3 * HALF + 1 - PENDING_MAX) as u64, "each is counted");
}

#[test]
fn a_name_that_nobody_is_known_to_have_made_is_the_first_keys_that_comes_with_it() {
    let references = References::default();
    let [one, other, account]: [Arc<str>; 3] = ["one", "other", "account"].map(Into::into);
    assert_eq!(take(&references, "r", &one, (at(0), true)), Whose::Claimed);
    assert_eq!(take(&references, "r", &one, (at(0), true)), Whose::Claimed);
    for claims in [true, false] {
        assert_eq!(take(&references, "r", &other, (at(0), claims)), Whose::Others);
    }
    assert_eq!(take(&references, "t", &other, (at(0), false)), Whose::Nobodys);
    // Its first request comes to nothing, the second is served.
    references.release("r");
    assert_eq!(take(&references, "r", &other, (at(1), true)), Whose::Others);
    bind(&references, "r", &one, &account, at(1));
    references.release("r");
    assert_eq!(take(&references, "r", &other, (at(2), true)), Whose::Others);
    assert_eq!(take(&references, "r", &one, (at(2), true)), Whose::Own(Arc::clone(&account)));
    // Whose request was not served has nothing, and what is over is nobody's.
    for now in [2, 200] {
        let name = if now == 2 { "s" } else { "r" };
        assert_eq!(take(&references, name, &one, (at(now), true)), Whose::Claimed);
        references.release(name);
        assert_eq!(take(&references, name, &other, (at(now), true)), Whose::Claimed);
        references.release(name);
    }
    assert!(references.known.lock().claimed.is_empty());
}

#[test]
fn what_a_response_made_is_bound_in_one_step_and_kept_once_for_all_its_names() {
    let references = References::default();
    let [one, other, account]: [Arc<str>; 3] = ["one", "other", "account"].map(Into::into);
    bind(&references, "msg_2", &other, &account, at(0));
    let by = Maker { key: Arc::clone(&one), account: Arc::clone(&account) };
    references.bind(["resp_1", "rs_1", "msg_1", "msg_2"].into_iter(), by, at(0), TTL);
    let known = references.known.lock();
    let made = |name: &str| known.get(&digest(name)).unwrap();
    assert!(Arc::ptr_eq(made("resp_1"), made("rs_1")) && Arc::ptr_eq(made("rs_1"), made("msg_1")));
    assert_eq!(made("msg_2").by.len(), 2, "what has its name from elsewhere too is both keys'");
    assert_eq!(references.pending.lock().len(), 5);
    drop(known);
    for name in ["resp_1", "rs_1", "msg_1", "msg_2"] {
        assert_eq!(take(&references, name, &one, (at(99), true)), Whose::Own(Arc::clone(&account)), "{name}");
        let others = if name == "msg_2" { Whose::Own(Arc::clone(&account)) } else { Whose::Others };
        assert_eq!(take(&references, name, &other, (at(99), true)), others, "{name}");
    }
}
