//! What ended in one stretch of time, by model and account.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::RandomState;
use sluice_api::record::Record;

use super::spans::{Counted, compact, place};

/// Pairs of model and account that are told apart in a slice; requests of more are counted overall alone.
const PARTIES_MAX: usize = 4096;

/// Bytes that a party takes, with the text of its model's name.
const PARTY_BYTES: usize = size_of::<Party>() + 48;

/// Spans that are written down before alike ones are counted together.
const LOOSE_MAX: usize = 8192;

/// What is measured of a request, in the order in which it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Measure {
    Overhead,
    FirstByte,
    Duration,
}

/// Bits of a key that say which span it is: the measure and, below it, the place.
pub(super) const SPAN: u32 = 0xffff;

impl Measure {
    pub(super) const fn shift(self) -> u32 {
        (self as u32) << 14
    }
}

/// What ended in some seconds.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    /// The seconds, counted from when all began.
    pub(super) seconds: Range<i64>,
    parties: Vec<Party>,
    /// Their places in that list, while requests are counted.
    found: HashMap<Pair, u16, RandomState>,
    /// By party, measure and place.
    spans: Vec<Counted>,
    /// How many of those may be there before they are counted together.
    room: usize,
}

/// A model and, where one was asked, an account.
type Pair = (Arc<str>, Option<Arc<str>>);

/// Whose requests they were.
#[derive(Clone, Debug)]
struct Party {
    model: Arc<str>,
    account: Option<Arc<str>>,
    totals: Totals,
}

/// Sums over requests.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) tokens: u64,
}

impl Totals {
    pub(super) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.tokens = self.tokens.saturating_add(other.tokens);
    }
}

/// What a slice has of one party.
pub(super) struct Series<'a> {
    party: &'a Party,
    /// In the order of their keys.
    pub(super) spans: &'a [Counted],
}

impl<'a> Series<'a> {
    pub(super) fn model(&self) -> &'a str {
        &self.party.model
    }

    pub(super) fn account(&self) -> Option<&'a str> {
        self.party.account.as_deref()
    }

    pub(super) fn totals(&self) -> Totals {
        self.party.totals
    }
}

impl Slice {
    pub(super) fn new(seconds: Range<i64>) -> Self {
        Self { seconds, parties: Vec::new(), found: HashMap::default(), spans: Vec::new(), room: LOOSE_MAX }
    }

    /// Counts a request under a model's label.
    pub(super) fn count(&mut self, record: &Record, model: Arc<str>, other: &Arc<str>) {
        let totals = Totals {
            requests: 1,
            errors: u64::from(record.is_error()),
            tokens: record.usage.map_or(0, |usage| usage.total()),
        };
        let party = self.party(model, record.account.clone(), other);
        self.add(party, totals);
        let spans = [
            (Measure::Overhead, Some(record.overhead)),
            (Measure::FirstByte, record.first_byte),
            (Measure::Duration, Some(record.duration)),
        ];
        for (measure, span) in spans {
            if let Some(span) = span {
                let key = (u32::from(party) << 16) | measure.shift() | u32::from(place(span));
                self.push(Counted { key, count: 1 });
            }
        }
    }

    /// Takes over what another slice has.
    pub(super) fn merge(&mut self, slice: &Self, other: &Arc<str>) {
        for series in slice.series() {
            let party = self.party(Arc::clone(&series.party.model), series.party.account.clone(), other);
            self.add(party, series.totals());
            for counted in series.spans {
                let key = (u32::from(party) << 16) | (counted.key & SPAN);
                self.push(Counted { key, ..*counted });
            }
        }
    }

    /// Nothing more is counted in it: it takes no more room than it needs.
    pub(super) fn close(&mut self) {
        self.found = HashMap::default();
        self.parties.shrink_to_fit();
        compact(&mut self.spans);
        self.spans.shrink_to_fit();
    }

    /// What it takes of memory, about.
    pub(super) fn bytes(&self) -> usize {
        self.parties.len() * PARTY_BYTES + self.spans.len() * size_of::<Counted>()
    }

    /// What there is of each party, of a slice that is closed.
    pub(super) fn series(&self) -> impl Iterator<Item = Series<'_>> {
        // Each has one span at least, and they stand in the order of the parties.
        let spans = self.spans.chunk_by(|one, next| one.key >> 16 == next.key >> 16);
        self.parties.iter().zip(spans).map(|(party, spans)| Series { party, spans })
    }

    fn party(&mut self, model: Arc<str>, account: Option<Arc<str>>, other: &Arc<str>) -> u16 {
        let (model, account) = match self.parties.len() {
            PARTIES_MAX.. if !self.found.contains_key(&(Arc::clone(&model), account.clone())) => {
                (Arc::clone(other), None)
            }
            _ => (model, account),
        };
        *self.found.entry((model, account)).or_insert_with_key(|(model, account)| {
            // There is one more than may be told apart at most, for all others.
            let place = self.parties.len() as u16;
            let (model, account) = (Arc::clone(model), account.clone());
            self.parties.push(Party { model, account, totals: Totals::default() });
            place
        })
    }

    fn add(&mut self, party: u16, totals: Totals) {
        if let Some(party) = self.parties.get_mut(usize::from(party)) {
            party.totals.add(totals);
        }
    }

    fn push(&mut self, counted: Counted) {
        if self.spans.len() >= self.room {
            compact(&mut self.spans);
            self.room = self.spans.len() + LOOSE_MAX;
        }
        self.spans.push(counted);
    }
}
