//! What requests cost: asked of a cost model as they were served, and written down as terms that many records share.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::RwLock;
use sluice_api::cost::{CostModel, Factor, Line, PriceAsk, PriceEntry, Priced, Usage};
use sluice_api::plugin::guarded;
use sluice_api::record::{Bill, Cost, Interned, Rate, Record, Source, Terms};

/// Terms that are known by what they are made of, about 1 KB each: some for each model, tier and band. Beyond it all are
/// made again, and a journal is told them again.
const KNOWN_MAX: usize = 4_096;

/// The longest word of an answer, or a request, that says how it was served.
const WORD_MAX: usize = 64;

/// How a request was served, as far as its price depends on that.
#[derive(Clone, Copy, Debug)]
pub struct Served<'a> {
    /// The model that upstream was asked for, or what that stands for.
    pub model: &'a str,
    /// The service tier that the answer reports, else the one that was asked for.
    pub tier: Option<&'a str>,
    /// The speed that the answer reports.
    pub speed: Option<&'a str>,
    /// Where the answer was made.
    pub geo: Option<&'a str>,
    /// The prompts that the usage is made of, where they are several.
    pub turns: &'a [Usage],
    /// How many times the list's price the account takes.
    pub multiplier: Factor,
    /// What it is priced as instead, whatever model has served it.
    instead: Option<&'a str>,
}

impl<'a> Served<'a> {
    /// One of which nothing else is known.
    #[must_use]
    pub const fn new(model: &'a str) -> Self {
        Self { model, tier: None, speed: None, geo: None, turns: &[], multiplier: Factor::ONE, instead: None }
    }

    /// How a record was, as it tells: of one that was written before this was kept, as if nothing had been unusual. `None`
    /// where nothing was served, or nothing is known of what was used.
    #[must_use]
    pub fn of(record: &'a Record) -> Option<Self> {
        record.usage.as_ref()?;
        let mut served = Self::new(record.upstream_model.as_deref()?);
        served.turns = &record.turns;
        if let Some(bill) = &record.bill {
            // Terms of which the number alone is known say nothing of how it was served.
            let terms = bill.terms.terms()?;
            served.model = terms.model.as_deref().unwrap_or(served.model);
            (served.tier, served.speed) = (terms.tier.as_deref(), terms.speed.as_deref());
            (served.geo, served.multiplier) = (terms.geo.as_deref(), terms.multiplier);
        }
        Some(served)
    }

    /// The same, priced as another model where one is named.
    #[must_use]
    pub const fn priced_as(self, instead: Option<&'a str>) -> Self {
        Self { instead, ..self }
    }

    /// Says in a record how it is served so far, for whoever prices it later: nothing where nothing is unusual.
    pub fn note(self, record: &mut Record) {
        let served = self.in_words();
        record.turns = served.turns.to_vec();
        let is_plain = served.are(record, &Terms::default());
        // Not shared with others, of which a store may have told that it has them: a journal is to have the text.
        record.bill =
            (!is_plain).then(|| Bill::new(Arc::new(Interned::new(served.terms(record))), Arc::new([])));
    }

    /// What a record that was served so costs by a cost model; `None` where it knows no price.
    #[must_use]
    pub fn priced(&self, record: &Record, by: &dyn CostModel) -> Option<Priced> {
        let (usage, provider) = (record.usage.as_ref()?, record.provider.as_ref()?);
        let model = self.instead.unwrap_or(self.model);
        let mut ask = PriceAsk::new(provider, model, usage, record.time);
        ask.reported_model = record.reported_model.as_deref().filter(|_| self.instead.is_none());
        (ask.tier, ask.speed, ask.geo, ask.turns) = (self.tier, self.speed, self.geo, self.turns);
        guarded("CostModel::price", || by.price(&ask)).flatten()
    }

    /// With words that are none left out: nobody's price is that of a text without end.
    fn in_words(mut self) -> Self {
        for word in [&mut self.tier, &mut self.speed, &mut self.geo] {
            *word = word.filter(|word| word.len() <= WORD_MAX);
        }
        self
    }

    /// The model, where it is another than the one that upstream was asked for.
    fn stood_for(&self, record: &Record) -> Option<&'a str> {
        Some(self.model).filter(|model| record.upstream_model.as_deref() != Some(*model))
    }

    fn are(&self, record: &Record, terms: &Terms) -> bool {
        terms.model.as_deref() == self.stood_for(record)
            && terms.tier.as_deref() == self.tier
            && terms.speed.as_deref() == self.speed
            && terms.geo.as_deref() == self.geo
            && terms.multiplier == self.multiplier
    }

    fn terms(&self, record: &Record) -> Terms {
        let mut terms = Terms::default();
        terms.model = self.stood_for(record).map(Into::into);
        terms.tier = self.tier.map(Into::into);
        terms.speed = self.speed.map(Into::into);
        terms.geo = self.geo.map(Into::into);
        terms.multiplier = self.multiplier;
        terms
    }
}

/// Terms that records of this process have.
#[derive(Debug, Default)]
pub struct Bills {
    known: RwLock<HashMap<u64, Known, RandomState>>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Known {
    /// Held, so that no other is at its place in memory.
    entry: Option<Arc<PriceEntry>>,
    terms: Arc<Interned>,
}

impl Known {
    fn is_of(&self, record: &Record, served: &Served<'_>, priced: Option<&Priced>) -> bool {
        let entry = match (&self.entry, priced) {
            (Some(entry), Some(priced)) => Arc::ptr_eq(entry, &priced.source.entry),
            (None, None) => true,
            _ => false,
        };
        entry
            && self.terms.terms().is_some_and(|terms| {
                let rule = terms.price.as_ref().map(|price| &*price.rule);
                rule == priced.map(|priced| priced.source.rule)
                    && are_of(&terms.rates, lines(priced))
                    && served.are(record, terms)
            })
    }
}

/// Whether rates are those of these lines, in that order.
fn are_of(rates: &[Rate], lines: &[Line]) -> bool {
    let is = |(rate, line): (&Rate, &Line)| {
        rate.rate == line.rate && rate.class == line.class && rate.rule.as_deref() == line.rule
    };
    rates.len() == lines.len() && rates.iter().zip(lines).all(is)
}

fn lines(priced: Option<&Priced>) -> &[Line] {
    priced.map_or(&[], |priced| &priced.lines)
}

impl Bills {
    /// Says in a record what it cost, and why; nothing where it is not known what was used.
    pub fn charge(&self, record: &mut Record, by: &dyn CostModel, served: Served<'_>) {
        if record.usage.is_none() {
            return;
        }
        let served = served.in_words();
        let priced = served.priced(record, by);
        let own = priced.as_ref().map(|priced| priced.charged(served.multiplier));
        record.cost = Cost::new(own, priced.as_ref().map(|priced| priced.cost));
        record.turns = served.turns.to_vec();
        let is_plain = priced.is_none() && served.are(record, &Terms::default());
        record.bill = (!is_plain).then(|| {
            let quantities = lines(priced.as_ref()).iter().map(|line| line.quantity).collect();
            Bill::new(self.terms(record, &served, priced.as_ref()), quantities)
        });
    }

    fn terms(&self, record: &Record, served: &Served<'_>, priced: Option<&Priced>) -> Arc<Interned> {
        let hash = self.hash(record, served, priced);
        if let Some(known) = self.known.read().get(&hash)
            && known.is_of(record, served, priced)
        {
            return Arc::clone(&known.terms);
        }
        let mut terms = served.terms(record);
        if let Some(priced) = priced {
            let PriceEntry { name, list, hash, .. } = &*priced.source.entry;
            let rates = priced.lines.iter().map(|line| Rate::new(line.class, line.rate, line.rule)).collect();
            terms = terms.at(Source::new(name, priced.source.rule, (list, hash)), rates);
        }
        let terms = Arc::new(Interned::new(terms));
        let entry = priced.map(|priced| Arc::clone(&priced.source.entry));
        let mut known = self.known.write();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(hash, Known { entry, terms: Arc::clone(&terms) });
        terms
    }

    fn hash(&self, record: &Record, served: &Served<'_>, priced: Option<&Priced>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        let Served { tier, speed, geo, multiplier, .. } = served;
        (served.stood_for(record), tier, speed, geo, multiplier.units()).hash(&mut hasher);
        if let Some(priced) = priced {
            (Arc::as_ptr(&priced.source.entry).addr(), priced.source.rule).hash(&mut hasher);
            for line in &priced.lines {
                (line.class, line.rate, line.rule).hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}
