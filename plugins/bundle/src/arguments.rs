//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::{Args, Parser, Subcommand};
use sluice_api::Api;

/// One gate in front of every model API.
#[derive(Debug, Parser)]
#[command(name = "sluice", version)]
pub(crate) struct Arguments {
    /// A configuration file; may be given several times, later over earlier.
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) config: Vec<PathBuf>,
    /// Without a command: serve.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

impl Arguments {
    /// Whether the command reads a configuration; for the others `--config` would be ignored.
    pub(crate) const fn reads_configuration(&self) -> bool {
        matches!(self.command, None | Some(Command::Serve | Command::Check { .. }))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway.
    Serve,
    /// Run it with the simulated provider and a throw-away store, and print ready curl lines.
    Demo {
        /// Where to listen; a free port is taken when that of the default is busy.
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
    },
    /// Validate the configuration and say every problem at once.
    Check {
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// List what is linked in.
    Plugins {
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Print the OpenAPI document that the server serves.
    Openapi,
    /// Print the configuration reference.
    Reference,
    /// Say which account of a running gateway a request would go to, and why; nothing is sent upstream.
    Explain {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        question: Question,
    },
    /// Keys of a running gateway.
    Keys {
        #[command(flatten)]
        at: At,
        #[command(subcommand)]
        command: KeyCommand,
    },
}

/// A running gateway.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// Its URL.
    #[arg(long, env = "SLUICE_URL", default_value = "http://127.0.0.1:8080", global = true)]
    pub(crate) url: String,
    /// Its admin token.
    #[arg(long, env = "SLUICE_ADMIN_TOKEN", hide_env_values = true, global = true)]
    pub(crate) token: Option<String>,
    /// For programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
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

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key; its secret is printed once.
    Create(Box<NewKey>),
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
    /// The group it belongs to.
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// A label to query usage by.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// A further label; may be given several times.
    #[arg(long = "tag")]
    pub(crate) tags: Vec<String>,
    /// A family that it may use: claude, openai, gemini; default all.
    #[arg(long)]
    pub(crate) allow: Vec<String>,
    /// A glob over models, `!` excludes; default all.
    #[arg(long = "model")]
    pub(crate) models: Vec<String>,
    /// A pool that it is bound to.
    #[arg(long = "pool")]
    pub(crate) pools: Vec<String>,
    /// An account that it is bound to.
    #[arg(long = "account")]
    pub(crate) accounts: Vec<String>,
    /// When it stops working, RFC 3339.
    #[arg(long)]
    pub(crate) expires: Option<String>,
    /// Requests at once.
    #[arg(long)]
    pub(crate) concurrency: Option<u32>,
}
