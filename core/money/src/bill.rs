//! What something cost, and what it was priced by: terms that much shares, and its own quantities.

use std::sync::Arc;

use crate::exact::Exact;
use crate::interned::Interned;
use crate::rounded::Money;

/// What a request cost, in US dollars; none where no price is known, or there is nothing to be priced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost {
    /// With the account's multiplier.
    pub own: Option<Money>,
    /// At the price list's own rates.
    pub list: Option<Money>,
}

impl Cost {
    /// What it cost, and what it would have cost at the price list's own rates.
    #[must_use]
    pub const fn new(own: Option<Money>, list: Option<Money>) -> Self {
        Self { own, list }
    }

    /// What this and another come to; what is not known of one of them is not known of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let sum = |one: Option<Money>, more: Option<Money>| Some(one? + more?);
        Self { own: sum(self.own, other.own), list: sum(self.list, other.list) }
    }
}

/// What a record was priced by: terms that many share, and how much was used of what they name.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Bill {
    /// The terms.
    pub terms: Arc<Interned>,
    /// How much was used at each of their rates, in that order.
    pub quantities: Arc<[u64]>,
}

impl Bill {
    /// So much at each rate of these terms.
    #[must_use]
    pub const fn new(terms: Arc<Interned>, quantities: Arc<[u64]>) -> Self {
        Self { terms, quantities }
    }

    /// What it comes to; `None` where its terms name no price.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        let terms = self.terms.terms().filter(|terms| terms.price.is_some())?;
        let each = terms.rates.iter().zip(self.quantities.iter());
        let total = each.fold(Exact::ZERO, |sum, (rate, quantity)| sum.plus(rate.rate.times(*quantity)));
        Some(Cost::new(Some(total.rounded_by(terms.multiplier)), Some(total.rounded())))
    }

    /// Writes the number of its terms, its quantities, and the terms where the store has them not.
    pub fn pack(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.terms.id().to_le_bytes());
        into.push(u8::try_from(self.quantities.len()).unwrap_or(u8::MAX));
        let quantities = self.quantities.iter().take(u8::MAX.into());
        quantities.for_each(|quantity| into.extend_from_slice(&quantity.to_le_bytes()));
        if let Some(text) = self.terms.untold() {
            into.extend_from_slice(text.as_bytes());
        }
    }

    /// Reads what [`Bill::pack`] wrote; `None` where that is cut off, or is something else.
    #[must_use]
    pub fn unpack(from: &[u8]) -> Option<Self> {
        let (id, rest) = from.split_first_chunk()?;
        let (count, rest) = rest.split_first()?;
        let (quantities, text) = rest.split_at_checked(usize::from(*count) * 8)?;
        let id = u64::from_le_bytes(*id);
        let terms = match text {
            [] => Interned::unknown(id),
            text => Interned::told(id, std::str::from_utf8(text).ok()?)?,
        };
        let (quantities, _) = quantities.as_chunks();
        let quantities = quantities.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        Some(Self::new(Arc::new(terms), quantities))
    }
}
