//! On which terms something was priced: how it was served, and the rates that it had.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::exact::{Exact, Factor};

/// How a request was served, as far as its price depends on that, and the rates that it had: all that another price list
/// has to know beside its usage. What is usual is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Terms {
    /// The model that it was priced as, where that is another than the one asked for upstream: a deployment's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// The service tier that the answer reports, else the one that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// The speed that the answer reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<String>,
    /// Where the answer was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geo: Option<String>,
    /// How many times the list's price the account took.
    #[serde(with = "text", skip_serializing_if = "is_once")]
    pub multiplier: Factor,
    /// Where the rates are from; none where no price was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Source>,
    /// What one of each thing cost that was used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<Rate>,
}

/// Where rates were from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Source {
    /// The entry of the price list.
    pub entry: Arc<str>,
    /// How the entry was found, like `exact` or `date`.
    pub rule: Cow<'static, str>,
    /// The list's name.
    pub list: Arc<str>,
    /// A hash of the list's text.
    pub hash: Arc<str>,
}

/// What one of something cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rate {
    /// What was used, like `cache_read` or `web_search`.
    pub class: Cow<'static, str>,
    /// What one of it cost, with every multiplier of the list.
    #[serde(with = "text")]
    pub rate: Exact,
    /// By which rule it had that rate, where it has none of its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<Cow<'static, str>>,
}

impl Default for Terms {
    /// Those of a request of which nothing is unusual, and that has no price.
    fn default() -> Self {
        let (model, tier, speed, geo) = (None, None, None, None);
        Self { model, tier, speed, geo, multiplier: Factor::ONE, price: None, rates: Vec::new() }
    }
}

impl Terms {
    /// With these rates, from there.
    #[must_use]
    pub fn at(self, price: Source, rates: Vec<Rate>) -> Self {
        Self { price: Some(price), rates, ..self }
    }
}

impl Source {
    /// This entry of a list, found by this rule.
    #[must_use]
    pub fn new(entry: &Arc<str>, rule: &'static str, (list, hash): (&Arc<str>, &Arc<str>)) -> Self {
        let [entry, list, hash] = [entry, list, hash].map(Arc::clone);
        Self { entry, rule: rule.into(), list, hash }
    }
}

impl Rate {
    /// What one of a class cost, and by which rule.
    #[must_use]
    pub fn new(class: &'static str, rate: Exact, rule: Option<&'static str>) -> Self {
        Self { class: class.into(), rate, rule: rule.map(Into::into) }
    }
}

fn is_once(factor: &Factor) -> bool {
    *factor == Factor::ONE
}

mod text {
    //! An exact number as decimal text.

    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<T: Display, S: Serializer>(number: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(number)
    }

    pub(super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
