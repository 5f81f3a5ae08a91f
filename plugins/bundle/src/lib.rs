//! The gateway with every plugin linked in: the list of them, and the program's commands.
//!
//! Another distribution is a crate of its own that names its plugins and calls [`main`].

#![deny(unused_crate_dependencies)]

mod arguments;
mod check;
mod complain;
mod demo;
mod explain;
mod groups;
mod keys;
mod list;
mod logs;
mod prices;
mod reconcile;
mod remote;
mod reprice;
mod serve;
mod token;
mod usage;

use std::process::ExitCode;

use clap::Parser as _;

// For their features alone: the suite's crates ask for them, and Cargo builds a crate once for each set of features.
use libc as _;
use rustix as _;

use sluice_bedrock as _;
use sluice_claude as _;
use sluice_console as _;
use sluice_gemini as _;
use sluice_limiters as _;
use sluice_openai as _;
use sluice_prices as _;
use sluice_schedulers as _;
use sluice_simulated as _;
use sluice_store_embedded as _;
use sluice_store_redis as _;

use arguments::{Arguments, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Something failed while running.
pub(crate) const FAILED: u8 = 1;
/// The arguments or the configuration can't be used.
pub(crate) const UNUSABLE: u8 = 2;

/// The program. Exit codes: 0 fine, 1 failed while running, 2 unusable arguments or configuration.
#[must_use]
pub fn main() -> ExitCode {
    let Some(command) = Arguments::parse().command() else {
        eprintln!("sluice: this command reads no configuration: leave --config out");
        return ExitCode::from(UNUSABLE);
    };
    match command {
        Command::Serve(files) => serve::serve(&files.config),
        Command::Demo { listen } => demo::demo(listen),
        Command::Check { files, strict, json } => check::check(&files.config, strict, json),
        Command::Plugins { json, matrix: true } => list::matrix(json),
        Command::Plugins { json, matrix: false } => list::plugins(json),
        Command::Openapi => list::openapi(),
        Command::Reference => list::reference(),
        Command::AdminToken(files) => token::show(&files.config),
        Command::Explain { at, question } => explain::explain(&at, question),
        Command::Export { at, asked } => usage::export(&at, asked),
        Command::Usage { at, asked } => usage::usage(&at, asked),
        Command::Reconcile { at, provider, accounts, files } => {
            reconcile::reconcile(&at, &provider, (&accounts, &files))
        }
        Command::Prices(command) => prices::prices(command),
        Command::Reprice { at, asked } => reprice::reprice(&at, &asked),
        Command::Keys { at, command } => keys::keys(&at, command),
        Command::Groups { at, command } => groups::groups(&at, command),
    }
}
