//! The rates of a model: by item, by the size of the prompt, by the tier it was served in.

use crate::item::{Each, Item};

/// Dollars for one token, or one of what costs a fee, in units of 10^-18.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(pub u128);

/// Decimals of a rate.
pub const DECIMALS: i32 = 18;

/// The highest rate that a file may name: a thousand dollars for one. A higher one is a mistake, and it bounds sums.
pub const RATE_MAX: u128 = 1_000 * 10_u128.pow(18);

/// Where a rate comes from, other than the model's own rate for the item in its tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The item's own rate.
    Own,
    /// The item has none: that of this one.
    Other(Item),
    /// Half of the standard rate, as the model names none for batches.
    Halved,
    /// The standard rate, as the tier that it was served in names none.
    Standard,
    /// A fee of the list below, as the file that was laid over it names none for its model.
    Below,
}

impl Origin {
    /// How lines say it.
    #[must_use]
    pub fn rule(self) -> Option<&'static str> {
        match self {
            Self::Own => None,
            Self::Other(item) => Some(item.name()),
            Self::Halved => Some("half of the standard rate"),
            Self::Standard => Some("standard rate"),
            Self::Below => Some("fee of the list below"),
        }
    }
}

/// Rates by item; what has none is not free.
pub type Rates = Each<Option<Rate>>;

/// Rates of prompts that are long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// The smallest prompt that it is for, in tokens of every kind.
    pub from: u64,
    /// Its rates, for the whole request.
    pub rates: Rates,
}

/// Rates of a tier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tariff {
    /// Those of any prompt.
    pub base: Rates,
    /// Those of long prompts, longest first.
    pub bands: Vec<Band>,
}

impl Tariff {
    /// The bands that a prompt is in, longest first.
    fn crossed(&self, prompt: u64) -> impl Iterator<Item = &Band> {
        self.bands.iter().filter(move |band| band.from <= prompt)
    }

    /// Sets the rate of an item, whatever the prompt's length.
    pub(crate) fn set(&mut self, item: Item, rate: Rate) {
        self.base.set(item, Some(rate));
        self.bands.iter_mut().for_each(|band| band.rates.set(item, None));
    }

    fn rate(&self, item: Item, prompt: u64) -> Option<Rate> {
        self.crossed(prompt).find_map(|band| band.rates.of(item)).or_else(|| self.base.of(item))
    }

    /// Whether an item has a rate of its own here, for a prompt of whatever length.
    pub(crate) fn names(&self, item: Item) -> bool {
        self.base.of(item).is_some() || self.bands.iter().any(|band| band.rates.of(item).is_some())
    }

    fn has(&self, item: Item, prompt: u64) -> bool {
        self.rate(item, prompt).is_some()
    }
}

/// A tier that has rates of its own, by the name that answers report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Batches.
    Batch,
    /// Cheaper, when there is room.
    Flex,
    /// Sooner.
    Priority,
    /// Faster; where a model has no such rates, OpenAI's name for priority.
    Fast,
    /// Faster still.
    Ultrafast,
    /// Between flex and standard.
    Balanced,
}

impl Tier {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 6] = [
        ("batch", Self::Batch),
        ("flex", Self::Flex),
        ("priority", Self::Priority),
        ("fast", Self::Fast),
        ("ultrafast", Self::Ultrafast),
        ("balanced", Self::Balanced),
    ];

    /// The tier of a name; `None` for `standard`, and for every name that no rates go by.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find_map(|(known, tier)| known.eq_ignore_ascii_case(name).then_some(tier))
    }
}

/// What a model costs, over one stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    /// Rates of the standard tier; fees.
    pub standard: Tariff,
    /// Rates of other tiers.
    pub tiers: Vec<(Tier, Tariff)>,
    /// By what tokens are multiplied where they are processed in one place, by its name, in thousandths.
    pub geo: Vec<(String, u32)>,
    /// Fees that are those of a list below.
    pub below: Each<bool>,
    /// The most tokens of a prompt, where the list says it.
    pub max_input: Option<u64>,
    /// The most tokens of an answer, where the list says it.
    pub max_output: Option<u64>,
}

impl Prices {
    /// The rates of a tier; none where the model has none.
    #[must_use]
    pub fn tier(&self, tier: Tier) -> Option<&Tariff> {
        let of = |wanted| self.tiers.iter().find_map(|(tier, tariff)| (*tier == wanted).then_some(tariff));
        match tier {
            Tier::Fast => of(Tier::Fast).or_else(|| of(Tier::Priority)),
            _ => of(tier),
        }
    }

    /// What one of something costs that is no tokens.
    #[must_use]
    pub fn fee(&self, item: Item) -> Option<Rate> {
        self.standard.base.of(item)
    }

    /// The same, and where it comes from.
    pub(crate) fn fee_from(&self, item: Item) -> Option<(Rate, Origin)> {
        Some((self.fee(item)?, if self.below.of(item) { Origin::Below } else { Origin::Own }))
    }

    /// Takes over what a row does not name of the prices below it: fees, multipliers by place, and lengths. What its tokens
    /// cost is its own to say.
    pub(crate) fn stand_over(&mut self, below: &Self) {
        // Each of these is a fee for the same: a row that names one of them has said how searches are billed.
        let searches = [Item::WebSearch, Item::GroundedPrompt];
        let names_search = searches.iter().any(|item| self.names(*item));
        // What an image costs may be told by its tokens.
        let fees = Item::ALL.into_iter().filter(|item| !item.is_tokens() && *item != Item::Image);
        for item in fees.filter(|item| !(names_search && searches.contains(item))).collect::<Vec<_>>() {
            if let (None, Some(fee)) = (self.fee(item), below.fee(item)) {
                self.standard.base.set(item, Some(fee));
                self.below.set(item, true);
            }
        }
        for (place, by) in &below.geo {
            if self.geo.iter().all(|(known, _)| known != place) {
                self.geo.push((place.clone(), *by));
            }
        }
        self.max_input = self.max_input.or(below.max_input);
        self.max_output = self.max_output.or(below.max_output);
    }

    /// Whether an item has a rate of its own.
    #[must_use]
    pub fn names(&self, item: Item) -> bool {
        self.standard.base.of(item).is_some()
    }

    /// Whether any of its rates are those of long prompts alone.
    #[must_use]
    pub fn has_bands(&self) -> bool {
        !self.standard.bands.is_empty() || self.tiers.iter().any(|(_, tariff)| !tariff.bands.is_empty())
    }

    /// What one token of an item costs in a prompt of this many tokens, and where that comes from.
    #[must_use]
    pub fn rate(&self, item: Item, tier: Option<Tier>, prompt: u64) -> Option<(Rate, Origin)> {
        let own = match tier {
            Some(Tier::Batch) => self.batch(item, prompt),
            None => self.own(item, None, prompt).map(|(rate, _)| (rate, Origin::Own)),
            Some(tier) => self.own(item, self.tier(tier), prompt),
        };
        own.or_else(|| {
            let other = item.falls_back_to()?;
            let (rate, origin) = self.rate(other, tier, prompt)?;
            Some((rate, if origin == Origin::Own { Origin::Other(other) } else { origin }))
        })
    }

    /// An item's own rate: that of the longest band first, and in each the tier's before the standard one.
    fn own(&self, item: Item, tariff: Option<&Tariff>, prompt: u64) -> Option<(Rate, Origin)> {
        let own = |rate| (rate, Origin::Own);
        let usual = |rate| (rate, Origin::Standard);
        let longest =
            |tariff: &Tariff| tariff.crossed(prompt).find_map(|band| Some((band.from, band.rates.of(item)?)));
        let (served, standard) = (tariff.and_then(longest), longest(&self.standard));
        let banded = match (served, standard) {
            (Some(served), Some(standard)) if standard.0 > served.0 => Some(usual(standard.1)),
            (Some((_, rate)), _) => Some(own(rate)),
            (None, Some((_, rate))) => Some(usual(rate)),
            (None, None) => None,
        };
        if banded.is_some() {
            return banded;
        }
        // Reasoning that a band or a tier does not name is output there: its flat rate is for what the output's is.
        if item == Item::Reasoning
            && (self.standard.crossed(prompt).any(|band| band.rates.of(Item::Output).is_some())
                || tariff
                    .is_some_and(|tariff| tariff.has(Item::Output, prompt) && tariff.base.of(item).is_none()))
        {
            return None;
        }
        let served = tariff.and_then(|tariff| tariff.base.of(item)).map(own);
        served.or_else(|| self.standard.base.of(item).map(usual))
    }

    /// An item's rate in a batch: the batch's own, whatever the band. Else half of the standard rate for what is half
    /// of it wherever a provider names it, and for everything where the model has no rates for batches at all; and the
    /// standard rate for the rest.
    fn batch(&self, item: Item, prompt: u64) -> Option<(Rate, Origin)> {
        let standard = || self.own(item, None, prompt);
        let half =
            || standard().map(|(rate, _)| (Rate(sluice_api::cost::divided(rate.0, 2)), Origin::Halved));
        let Some(tariff) = self.tier(Tier::Batch) else { return half() };
        if let Some(rate) = tariff.rate(item, prompt) {
            return Some((rate, Origin::Own));
        }
        match item {
            Item::CacheWrite1h if tariff.has(Item::CacheWrite5m, prompt) => half(),
            Item::Reasoning if tariff.has(Item::Output, prompt) => None,
            _ => standard(),
        }
    }
}
