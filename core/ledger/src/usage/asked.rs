//! What a query for usage asks for, and what is wrong with one.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sluice_api::dialect::Api;
use sluice_api::record::{Dimension, Span, SumQuery};
use sluice_api::store::{Store, StoreError};

use super::buckets::{Bucket, Bucketed, buckets};
use super::moment::moment;
use super::rows::{UsageRow, rows};
use crate::records::Records;

/// The time that is asked for unless the query says another: the last day.
const USUAL: Duration = Duration::from_hours(24);

/// Buckets of one query at most: more than a year of hours.
const BUCKETS_MAX: usize = 10_000;

/// A query for usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageQuery {
    asked: Span,
    bucket: Option<Bucket>,
    group_by: Vec<Dimension>,
    filter: Vec<(Dimension, Vec<String>)>,
}

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongQuery {
    /// The parameter.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

impl WrongQuery {
    fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into() }
    }
}

impl UsageQuery {
    /// Reads a query from its parameters, in which each may stand more than once. `fields` are those that whoever asks may
    /// group and narrow by.
    ///
    /// # Errors
    ///
    /// When a parameter is not known, or its value is none of its kind, or the time ends before it begins.
    pub fn read(
        parameters: &[(String, String)],
        now: Timestamp,
        zone: &TimeZone,
        fields: &[Dimension],
    ) -> Result<Self, WrongQuery> {
        let known = |name: &str| fields.iter().copied().find(|field| field.name() == name);
        let names = || fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ");
        let time = |name: &str, value: &str| {
            moment(name, value, zone).map_err(|message| WrongQuery::new(name, message))
        };
        let (mut from, mut to) = (None, None);
        let mut query =
            Self { asked: Span::new(now, now), bucket: None, group_by: Vec::new(), filter: Vec::new() };
        for (name, value) in parameters {
            match name.as_str() {
                "from" => from = Some(time("from", value)?),
                "to" => to = Some(time("to", value)?),
                "bucket" if query.bucket.is_some() => {
                    return Err(WrongQuery::new("bucket", "`bucket` is asked for twice: one answer has one"));
                }
                "bucket" => {
                    let bucket = Bucket::named(value);
                    query.bucket = Some(
                        bucket.ok_or_else(|| WrongQuery::new("bucket", "`bucket` is hour, day or month"))?,
                    );
                }
                "group_by" => {
                    for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                        let field = known(name).ok_or_else(|| {
                            let message = format!("`group_by` has no field `{name}`: there are {}", names());
                            WrongQuery::new("group_by", message)
                        })?;
                        if !query.group_by.contains(&field) {
                            query.group_by.push(field);
                        }
                    }
                }
                other => {
                    let field = known(other).ok_or_else(|| {
                        let message = format!(
                            "there is no parameter `{other}`: there are from, to, bucket, group_by, {}",
                            names()
                        );
                        WrongQuery::new(other, message)
                    })?;
                    refuse_unknown(field, value).map_err(|message| WrongQuery::new(other, message))?;
                    match query.filter.iter_mut().find(|(known, _)| *known == field) {
                        Some((_, values)) => values.push(value.clone()),
                        None => query.filter.push((field, vec![value.clone()])),
                    }
                }
            }
        }
        if to.is_none() && from.is_some_and(|from| from > now) {
            return Err(WrongQuery::new("from", "`from` is yet to come: nothing was used since then"));
        }
        // What begins while this is asked for belongs to it.
        let to = to.unwrap_or(now);
        let from = from.unwrap_or_else(|| to.checked_sub(USUAL).unwrap_or(to));
        if to < from {
            return Err(WrongQuery::new(
                "to",
                "`to` is before `from`: the time that is asked for ends before it begins",
            ));
        }
        query.asked = Span::new(from, to);
        Ok(query)
    }

    /// Only what this key has used.
    #[must_use]
    pub fn of_key(mut self, id: &str) -> Self {
        self.filter.retain(|(field, _)| *field != Dimension::KeyId);
        self.filter.push((Dimension::KeyId, vec![id.to_owned()]));
        self
    }

    /// The rows that answer it: all that has ended is in them.
    ///
    /// # Errors
    ///
    /// When it asks for too many buckets; or when the store can't be asked.
    pub async fn answer(
        &self,
        records: &Records,
        store: &dyn Store,
        zone: &TimeZone,
    ) -> Result<Result<Vec<UsageRow>, WrongQuery>, StoreError> {
        let bucketed = match self.bucket {
            None => vec![Bucketed { begins: self.asked.from, part: self.asked }],
            Some(bucket) => match buckets(self.asked, bucket, zone, BUCKETS_MAX) {
                Some(bucketed) => bucketed,
                None => {
                    let message = format!(
                        "these are more than {BUCKETS_MAX} buckets: ask for a shorter time or longer buckets"
                    );
                    return Ok(Err(WrongQuery::new("bucket", message)));
                }
            },
        };
        let mut query = SumQuery::over(bucketed.iter().map(|bucketed| bucketed.part).collect());
        query.group_by.clone_from(&self.group_by);
        query.filter.clone_from(&self.filter);
        records.brought(store).await?;
        let sums = store.records().sums(&query).await?;
        let begins = |span: usize| {
            let bucketed = bucketed.get(span).filter(|_| self.bucket.is_some())?;
            Some(told(bucketed.begins, zone))
        };
        Ok(Ok(rows(sums, &self.group_by, begins)))
    }
}

/// A moment as clocks of the zone show it.
fn told(moment: Timestamp, zone: &TimeZone) -> String {
    if *zone == TimeZone::UTC {
        return moment.to_string();
    }
    moment.display_with_offset(zone.to_offset(moment)).to_string()
}

/// Refuses a value of a filter that nothing can have: an empty one, or an API that there is not.
///
/// # Errors
///
/// What would be right.
pub fn refuse_unknown(field: Dimension, value: &str) -> Result<(), String> {
    let name = field.name();
    if value.is_empty() {
        return Err(format!("`{name}` is empty: give it a value, or leave it out"));
    }
    if field == Dimension::Api && !Api::ALL.iter().any(|api| api.name() == value) {
        let all = Api::ALL.map(Api::name).join(", ");
        return Err(format!("there is no client API `{value}`: there are {all}"));
    }
    Ok(())
}
