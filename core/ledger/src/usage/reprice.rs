//! What past usage would have cost by other prices, or with other models. No record is changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sluice_api::cost::{CostModel, Money};
use sluice_api::dialect::Operation;
use sluice_api::record::{Record, RecordQuery};
use sluice_api::store::{Store, StoreError};
use utoipa::ToSchema;

use super::asked::WrongQuery;
use super::moment::moment;
use crate::records::Records;
use crate::records::bills::Anew;

/// The time that is asked for unless the question says another: the last day.
const USUAL: Duration = Duration::from_hours(24);

/// Records that are read at a time: however many there are, no more of them are in memory.
const PAGE: usize = 1_000;

/// Rows of one answer at most, some 400 bytes each.
const ROWS_MAX: usize = 50_000;

/// Which usage is priced anew, and how.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RepriceAsked {
    /// RFC 3339, or a day, which begins in the zone of the statistics; inclusive; default 24 hours before `to`.
    #[schema(example = "2026-11-01")]
    from: Option<String>,
    /// Likewise, exclusive; default now.
    #[schema(example = "2026-12-01T00:00:00Z")]
    to: Option<String>,
    /// The text of a price file, in any form that `[cost] files` takes: laid over the list in force for this answer. The
    /// text and not a path, as a gateway reads no file that a request names. Left out: the list in force.
    pub prices: Option<String>,
    /// Models that are priced as others: each by the name that clients ask for, or that is asked for upstream, with the name
    /// of the other in the list.
    models: BTreeMap<String, String>,
}

/// What past usage cost, and what it would have cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Repriced {
    /// By day, key and model.
    pub data: Vec<RepriceRow>,
    /// Of all rows.
    pub total: RepriceSums,
    /// The time zone whose days these are: that of `stats.timezone`.
    timezone: String,
}

/// What one key used of one model on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RepriceRow {
    /// The day.
    #[schema(example = "2026-11-28")]
    day: String,
    /// Name of the key.
    #[schema(value_type = String)]
    key: Arc<str>,
    /// Id of the key.
    #[schema(value_type = String)]
    key_id: Arc<str>,
    /// The model asked for.
    #[schema(value_type = String)]
    model: Arc<str>,
    /// The entry of the list that it is priced by anew; null where it has no price, or nothing was used.
    #[schema(value_type = Option<String>)]
    priced_as: Option<Arc<str>>,
    #[serde(flatten)]
    sums: RepriceSums,
}

/// Sums in US dollars, with the accounts' multipliers: exact, of what each record costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RepriceSums {
    /// Requests.
    requests: u64,
    /// What they cost, as it was recorded.
    #[schema(example = "1.25")]
    cost: String,
    /// What they would have cost.
    #[schema(example = "0.75")]
    new_cost: String,
    /// By how much that is more; null where a request has a price on one side alone, as the difference is not known then.
    #[schema(example = "-0.5")]
    difference: Option<String>,
    /// Requests without a price as they were recorded; their cost is in no sum.
    unpriced_requests: u64,
    /// Requests without a price anew.
    new_unpriced_requests: u64,
}

/// What is added up.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    requests: u64,
    cost: Money,
    new_cost: Money,
    unpriced: u64,
    new_unpriced: u64,
    /// Requests that have a price on one side alone.
    one_sided: u64,
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.cost += other.cost;
        self.new_cost += other.new_cost;
        self.unpriced += other.unpriced;
        self.new_unpriced += other.new_unpriced;
        self.one_sided += other.one_sided;
    }

    fn told(self) -> RepriceSums {
        let difference = Money::from_units(self.new_cost.units().saturating_sub(self.cost.units()));
        RepriceSums {
            requests: self.requests,
            cost: self.cost.to_string(),
            new_cost: self.new_cost.to_string(),
            difference: (self.one_sided == 0).then(|| difference.to_string()),
            unpriced_requests: self.unpriced,
            new_unpriced_requests: self.new_unpriced,
        }
    }
}

/// What a row is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Of {
    day: Date,
    key: Arc<str>,
    key_id: Arc<str>,
    model: Arc<str>,
    priced_as: Option<Arc<str>>,
}

impl RepriceAsked {
    /// The answer, of all that has ended. What it is asked by may be any cost model; each record is asked for with what the
    /// first one was asked with.
    ///
    /// # Errors
    ///
    /// When the time ends before it begins, or there are too many rows; or when the store can't be asked.
    pub async fn answer(
        &self,
        (records, store): (&Records, &dyn Store),
        by: &dyn CostModel,
        (now, zone): (Timestamp, &TimeZone),
    ) -> Result<Result<Repriced, WrongQuery>, StoreError> {
        let asked = |field: &str, value: &Option<String>| {
            let time = value.as_deref().map(|value| moment(field, value, zone)).transpose();
            time.map_err(|message| WrongQuery { field: field.to_owned(), message })
        };
        let (from, to) = match (asked("from", &self.from), asked("to", &self.to)) {
            (Ok(from), Ok(to)) => (from, to),
            (Err(wrong), _) | (_, Err(wrong)) => return Ok(Err(wrong)),
        };
        // What begins while this is asked for belongs to it.
        let to = to.unwrap_or_else(|| now.max(from.unwrap_or(now)));
        let from = from.unwrap_or_else(|| to.checked_sub(USUAL).unwrap_or(to));
        if to < from {
            let message = "`to` is before `from`: the time that is asked for ends before it begins";
            return Ok(Err(WrongQuery { field: "to".to_owned(), message: message.to_owned() }));
        }
        let mut query = RecordQuery::newest(PAGE);
        (query.from, query.to) = (Some(from), Some(to));
        records.brought(store).await?;
        let mut rows: BTreeMap<Of, Sums> = BTreeMap::new();
        loop {
            // Whoever leaves ends it here.
            let page = store.records().page(&query).await?;
            for record in &page.records {
                let (of, sums) = self.anew(record, by, zone);
                rows.entry(of).or_default().add(sums);
            }
            if rows.len() > ROWS_MAX {
                let message = format!("these are more than {ROWS_MAX} rows: ask for a shorter time");
                return Ok(Err(WrongQuery { field: "from".to_owned(), message }));
            }
            query.before = match page.next {
                Some(next) => Some(next),
                None => break,
            };
        }
        let mut total = Sums::default();
        rows.values().for_each(|sums| total.add(*sums));
        let row = |(Of { day, key, key_id, model, priced_as }, sums): (Of, Sums)| RepriceRow {
            day: day.to_string(),
            key,
            key_id,
            model,
            priced_as,
            sums: sums.told(),
        };
        let timezone = zone.iana_name().unwrap_or("UTC").to_owned();
        Ok(Ok(Repriced { data: rows.into_iter().map(row).collect(), total: total.told(), timezone }))
    }

    /// What one record adds, and to which row.
    fn anew(&self, record: &Record, by: &dyn CostModel, zone: &TimeZone) -> (Of, Sums) {
        // Counting tokens is free, whatever the model's price.
        let anew = Anew::of(record, by, self.instead(record));
        let (new_cost, priced_as) = match anew.filter(|_| record.operation != Operation::CountTokens) {
            None => (record.cost.own, None),
            Some(anew) => (anew.cost, anew.entry),
        };
        let unpriced = |cost: Option<Money>| u64::from(record.usage.is_some() && cost.is_none());
        let sums = Sums {
            requests: 1,
            cost: record.cost.own.unwrap_or_default(),
            new_cost: new_cost.unwrap_or_default(),
            unpriced: unpriced(record.cost.own),
            new_unpriced: unpriced(new_cost),
            one_sided: u64::from(record.cost.own.is_some() != new_cost.is_some()),
        };
        let (key, key_id) = (Arc::clone(&record.key), Arc::clone(&record.key_id));
        let day = record.time.to_zoned_datetime(zone.clone()).date();
        (Of { day, key, key_id, model: Arc::clone(&record.model), priced_as }, sums)
    }

    /// The model that a record's is priced as instead.
    fn instead(&self, record: &Record) -> Option<&str> {
        let named = |name: &str| self.models.get(name);
        let instead = named(&record.model).or_else(|| record.upstream_model.as_deref().and_then(named));
        instead.map(String::as_str)
    }
}
