//! What is noted, when it ends, and who is let through meanwhile.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sluice_api::error::{Condition, Connection, Error, Fault, Kind, Scope};
use sluice_config::cooldown::Policy;

use super::{Asker, FailedAttempt, Health, Overloads, Standing, Suspects, Witness};

mod evidence;
mod told;

const POLICY: Policy = Policy {
    rate_limited: Duration::from_secs(15),
    overloaded: Duration::from_secs(5),
    failing: Duration::from_secs(10),
    unauthorized: Duration::from_secs(300),
    quota: Duration::from_secs(900),
    max: Duration::from_secs(1800),
    failures: 3,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn error(condition: Condition, scope: Scope, seconds: Option<u64>) -> Error {
    let error = Error::new(Kind::Upstream, "said so").blame(Fault::Account, scope).condition(Some(condition));
    error.recovers(seconds.map(Duration::from_secs))
}

struct Account(Health, Arc<str>);

impl Account {
    fn new() -> Self {
        Self(Health::default(), "m".into())
    }

    fn fails(&self, condition: Condition, scope: Scope, seconds: Option<u64>, now: i64) {
        self.tells(&error(condition, scope, seconds), "one", now);
    }

    /// A request of a key fails.
    fn tells(&self, error: &Error, key: &str, now: i64) {
        self.tells_of(error, key, now, now);
    }

    /// A request of a key that was sent then fails.
    fn tells_of(&self, error: &Error, key: &str, began: i64, now: i64) {
        let (asker, began) = (Asker::of(key), at(began));
        self.told(FailedAttempt { facts: error.facts(), asker, alone: false, began }, now);
    }

    fn told(&self, told: FailedAttempt<'_>, now: i64) {
        self.0.failed(&self.1, &told, &POLICY, at(now));
    }

    /// A request of a key is answered, whole.
    fn answers(&self, key: &str, now: i64) {
        self.0.answered(&self.1, Asker::of(key), at(now));
        self.0.completed(&self.1, Asker::of(key), at(now));
    }

    /// The answer to a request has begun.
    fn begins(&self, now: i64) {
        self.0.answered(&self.1, Asker::of("one"), at(now));
    }

    fn standing(&self, now: i64) -> Standing {
        self.0.standing("one", "m", at(now))
    }

    fn probe(&self, now: i64) {
        self.0.probe("m", Asker::of("one"), at(now));
    }

    /// `None` when open, else the seconds at which it ends.
    fn out(&self, model: &str, now: i64) -> Option<i64> {
        self.out_for("one", model, now)
    }

    /// The same for a key.
    fn out_for(&self, key: &str, model: &str, now: i64) -> Option<i64> {
        match self.0.standing(key, model, at(now)) {
            Standing::Out(mark) => Some(mark.until.as_second() - 1_800_000_000),
            Standing::Open | Standing::Probe => None,
        }
    }
}

#[test]
fn a_limit_lasts_as_long_as_it_says_for_the_scope_that_it_says() {
    let account = Account::new();
    account.fails(Condition::RateLimited, Scope::Model, Some(60), 0);
    assert_eq!((account.out("m", 59), account.out("m", 60), account.out("other", 0)), (Some(60), None, None));
    account.fails(Condition::QuotaExceeded, Scope::Account, Some(100), 61);
    assert_eq!(account.out("other", 62), Some(161));
    account.fails(Condition::QuotaExceeded, Scope::Account, Some(999_999), 62);
    assert_eq!(account.out("other", 63), Some(62 + 1800), "bounded by cooldown.max");
}

#[test]
fn of_two_times_the_later_one_wins() {
    let account = Account::new();
    account.fails(Condition::RateLimited, Scope::Account, Some(60), 0);
    account.fails(Condition::RateLimited, Scope::Account, Some(10), 1);
    assert_eq!(account.out("m", 2), Some(60));
    account.fails(Condition::Overloaded, Scope::Account, Some(100), 2);
    assert_eq!(account.out("m", 3), Some(102));
}

#[test]
fn a_cool_down_doubles_while_it_goes_on_and_starts_anew_after_an_answer() {
    let account = Account::new();
    let mut now = 0;
    for wait in [15, 30, 60, 120] {
        account.fails(Condition::RateLimited, Scope::Account, None, now);
        // Requests that were on their way already add nothing.
        account.fails(Condition::RateLimited, Scope::Account, None, now);
        assert_eq!(account.out("m", now), Some(now + wait));
        now += wait;
        assert_eq!(account.out("m", now), None);
    }
    account.begins(now);
    account.fails(Condition::RateLimited, Scope::Account, None, now);
    assert_eq!(account.out("m", now), Some(now + 15));
}

#[test]
fn failures_in_a_row_take_an_account_out_and_one_answer_between_them_does_not() {
    let account = Account::new();
    account.fails(Condition::Failing, Scope::Account, None, 0);
    account.fails(Condition::Failing, Scope::Account, None, 0);
    account.answers("one", 1);
    account.fails(Condition::Failing, Scope::Account, None, 2);
    account.fails(Condition::Failing, Scope::Account, None, 2);
    assert_eq!(account.out("m", 2), None);
    account.fails(Condition::Failing, Scope::Account, None, 2);
    assert_eq!(account.out("m", 2), Some(12));
}

#[test]
fn answers_that_begin_and_break_off_are_failures_in_a_row() {
    let account = Account::new();
    for now in 0..3 {
        assert_eq!(account.standing(now), Standing::Open);
        account.begins(now);
        account.fails(Condition::Failing, Scope::Account, None, now);
    }
    assert_eq!(account.out("m", 3), Some(12));
    // A probe whose answer breaks off is one more.
    account.probe(12);
    account.begins(12);
    account.fails(Condition::Failing, Scope::Account, None, 13);
    assert!(account.out("m", 13).is_some());
}

#[test]
fn a_probe_that_fails_in_another_scope_leaves_nothing_probing_for_ever() {
    for (first, then) in [(Scope::Account, Scope::Model), (Scope::Model, Scope::Account)] {
        for condition in [Condition::RateLimited, Condition::Overloaded, Condition::Failing] {
            let account = Account::new();
            account.fails(Condition::Unauthorized, first, Some(10), 0);
            assert_eq!(account.standing(10), Standing::Probe);
            account.probe(10);
            account.0.release("m", Asker::of("one"));
            account.fails(condition, then, Some(10), 11);
            assert_eq!(account.standing(30), Standing::Probe, "{first:?} {then:?} {condition:?}");
            account.probe(30);
            account.answers("one", 30);
            assert_eq!(account.standing(30), Standing::Open);
        }
    }
}

#[test]
fn one_failure_after_a_limit_that_has_ended_is_one_failure() {
    for ended in [Condition::RateLimited, Condition::Overloaded] {
        let account = Account::new();
        account.fails(ended, Scope::Account, Some(5), 0);
        account.fails(Condition::Failing, Scope::Account, None, 6);
        assert_eq!(account.standing(6), Standing::Open, "{ended:?}");
        for _ in 0..2 {
            account.fails(Condition::Failing, Scope::Account, None, 7);
        }
        assert_eq!(
            account.out("m", 7),
            Some(17),
            "{ended:?}: it is the first of its kind and is not doubled"
        );
    }
}

#[test]
fn new_credentials_are_tried_at_once_and_limits_stay() {
    let account = Account::new();
    account.fails(Condition::Unauthorized, Scope::Account, None, 0);
    account.fails(Condition::RateLimited, Scope::Model, Some(60), 0);
    account.0.try_credentials();
    assert_eq!((account.out("other", 1), account.out("m", 1)), (None, Some(60)));
}

#[test]
fn after_a_failing_state_one_probe_goes_and_the_rest_when_it_has_succeeded() {
    let account = Account::new();
    for _ in 0..3 {
        account.fails(Condition::Failing, Scope::Account, None, 0);
    }
    assert_eq!(account.standing(10), Standing::Probe);
    account.probe(10);
    assert!(account.out("m", 10).is_some(), "one probe at a time");
    account.0.release("m", Asker::of("one"));
    assert_eq!(account.standing(10), Standing::Probe, "a probe that was cancelled told nothing");
    account.probe(10);
    account.fails(Condition::Failing, Scope::Account, None, 11);
    assert_eq!(account.out("m", 12), Some(31), "one failed probe is enough, and the wait doubles");
    account.probe(31);
    account.begins(32);
    assert_eq!(account.standing(32), Standing::Open);
    assert!(account.0.noted(at(32)).is_none());
}

#[test]
fn a_probe_that_hangs_lets_another_one_through_after_a_while_that_doubles() {
    let account = Account::new();
    account.fails(Condition::Unauthorized, Scope::Account, Some(10), 0);
    let (mut now, mut wait) = (10, 3);
    for _ in 0..4 {
        assert_eq!(account.standing(now), Standing::Probe);
        account.probe(now);
        // Others are told when the next one goes, and not that they may come at any time.
        assert_eq!(account.out("m", now + 1), Some(now + wait));
        now += wait;
        wait *= 2;
    }
    // One of them leaves; the others may still tell something.
    account.probe(now);
    account.0.release("m", Asker::of("one"));
    assert_eq!(account.out("m", now), Some(now + wait));
    account.begins(now);
    assert_eq!(account.standing(now), Standing::Open);
}

#[test]
fn an_answer_to_an_older_request_ends_no_state() {
    let account = Account::new();
    account.fails(Condition::Unauthorized, Scope::Account, None, 0);
    account.begins(1);
    assert_eq!(account.out("m", 2), Some(300));
}

#[test]
fn a_clients_own_fault_says_nothing_against_the_account() {
    let account = Account::new();
    for _ in 0..9 {
        account.tells(&Error::bad_request(None, "wrong"), "one", 0);
    }
    assert_eq!(account.standing(0), Standing::Open);
}

#[test]
fn an_operator_can_end_every_state() {
    let account = Account::new();
    account.fails(Condition::Unauthorized, Scope::Account, None, 0);
    account.fails(Condition::RateLimited, Scope::Model, None, 0);
    assert_eq!(account.0.noted_models(at(1)).len(), 1);
    account.0.recover();
    assert_eq!(account.standing(1), Standing::Open);
}

#[test]
fn models_that_are_tracked_apart_are_bounded() {
    let account = Account::new();
    for number in 0..1000 {
        let model: Arc<str> = format!("m{number}").into();
        let limited = error(Condition::RateLimited, Scope::Model, Some(60));
        let told =
            FailedAttempt { facts: limited.facts(), asker: Asker::of("one"), alone: false, began: at(0) };
        account.0.failed(&model, &told, &POLICY, at(0));
    }
    assert_eq!(account.0.noted_models(at(1)).len(), super::MODELS_MAX);
}

#[test]
fn a_provider_is_overloaded_only_when_two_accounts_saw_it_together() {
    let (provider, a, b): (Arc<str>, Arc<str>, Arc<str>) = ("claude".into(), "a".into(), "b".into());
    let overloaded = error(Condition::Overloaded, Scope::Model, None);
    let sees = |overloads: &Overloads, account: &Arc<str>, now: i64| {
        overloads.failed(Witness { provider: &provider, account }, overloaded.facts(), &POLICY, at(now));
    };
    let overloads = Overloads::default();
    sees(&overloads, &a, 0);
    sees(&overloads, &a, 1);
    assert_eq!(overloads.until(&provider, at(1)), None, "one account alone");
    sees(&overloads, &b, 7);
    assert_eq!(overloads.until(&provider, at(7)), None, "not within 5 s");
    overloads.answered(&provider, at(8));
    sees(&overloads, &a, 9);
    assert_eq!(overloads.until(&provider, at(9)), Some(at(14)));
    overloads.answered(&provider, at(10));
    assert_eq!(overloads.until(&provider, at(10)), Some(at(14)), "an answer of before");
    overloads.answered(&provider, at(14));
    sees(&overloads, &b, 15);
    assert_eq!(overloads.until(&provider, at(15)), None, "it starts anew");
    sees(&overloads, &a, 16);
    assert!(overloads.until(&provider, at(16)).is_some());
    overloads.recover(&provider);
    assert_eq!(overloads.until(&provider, at(16)), None, "an operator ended it");
}
