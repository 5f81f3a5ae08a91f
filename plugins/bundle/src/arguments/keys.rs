//! Arguments of the commands that are about keys.

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::limits;

/// Fields of a key that need not be there.
const CLEARED: [&str; 13] = [
    "group",
    "user",
    "tags",
    "allow",
    "models",
    "pools",
    "accounts",
    "expires",
    "concurrency",
    "queue",
    "limits",
    "max_output_tokens",
    "mode",
];

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key; its secret is printed once.
    Create(Box<NewKey>),
    /// Change a key; what is not given stays.
    Update {
        /// Its id or name.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
        #[command(flatten)]
        fields: Box<KeyFields>,
        /// A field that is set back to its default; may be given several times.
        #[arg(long = "clear", value_name = "FIELD", value_parser = PossibleValuesParser::new(CLEARED))]
        cleared: Vec<String>,
    },
    /// List the keys.
    List,
    /// Show a key, by id or name.
    Show {
        /// Its id or name.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Delete a key; it stops at once.
    Revoke {
        /// Its id or name.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Replace a key's secret; the old one stops at once.
    Rotate {
        /// Its id or name.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Print the hash of a secret, for `hash = …` in a configuration; needs no gateway.
    Hash {
        /// The secret; read from standard input where it is not given.
        key: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct NewKey {
    /// Its name.
    #[arg(long)]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) fields: KeyFields,
}

/// What a key may do, as the gateway is told of it: what is not given is left out.
#[derive(Debug, Args, Serialize)]
pub(crate) struct KeyFields {
    /// The group it belongs to.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    /// A label to query usage by.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// A further label; may be given several times.
    #[arg(long = "tag")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<String>,
    /// A family that it may use: claude, openai, gemini; default all.
    #[arg(long)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allow: Vec<String>,
    /// A glob over models, `!` excludes; default all.
    #[arg(long = "model")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) models: Vec<String>,
    /// A pool that it is bound to.
    #[arg(long = "pool")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) pools: Vec<String>,
    /// An account that it is bound to.
    #[arg(long = "account")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) accounts: Vec<String>,
    /// When it stops working, like 2027-01-31T00:00:00Z (RFC 3339).
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
    /// Requests at once; 0 = no bound.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) concurrency: Option<u32>,
    /// Where requests wait that find no free slot: so many at once, each so long, like size=16,wait=20s.
    #[arg(long, value_parser = limits::queue)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) queue: Option<Value>,
    /// A limit, like per=day,cost=20 or per=1m,requests=60,tokens=200000,model=claude-*: per is a duration, day, week, month or
    /// total; may be given several times, and all of them take the place of those that there were.
    #[arg(long = "limit", value_name = "LIMIT", value_parser = limits::limit)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) limits: Vec<Value>,
    /// The most output tokens of one request: what asks for more is lowered to it.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_output_tokens: Option<u64>,
    /// How its limits are enforced: soft refuses once they are reached, hard reserves the worst case and never exceeds one.
    #[arg(long, value_parser = PossibleValuesParser::new(["soft", "hard"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use sluice_api::plugin::SettingsSchema;
    use sluice_config::settings;

    use super::{CLEARED, KeyFields, NewKey};

    /// The names of a type's arguments.
    fn arguments<T: clap::Args>() -> BTreeSet<String> {
        let command = T::augment_args(clap::Command::new("keys"));
        command.get_arguments().map(|argument| argument.get_id().to_string()).collect()
    }

    #[test]
    fn every_setting_of_a_key_has_an_argument_and_is_cleared() {
        let schema = SettingsSchema::of::<settings::KeyFields>().alone();
        let settings = schema.get("properties").and_then(Value::as_object).unwrap();
        let settings: BTreeSet<String> = settings.keys().cloned().collect();
        assert_eq!(arguments::<NewKey>(), settings);
        let cleared: BTreeSet<String> = CLEARED.map(ToOwned::to_owned).into();
        assert_eq!(arguments::<KeyFields>(), cleared);
    }
}
