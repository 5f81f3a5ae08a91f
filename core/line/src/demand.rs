//! What a request may use: what is expected of it, and the most that it can come to.

use std::borrow::Cow;

use sluice_api::cost::{CeilingAsk, Exact, PriceAsk, Usage};
use sluice_api::dialect::Operation;
use sluice_api::limiter::{Demand, Limit, Mode, Most, Spend, Take, Unit};
use sluice_api::plugin::guarded;
use sluice_config::key::Key;
use sluice_fleet::choosing::candidates::Target;
use sluice_fleet::choosing::order::Order;
use sluice_wire::request::bounds::Bounds;

use crate::estimate::BYTES_PER_TOKEN;
use crate::serving::Serving;
use crate::translating;

/// Tokens that an answer is expected to have, before there was one.
const ANSWER: u64 = 1_000;

/// Tokens that a prompt has beside those of its body: what a vendor puts before it.
const AROUND: u64 = 1_000;

/// Who asks, for what, and where it is to go.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) serving: Serving<'a>,
    pub(crate) key: &'a Key,
    pub(crate) order: &'a Order,
    pub(crate) target: &'a Target,
}

/// What a request may use, as far as these limits count it.
pub(crate) fn of<'a, 'b>(
    asked: &Asked<'_>,
    mut limits: impl Iterator<Item = &'a [Limit]>,
    bounds: impl FnOnce() -> &'b Bounds,
) -> Demand {
    let Asked { serving, key, order, target } = *asked;
    let ask = serving.ask;
    // Counting tokens uses none.
    if ask.route.operation == Operation::CountTokens {
        return Demand::NONE;
    }
    let counts = |limit: &Limit| limit.unit != Unit::Requests && limit.counts(&ask.model);
    if !limits.any(|limits| limits.iter().any(counts)) {
        return Demand::NONE;
    }
    match key.mode {
        Mode::Soft => Demand::new(expected(serving, key, target), Most::default()),
        Mode::Hard => Demand::new(Spend::default(), Worst::of(serving, order, bounds()).most()),
    }
}

/// What a request is expected to use: what those of its key for its model have lately, else a guess by its length.
fn expected(serving: Serving<'_>, key: &Key, target: &Target) -> Spend {
    let Serving { gateway, snapshot, ask, body } = serving;
    if let Some(lately) = gateway.limits().means().expected(&key.id, &ask.model) {
        return lately;
    }
    let input = (body.len() as u64).div_ceil(BYTES_PER_TOKEN);
    let usage = Usage::new(input, ANSWER);
    let asked = PriceAsk::new(target.provider, target.priced_as(), &usage, gateway.now());
    let priced = guarded("CostModel::price", || snapshot.cost.price(&asked)).flatten();
    let cost =
        priced.map_or(0, |priced| units(priced.charged(target.account.config.cost_multiplier).units()));
    Spend { tokens: input + ANSWER, cost }
}

/// Units of money, as limits count them.
pub(crate) fn units(units: i128) -> u64 {
    u64::try_from(units.max(0)).unwrap_or(u64::MAX)
}

/// The worst that a request can come to, whichever account serves it.
pub(crate) struct Worst<'a> {
    serving: Serving<'a>,
    /// Accounts that charge alike, once.
    ways: Vec<Way<'a>>,
}

/// What an account is asked in a request's place, as far as that bounds what it can use.
struct Way<'a> {
    target: &'a Target,
    bounds: Cow<'a, Bounds>,
    /// How long the body is.
    bytes: u64,
    /// How many more output tokens the account may use than the client has asked for, as for thoughts that its dialect
    /// counts among them.
    beyond: u64,
    tier: Option<Cow<'a, str>>,
}

/// The longest answer that any request could have been bounded to.
const LONGEST: u64 = 1 << 32;

impl<'a> Worst<'a> {
    /// That of a request with these bounds. Where an account speaks another dialect, what bounds it is what it is asked in
    /// that; one that can't be asked is none that could serve it.
    pub(crate) fn of(serving: Serving<'a>, order: &'a Order, bounds: &'a Bounds) -> Self {
        let mut targets: Vec<&Target> = Vec::new();
        for target in order.candidates().targets() {
            if !targets.iter().any(|known| charges_alike(known, target)) {
                targets.push(target);
            }
        }
        let ways = targets.into_iter().filter_map(|target| Way::of(serving, target, bounds)).collect();
        Self { serving, ways }
    }

    /// The most that it can come to.
    pub(crate) fn most(&self) -> Most {
        Most { tokens: self.tokens(None), cost: self.cost(None) }
    }

    /// The most output tokens with which it would fit into a limit; nothing where nothing bounds the rest of it.
    pub(crate) fn fits(&self, take: &Take) -> Option<u64> {
        let comes_to = |output| match take.unit {
            Unit::Requests => None,
            Unit::Tokens => self.tokens(Some(output)),
            Unit::Cost => self.cost(Some(output)),
        };
        let fits = |output| comes_to(output).map(|most| most <= take.limit);
        if !fits(0)? {
            return Some(0);
        }
        let (mut within, mut beyond) = (0, LONGEST);
        while beyond - within > 1 {
            let half = within + (beyond - within) / 2;
            if fits(half)? { within = half } else { beyond = half }
        }
        Some(within)
    }

    /// With so many output tokens, or with as many as are asked for.
    fn tokens(&self, output: Option<u64>) -> Option<u64> {
        let mut each = self.ways.iter().map(|way| self.usage(way, output).map(|usage| usage.total()));
        each.try_fold(0, |most, tokens| Some(tokens?.max(most)))
    }

    fn cost(&self, output: Option<u64>) -> Option<u64> {
        let mut each = self.ways.iter().map(|way| self.charges(way, output));
        each.try_fold(0, |most, cost| Some(cost?.max(most)))
    }

    /// The most that an account would be asked for.
    fn usage(&self, way: &Way<'_>, output: Option<u64>) -> Option<Usage> {
        let Way { target, bounds, .. } = way;
        let lengths = self.serving.lengths(target);
        let input = bounds.input(way.bytes, AROUND, lengths.input)?;
        let asked = output.map(|output| output.saturating_add(way.beyond)).or(bounds.output);
        let output = asked.or(lengths.output)?;
        let mut usage = Usage::new(input, output.saturating_mul(bounds.answers));
        bounds.calls(&mut usage);
        Some(usage)
    }

    fn charges(&self, way: &Way<'_>, output: Option<u64>) -> Option<u64> {
        let Serving { gateway, snapshot, .. } = self.serving;
        let target = way.target;
        let usage = self.usage(way, output)?;
        let mut asked = CeilingAsk::new(target.provider, target.priced_as(), &usage, gateway.now());
        asked.tier = way.tier.as_deref();
        asked.speed = way.bounds.speed.as_deref();
        asked.geo = target.account.config.provider.geo();
        let most: Exact = guarded("CostModel::ceiling", || snapshot.cost.ceiling(&asked)).flatten()?;
        Some(units(most.rounded_by(target.account.config.cost_multiplier).units()))
    }
}

impl<'a> Way<'a> {
    fn of(serving: Serving<'a>, target: &'a Target, asked: &'a Bounds) -> Option<Self> {
        let Serving { ask, body, .. } = serving;
        if target.speaks == ask.route.api {
            let (bytes, tier) = (body.len() as u64, ask.peek.tier.as_deref().map(Cow::Borrowed));
            return Some(Self { target, bounds: Cow::Borrowed(asked), bytes, beyond: 0, tier });
        }
        let (translated, how) = translating::translated(serving, target).ok()?;
        let bounds = Bounds::of(target.speaks, how.operation(), &translated.body);
        let beyond = bounds.output.zip(asked.output).map_or(0, |(sent, asked)| sent.saturating_sub(asked));
        let tier = translating::tier(ask, target.speaks, &translated.body).map(Cow::Owned);
        let bytes = translated.body.len() as u64;
        Some(Self { target, bounds: Cow::Owned(bounds), bytes, beyond, tier })
    }
}

fn charges_alike(one: &Target, other: &Target) -> bool {
    let (one_config, other_config) = (&one.account.config, &other.account.config);
    one.provider == other.provider
        && one.speaks == other.speaks
        && one.model == other.model
        && one.priced_as() == other.priced_as()
        && one_config.cost_multiplier == other_config.cost_multiplier
        && one_config.provider.geo() == other_config.provider.geo()
}
