//! What requests cost: asked of a cost model as they were served, and written down as terms that many records share.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::Arc;

use foldhash::fast::RandomState;
use jiff::Timestamp;
use parking_lot::RwLock;
use sluice_api::cost::{CostModel, Factor, Line, Money, PriceAsk, PriceEntry, Priced, Usage};
use sluice_api::plugin::guarded;
use sluice_api::record::{Bill, Billed, Cost, Interned, Rate, Record, Source, Terms, Try};

use super::parts;

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
        match &record.bill {
            // Terms of which the number alone is known say nothing of how it was served.
            Some(bill) => Some(served.on(bill.terms.terms()?)),
            None => Some(served),
        }
    }

    /// How a part was that has a price of its own.
    fn of_part(billed: &'a Billed) -> Self {
        let mut served = Self::new(&billed.model);
        served.turns = &billed.turns;
        served.on(&billed.terms)
    }

    /// As these terms tell it.
    fn on(mut self, terms: &'a Terms) -> Self {
        self.model = terms.model.as_deref().unwrap_or(self.model);
        (self.tier, self.speed) = (terms.tier.as_deref(), terms.speed.as_deref());
        (self.geo, self.multiplier) = (terms.geo.as_deref(), terms.multiplier);
        self
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
        let upstream = record.upstream_model.as_deref();
        let is_plain = served.are(upstream, &Terms::default());
        // Not shared with others, of which a store may have told that it has them: a journal is to have the text.
        record.bill =
            (!is_plain).then(|| Bill::new(Arc::new(Interned::new(served.terms(upstream))), Arc::new([])));
    }

    /// What was used so costs by a cost model; `None` where it knows no price.
    fn priced(&self, asked: &Asked<'_>, by: &dyn CostModel) -> Option<Priced> {
        let model = self.instead.unwrap_or(self.model);
        let mut ask = PriceAsk::new(asked.provider, model, asked.usage, asked.time);
        ask.reported_model = asked.reported.filter(|_| self.instead.is_none());
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
    fn stood_for(&self, upstream: Option<&str>) -> Option<&'a str> {
        Some(self.model).filter(|model| upstream != Some(*model))
    }

    fn are(&self, upstream: Option<&str>, terms: &Terms) -> bool {
        terms.model.as_deref() == self.stood_for(upstream)
            && terms.tier.as_deref() == self.tier
            && terms.speed.as_deref() == self.speed
            && terms.geo.as_deref() == self.geo
            && terms.multiplier == self.multiplier
    }

    fn terms(&self, upstream: Option<&str>) -> Terms {
        let mut terms = Terms::default();
        terms.model = self.stood_for(upstream).map(Into::into);
        terms.tier = self.tier.map(Into::into);
        terms.speed = self.speed.map(Into::into);
        terms.geo = self.geo.map(Into::into);
        terms.multiplier = self.multiplier;
        terms
    }
}

/// What is to be priced, of one provider's model.
#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    provider: &'a str,
    usage: &'a Usage,
    /// The model that the answer reports.
    reported: Option<&'a str>,
    time: Timestamp,
}

/// What a record would cost by another cost model, or with another model.
#[derive(Clone, Debug, Default)]
pub struct Anew {
    /// What all of it would cost; `None` where that is not known.
    pub cost: Option<Money>,
    /// The entry that its last attempt is priced by.
    pub entry: Option<Arc<str>>,
}

impl Anew {
    /// Each part of a record as it was served, with the account's multiplier; `None` where nothing was served, or nothing is
    /// known of what was used.
    #[must_use]
    pub fn of(record: &Record, by: &dyn CostModel, instead: Option<&str>) -> Option<Self> {
        let served = Served::of(record)?;
        let mut anew = Self { cost: Some(Money::ZERO), entry: None };
        if let (Some(usage), Some(provider)) = (&parts::own_usage(record), &record.provider) {
            let reported = record.reported_model.as_deref();
            anew.add(served.priced_as(instead), &Asked { provider, usage, reported, time: record.time }, by);
        }
        let before = parts::before(record).filter_map(|(attempt, billed)| Some((attempt.usage?, billed)));
        for (usage, billed) in before {
            anew.add(Served::of_part(billed).priced_as(instead), &asked(billed, &usage, record), by);
        }
        for other in &record.others {
            anew.add(Served::of_part(&other.billed), &asked(&other.billed, &other.usage, record), by);
        }
        Some(anew)
    }

    fn add(&mut self, served: Served<'_>, asked: &Asked<'_>, by: &dyn CostModel) {
        let priced = served.priced(asked, by);
        self.cost =
            self.cost.zip(priced.as_ref()).map(|(cost, priced)| cost + priced.charged(served.multiplier));
        self.entry = self.entry.take().or_else(|| priced.map(|priced| Arc::clone(&priced.source.entry.name)));
    }
}

fn asked<'a>(billed: &'a Billed, usage: &'a Usage, record: &Record) -> Asked<'a> {
    let reported = billed.reported_model.as_deref();
    Asked { provider: &billed.provider, usage, reported, time: record.time }
}

/// What an attempt that failed has used, and what that cost.
#[derive(Clone, Debug)]
pub struct Spent {
    usage: Option<Usage>,
    /// What it cost.
    pub cost: Cost,
    billed: Billed,
}

impl Spent {
    /// Tokens of every class.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.usage.map_or(0, |usage| usage.total())
    }

    /// The attempt, with that.
    #[must_use]
    pub fn by(self, attempt: Try) -> Try {
        let mut attempt = attempt.used(self.usage, self.cost);
        attempt.billed = Some(Box::new(self.billed));
        attempt
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
    fn is_of(&self, upstream: Option<&str>, served: &Served<'_>, priced: Option<&Priced>) -> bool {
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
                    && served.are(upstream, terms)
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

/// What nothing costs.
const NOTHING: Cost = Cost::new(Some(Money::ZERO), Some(Money::ZERO));

fn cost(priced: Option<&Priced>, multiplier: Factor) -> Cost {
    Cost::new(priced.map(|priced| priced.charged(multiplier)), priced.map(|priced| priced.cost))
}

fn lines(priced: Option<&Priced>) -> &[Line] {
    priced.map_or(&[], |priced| &priced.lines)
}

impl Bills {
    /// Says in a record what it cost, and why; nothing where it is not known what was used. What has a price of its own is
    /// added: other models, which are priced here, and attempts that were billed before, which have been.
    pub fn charge(&self, record: &mut Record, by: &dyn CostModel, served: Served<'_>) {
        if record.usage.is_none() {
            return;
        }
        let served = served.in_words();
        let own = parts::own_usage(record);
        let reported = record.reported_model.as_deref();
        let asked = own.as_ref().zip(record.provider.as_deref());
        let asked = asked.map(|(usage, provider)| Asked { provider, usage, reported, time: record.time });
        let priced = asked.as_ref().and_then(|asked| served.priced(asked, by));
        record.cost = if own.is_none() { NOTHING } else { cost(priced.as_ref(), served.multiplier) };
        record.turns = served.turns.to_vec();
        let upstream = record.upstream_model.as_deref();
        record.bill = own.and_then(|_| self.bill(upstream, &served, priced.as_ref()));
        self.charge_others(record, by, served);
        let apart = parts::before(record).map(|(attempt, _)| attempt.cost);
        let apart = apart.chain(record.others.iter().map(|other| other.cost)).fold(NOTHING, Cost::plus);
        record.cost = record.cost.plus(apart);
    }

    fn charge_others(&self, record: &mut Record, by: &dyn CostModel, served: Served<'_>) {
        let time = record.time;
        for other in &mut record.others {
            let billed = &other.billed;
            // It was made where the whole was, in the same tier.
            let served = Served { model: &billed.model, turns: &[], ..served };
            let asked = Asked { provider: &billed.provider, usage: &other.usage, reported: None, time };
            let priced = served.priced(&asked, by);
            let bill = self.bill(Some(&billed.model), &served, priced.as_ref());
            other.cost = cost(priced.as_ref(), served.multiplier);
            other.billed = billed.clone().at(bill.as_ref());
        }
    }

    /// What an attempt that fails has used, by a record that has it as its own, and what that cost. From here on the record is
    /// that of the attempt after it.
    #[must_use]
    pub fn spent(&self, record: &mut Record, by: &dyn CostModel, served: Served<'_>) -> Spent {
        let (before, others) = (std::mem::take(&mut record.tries), std::mem::take(&mut record.others));
        self.charge(record, by, served);
        (record.tries, record.others) = (before, others);
        let model = record.upstream_model.clone().unwrap_or_else(|| served.model.into());
        let mut billed = Billed::new(record.provider.clone().unwrap_or_default(), model);
        billed.reported_model = record.reported_model.take();
        billed.turns = std::mem::take(&mut record.turns);
        billed.raw_usage = record.raw_usage.take();
        let billed = billed.at(record.bill.take().as_ref());
        Spent { usage: record.usage.take(), cost: std::mem::take(&mut record.cost), billed }
    }

    /// What is kept of a price; none where nothing is unusual and there is none.
    fn bill(&self, upstream: Option<&str>, served: &Served<'_>, priced: Option<&Priced>) -> Option<Bill> {
        if priced.is_none() && served.are(upstream, &Terms::default()) {
            return None;
        }
        let quantities = lines(priced).iter().map(|line| line.quantity).collect();
        Some(Bill::new(self.terms(upstream, served, priced), quantities))
    }

    fn terms(&self, upstream: Option<&str>, served: &Served<'_>, priced: Option<&Priced>) -> Arc<Interned> {
        let hash = self.hash(upstream, served, priced);
        if let Some(known) = self.known.read().get(&hash)
            && known.is_of(upstream, served, priced)
        {
            return Arc::clone(&known.terms);
        }
        let mut terms = served.terms(upstream);
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

    fn hash(&self, upstream: Option<&str>, served: &Served<'_>, priced: Option<&Priced>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        let Served { tier, speed, geo, multiplier, .. } = served;
        (served.stood_for(upstream), tier, speed, geo, multiplier.units()).hash(&mut hasher);
        if let Some(priced) = priced {
            (Arc::as_ptr(&priced.source.entry).addr(), priced.source.rule).hash(&mut hasher);
            for line in &priced.lines {
                (line.class, line.rate, line.rule).hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}
