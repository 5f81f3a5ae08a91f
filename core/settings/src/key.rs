//! Client keys and their groups, as they are written.

use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::{self, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use sluice_api::dialect::Family;
use sluice_api::limiter;
use sluice_api::settings::{Secret, Span};
use utoipa::ToSchema;

use crate::globs::Globs;
use crate::limit::Limit;

// The one specification of a key: as it is written, checked, in force and shown, it holds this whole. One more setting is
// one more field here, beside its use, and an argument of the command line, whose words are its own: a test of the bundle
// holds the two together. What can be wrong with a value by itself, its type tells.
/// A client key: what it may do. Its secret stands beside these.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyFields {
    /// Its name, unique.
    #[schema(value_type = String, min_length = 1)]
    pub name: Arc<str>,
    /// The group it belongs to.
    pub group: Option<String>,
    /// A label to query usage by.
    #[schema(value_type = Option<String>)]
    pub user: Option<Arc<str>>,
    /// Further labels.
    #[serde(default)]
    #[schema(value_type = Vec<String>, default = json!([]))]
    pub tags: Arc<[String]>,
    /// Families of client API that it may use; default all.
    #[serde(default)]
    #[schema(value_type = Vec<Family>, default = Families::default, min_items = 1)]
    pub allow: Families,
    /// Globs over the model asked for, `!` excludes; empty = all.
    #[serde(default)]
    #[schema(value_type = Vec<String>, default = json!([]))]
    pub models: Globs,
    /// Pools it is bound to; empty = any.
    #[serde(default)]
    #[schema(default = json!([]))]
    pub pools: Vec<String>,
    /// Accounts it is bound to; empty = any.
    #[serde(default)]
    #[schema(default = json!([]))]
    pub accounts: Vec<String>,
    /// When it stops working, RFC 3339.
    #[serde(default, deserialize_with = "time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Timestamp>,
    /// Requests at once; 0 = no bound.
    #[serde(default)]
    #[schema(default = 0)]
    pub concurrency: u32,
    /// Where requests wait that find no free slot, of the key, its group or an account, instead of a 429; the key or its
    /// group has a bound on requests at once then.
    pub queue: Option<Queue>,
    /// Limits.
    #[serde(default)]
    #[schema(default = json!([]))]
    pub limits: Vec<Limit>,
    /// The most output tokens of one request: what asks for more is lowered to it, and told so in `x-sluice-dropped`. Of
    /// those of the key, its group and the route the least counts.
    #[schema(minimum = 1)]
    pub max_output_tokens: Option<u64>,
    /// How its limits are enforced: soft refuses once what is settled and what is expected of running requests reach a limit;
    /// hard reserves the worst case of each request, and never exceeds one.
    #[serde(default)]
    #[schema(default = json!("soft"))]
    pub mode: Mode,
}

/// Families of client API, which are all of them where none is named.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Families(Vec<Family>);

impl Default for Families {
    fn default() -> Self {
        Self(Family::ALL.to_vec())
    }
}

impl Deref for Families {
    type Target = [Family];
    fn deref(&self) -> &[Family] {
        &self.0
    }
}

/// A time, which is told by what it should look like where it is none.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let wrong =
        |_| de::Error::invalid_value(Unexpected::Str(&text), &"a time like 2027-01-31T00:00:00Z (RFC 3339)");
    text.parse().map(Some).map_err(wrong)
}

impl KeyFields {
    /// A key of which nothing is known but its name.
    #[must_use]
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// The secret of a key in a file, one of both.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeySecret {
    /// The secret itself.
    pub key: Option<Secret>,
    /// Its hash, `sha256:` and 64 hexadecimal digits: see `sluice keys hash`. Kept like a secret, as a weak key can be
    /// guessed from it.
    pub hash: Option<Secret>,
}

impl KeySecret {
    /// Whether neither is there.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.key.is_none() && self.hash.is_none()
    }
}

/// Where a key's requests wait for slots, first come first served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// Requests that may wait, of all gateways together; at least 1.
    #[schema(minimum = 1)]
    pub size: u32,
    /// Longest wait of one.
    pub wait: Span,
}

/// How a key's limits are enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Refuse once what is settled and what is expected reach a limit.
    #[default]
    Soft,
    /// Reserve the worst case.
    Hard,
}

impl From<Mode> for limiter::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Soft => Self::Soft,
            Mode::Hard => Self::Hard,
        }
    }
}

// The one specification of a group, as `KeyFields` is that of a key.
/// A team or a customer, whose limits bind all its keys together.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name, unique.
    #[schema(value_type = String, min_length = 1)]
    pub name: Arc<str>,
    /// Requests at once; 0 = no bound.
    #[serde(default)]
    #[schema(default = 0)]
    pub concurrency: u32,
    /// Limits of all its keys together.
    #[serde(default)]
    #[schema(default = json!([]))]
    pub limits: Vec<Limit>,
    /// The most output tokens of one request of its keys: what asks for more is lowered to it.
    #[schema(minimum = 1)]
    pub max_output_tokens: Option<u64>,
}
