//! Records such as most are, for figures.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sluice_api::cost::{Exact, Money, Usage};
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::Kind;
use sluice_api::record::{Bill, Cost, Holder, Interned, Outcome, Rate, Record, Source, Terms};

/// A record of this number: one of 20 keys asks for one of 5 models on one of 3 accounts, and one in 50 fails.
#[must_use]
pub fn usual(number: u64, time: Timestamp) -> Record {
    // Scattered, so that what follows one another has little in common.
    let dice = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31);
    let (key, model, account) = (dice % 20, dice / 20 % 5, dice / 100 % 3);
    let (name, id) = (format!("team-{key}").into(), format!("key_0192d3a4b5c67d8e{key:016x}").into());
    let tags = vec!["production".to_owned(), format!("floor-{}", key % 3)].into();
    let mut holder = Holder::new(name, id, tags);
    holder.group = Some(format!("group-{}", key % 4).into());
    holder.user = Some(format!("user-{key}").into());
    let made = u128::try_from(time.as_millisecond()).unwrap_or_default() << 80;
    let request_id = format!("req_{:032x}", made | u128::from(dice));
    let mut record = Record::new(time, request_id.into(), holder, Api::Anthropic, Operation::Generate);
    record.id = Record::id_at(time) + number % (1 << 20);
    record.client = Some([10, 1, 2, u8::try_from(key).unwrap_or_default()].into());
    record.account = Some(format!("account-{account}").into());
    record.provider = Some("claude-console".into());
    record.pool = Some("claude".into());
    record.model = format!("claude-sonnet-4-{model}").into();
    record.upstream_model = Some(record.model.clone());
    record.reported_model = Some(format!("claude-sonnet-4-{model}-20260929").into());
    record.session = Some(format!("0192d3a4-b5c6-7d8e-9f00-{:012x}", number / 8).into());
    record.stream = true;
    (record.status, record.attempts, record.outcome) = (200, 1, Outcome::Completed);
    if dice.is_multiple_of(50) {
        (record.status, record.error) = (429, Some(Kind::RateLimited));
        record.outcome = Outcome::Refused("rate_limited".into());
    } else {
        let mut usage = Usage::new(dice % 4_000, dice % 2_500);
        (usage.cache_read, usage.cache_write_5m) = (dice % 90_000, dice % 3_000);
        record.usage = Some(usage);
        let cost = Money::from_units(i128::from(dice % 2_000_000_000));
        record.cost = Cost::new(Some(cost), Some(cost));
        let written = usage.cache_write_5m;
        record.raw_usage = Some(
            format!(
                "{{\"input_tokens\":{},\"cache_creation_input_tokens\":{written},\"cache_read_input_tokens\":{},\
                 \"cache_creation\":{{\"ephemeral_5m_input_tokens\":{written},\"ephemeral_1h_input_tokens\":0}},\
                 \"output_tokens\":1,\"service_tier\":\"standard\"}}\n{{\"output_tokens\":{}}}",
                usage.input, usage.cache_read, usage.output
            )
            .into(),
        );
        let quantities = [usage.input, usage.output, usage.cache_read, written];
        record.bill = Some(Bill::new(Arc::new(Interned::new(terms(model))), quantities.into()));
    }
    record.first_byte = Some(Duration::from_micros(dice % 2_000_000));
    record.duration = Duration::from_micros(dice % 60_000_000);
    record.overhead = Duration::from_micros(dice % 900);
    record
}

/// What a model is priced by.
fn terms(model: u64) -> Terms {
    let name = format!("claude-sonnet-4-{model}");
    let (entry, list, hash) = (name.into(), "built-in list".into(), format!("sha256:{:064x}", 7).into());
    let rate = |class, dollars: u64| {
        Rate::new(class, Exact::from_units(u128::from(dollars) * 10_u128.pow(15)), None)
    };
    let rates = [rate("input", 3), rate("output", 15), rate("cache_read", 1), rate("cache_write_5m", 4)];
    let mut terms = Terms::default().at(Source::new(&entry, "exact", (&list, &hash)), rates.to_vec());
    terms.tier = Some("standard".to_owned());
    terms
}
