//! A record with all that is kept of it: its attempts, the usage as its upstream wrote it, and the lines of its price.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use sluice_api::cost::{Exact, Money, Usage};
use sluice_api::dialect::{Api, Operation};
use sluice_api::record::{
    Bill, Cost, Holder, Interned, Outcome, Rate, Record, RecordView, Source, Terms, Try,
};
use utoipa::ToSchema;

use super::parts;

/// A record in detail: what the list shows of it, and what only this does. `tries` has every attempt here, with what each
/// used and cost.
///
/// The amounts of its lines add up to what it cost by the list; that times the account's multiplier, rounded once, half to
/// even, at 10 decimals, is `cost`. Where attempts were billed that failed, or other models have a part in it, each of them is
/// rounded so, and `cost` is their sum. They stay as they are whatever becomes of prices.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RecordDetail {
    #[serde(flatten)]
    record: RecordView,
    /// The usage as its upstream wrote it, 2 KB of it at most: of a stream that tells one at its start and one at its end
    /// both, on a line each. Null where it told none.
    #[serde(rename = "raw_usage")]
    #[schema(value_type = Option<String>, example = "{\"input_tokens\":12,\"output_tokens\":1}\n{\"output_tokens\":41}")]
    as_written: Option<Arc<str>>,
    /// How it was served, as far as its price depends on that; null where nothing was priced. Of several attempts, how the
    /// last one was; the others say it in `tries`.
    served: Option<Served>,
    /// Where the rates of its last attempt are from; null where no price was known.
    price: Option<DetailPrice>,
    /// What it is made of: nothing that was used is in two of them.
    lines: Vec<DetailLine>,
}

/// How a request was served, as far as its price depends on that.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecordServed)]
struct Served {
    /// The model that it was priced as, before the list's own rules: the one asked for upstream, or what a deployment stands
    /// for.
    #[schema(value_type = Option<String>)]
    model: Option<Arc<str>>,
    /// The service tier that the answer reports, else the one that was asked for; null where neither says.
    tier: Option<String>,
    /// The speed that the answer reports.
    speed: Option<String>,
    /// Where the answer was made.
    geo: Option<String>,
    /// How many times the list's price the account took.
    #[schema(example = "1")]
    multiplier: String,
}

/// Where rates were from.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecordPrice)]
struct DetailPrice {
    /// The entry of the price list.
    #[schema(value_type = String, example = "claude-sonnet-5")]
    entry: Arc<str>,
    /// How the entry was found: `exact`, or what was left out of the name for it.
    #[schema(value_type = String, example = "exact")]
    rule: Cow<'static, str>,
    /// The list's name.
    #[schema(value_type = String, example = "prices.toml")]
    list: Arc<str>,
    /// A hash of the list's text, by which another version of it is told apart.
    #[schema(value_type = String)]
    hash: Arc<str>,
}

/// A line of what a request cost, in US dollars.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecordLine)]
struct DetailLine {
    /// What was used.
    #[schema(value_type = String, example = "cache_read")]
    class: Cow<'static, str>,
    /// How much of it: tokens, calls or pieces.
    #[schema(example = 2000)]
    quantity: u64,
    /// What one cost, with every multiplier of the list, exact.
    #[schema(example = "0.0000003")]
    rate: String,
    /// What all of it cost, exact.
    #[schema(example = "0.0006")]
    amount: String,
    /// By which rule it had that rate, where it has none of its own.
    #[schema(value_type = Option<String>)]
    rule: Option<Cow<'static, str>>,
    /// The attempt that it was billed for, counted from 1.
    attempt: usize,
    /// The model whose it is, where that is another than the one asked for: an adviser's.
    #[schema(value_type = Option<String>)]
    model: Option<Arc<str>>,
}

impl RecordDetail {
    /// What one looks like, for the document of the admin API.
    #[must_use]
    pub fn example() -> Self {
        let name: Arc<str> = "claude-sonnet-5".into();
        let mut holder = Holder::default();
        (holder.key, holder.key_id) = ("team".into(), "key_019acb3f0e9c7d3a".into());
        let time = Timestamp::from_microsecond(1_795_871_106_789_123).unwrap_or_default();
        let id = "req_019acb3f0e9c7d3a8b5e2f4a6c8d0e1f".into();
        let mut record = Record::new(time, id, holder, Api::Anthropic, Operation::Generate);
        record.id = Record::id_at(time);
        (record.account, record.provider) = (Some("max-1".into()), Some("claude-console".into()));
        (record.model, record.upstream_model) = (Arc::clone(&name), Some(Arc::clone(&name)));
        (record.status, record.attempts, record.outcome) = (200, 1, Outcome::Completed);
        let mut usage = Usage::new(12, 41);
        usage.cache_read = 2000;
        record.usage = Some(usage);
        let written = r#"{"input_tokens":12,"cache_read_input_tokens":2000,"output_tokens":41,"service_tier":"standard"}"#;
        record.raw_usage = Some(written.into());
        let cost = Some(Money::from_units(12_510_000));
        record.cost = Cost::new(cost, cost);
        let rates = [("input", 3_000), ("output", 15_000), ("cache_read", 300)].map(|(class, billionths)| {
            Rate::new(class, Exact::from_units(billionths * 10_u128.pow(12)), None)
        });
        let source = Source::new(&name, "exact", (&"prices.toml".into(), &"sha256:6f1e".into()));
        let mut terms = Terms::default().at(source, rates.to_vec());
        terms.tier = Some("standard".to_owned());
        record.bill = Some(Bill::new(Arc::new(Interned::new(terms)), [12, 41, 2000].into()));
        Self::of(record)
    }

    /// Of a record.
    #[must_use]
    pub fn of(mut record: Record) -> Self {
        if let ([], Some(account), 1) = (&*record.tries, &record.account, record.attempts) {
            let (usage, cost) = parts::last_attempt(&record);
            record.tries = vec![Try::last(account, record.status).used(usage, cost)];
        }
        let lines = DetailLine::all(&record);
        let as_written = record.raw_usage.take();
        let bill = record.bill.take();
        let terms = bill.as_ref().and_then(|bill| bill.terms.terms());
        let served = terms.map(|terms| Served::of(terms, &record));
        let price = terms.and_then(|terms| terms.price.clone()).map(DetailPrice::of);
        Self { record: RecordView(Arc::new(record)), as_written, served, price, lines }
    }
}

impl DetailPrice {
    fn of(source: Source) -> Self {
        let Source { entry, rule, list, hash, .. } = source;
        Self { entry, rule, list, hash }
    }
}

impl Served {
    fn of(terms: &Terms, record: &Record) -> Self {
        let Terms { model, tier, speed, geo, multiplier, .. } = terms.clone();
        let model = model.or_else(|| record.upstream_model.clone());
        Self { model, tier, speed, geo, multiplier: multiplier.to_string() }
    }
}

impl DetailLine {
    /// Those of each attempt that was billed, and behind them those of other models.
    fn all(record: &Record) -> Vec<Self> {
        let mut lines = Vec::new();
        for (at, attempt) in record.tries.iter().enumerate() {
            if let Some(billed) = &attempt.billed {
                lines.extend(Self::of(&billed.terms, &billed.quantities, at + 1));
            }
        }
        let last = usize::try_from(record.attempts).unwrap_or(usize::MAX);
        if let Some((bill, terms)) = record.bill.as_ref().and_then(|bill| Some((bill, bill.terms.terms()?))) {
            lines.extend(Self::of(terms, &bill.quantities, last));
        }
        for billed in record.others.iter().map(|other| &other.billed) {
            let model = || Some(Arc::clone(&billed.model));
            let each = Self::of(&billed.terms, &billed.quantities, last);
            lines.extend(each.map(|line| Self { model: model(), ..line }));
        }
        lines
    }

    fn of<'a>(terms: &'a Terms, quantities: &'a [u64], attempt: usize) -> impl Iterator<Item = Self> + 'a {
        let each = terms.rates.iter().zip(quantities);
        each.map(move |(Rate { class, rate, rule, .. }, quantity)| Self {
            class: class.clone(),
            quantity: *quantity,
            rate: rate.to_string(),
            amount: rate.times(*quantity).to_string(),
            rule: rule.clone(),
            attempt,
            model: None,
        })
    }
}
