//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};

use crate::workloads::{ADMITTING, CHOOSING, WORKLOADS};

/// Measures Sluice beside nginx: CPU time per request, added latency, requests per second, resident memory.
#[derive(Debug, Parser)]
#[command(name = "sluice-benches", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) inner: Option<Inner>,
}

/// How to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Rounds; each runs every workload through nginx and then through Sluice, medians are shown.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// Seconds that a workload runs through each proxy in each round.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) seconds: u32,
    /// Run this workload alone; may be given several times.
    #[arg(long, value_name = "WORKLOAD", value_parser = PossibleValuesParser::new(names()))]
    pub(crate) only: Vec<String>,
    /// The gateway's binary; unset: the one beside this program.
    #[arg(long, value_name = "PATH")]
    pub(crate) sluice: Option<PathBuf>,
    /// Print every round's figures as JSON instead of the table.
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Print the page that is kept with the code, benches/RESULTS.md.
    #[arg(long)]
    pub(crate) markdown: bool,
    /// Count the instructions of requests instead, by stage, with valgrind's callgrind.
    #[arg(long, conflicts_with_all = ["only", "json", "markdown"])]
    pub(crate) instructions: bool,
}

/// What the benchmark starts itself as.
#[derive(Debug, Subcommand)]
pub(crate) enum Inner {
    /// The upstream.
    #[command(hide = true)]
    Upstream {
        /// Its certificate, PEM.
        cert: PathBuf,
        /// The certificate's private key, PEM.
        key: PathBuf,
    },
    /// Another program, which is killed when the benchmark ends in whatever way.
    #[command(hide = true)]
    Guarded {
        /// The program and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        program: Vec<OsString>,
    },
}

fn names() -> impl Iterator<Item = &'static str> {
    WORKLOADS.into_iter().map(|workload| workload.name).chain([CHOOSING, ADMITTING])
}
