//! What each limiter takes, and what it says where there is no room.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::dialect::{Api, Operation};
use sluice_api::error::{Error, Kind};
use sluice_api::limiter::{
    AtWork, CONCURRENCY, Demand, Denial, Limit, Limiter, Mode, ModelNames, Most, Party, Per, Principal, Rule,
    Spend, Subject, Take, Unit, Why, Window,
};
use sluice_api::plugin::{Plugin, Timestamp, inventory};

use crate::budget::Budget;
use crate::concurrency::Concurrency;
use crate::rate::Rate;

#[derive(Debug)]
struct Named(&'static str);

impl ModelNames for Named {
    fn matches(&self, model: &str) -> bool {
        model == self.0
    }
}

fn limits() -> Vec<Limit> {
    let minute = Per::Rolling(Duration::from_secs(60));
    vec![
        Limit::new(Unit::Requests, 60, minute),
        Limit::new(Unit::Tokens, 200_000, minute),
        Limit::new(Unit::Cost, 50_000_000_000, Per::Day),
        Limit::new(Unit::Cost, 10_000_000_000_000, Per::Total),
        Limit::new(Unit::Requests, 3, Per::Month).of_models(Arc::new(Named("opus")), &["opus".to_owned()]),
    ]
}

fn taken(limiter: impl Limiter, mode: Mode, operation: Operation, model: &str) -> Vec<Take> {
    let (limits, zone) = (limits(), jiff::tz::TimeZone::UTC);
    let parties = [
        Party::new(Principal::Key("k".into()), 8, &limits),
        Party::new(Principal::Group("g".into()), 0, &[]),
        Party::new(Principal::Account("a".into()), 2, limits.get(..1).unwrap_or_default()),
    ];
    let now = "2026-11-28T20:00:00Z".parse::<Timestamp>().unwrap();
    let mut subject = Subject::new(&parties, (Api::Anthropic, operation), model, (now, &zone));
    subject.mode = mode;
    let most = Most { tokens: Some(9_000), cost: None };
    subject.demand = Demand::new(Spend { tokens: 1_000, cost: 7 }, most);
    AtWork::takes(&[AtWork::new("it", Arc::new(limiter))], &subject)
}

fn told(takes: &[Take]) -> Vec<(String, &Window, u64, u64, Rule)> {
    let name = |take: &Take| {
        let part = take.bucket.part.as_deref().unwrap_or_default();
        format!("{:?} {part}", take.bucket.principal)
    };
    takes.iter().map(|take| (name(take), &take.window, take.amount, take.limit, take.rule)).collect()
}

#[test]
fn only_what_is_bounded_takes_a_slot() {
    let takes = taken(Concurrency, Mode::Soft, Operation::Generate, "m");
    let names: Vec<_> =
        takes.iter().map(|take| (&take.bucket.principal, take.limit, take.is_slot())).collect();
    let (key, account) = (Principal::Key("k".into()), Principal::Account("a".into()));
    assert_eq!(names, [(&key, 8, true), (&account, 2, true)]);
    assert_eq!(taken(Concurrency, Mode::Soft, Operation::CountTokens, "m"), []);
}

#[test]
fn a_soft_key_takes_what_is_expected_and_a_hard_one_the_worst_case() {
    let minute = Window::Rolling(Duration::from_secs(60));
    let soft = taken(Rate::default(), Mode::Soft, Operation::Generate, "m");
    let key = |unit: &str| format!("Key(\"k\") {unit}/60000ms");
    assert_eq!(
        told(&soft),
        [
            (key("requests"), &minute, 1, 60, Rule::Within),
            (key("tokens"), &minute, 1_000, 200_000, Rule::Below),
            ("Account(\"a\") requests/60000ms".to_owned(), &minute, 1, 60, Rule::Within),
        ]
    );
    let hard = taken(Rate::default(), Mode::Hard, Operation::Generate, "m");
    assert_eq!(hard.get(1).map(|take| (take.amount, take.rule)), Some((9_000, Rule::Within)));
    let hard = taken(Budget::default(), Mode::Hard, Operation::Generate, "m");
    let amounts: Vec<_> = hard.iter().map(|take| (take.amount, take.unit)).collect();
    assert_eq!(amounts, [(u64::MAX, Unit::Cost); 2], "what has no bound fits nowhere");
    let soft = taken(Budget::default(), Mode::Soft, Operation::Generate, "m");
    let calendar = |take: &Take| matches!(take.window, Window::Calendar { .. });
    assert!(
        soft.first().is_some_and(calendar) && soft.get(1).is_some_and(|take| take.window == Window::Total)
    );
}

#[test]
fn a_limit_of_some_models_counts_no_others() {
    assert_eq!(taken(Rate::default(), Mode::Soft, Operation::Generate, "opus").len(), 4);
    assert_eq!(taken(Rate::default(), Mode::Soft, Operation::Generate, "sonnet").len(), 3);
}

#[test]
fn calls_that_count_tokens_have_one_limit_of_their_own() {
    let takes = taken(Rate::default(), Mode::Hard, Operation::CountTokens, "opus");
    let minute = Window::Rolling(Duration::from_secs(60));
    assert_eq!(told(&takes), [("Key(\"k\") count_tokens".to_owned(), &minute, 1, 600, Rule::Within)]);
    assert_eq!(taken(Budget::default(), Mode::Hard, Operation::CountTokens, "opus"), []);
}

fn says(error: &Error) -> (Kind, String, Option<u64>) {
    (error.kind(), error.to_string(), error.facts().retry_after.map(|wait| wait.as_secs()))
}

#[test]
fn a_refusal_says_whose_limit_it_is_and_what_to_do() {
    let slots = taken(Concurrency, Mode::Soft, Operation::Generate, "m");
    let denied = |take: Option<&Take>, why| Denial::new(take.unwrap().clone(), why);
    let at_once = "this key may have 8 requests at once, and has them";
    assert_eq!(
        says(&Concurrency.refusal(&denied(slots.first(), Why::Reserved))),
        (Kind::RateLimited, format!("{at_once}: wait until one has ended"), Some(1))
    );
    assert_eq!(
        says(&Concurrency.refusal(&denied(slots.first(), Why::Line))),
        (
            Kind::RateLimited,
            "this key may have 8 requests at once, and as many wait for a slot as may: try again later"
                .to_owned(),
            Some(1)
        )
    );
    let rate = taken(Rate::default(), Mode::Soft, Operation::Generate, "opus");
    let wait = Some(Duration::from_millis(11_001));
    let (kind, text, seconds) = says(&Rate::default().refusal(&denied(rate.first(), Why::Used(wait))));
    assert_eq!(
        (kind, text.as_str(), seconds),
        (
            Kind::RateLimited,
            "this key's limit of 60 requests in any minute is used up: there is room again in 12 s",
            Some(11)
        )
    );
    let models = says(&Rate::default().refusal(&denied(rate.get(2), Why::Used(wait)))).1;
    assert!(models.starts_with("this key's limit of 3 requests a month for the models opus is"), "{models}");
    let budget = taken(Budget::default(), Mode::Soft, Operation::Generate, "m");
    let (kind, text, seconds) = says(&Budget::default().refusal(&denied(budget.first(), Why::Used(wait))));
    assert_eq!(
        (kind, text.as_str(), seconds),
        (
            Kind::BudgetUsed,
            "this key's limit of 5 dollars a day is used up: there is room again in 12 s",
            Some(11)
        )
    );
    let total = says(&Budget::default().refusal(&denied(budget.get(1), Why::Used(None))));
    assert_eq!(
        total,
        (
            Kind::BudgetUsed,
            "this key's limit of 1000 dollars in total is used up: ask your operator for more".to_owned(),
            None
        )
    );
    let reserved = says(&Budget::default().refusal(&denied(budget.first(), Why::Reserved)));
    assert_eq!((reserved.0, reserved.2), (Kind::RateLimited, Some(1)));
}

#[test]
fn a_request_that_may_use_too_much_is_told_how_much_fits() {
    let takes = taken(Budget::default(), Mode::Hard, Operation::Generate, "m");
    let mut denied = Denial::new(takes.first().unwrap().clone(), Why::TooMuch);
    for (fits, says) in [
        (Some(400), "at most 400 tokens with max_tokens (an operator's max_output_tokens"),
        (Some(0), "send less"),
        (None, "set max_tokens"),
    ] {
        denied.fits = fits;
        let error = Budget::default().refusal(&denied);
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(
            (error.kind(), error.facts().param.as_deref()),
            (Kind::MaxTokensTooLarge, Some("max_tokens"))
        );
    }
}

#[test]
fn a_request_that_may_use_too_much_is_told_by_which_field_of_its_own_api_it_is_bounded() {
    let takes = taken(Budget::default(), Mode::Hard, Operation::Generate, "m");
    for bound in ["max_tokens", "max_output_tokens", "maxOutputTokens"] {
        for fits in [Some(400), None] {
            let mut denied = Denial::new(takes.first().unwrap().clone(), Why::TooMuch);
            (denied.fits, denied.bound) = (fits, bound);
            let error = Budget::default().refusal(&denied);
            assert!(error.to_string().contains(&format!(" {bound}")), "{error}");
            assert_eq!(error.facts().param.as_deref(), Some(bound));
        }
    }
}

#[test]
fn no_sentence_but_a_rate_limits_reads_like_one() {
    let takes = taken(Budget::default(), Mode::Hard, Operation::Generate, "m");
    let waits = [9, 429, 4_290, 14_295].map(|wait| Why::Used(Some(Duration::from_secs(wait))));
    let lengths = [Window::Total, Window::Rolling(Duration::from_secs(429 * 60))];
    for why in [Why::TooMuch, Why::Used(None)].into_iter().chain(waits) {
        for (limit, window) in
            [(takes[0].limit, takes[0].window), (4_290_000_000_000, lengths[0]), (4, lengths[1])]
        {
            let mut take = takes[0].clone();
            (take.limit, take.window) = (limit, window);
            let mut denial = Denial::new(take, why);
            denial.fits = Some(4_296);
            let text = Budget::default().refusal(&denial).to_string();
            for word in ["rate limit", "429", "too many requests"] {
                assert!(!text.to_lowercase().contains(word), "{text}");
            }
        }
    }
    let told = |seconds| {
        let why = Why::Used(Some(Duration::from_secs(seconds)));
        says(&Budget::default().refusal(&Denial::new(takes[0].clone(), why)))
    };
    let (_, text, wait) = told(4_290);
    assert!(text.ends_with("there is room again in 4300 s") && wait == Some(4_290), "{text}");
    // A rate limit's may say what it likes.
    let rate = taken(Rate::default(), Mode::Soft, Operation::Generate, "m");
    let why = Why::Used(Some(Duration::from_secs(4_290)));
    let text = says(&Rate::default().refusal(&Denial::new(rate[0].clone(), why))).1;
    assert!(text.ends_with("in 4290 s"), "{text}");
}

#[test]
fn the_kinds_are_those_that_configurations_name() {
    let mut kinds: Vec<_> = inventory::iter::<Plugin<dyn Limiter>>.into_iter().map(|one| one.kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["budget", CONCURRENCY, "rate"]);
}
