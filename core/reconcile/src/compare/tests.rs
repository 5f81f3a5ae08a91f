//! What agrees, what differs, and what is told to be behind it.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_api::cost::{Money, Usage};
use sluice_api::dialect::{Api, Operation};
use sluice_api::record::{Cost, Holder, Outcome, Record};

use crate::ledger::{Kept, Ledger};
use crate::read::{File, read};
use crate::told::Vendor;

use super::compare;

/// A request of a model by an account at a time of November 2026, with this usage.
fn record(time: &str, (model, account): (&str, &str), usage: Usage) -> Record {
    let time = format!("2026-11-{time}").parse().unwrap();
    let mut record = Record::new(time, "r".into(), Holder::default(), Api::Anthropic, Operation::Generate);
    record.model = "alias".into();
    record.reported_model = Some(model.into());
    record.account = Some(account.into());
    record.usage = Some(usage);
    record.outcome = Outcome::Completed;
    record
}

fn used(input: u64, cache_read: u64, output: u64) -> Usage {
    let mut usage = Usage::new(input, output);
    usage.cache_read = cache_read;
    usage
}

fn costing(mut record: Record, own: &str, list: &str) -> Record {
    record.cost = Cost::new(own.parse::<Money>().ok(), list.parse::<Money>().ok());
    record
}

/// A report of usage: day, model, input, read from caches, output.
fn usage(rows: &[(&str, &str, u64, u64, u64)]) -> String {
    let head = "usage_date_utc,model_version,usage_input_tokens_no_cache,usage_input_tokens_cache_read,usage_output_tokens\n";
    let line = |(day, model, input, read, output): &(&str, &str, u64, u64, u64)| {
        format!("2026-11-{day},{model},{input},{read},{output}\n")
    };
    head.to_owned() + &rows.iter().map(line).collect::<String>()
}

/// A report of costs in cents, by model.
fn cost(rows: &[(&str, Option<&str>, &str)]) -> String {
    let bucket = |(day, model, cents): &(&str, Option<&str>, &str)| {
        let next: u32 = day.parse::<u32>().unwrap() + 1;
        json!({"starting_at": format!("2026-11-{day}T00:00:00Z"), "ending_at": format!("2026-11-{next:02}T00:00:00Z"),
            "results": [{"amount": cents, "currency": "USD", "model": model}]})
    };
    json!({"data": rows.iter().map(bucket).collect::<Vec<_>>(), "has_more": false}).to_string()
}

/// What comes of it, at the end of the month.
fn report(texts: &[String], records: &[Record]) -> Value {
    report_at("2026-11-30T00:00:00Z", texts, records)
}

fn report_at(now: &str, texts: &[String], records: &[Record]) -> Value {
    let file = |text: &String| File { name: "report".to_owned(), text: text.clone() };
    let files: Vec<File> = texts.iter().map(file).collect();
    let told = read(Vendor::Anthropic, &files).unwrap();
    let mut ledger = Ledger::new(&told);
    for record in records {
        ledger.add(record);
    }
    let kept = Kept { now: now.parse().unwrap(), from: "2026-11-02T00:00:00Z".parse().unwrap() };
    serde_json::to_value(compare(&ledger, kept)).unwrap()
}

/// The lines that differ: day, class, difference and cause.
fn differing(report: &Value) -> Vec<String> {
    let differs = |line: &&Value| line["agrees"] == false;
    let shown = |line: &Value| {
        let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
        assert!(line["reason"].as_str().is_some_and(|reason| reason.len() > 20), "{line}");
        [text("day").split_off(8), text("class"), text("difference"), text("cause")].join(" ")
    };
    let lines = report["data"].as_array().unwrap();
    let differing: Vec<String> = lines.iter().filter(differs).map(shown).collect();
    assert_eq!(report["agrees"], differing.is_empty());
    differing
}

const ONE: (&str, &str) = ("claude-sonnet-5", "a");
const OTHER: (&str, &str) = ("claude-sonnet-5", "b");

#[test]
fn what_is_the_same_to_the_last_digit_agrees() {
    let records = [
        costing(record("05T00:00:00Z", ONE, used(10, 20, 30)), "0.0001234567", "0.0002"),
        costing(record("05T23:59:59Z", OTHER, used(1, 2, 3)), "0.000000003", "0.0002"),
        // Neither is told of.
        record("04T23:59:59Z", ONE, used(7, 7, 7)),
        record("07T00:00:00Z", ONE, used(7, 7, 7)),
    ];
    let told = usage(&[("05", "claude-sonnet-5", 11, 22, 33), ("06", "claude-sonnet-5", 0, 0, 0)]);
    let exact = cost(&[("05", Some("claude-sonnet-5"), "0.01234597")]);
    let agrees = report(&[told.clone(), exact], &records);
    assert_eq!(differing(&agrees), [""; 0], "{agrees}");
    assert_eq!(agrees["data"].as_array().unwrap().len(), 4, "{agrees}");
    // Each of two costs was rounded at the tenth decimal: less than that is no difference, more is one.
    let near = cost(&[("05", Some("claude-sonnet-5"), "0.01234598")]);
    assert_eq!(differing(&report(&[told.clone(), near], &records)), [""; 0]);
    let off = cost(&[("05", Some("claude-sonnet-5"), "0.012345981")]);
    assert_eq!(differing(&report(&[told, off], &records)), ["05 cost 0.00000000011 price"]);
}

#[test]
fn a_snapshot_and_its_alias_are_one_model_and_that_is_said() {
    let records = [record("05T01:00:00Z", ("claude-opus-4-0", "a"), used(10, 0, 30))];
    let told = usage(&[("05", "claude-opus-4-20250514", 10, 0, 30)]);
    let found = report(&[told], &records);
    assert_eq!(differing(&found), [""; 0]);
    assert_eq!(found["data"][0]["model"], "claude-opus-4-20250514");
    let note = found["notes"][0].as_str().unwrap();
    assert!(note.contains("claude-opus-4-20250514") && note.contains("claude-opus-4-0"), "{note}");
    // A second snapshot that is not told of stays apart from the one that agrees.
    let records = [
        record("05T01:00:00Z", ("claude-opus-4-20250514", "a"), used(10, 0, 30)),
        record("05T01:00:00Z", ("claude-opus-4-20260101", "a"), used(5, 0, 5)),
    ];
    let found = report(&[usage(&[("05", "claude-opus-4-20250514", 10, 0, 30)])], &records);
    assert_eq!(differing(&found), ["05 input -5 not_in_file", "05 output -5 not_in_file"]);
    assert_eq!(found["data"].as_array().unwrap().len(), 4);
}

#[test]
fn the_likely_cause_of_a_difference_is_named() {
    let estimate = || {
        let mut usage = used(10, 20, 25);
        usage.estimated = true;
        usage
    };
    let late = |mut record: Record| {
        record.duration = Duration::from_secs(60);
        record
    };
    let sonnet = |day, input, read, output| usage(&[(day, "claude-sonnet-5", input, read, output)]);
    let all = || vec![record("05T01:00:00Z", ONE, used(10, 20, 30))];
    for (told, records, expected) in [
        (sonnet("05", 11, 20, 30), all(), &["05 input 1 outside_gateway"][..]),
        (
            usage(&[("05", "claude-sonnet-5", 10, 20, 30), ("05", "claude-opus-5", 1, 0, 0)]),
            all(),
            &["05 input 1 outside_gateway"],
        ),
        (sonnet("05", 10, 20, 29), all(), &["05 output -1 not_in_file"]),
        (sonnet("05", 25, 5, 30), all(), &["05 input 15 cache_classes", "05 cache_read -15 cache_classes"]),
        (sonnet("05", 10, 20, 30), vec![record("05T01:00:00Z", ONE, estimate())], &["05 output 5 estimates"]),
        (
            sonnet("05", 10, 20, 30),
            vec![all().remove(0), record("05T02:00:00Z", OTHER, used(1, 2, 3))],
            &[
                "05 input -1 accounts_not_in_file",
                "05 cache_read -2 accounts_not_in_file",
                "05 output -3 accounts_not_in_file",
            ],
        ),
        (
            usage(&[("05", "claude-sonnet-5", 10, 20, 30), ("06", "claude-sonnet-5", 1, 2, 3)]),
            vec![all().remove(0), record("05T23:59:59Z", ONE, used(1, 2, 3))],
            &[
                "05 input -1 day_border",
                "05 cache_read -2 day_border",
                "05 output -3 day_border",
                "06 input 1 day_border",
                "06 cache_read 2 day_border",
                "06 output 3 day_border",
            ],
        ),
        // The day before is not told of.
        (
            sonnet("05", 11, 20, 30),
            vec![all().remove(0), late(record("04T23:59:30Z", ONE, used(1, 0, 0)))],
            &["05 input 1 day_border"],
        ),
        (
            sonnet("05", 10, 20, 30),
            vec![all().remove(0), late(record("05T23:59:30Z", ONE, used(0, 0, 9)))],
            &["05 output -9 day_border"],
        ),
        (sonnet("01", 5, 0, 0), vec![], &["01 input 5 not_kept"]),
    ] {
        assert_eq!(differing(&report(std::slice::from_ref(&told), &records)), expected, "{told}");
    }
    let running = report_at("2026-11-05T12:00:00Z", &[sonnet("05", 10, 20, 31)], &all());
    assert_eq!(differing(&running), ["05 output 1 day_not_over"]);
}

#[test]
fn the_likely_cause_of_another_price_is_named() {
    let tokens = usage(&[("05", "claude-sonnet-5", 10, 20, 30)]);
    let cents = |cents| cost(&[("05", Some("claude-sonnet-5"), cents)]);
    let priced = |own, list| vec![costing(record("05T01:00:00Z", ONE, used(10, 20, 30)), own, list)];
    for (texts, records, expected) in [
        (vec![tokens.clone(), cents("200")], priced("1", "2"), "05 cost 1 multiplier"),
        (vec![tokens.clone(), cents("300")], priced("1", "2"), "05 cost 2 price"),
        (vec![cents("300")], priced("1", "2"), "05 cost 2 price"),
        (vec![cents("300")], priced("", ""), "05 cost 3 unpriced"),
        (vec![cents("300")], vec![], "05 cost 3 outside_gateway"),
    ] {
        assert_eq!(differing(&report(&texts, &records)), [expected], "{texts:?}");
    }
    // More was used than the ledger knows of, so it costs more.
    let more = vec![usage(&[("05", "claude-sonnet-5", 20, 20, 30)]), cents("300")];
    let found = report(&more, &priced("1", "1"));
    assert_eq!(differing(&found), ["05 input 10 outside_gateway", "05 cost 2 outside_gateway"]);
}

#[test]
fn what_is_not_told_by_model_is_compared_by_day() {
    let records = [
        costing(record("05T01:00:00Z", ONE, used(10, 20, 30)), "1", "1"),
        costing(record("05T01:00:00Z", ("claude-opus-5", "a"), used(1, 1, 1)), "2", "2"),
    ];
    let found = report(&[cost(&[("05", None, "300")])], &records);
    assert_eq!((differing(&found).len(), &found["data"][0]["model"]), (0, &Value::Null));
    assert_eq!(differing(&report(&[cost(&[("05", None, "100")])], &records)), ["05 cost -2 price"]);
    assert!(found["notes"][0].as_str().unwrap().contains("by day alone"));
}
