//! What is told to other gateways, and what is heard of them.

use sluice_api::error::{Condition, Scope};

use super::{Account, at};
use crate::health::{News, Told};

/// States that are told of the account and of its model.
fn told(account: &Account) -> Vec<(bool, Option<Told>)> {
    let states = account.0.news().into_iter().map(|news| match news {
        News::State { model, told } => (model.is_some(), told),
        News::Recovered => panic!("nobody has said so"),
    });
    states.collect()
}

fn state(condition: Condition, until: i64) -> Told {
    Told { condition, since: at(0), until: at(until), reason: "heard".into(), strikes: 1 }
}

#[test]
fn each_state_is_told_once_when_it_comes_and_when_it_ends_later() {
    let account = Account::new();
    assert_eq!(told(&account), []);
    account.fails(Condition::RateLimited, Scope::Model, Some(60), 0);
    let news = told(&account);
    assert!(matches!(&news[..], [(true, Some(told))] if told.until == at(60)), "{news:?}");
    assert_eq!(told(&account), []);
    account.fails(Condition::RateLimited, Scope::Model, Some(30), 1);
    assert_eq!(told(&account), [], "it ends as it was told");
    account.fails(Condition::RateLimited, Scope::Model, Some(90), 1);
    account.fails(Condition::Overloaded, Scope::Account, Some(20), 1);
    let news = told(&account);
    assert!(matches!(&news[..], [(false, Some(_)), (true, Some(told))] if told.until == at(91)), "{news:?}");
}

#[test]
fn what_one_client_alone_has_seen_is_told_nobody() {
    let account = Account::new();
    for second in 0..3 {
        account.fails(Condition::Failing, Scope::Account, None, second);
    }
    assert!(account.0.noted(at(3)).is_some());
    assert_eq!(told(&account), []);
}

#[test]
fn what_is_heard_holds_here_and_is_not_told() {
    let account = Account::new();
    account.0.hear(None, state(Condition::QuotaExceeded, 100), at(0));
    account.0.hear(Some(&account.1), state(Condition::RateLimited, 50), at(0));
    let noted = account.0.noted(at(1)).unwrap();
    assert_eq!((noted.condition, noted.until, &*noted.reason), (Condition::QuotaExceeded, at(100), "heard"));
    assert_eq!(account.0.noted_models(at(1)).len(), 1);
    assert_eq!(told(&account), []);
    // What is over when it is heard, or ends sooner than what is known, changes nothing.
    account.0.hear(None, state(Condition::Failing, 90), at(1));
    account.0.hear(Some(&account.1), state(Condition::Failing, 70), at(70));
    let now = (account.0.noted(at(2)).unwrap().condition, account.0.noted_models(at(60)).len());
    assert_eq!(now, (Condition::QuotaExceeded, 0));
    // What this gateway sees go on is its own.
    account.fails(Condition::QuotaExceeded, Scope::Account, None, 101);
    let news = told(&account);
    assert!(matches!(&news[..], [(false, Some(told))] if told.strikes == 2), "{news:?}");
}

#[test]
fn what_was_not_told_is_told_again_as_it_is_then() {
    let account = Account::new();
    account.fails(Condition::RateLimited, Scope::Account, Some(60), 0);
    let news = account.0.news();
    account.fails(Condition::RateLimited, Scope::Account, Some(90), 1);
    news.iter().for_each(|news| account.0.tell_again(news));
    let news = told(&account);
    assert!(matches!(&news[..], [(false, Some(told))] if told.until == at(91)), "{news:?}");
    // A recovery takes along what was not told before it, and one that is heard is not told.
    account.0.recover();
    assert_eq!(account.0.news(), [News::Recovered]);
    account.fails(Condition::RateLimited, Scope::Account, Some(60), 2);
    account.0.hear_recovery();
    assert_eq!((account.0.noted(at(3)).is_some(), account.0.news()), (false, Vec::new()));
}

#[test]
fn credentials_that_may_be_others_are_told_of() {
    let account = Account::new();
    account.fails(Condition::Unauthorized, Scope::Account, None, 0);
    told(&account);
    account.0.try_credentials();
    assert_eq!(told(&account), [(false, None)]);
    account.0.try_credentials();
    assert_eq!(told(&account), []);
}
