//! The command line.

mod groups;
mod keys;
mod limits;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use sluice_api::dialect::Api;
use sluice_api::record::Dimension;
use sluice_reconcile::Vendor;

use crate::prices::PricesCommand;

pub(crate) use groups::{GroupCommand, GroupFields};
pub(crate) use keys::{KeyCommand, KeyFields};

/// One gate in front of every model API.
#[derive(Debug, Parser)]
#[command(name = "sluice", version)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) files: Files,
    /// Without a command: serve.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The files that a command reads.
#[derive(Debug, Default, Args)]
pub(crate) struct Files {
    /// A configuration file; may be given several times, later over earlier. Else SLUICE_CONFIG, else sluice.toml,
    /// sluice.yaml or sluice.json in this folder.
    #[arg(long, value_name = "PATH")]
    pub(crate) config: Vec<PathBuf>,
}

impl Arguments {
    /// The command, with files that stand before it; nothing where it reads none.
    pub(crate) fn command(self) -> Option<Command> {
        let mut command = self.command.unwrap_or_else(|| Command::Serve(Files::default()));
        let before = self.files.config;
        match &mut command {
            Command::Serve(files) | Command::Check { files, .. } | Command::AdminToken(files) => {
                files.config.splice(..0, before);
            }
            Command::Prices(command) => command.files().config.splice(..0, before).for_each(drop),
            _ if !before.is_empty() => return None,
            _ => {}
        }
        Some(command)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway.
    Serve(Files),
    /// Run it with the simulated provider and a throw-away store, and print ready curl lines.
    Demo {
        /// Where to listen; a free port is taken when that of the default is busy.
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
    },
    /// Validate the configuration and say every problem at once, and what is allowed but surely not meant.
    Check {
        #[command(flatten)]
        files: Files,
        /// Take what is surely not meant for a problem too.
        #[arg(long)]
        strict: bool,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// List what is linked in.
    Plugins {
        /// For programs.
        #[arg(long)]
        json: bool,
        /// What becomes of each field of a request whose account speaks another API, in place of the list.
        #[arg(long)]
        matrix: bool,
    },
    /// Print the OpenAPI document that the server serves.
    Openapi,
    /// Print the configuration reference.
    Reference,
    /// Print the admin token that was made because the configuration has none.
    AdminToken(Files),
    /// Say which account of a running gateway a request would go to, and why; nothing is sent upstream.
    Explain {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        question: Question,
    },
    /// Write the records of a running gateway to standard output, newest first.
    Export {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        asked: ExportAsked,
    },
    /// What was used, as a running gateway has summed it: by default in the last 24 hours.
    Usage {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        asked: UsageAsked,
    },
    /// Hold the ledger of a running gateway against a vendor's own reports of usage and cost; exit code 1 where they differ.
    ///
    /// Reports are answers of the vendor's API, or exports as CSV. Anthropic's: /v1/organizations/usage_report/messages (with
    /// group_by[]=model) and /v1/organizations/cost_report (with group_by[]=description), or what the Console exports under
    /// Usage and Cost. OpenAI's: /v1/organization/usage/completions and …/embeddings (with group_by=model) and
    /// /v1/organization/costs (with group_by=line_item), or what the dashboard exports.
    Reconcile {
        #[command(flatten)]
        at: At,
        /// Whose reports they are.
        #[arg(long, value_parser = PossibleValuesParser::new(Vendor::ALL.map(Vendor::name)))]
        provider: String,
        /// Only this account; may be given several times. Default: those of provider claude-console, or of openai and
        /// openai-responses.
        #[arg(long = "account", value_name = "NAME")]
        accounts: Vec<String>,
        /// The reports: pages of one, one of usage and one of cost, or all of them.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// What models cost by a configuration's list, and what a price file would change of it; needs no gateway.
    #[command(subcommand)]
    Prices(PricesCommand),
    /// What past usage would have cost by another price list or with other models, by day, key and model: by default of the
    /// last 24 hours. No record is changed.
    Reprice {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        asked: RepriceArguments,
    },
    /// Keys of a running gateway.
    Keys {
        #[command(flatten)]
        at: At,
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Groups of keys of a running gateway, whose limits bind all their keys together.
    Groups {
        #[command(flatten)]
        at: At,
        #[command(subcommand)]
        command: GroupCommand,
    },
}

/// A running gateway.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// Its URL.
    #[arg(long, env = "SLUICE_URL", default_value = "http://127.0.0.1:8080", global = true)]
    pub(crate) url: String,
    /// Its admin token: that of the configuration, or what `sluice admin-token` prints.
    #[arg(long, env = "SLUICE_ADMIN_TOKEN", hide_env_values = true, global = true)]
    pub(crate) token: Option<String>,
    /// For programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Which usage is asked for.
#[derive(Debug, Args)]
pub(crate) struct UsageAsked {
    /// From when: RFC 3339, or a day, which begins in the gateway's time zone of statistics; default 24 hours before the end.
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// Until when, likewise; default now.
    #[arg(long)]
    pub(crate) to: Option<String>,
    /// What it is broken down by, with commas between.
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(Dimension::ALL.map(Dimension::name)))]
    pub(crate) by: Vec<String>,
    /// One row for each hour, day or month of the gateway's time zone.
    #[arg(long, value_parser = PossibleValuesParser::new(["hour", "day", "month"]))]
    pub(crate) bucket: Option<String>,
    /// Only what has this value, as in --only model=NAME; values of one field widen, those of different fields narrow.
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(crate) only: Vec<String>,
}

/// Which usage is priced anew, and how.
#[derive(Debug, Args)]
pub(crate) struct RepriceArguments {
    /// From when: RFC 3339, or a day, which begins in the gateway's time zone of statistics; default 24 hours before the
    /// end.
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// Until when, likewise; default now.
    #[arg(long)]
    pub(crate) to: Option<String>,
    /// A price file of this machine: its text is sent, and laid over the gateway's list for this answer.
    #[arg(long, value_name = "FILE")]
    pub(crate) prices: Option<PathBuf>,
    /// A model, and what it is priced as, as in --model claude-opus-5=claude-sonnet-5; may be given several times.
    #[arg(long = "model", value_name = "MODEL=OTHER")]
    pub(crate) models: Vec<String>,
}

/// Which records are written out, and how.
#[derive(Debug, Args)]
pub(crate) struct ExportAsked {
    /// How they are written.
    #[arg(long, default_value = "jsonl", value_parser = PossibleValuesParser::new(["csv", "jsonl"]))]
    pub(crate) format: String,
    /// From when: RFC 3339, or a day, which begins in the gateway's time zone of statistics; default all that is kept.
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// Until when, likewise; default now.
    #[arg(long)]
    pub(crate) to: Option<String>,
    /// Only what has this value, as in --only model=NAME; values of one field widen, those of different fields narrow.
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(crate) only: Vec<String>,
}

/// What a client would ask.
#[derive(Debug, Args)]
pub(crate) struct Question {
    /// Its key, by id or name.
    #[arg(long)]
    pub(crate) key: String,
    /// The client API.
    #[arg(long, value_parser = PossibleValuesParser::new(Api::ALL.map(Api::name)))]
    pub(crate) api: String,
    /// The model.
    #[arg(long)]
    pub(crate) model: String,
    /// The session that the request belongs to.
    #[arg(long)]
    pub(crate) session: Option<String>,
}
