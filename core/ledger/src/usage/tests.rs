//! Queries are read, or refused with what is wrong in them; buckets are those of the zone's clocks.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sluice_api::record::{Dimension, Span};

use super::asked::UsageQuery;
use super::buckets::{Bucket, buckets};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn read(query: &str) -> Result<UsageQuery, super::WrongQuery> {
    let pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    UsageQuery::read(
        &pairs,
        at("2026-11-28T12:00:00Z"),
        &TimeZone::get("America/Sao_Paulo").unwrap(),
        &Dimension::ALL,
    )
}

#[test]
fn the_last_day_is_asked_for_unless_the_query_says_another_time() {
    assert_eq!(read(""), read("from=2026-11-27T12:00:00Z&to=2026-11-28T12:00:00Z"));
    assert_eq!(read("to=2026-01-02T00:00:00Z"), read("from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"));
    assert_eq!(read("from=2026-11-01T00:00:00Z"), read("from=2026-11-01T00:00:00Z&to=2026-11-28T12:00:00Z"));
    assert_eq!(read("from=2026-11-01T02:00:00+02:00"), read("from=2026-11-01T00:00:00Z"));
    assert_eq!(read("from=2026-11-01T02:00:00 02:00"), read("from=2026-11-01T00:00:00Z"));
    assert_eq!(read("from=2026-11-01"), read("from=2026-11-01T03:00:00Z"), "a day begins in the zone");
    assert_eq!(read("from=2026-11-28T12:00:00Z"), read("from=2026-11-28T12:00:00Z&to=2026-11-28T12:00:00Z"));
    assert_eq!(read("group_by=key,model,key"), read("group_by=key&group_by=model"));
}

#[test]
fn what_is_wrong_with_a_query_is_named() {
    for (query, field, says) in [
        ("from=yesterday", "from", "RFC 3339"),
        ("to=2026-11-31", "to", "RFC 3339"),
        ("from=2026-11-28T00:00:00Z&to=2026-11-27T00:00:00Z", "to", "before `from`"),
        ("bucket=week", "bucket", "hour, day or month"),
        ("group_by=key,colour", "group_by", "no field `colour`: there are key, user"),
        ("colour=red", "colour", "there are from, to"),
    ] {
        let wrong = read(query).unwrap_err();
        assert_eq!(wrong.field, field, "{query}");
        assert!(wrong.message.contains(says), "{query}: {}", wrong.message);
    }
}

/// Where buckets begin, as the zone's clocks show it, and how many minutes each has.
fn begins(zone: &str, bucket: Bucket, from: &str, to: &str) -> Vec<(String, i64)> {
    let zone = TimeZone::get(zone).unwrap();
    let found = buckets(Span::new(at(from), at(to)), bucket, &zone, 100).unwrap();
    found
        .iter()
        .map(|bucketed| {
            let clock = bucketed.begins.to_zoned_datetime(zone.clone()).strftime("%m-%d %H:%M").to_string();
            (clock, bucketed.part.to.duration_since(bucketed.part.from).as_mins())
        })
        .collect()
}

fn expect(found: &[(String, i64)], expected: &[(&str, i64)]) {
    let found: Vec<(&str, i64)> = found.iter().map(|(clock, minutes)| (clock.as_str(), *minutes)).collect();
    assert_eq!(found, expected);
}

#[test]
fn days_and_hours_are_those_of_the_zone_when_its_clocks_are_set() {
    let vienna = |bucket, from, to| begins("Europe/Vienna", bucket, from, to);
    let spring = vienna(Bucket::Day, "2026-03-28T23:00:00Z", "2026-03-30T22:00:00Z");
    expect(&spring, &[("03-29 00:00", 23 * 60), ("03-30 00:00", 24 * 60)]);
    let autumn = vienna(Bucket::Day, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    expect(&autumn, &[("10-25 00:00", 25 * 60)]);
    let skipped = vienna(Bucket::Hour, "2026-03-29T00:30:00Z", "2026-03-29T02:00:00Z");
    expect(&skipped, &[("03-29 01:00", 30), ("03-29 03:00", 60)]);
    let twice = vienna(Bucket::Hour, "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z");
    expect(&twice, &[("10-25 02:00", 60), ("10-25 02:00", 60)]);
    let months = vienna(Bucket::Month, "2026-02-15T00:00:00Z", "2026-03-31T22:00:00Z");
    expect(&months, &[("02-01 00:00", (13 * 24 + 23) * 60), ("03-01 00:00", (30 * 24 + 23) * 60)]);
}

#[test]
fn buckets_follow_each_other_in_zones_of_every_offset() {
    for zone in
        ["Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia", "America/Sao_Paulo"]
    {
        let zone = TimeZone::get(zone).unwrap();
        for bucket in [Bucket::Hour, Bucket::Day, Bucket::Month] {
            let asked = Span::new(at("2026-03-31T00:00:00Z"), at("2026-04-30T00:00:00Z"));
            let all = buckets(asked, bucket, &zone, 1000).unwrap();
            assert_eq!(all.first().unwrap().part.from, asked.from);
            assert_eq!(all.last().unwrap().part.to, asked.to);
            for pair in all.windows(2) {
                assert_eq!(pair[0].part.to, pair[1].part.from);
                assert!(pair[1].part.from < pair[1].part.to);
            }
            // Sums of quarter-hours make up each of them.
            assert!(all.iter().all(|bucketed| bucketed.part.from.as_second() % 900 == 0), "{bucket:?}");
        }
    }
    let year = Span::new(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    assert_eq!(buckets(year, Bucket::Hour, &TimeZone::UTC, 1000), None, "too many");
}
