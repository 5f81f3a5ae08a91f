//! What a column of a record holds, as a client of the admin API reads it and a journal gives it back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cost::Usage;

/// What was used, in tokens.
#[derive(Serialize, ToSchema)]
pub(super) struct Tokens {
    /// Input tokens without cache reads and writes.
    input_tokens: u64,
    /// Output tokens, reasoning included.
    output_tokens: u64,
    /// Tokens written to caches.
    cache_write_tokens: u64,
    /// Those of them that were written for an hour or more.
    cache_write_1h_tokens: u64,
    /// Tokens read from caches.
    cache_read_tokens: u64,
    /// Output tokens spent on reasoning.
    reasoning_tokens: u64,
    /// Whether the usage is an estimate, as the dialect had not told it.
    usage_estimated: bool,
    /// Whether what the upstream told of it contradicts itself: its classes are more than its total, or one is below zero.
    usage_inconsistent: bool,
    /// All of it by its classes; null where nothing is known.
    usage: Option<Usage>,
}

/// What it cost.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Costs {
    /// Cost in US dollars, with the account's multiplier; null where no price is known.
    cost: Option<String>,
    /// Cost at the price list's own rates, without the account's multiplier; null where no price is known.
    list_cost: Option<String>,
}

pub(super) mod id {
    //! A number as a text, as those that read JSON have no whole numbers of 64 bits.

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(in super::super) fn serialize<S: Serializer>(id: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

pub(super) mod outcome {
    //! An outcome by its name.

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::record::outcome::Outcome;

    pub(in super::super) fn serialize<S: Serializer>(outcome: &Outcome, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(outcome)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Outcome, D::Error> {
        let name = String::deserialize(from)?;
        Outcome::named(&name).ok_or_else(|| D::Error::custom(format!("there is no outcome `{name}`")))
    }
}

pub(super) mod tokens {
    //! Tokens, none where they are not known.

    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

    use super::Tokens;
    use crate::cost::Usage;

    #[derive(Deserialize)]
    struct Used {
        usage: Option<Usage>,
    }

    pub(in super::super) fn serialize<S: Serializer>(
        usage: &Option<Usage>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let told = usage.unwrap_or_default();
        let tokens = Tokens {
            input_tokens: told.input,
            output_tokens: told.output,
            cache_write_tokens: told.cache_write(),
            cache_write_1h_tokens: told.cache_write_1h,
            cache_read_tokens: told.cache_read,
            reasoning_tokens: told.reasoning,
            usage_estimated: told.estimated,
            usage_inconsistent: told.inconsistent,
            usage: *usage,
        };
        tokens.serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Usage>, D::Error> {
        Ok(Used::deserialize(from)?.usage)
    }
}

pub(super) mod costs {
    //! Money as decimal text.

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    use super::Costs;
    use crate::cost::Money;
    use sluice_money::Cost;

    pub(in super::super) fn serialize<S: Serializer>(cost: &Cost, to: S) -> Result<S::Ok, S::Error> {
        let text = |money: Option<Money>| money.map(|money| money.to_string());
        Costs { cost: text(cost.own), list_cost: text(cost.list) }.serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Cost, D::Error> {
        let told = Costs::deserialize(from)?;
        let money =
            |text: Option<String>| text.map(|text| text.parse()).transpose().map_err(D::Error::custom);
        Ok(Cost::new(money(told.cost)?, money(told.list_cost)?))
    }
}

pub(super) mod millis {
    //! A span in milliseconds, of which microseconds are all that a measurement is good for.

    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(in super::super) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64((span.as_secs_f64() * 1_000_000.0).round() / 1_000.0)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let millis = f64::deserialize(from)?;
        let micros = Duration::try_from_secs_f64((millis * 1_000.0).round() / 1_000_000.0);
        micros.map_err(D::Error::custom)
    }
}

pub(super) mod millis_where_known {
    //! The same, or null.

    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        span: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => super::millis::serialize(span, to),
            None => to.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        #[derive(Deserialize)]
        struct Span(#[serde(with = "super::millis")] Duration);
        Ok(Option::<Span>::deserialize(from)?.map(|Span(span)| span))
    }
}
