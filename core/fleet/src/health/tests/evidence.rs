//! What failures are worth: by who asked, over which connection, with which body.

use super::*;

#[test]
fn one_client_takes_no_account_out_while_others_are_answered_and_two_do() {
    let failing = || error(Condition::Failing, Scope::Account, None);
    let account = Account::new();
    account.answers("other", 0);
    for now in 1..20 {
        account.tells(&failing(), "one", now);
        assert_eq!(account.standing(now), Standing::Open, "after {now}");
    }
    account.tells(&failing(), "other", 20);
    assert_eq!(account.out("m", 20), Some(30));

    // Nobody else has been answered for a while: what the one sees is all that is known, and is known of it alone.
    let account = Account::new();
    account.answers("other", 0);
    for _ in 0..3 {
        account.tells(&failing(), "one", 31);
    }
    assert_eq!((account.out("m", 31), account.0.standing("other", "m", at(31))), (Some(41), Standing::Open));

    // Its own answers are none of others'.
    let account = Account::new();
    account.answers("one", 0);
    for _ in 0..3 {
        account.tells(&failing(), "one", 1);
    }
    assert_eq!(account.out("m", 1), Some(11));
}

#[test]
fn what_one_client_alone_has_seen_keeps_that_one_off_and_an_answer_to_another_ends_it() {
    let failing = || error(Condition::Failing, Scope::Account, None);
    let account = Account::new();
    let mut now = 0;
    (0..2).for_each(|_| account.tells(&failing(), "one", now));
    for wait in [10, 20, 40, 80] {
        account.tells(&failing(), "one", now);
        assert_eq!(account.out("m", now), Some(now + wait), "its own probes double its own wait");
        assert_eq!(account.0.standing("other", "m", at(now)), Standing::Open, "after {now}");
        let noted = account.0.noted(at(now)).unwrap();
        assert!(noted.reason.contains("one client key"), "{noted:?}");
        now += wait;
        assert_eq!(account.standing(now), Standing::Probe);
    }
    account.tells(&failing(), "one", now);
    account.answers("other", now + 1);
    assert_eq!((account.standing(now + 1), account.0.noted(at(now + 1)).is_none()), (Standing::Open, true));
    // Another that fails too makes it a state of all, as long as a first one is.
    (0..3).for_each(|_| account.tells(&failing(), "one", now + 50));
    account.tells(&failing(), "other", now + 51);
    for key in ["one", "other", "third"] {
        assert_eq!(account.out_for(key, "m", now + 52), Some(now + 61), "{key}");
    }
}

#[test]
fn a_state_of_all_goes_on_for_others_only_when_a_second_clients_probe_has_failed() {
    let failing = || error(Condition::Failing, Scope::Account, None);
    let account = Account::new();
    for key in ["one", "other", "one"] {
        account.tells(&failing(), key, 0);
    }
    assert_eq!(account.out_for("third", "m", 0), Some(10));
    account.probe(10);
    account.0.release("m", Asker::of("one"));
    account.tells(&failing(), "one", 11);
    assert_eq!((account.out("m", 11), account.out_for("other", "m", 11)), (Some(31), None));
    let other = Asker::of("other");
    account.0.probe("m", other, at(12));
    assert_eq!(account.out_for("third", "m", 12), Some(15), "one probe at a time");
    account.0.release("m", other);
    account.tells(&failing(), "other", 13);
    assert_eq!((account.out("m", 13), account.out_for("third", "m", 13)), (Some(33), Some(33)));
}

#[test]
fn whole_answers_that_are_late_take_an_account_out_only_when_two_clients_wait_for_them() {
    let late = Error::new(Kind::UpstreamTimeout, "late").elsewhere(false);
    let account = Account::new();
    for now in 0..9 {
        account.tells(&late, "one", now);
    }
    assert_eq!(account.standing(9), Standing::Open, "they may only be long");
    account.tells(&late, "other", 9);
    assert_eq!(account.out("m", 9), Some(19));
}

/// A connection has died.
fn died(id: u64) -> Error {
    error(Condition::Failing, Scope::Account, None).connection(Connection(id))
}

#[test]
fn what_dies_with_one_connection_is_one_failure() {
    let account = Account::new();
    for request in 0..64 {
        account.tells(&died(7), if request % 2 == 0 { "one" } else { "other" }, 0);
    }
    assert_eq!(account.standing(0), Standing::Open);
    account.tells(&died(8), "one", 1);
    assert_eq!(account.standing(1), Standing::Open);
    account.tells(&died(9), "one", 2);
    assert_eq!(account.out("m", 2), Some(12));
    account.probe(12);
    account.tells(&died(9), "other", 12);
    assert_eq!(account.out("m", 12), Some(15), "what is known already is no probe's failure");
}

#[test]
fn connections_that_die_at_once_are_one_failure_and_what_was_sent_since_is_another() {
    let account = Account::new();
    for id in 0..9 {
        account.tells_of(&died(id), if id % 2 == 0 { "one" } else { "other" }, -9, 0);
    }
    // What was on its way then is told of late, and one has lived on.
    account.tells_of(&died(10), "one", -1, 5);
    assert_eq!(account.standing(5), Standing::Open);
    account.tells_of(&died(11), "one", -1, 6);
    assert_eq!(account.standing(6), Standing::Open);
    // This was sent after that, on a connection however old.
    account.tells_of(&died(12), "one", 7, 7);
    assert_eq!(account.out("m", 7), Some(17));
}

#[test]
fn an_account_that_no_other_could_stand_in_for_fails_for_a_second_at_first() {
    let failing = error(Condition::Failing, Scope::Account, None);
    let told = FailedAttempt { facts: failing.facts(), asker: Asker::of("one"), alone: true, began: at(0) };
    let account = Account::new();
    (0..2).for_each(|_| account.told(told, 0));
    let mut now = 0;
    for wait in [1, 2, 4, 8, 10, 10] {
        account.told(told, now);
        assert_eq!(account.out("m", now), Some(now + wait), "doubling up to what it is for others");
        now += wait;
    }
    // Its other states last as long as anybody's.
    let limited = error(Condition::RateLimited, Scope::Account, None);
    account.told(FailedAttempt { facts: limited.facts(), ..told }, 100);
    assert_eq!(account.out("m", 100), Some(115));
}

#[test]
fn a_body_that_fails_on_two_accounts_says_nothing_of_either_until_one_serves_it() {
    let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
    let suspects = Suspects::default();
    assert!(
        suspects.failed(1, &a, at(0)) && suspects.failed(1, &a, at(1)),
        "one account alone may be at fault"
    );
    assert!(!suspects.failed(1, &b, at(2)), "it counts once");
    assert!(!suspects.failed(1, &a, at(3)) && !suspects.failed(1, &b, at(4)));
    assert!(suspects.failed(2, &b, at(4)), "another body is another matter");
    suspects.served(1);
    assert!(suspects.failed(1, &b, at(5)), "it was not the body");
    assert!(!suspects.failed(1, &a, at(6)));
    assert!(suspects.failed(1, &a, at(6 + 600)), "it is forgotten in time");
    // However many there are, memory is bounded.
    for body in 10..20_000 {
        suspects.failed(body, &a, at(0));
    }
    assert!(suspects.len() <= 4_096);
}
