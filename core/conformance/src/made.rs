//! Records such as gateways have them, and worse ones: few names, so that many records share them, and times that lie
//! about the ends of quarter-hours and days.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sluice_api::cost::{Exact, Money, Usage};
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::{Error, Kind};
use sluice_api::record::{
    Bill, Billed, Cost, Dimension, Holder, Interned, Outcome, Rate, Record, Source, Terms, Try,
};

/// When the time of these tests begins: some hours before the clocks of Europe go back.
pub(crate) const BEGIN: i64 = 1_792_800_000;

/// How long it goes on: four days.
pub(crate) const LONG: i64 = 4 * 86_400;

/// A moment of that time, often at the edge of a quarter-hour or a nanosecond off it.
pub(crate) fn moment() -> impl Strategy<Value = Timestamp> {
    let nanosecond = prop_oneof![Just(0), Just(1), Just(999_999_999), 0..1_000_000_000_i64];
    let second = prop_oneof![0..LONG, (0..LONG / 900).prop_map(|quarter| quarter * 900)];
    (second, nanosecond, any::<bool>()).prop_map(|(second, nanosecond, before)| {
        let at = i128::from(BEGIN + second) * 1_000_000_000;
        let off = i128::from(nanosecond);
        Timestamp::from_nanosecond(if before { at - off } else { at + off }).unwrap()
    })
}

/// A record whose id is still to be given.
pub(crate) fn record() -> impl Strategy<Value = Record> {
    (moment(), holder(), label(), ended(), (measured(), beside()), told()).prop_map(
        |(time, holder, label, ended, measured, told)| {
            let (api, operation, model, account, upstream) = label;
            let (request_id, session, tries, reported, client) = told;
            let (measured, (turns, raw_usage, bill)) = measured;
            let mut record = Record::new(time, request_id.into(), holder, api, operation);
            record.model = model.into();
            record.provider = account.map(|account| format!("provider of {account}").into());
            record.account = account.map(Into::into);
            record.pool = account.map(|_| "pool".into());
            record.upstream_model = upstream.map(Into::into);
            record.reported_model = reported.map(Into::into);
            record.session = session.map(Into::into);
            record.client = client.then(|| [192, 0, 2, 1].into());
            record.tries = tries;
            record.attempts = u32::try_from(record.tries.len()).unwrap();
            (record.status, record.outcome, record.error, record.stream) = ended;
            (record.usage, record.cost, record.first_byte, record.duration) = measured;
            (record.turns, record.raw_usage, record.bill) = (turns, raw_usage.map(Into::into), bill);
            record.overhead = record.duration / 1_000;
            record.overhead = Duration::from_micros(u64::try_from(record.overhead.as_micros()).unwrap());
            record
        },
    )
}

fn holder() -> impl Strategy<Value = Holder> {
    let tags = prop_oneof![
        Just(vec![]),
        Just(vec!["red".to_owned()]),
        Just(vec!["red".to_owned(), "b\"lue".to_owned()]),
        Just(vec!["red".to_owned(), "red".to_owned()]),
    ];
    let group = option::of(select(vec!["g", "h", ""]));
    (0..3_u8, any::<bool>(), group, option::of(Just("user")), tags).prop_map(
        |(key, renamed, group, user, tags)| {
            let name = if renamed { "key_1".into() } else { format!("name {key}").into() };
            let mut holder = Holder::new(name, format!("key_{key}").into(), tags.into());
            (holder.group, holder.user) = (group.map(Into::into), user.map(Into::into));
            holder
        },
    )
}

type Label = (Api, Operation, &'static str, Option<&'static str>, Option<&'static str>);

fn label() -> impl Strategy<Value = Label> {
    (
        select(vec![Api::Anthropic, Api::Gemini]),
        select(vec![Operation::Generate, Operation::CountTokens]),
        select(vec!["m", "M", "größe", ""]),
        option::of(select(vec!["one", "two"])),
        option::of(Just("upstream")),
    )
}

fn ended() -> impl Strategy<Value = (u16, Outcome, Option<Kind>, bool)> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Completed),
        1 => Just(Outcome::ClientGone),
        1 => Just(Outcome::Interrupted),
        1 => Just(Outcome::Refused("rate_limited".into())),
    ];
    let kind = option::of(select(vec![Kind::RateLimited, Kind::Upstream]));
    (select(vec![200, 200, 400, 499, 500]), outcome, kind, any::<bool>())
}

/// Counts that add up to what no integer of SQL holds, now and then.
fn count() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0..100_000_u64, 1 => Just(u64::MAX), 1 => Just(1 << 62)]
}

fn usage() -> impl Strategy<Value = Usage> {
    (count(), count(), count(), count(), count(), 0..3_u64, any::<bool>()).prop_map(
        |(input, output, short, long, read, searches, estimated)| {
            let mut usage = Usage::new(input, output);
            (usage.cache_write_5m, usage.cache_write_1h, usage.cache_read) = (short, long, read);
            (usage.reasoning, usage.web_searches, usage.estimated) = (output / 2, searches, estimated);
            usage
        },
    )
}

fn money() -> impl Strategy<Value = Option<Money>> {
    let huge = select(vec![i128::from(i64::MAX) + 1, i128::from(i64::MIN) - 1, i128::from(i64::MAX)]);
    let units = prop_oneof![20 => -5..1_000_000_000_000_i128, 1 => huge];
    option::weighted(0.8, units.prop_map(Money::from_units))
}

fn measured() -> impl Strategy<Value = (Option<Usage>, Cost, Option<Duration>, Duration)> {
    let span = || (0..5_000_000_u64).prop_map(Duration::from_micros);
    let cost = (money(), money()).prop_map(|(own, list)| Cost::new(own, list));
    (option::weighted(0.8, usage()), cost, option::of(span()), span())
}

/// The turns, the usage as it was written, and the bill.
fn beside() -> impl Strategy<Value = (Vec<Usage>, Option<String>, Option<Bill>)> {
    let turns = prop_oneof![5 => Just(vec![]), 1 => vec(usage(), 2..4)];
    let raw = prop_oneof![
        "\\{\"a\":[0-9]{1,25},\"b_5m\":0?[0-9]{1,3}(\\.[0-9]{1,9})?\\}",
        Just("{\"a\":\"\u{1}\"}".to_owned()),
        Just("ü7".to_owned()),
    ];
    let terms =
        (select(vec!["m", "größe"]), option::of(Just("flex")), 0..3_u8).prop_map(|(entry, tier, rates)| {
            let rate =
                |number| Rate::new("input", Exact::from_units(u128::from(number) * 10_u128.pow(15)), None);
            let source = Source::new(&entry.into(), "exact", (&"list".into(), &"sha256:1".into()));
            let mut terms = Terms::default().at(source, (0..rates).map(rate).collect());
            terms.tier = tier.map(Into::into);
            terms
        });
    let bill = (terms, vec(count(), 0..4))
        .prop_map(|(terms, quantities)| Bill::new(Arc::new(Interned::new(terms)), quantities.into()));
    (turns, option::of(raw), option::of(bill))
}

type Told = (String, Option<&'static str>, Vec<Try>, Option<&'static str>, bool);

fn told() -> impl Strategy<Value = Told> {
    // The gateway's own are made with the record; whoever sends it one like that made it at another time.
    let id = prop_oneof![
        Just(OWN.to_owned()),
        Just("client.id".to_owned()),
        Just("req_0123".to_owned()),
        Just("req_0192d3a4b5c67d8e9f00112233445566".to_owned()),
        "[a-z]{3}",
    ];
    let account: Arc<str> = "one".into();
    let failed = Try::failed(&account, &Error::new(Kind::Upstream, "it said \"no\""));
    let mut billed = failed.clone().used(Some(Usage::new(2, 3)), Cost::new(Some(Money::from_units(7)), None));
    billed.billed = Some(Box::new(Billed::new("provider of one".into(), "upstream".into())));
    let last = Try::last(&account, 200);
    let tries =
        prop_oneof![3 => Just(vec![]), 1 => Just(vec![failed, last.clone()]), 1 => Just(vec![billed, last])];
    (id, option::of(Just("session")), tries, option::of(Just("reported")), any::<bool>())
}

/// Stands for an id that the gateway makes.
const OWN: &str = "own";

/// Gives records their ids, as a gateway does that appends them in this order: by their times, and never one twice. Where
/// the clock was set back, ids go on from the last one.
pub(crate) fn number(records: Vec<Record>, clock_goes_back: bool) -> Vec<Record> {
    let (mut taken, mut last) = (std::collections::BTreeSet::new(), 0);
    let give = |mut record: Record| {
        let mut id = Record::id_at(record.time);
        if clock_goes_back {
            id = id.max(last + 1);
        }
        while !taken.insert(id) {
            id += 1;
        }
        last = id;
        record.id = id;
        if &*record.request_id == OWN {
            let made = u128::try_from(Record::time_of(id).as_millisecond()).unwrap();
            record.request_id = format!("req_{:032x}", (made << 80) | u128::from(id % 7)).into();
        }
        record
    };
    records.into_iter().map(give).collect()
}

/// A batch of records, as a store is given it.
pub(crate) fn shared(records: &[Record]) -> Vec<Arc<Record>> {
    records.iter().cloned().map(Arc::new).collect()
}

/// Fields that sums are narrowed by, with values that some records have.
pub(crate) fn narrowed() -> impl Strategy<Value = Vec<(Dimension, Vec<String>)>> {
    let value = |dimension: Dimension| match dimension {
        Dimension::Key => vec!["name 0", "key_1", "key_2", "nobody"],
        Dimension::KeyId => vec!["key_1", "key_2", "name 0"],
        Dimension::User => vec!["user", "other"],
        Dimension::Group => vec!["g", "h", ""],
        Dimension::Tag => vec!["red", "b\"lue"],
        Dimension::Model => vec!["m", "größe", "", "none"],
        Dimension::Account => vec!["one", "two"],
        Dimension::Provider => vec!["provider of one", "other"],
        Dimension::Api => vec!["anthropic", "gemini"],
    };
    let one = select([&Dimension::ALL[..], &[Dimension::KeyId]].concat()).prop_flat_map(move |dimension| {
        let values = vec(select(value(dimension)).prop_map(str::to_owned), 1..3);
        values.prop_map(move |values| (dimension, values))
    });
    vec(one, 0..3).prop_map(|mut all| {
        all.sort_by_key(|(dimension, _)| *dimension);
        all.dedup_by_key(|(dimension, _)| *dimension);
        all
    })
}
