//! A record is read again as it was written, and summed.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Bill, Billed, Cost, Holder, Interned, Other, Outcome, Rate, Record, Source, Sums, Terms, Try};
use crate::cost::{Exact, Factor, Money, Usage};
use crate::dialect::{Api, Operation};
use crate::error::{Error, Kind};

fn full() -> Record {
    let time: Timestamp = "2026-11-28T13:05:06.789123456Z".parse().unwrap();
    let tags = vec!["a".to_owned(), "b \"c\"".to_owned()];
    let holder = Holder {
        key: "team".into(),
        key_id: "key_1".into(),
        group: Some("group".into()),
        user: Some("user".into()),
        tags: tags.into(),
    };
    let mut record = Record::new(time, "req_1".into(), holder, Api::OpenaiChat, Operation::Generate);
    record.id = u64::MAX - 1;
    record.client = Some([192, 0, 2, 1].into());
    record.account = Some("account".into());
    record.provider = Some("openai".into());
    record.pool = Some("pool".into());
    record.model = "model".into();
    record.upstream_model = Some("upstream".into());
    record.reported_model = Some("reported".into());
    record.status = 429;
    record.attempts = 2;
    let first: Arc<str> = "first".into();
    record.tries =
        vec![Try::failed(&first, &Error::new(Kind::Upstream, "it said no")), Try::last(&first, 429)];
    record.tries[0] =
        record.tries[0].clone().used(Some(Usage::new(2, 4)), Cost::new(Some(Money::from_units(5)), None));
    let mut billed = Billed::new("openai".into(), "upstream".into());
    (billed.raw_usage, billed.terms, billed.quantities) = (Some("{}".into()), terms(), vec![2, u64::MAX]);
    record.tries[0].billed = Some(Box::new(billed.clone()));
    record.others = vec![Other::new(Usage::new(1, 1), billed)];
    record.session = Some("session".into());
    record.stream = true;
    let mut usage = Usage::new(3, 5);
    (usage.cache_write_5m, usage.cache_write_1h, usage.cache_read, usage.reasoning) = (7, 11, 13, 2);
    (usage.web_searches, usage.estimated, usage.inconsistent) = (1, true, true);
    record.usage = Some(usage);
    record.turns = vec![Usage::new(1, 2), Usage::new(2, 3)];
    record.raw_usage = Some("{\"in\":1}\n{\"out\":2}".into());
    record.bill = Some(Bill::new(Arc::new(Interned::new(terms())), [5, u64::MAX].into()));
    record.cost = Cost::new(Some(Money::from_units(-1)), Some(Money::from_units(i128::from(u64::MAX) * 7)));
    record.first_byte = Some(Duration::from_micros(1_234_567));
    record.duration = Duration::from_micros(987_654_321_001);
    record.overhead = Duration::from_micros(1);
    record.error = Some(Kind::RateLimited);
    record.outcome = Outcome::Refused("rate_limited".into());
    record
}

fn terms() -> Terms {
    let (entry, list, hash): (Arc<str>, Arc<str>, Arc<str>) =
        ("entry".into(), "list".into(), "sha256:0".into());
    let searches = Rate::new("web_search", Exact::from_units(10 * 10_u128.pow(18)), Some("rule"));
    let rates = vec![Rate::new("input", Exact::from_units(3 * 10_u128.pow(15) + 1), None), searches];
    let mut terms = Terms::default().at(Source::new(&entry, "exact", (&list, &hash)), rates);
    terms.tier = Some("priority".to_owned());
    terms.multiplier = Factor::from_units(8_500_000_000);
    terms
}

fn empty() -> Record {
    Record::new(Timestamp::UNIX_EPOCH, "r".into(), Holder::default(), Api::Gemini, Operation::Embed)
}

#[test]
fn what_is_written_of_a_record_is_read_again_to_the_last_digit() {
    for record in [full(), empty()] {
        let written = serde_json::to_string(&record).unwrap();
        // These are in its detail alone.
        let mut shown = record;
        (shown.raw_usage, shown.bill) = (None, None);
        assert_eq!(serde_json::from_str::<Record>(&written).unwrap(), shown, "{written}");
    }
}

#[test]
fn what_an_earlier_gateway_wrote_as_json_is_read() {
    let earlier = |client: &str, usage: &str| {
        let mut packed = Vec::new();
        for (name, value) in [("client", client), ("usage", usage)] {
            packed.extend_from_slice(&sluice_packing::columns::mark(name).to_le_bytes());
            packed.extend_from_slice(&u32::try_from(value.len()).unwrap().to_le_bytes());
            packed.extend_from_slice(value.as_bytes());
        }
        let record = Record::unpack(&packed).unwrap();
        (record.client.unwrap().to_string(), record.usage.unwrap())
    };
    let usage = r#"{"input":3,"output":5,"estimated":true}"#;
    for client in ["192.168.100.10", "192.0.2.1", "2001:db8::1", "::1"] {
        let (address, usage) = earlier(&format!("\"{client}\""), usage);
        assert_eq!((address.as_str(), usage.input, usage.output, usage.estimated), (client, 3, 5, true));
    }
}

#[test]
fn what_a_journal_has_of_a_record_is_all_of_it() {
    for record in [full(), empty()] {
        let mut packed = Vec::new();
        record.pack(&mut packed);
        assert_eq!(Record::unpack(&packed), Some(record));
        for end in 1..packed.len() {
            let cut = Record::unpack(packed.get(..end).unwrap());
            assert!(cut.is_none_or(|cut| cut != full()), "{end}");
        }
        // What a newer gateway has written beside it is not looked at.
        packed.extend_from_slice(&[1, 2, 3, 4, 2, 0, 0, 0, 9, 9]);
        assert!(Record::unpack(&packed).is_some());
    }
    assert_eq!(Record::unpack(&[1]), None);
}

#[test]
fn terms_have_one_number_and_are_told_until_a_store_has_them() {
    let (one, other) = (Interned::new(terms()), Interned::new(terms()));
    assert_eq!(one, other);
    let text = one.text().unwrap();
    assert_eq!(Interned::told(one.id(), &text).as_ref(), Some(&one), "{text}");
    assert_ne!(Interned::new(Terms::default()).id(), one.id());
    assert_eq!(Interned::new(Terms::default()).text().unwrap(), "{}", "what is usual is left out");
    let mut record = full();
    let bill = Bill::new(Arc::new(one), [5, 1].into());
    record.bill = Some(bill.clone());
    let packed = |record: &Record| {
        let mut bytes = Vec::new();
        record.pack(&mut bytes);
        bytes
    };
    let told = packed(&record);
    bill.terms.are_kept();
    let numbered = packed(&record);
    assert!(numbered.len() + text.len() == told.len());
    assert_eq!(Record::unpack(&told), Some(record));
    let read = Record::unpack(&numbered).unwrap().bill.unwrap();
    assert_eq!(
        (read.terms.id(), read.terms.terms(), read.quantities),
        (bill.terms.id(), None, bill.quantities)
    );
}

#[test]
fn no_two_columns_have_one_mark() {
    let marks = std::collections::BTreeSet::from(Record::MARKS);
    assert_eq!(marks.len(), Record::MARKS.len());
}

#[test]
fn every_outcome_has_a_name_of_its_own() {
    let all = [
        Outcome::Completed,
        Outcome::ClientGone,
        Outcome::UpstreamError,
        Outcome::GatewayError,
        Outcome::Interrupted,
        Outcome::Refused("reason".into()),
    ];
    for outcome in all {
        assert_eq!(Outcome::named(&outcome.to_string()), Some(outcome));
    }
    assert_eq!(Outcome::named("none"), None);
}

#[test]
fn ids_are_in_the_order_of_time_and_fit_an_integer_of_sql() {
    let at = |text: &str| Record::id_at(text.parse().unwrap());
    assert_eq!(at("1999-01-01T00:00:00Z"), 0);
    assert!(at("2026-11-28T00:00:00.001Z") > at("2026-11-28T00:00:00Z"));
    assert_eq!(at("2026-11-28T00:00:00.0019Z"), at("2026-11-28T00:00:00.001Z"));
    assert!(i64::try_from(at("2290-01-01T00:00:00Z")).is_ok());
    assert!(at("9999-01-01T00:00:00Z") > at("2290-01-01T00:00:00Z"));
    let time: Timestamp = "2026-11-28T00:00:00.001Z".parse().unwrap();
    let last = Record::id_at(time + Duration::from_millis(1)) - 1;
    assert_eq!((Record::time_of(Record::id_at(time)), Record::time_of(last)), (time, time));
}

#[test]
fn sums_have_errors_and_what_has_no_price() {
    let mut sums = Sums::of(&full());
    assert_eq!((sums.requests, sums.errors, sums.unpriced_requests, sums.cache_write_tokens), (1, 1, 0, 18));
    let mut broke_off = empty();
    broke_off.status = 200;
    broke_off.outcome = Outcome::Interrupted;
    broke_off.usage = Some(Usage::new(1, 1));
    sums += Sums::of(&broke_off);
    assert_eq!((sums.requests, sums.errors, sums.unpriced_requests), (2, 2, 1));
    assert_eq!((sums.input_tokens, sums.output_tokens, sums.cost), (4, 6, Money::from_units(-1)));
    let mut fine = empty();
    (fine.status, fine.outcome) = (200, Outcome::Completed);
    assert_eq!(Sums::of(&fine).errors, 0);
}

#[test]
fn what_was_on_its_way_counts_and_what_others_are_at_fault_for_does_not() {
    for (outcome, status, attempts, counts) in [
        (Outcome::Completed, 200, 1, true),
        (Outcome::Completed, 400, 1, true),
        (Outcome::Completed, 403, 1, false),
        (Outcome::ClientGone, 499, 0, false),
        (Outcome::ClientGone, 499, 1, true),
        (Outcome::Interrupted, 0, 1, true),
        (Outcome::Refused("rate_limited".into()), 429, 0, false),
        (Outcome::UpstreamError, 500, 1, false),
        (Outcome::UpstreamError, 401, 1, false),
        (Outcome::UpstreamError, 429, 1, false),
        (Outcome::UpstreamError, 400, 1, true),
        (Outcome::UpstreamError, 200, 1, true),
        (Outcome::GatewayError, 503, 1, false),
    ] {
        let mut record = full();
        (record.outcome, record.status, record.attempts) = (outcome, status, attempts);
        let tries = std::mem::take(&mut record.tries);
        // Images tell no usage, and count alike.
        for operation in [Operation::Generate, Operation::Images] {
            record.operation = operation;
            assert_eq!(record.counts(), counts, "{:?} {status} {attempts}", record.outcome);
            // What was billed on the way counts whatever came of it.
            let billed = Record { tries: tries.clone(), ..record.clone() };
            let gone = matches!(billed.outcome, Outcome::ClientGone) && attempts == 0;
            assert_eq!(
                billed.counts(),
                !gone && status != 403,
                "{:?} {status} {attempts}, billed",
                billed.outcome
            );
            record.usage = None;
        }
        record.operation = Operation::CountTokens;
        assert!(!record.counts());
    }
}
