//! What is asked of the records that are kept, and what comes back.

use std::ops::AddAssign;

use jiff::Timestamp;

use super::columns::Record;
use crate::cost::Money;

/// A field of a record that sums are grouped and narrowed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// The key, by its name; narrowed by its id too.
    Key,
    /// The key, by its id alone: names may be given again.
    KeyId,
    /// The key's user label.
    User,
    /// The key's group.
    Group,
    /// Each of the key's tags: a request counts for every one of them.
    Tag,
    /// The model asked for.
    Model,
    /// The account.
    Account,
    /// The account's provider.
    Provider,
    /// The client API.
    Api,
}

impl Dimension {
    /// Every one that queries name.
    pub const ALL: [Self; 8] = [
        Self::Key,
        Self::User,
        Self::Group,
        Self::Tag,
        Self::Model,
        Self::Account,
        Self::Provider,
        Self::Api,
    ];

    /// Its name in queries and rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::KeyId => "key_id",
            Self::User => "user",
            Self::Group => "group",
            Self::Tag => "tag",
            Self::Model => "model",
            Self::Account => "account",
            Self::Provider => "provider",
            Self::Api => "api",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.name() == name)
    }

    /// What a record has of it: a key by its name, tags all, others one or none.
    #[must_use]
    pub fn of(self, record: &Record) -> Vec<&str> {
        let one = match self {
            Self::Key => Some(&*record.key),
            Self::KeyId => Some(&*record.key_id),
            Self::User => record.user.as_deref(),
            Self::Group => record.group.as_deref(),
            Self::Tag => return record.tags.iter().map(String::as_str).collect(),
            Self::Model => Some(&*record.model),
            Self::Account => record.account.as_deref(),
            Self::Provider => record.provider.as_deref(),
            Self::Api => Some(record.api.name()),
        };
        one.into_iter().collect()
    }

    /// Every combination of one value of each of these that a record has; none where it has no value.
    #[must_use]
    pub fn combinations(these: &[Self], record: &Record) -> Vec<Vec<Option<String>>> {
        let mut all = vec![Vec::new()];
        for dimension in these {
            let mut values: Vec<Option<&str>> = dimension.of(record).into_iter().map(Some).collect();
            values.sort_unstable();
            values.dedup();
            if values.is_empty() {
                values.push(None);
            }
            let with = |before: Vec<Option<String>>| {
                values.iter().map(move |value| {
                    let mut with = before.clone();
                    with.push(value.map(str::to_owned));
                    with
                })
            };
            all = all.into_iter().flat_map(with).collect();
        }
        all
    }
}

/// Values of fields: a record passes that has, of each field which is named, one of the values given for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// Fields that sums know too, each at most once.
    pub dimensions: Vec<(Dimension, Vec<String>)>,
    /// Statuses; any where none is given.
    pub statuses: Vec<u16>,
    /// Outcomes by their names; any where none is given.
    pub outcomes: Vec<String>,
    /// Ids that answers carried; any where none is given.
    pub request_ids: Vec<String>,
}

impl Filter {
    /// Takes one more value of a field.
    pub fn also(&mut self, dimension: Dimension, value: String) {
        match self.dimensions.iter_mut().find(|(known, _)| *known == dimension) {
            Some((_, values)) => values.push(value),
            None => self.dimensions.push((dimension, vec![value])),
        }
    }

    /// Whether a record passes.
    #[must_use]
    pub fn passes(&self, record: &Record) -> bool {
        let has = |(dimension, values): &(Dimension, Vec<String>)| {
            let id = (*dimension == Dimension::Key).then_some(&*record.key_id);
            let mut own = dimension.of(record).into_iter().chain(id);
            own.any(|own| values.iter().any(|value| value == own))
        };
        self.dimensions.iter().all(has)
            && (self.statuses.is_empty() || self.statuses.contains(&record.status))
            && (self.outcomes.is_empty() || self.outcomes.contains(&record.outcome.to_string()))
            && (self.request_ids.is_empty() || self.request_ids.iter().any(|id| **id == *record.request_id))
    }
}

/// Which records are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordQuery {
    /// Those that began then or later.
    pub from: Option<Timestamp>,
    /// Those that began before.
    pub to: Option<Timestamp>,
    /// Those with a smaller id: where the page before ended.
    pub before: Option<u64>,
    /// Those that pass.
    pub filter: Filter,
    /// How many at most; at least 1.
    pub limit: usize,
}

impl RecordQuery {
    /// The newest, so many at most.
    #[must_use]
    pub fn newest(limit: usize) -> Self {
        Self { from: None, to: None, before: None, filter: Filter::default(), limit }
    }
}

/// A page of records, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Where the next page starts, as [`RecordQuery::before`]; none at the end.
    pub next: Option<u64>,
}

impl Page {
    /// So many records, and where the next page starts.
    #[must_use]
    pub const fn new(records: Vec<Record>, next: Option<u64>) -> Self {
        Self { records, next }
    }
}

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment behind it.
    pub to: Timestamp,
}

impl Span {
    /// From a moment to the one before another.
    #[must_use]
    pub const fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to }
    }
}

/// Which sums are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SumQuery {
    /// The spans that are summed each by itself, in order, none over another.
    pub spans: Vec<Span>,
    /// What each is broken down by.
    pub group_by: Vec<Dimension>,
    /// Those that pass, of each field which is named, by one of the values given for it.
    pub filter: Vec<(Dimension, Vec<String>)>,
}

impl SumQuery {
    /// All there is, in these spans.
    #[must_use]
    pub const fn over(spans: Vec<Span>) -> Self {
        Self { spans, group_by: Vec::new(), filter: Vec::new() }
    }
}

/// The sums of one span and one combination of what it is grouped by. Rows of nothing are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SumRow {
    /// Which of the spans, from 0.
    pub span: usize,
    /// The value of each field that it is grouped by, in that order; none where the requests have none.
    pub names: Vec<Option<String>>,
    /// The sums.
    pub sums: Sums,
}

impl SumRow {
    /// The sums of one combination in one span.
    #[must_use]
    pub const fn new(span: usize, names: Vec<Option<String>>, sums: Sums) -> Self {
        Self { span, names, sums }
    }
}

/// Sums of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sums {
    /// Requests.
    pub requests: u64,
    /// Those of them that failed: [`Record::is_error`].
    pub errors: u64,
    /// Input tokens without cache reads and writes.
    pub input_tokens: u64,
    /// Output tokens, reasoning included.
    pub output_tokens: u64,
    /// Tokens written to caches.
    pub cache_write_tokens: u64,
    /// Tokens read from caches.
    pub cache_read_tokens: u64,
    /// Output tokens spent on reasoning.
    pub reasoning_tokens: u64,
    /// What they cost, with the accounts' multipliers.
    pub cost: Money,
    /// What they cost at the price list's own rates.
    pub list_cost: Money,
    /// Requests that used something of which no price is known: [`Record::is_unpriced`].
    pub unpriced_requests: u64,
    /// Requests that count in limits: [`Record::counts`].
    pub counted_requests: u64,
}

impl Sums {
    /// Those of one record.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let usage = record.usage.unwrap_or_default();
        Self {
            requests: 1,
            errors: u64::from(record.is_error()),
            input_tokens: usage.input,
            output_tokens: usage.output,
            cache_write_tokens: usage.cache_write(),
            cache_read_tokens: usage.cache_read,
            reasoning_tokens: usage.reasoning,
            cost: record.cost.own.unwrap_or_default(),
            list_cost: record.cost.list.unwrap_or_default(),
            unpriced_requests: u64::from(record.is_unpriced()),
            counted_requests: u64::from(record.counts()),
        }
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        let Self { requests, errors, unpriced_requests, cost, list_cost, .. } = self;
        let add = |to: &mut u64, more: u64| *to = to.saturating_add(more);
        add(requests, other.requests);
        add(errors, other.errors);
        add(unpriced_requests, other.unpriced_requests);
        add(&mut self.counted_requests, other.counted_requests);
        *cost += other.cost;
        *list_cost += other.list_cost;
        add(&mut self.input_tokens, other.input_tokens);
        add(&mut self.output_tokens, other.output_tokens);
        add(&mut self.cache_write_tokens, other.cache_write_tokens);
        add(&mut self.cache_read_tokens, other.cache_read_tokens);
        add(&mut self.reasoning_tokens, other.reasoning_tokens);
    }
}
