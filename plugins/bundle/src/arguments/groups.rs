//! Arguments of the commands that are about groups.

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::limits;

/// Fields of a group that need not be there.
const CLEARED: [&str; 3] = ["concurrency", "limits", "max_output_tokens"];

#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    /// Make a group.
    Create {
        /// Its name.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        fields: GroupFields,
    },
    /// Change a group; what is not given stays.
    Update {
        /// Its name.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        #[command(flatten)]
        fields: GroupFields,
        /// A field that is set back to its default; may be given several times.
        #[arg(long = "clear", value_name = "FIELD", value_parser = PossibleValuesParser::new(CLEARED))]
        cleared: Vec<String>,
    },
    /// List the groups.
    List,
    /// Show a group.
    Show {
        /// Its name.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
    },
    /// Delete a group that has no keys.
    Delete {
        /// Its name.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
    },
}

/// What the keys of a group may do together, as the gateway is told of it: what is not given is left out.
#[derive(Debug, Args, Serialize)]
pub(crate) struct GroupFields {
    /// Requests of all its keys at once; 0 = no bound.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) concurrency: Option<u32>,
    /// A limit, like per=month,cost=500 or per=1m,requests=60,tokens=200000,model=claude-*: per is a duration, day, week, month
    /// or total; may be given several times, and all of them take the place of those that there were.
    #[arg(long = "limit", value_name = "LIMIT", value_parser = limits::limit)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) limits: Vec<Value>,
    /// The most output tokens of one request of its keys: what asks for more is lowered to it.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_output_tokens: Option<u64>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Args as _;
    use serde_json::Value;
    use sluice_api::plugin::SettingsSchema;
    use sluice_config::settings;

    use super::{CLEARED, GroupFields};

    #[test]
    fn every_setting_of_a_group_but_its_name_has_an_argument_and_is_cleared() {
        let schema = SettingsSchema::of::<settings::GroupFields>().alone();
        let settings = schema.get("properties").and_then(Value::as_object).unwrap();
        let settings: BTreeSet<&str> =
            settings.keys().map(String::as_str).filter(|key| *key != "name").collect();
        let command = GroupFields::augment_args(clap::Command::new("groups"));
        let arguments: BTreeSet<&str> = command.get_arguments().map(|one| one.get_id().as_str()).collect();
        assert_eq!(arguments, settings);
        assert_eq!(BTreeSet::from(CLEARED), settings);
    }
}
