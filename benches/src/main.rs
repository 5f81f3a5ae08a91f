//! The benchmark beside nginx: what a request costs through Sluice, as ratios to a bare reverse proxy in one run.
//!
//! It starts a cheap upstream, and nginx and Sluice for each way that requests take, sends the same requests through
//! both in turns, checks every answer to its last byte, and prints one table. All traffic stays on 127.0.0.1.

#![expect(
    clippy::disallowed_methods,
    reason = "the tasks of a benchmark end with it: it has no gateway whose tracker could wait"
)]

mod admitting;
mod answer;
mod arguments;
mod callgrind;
mod certificate;
mod choosing;
mod connection;
mod failure;
mod figure;
mod ground;
mod inside;
mod instructions;
mod kind;
mod load;
mod machine;
mod message;
mod nginx;
mod observe;
mod observed;
mod process;
mod proxies;
mod rate;
mod report;
mod rounds;
mod scratch;
mod side;
mod site;
mod sluice;
mod statistics;
mod table;
mod upstream;
mod way;
mod workload;
mod workloads;

use std::process::ExitCode;

use sluice_bundle as _;

use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use arguments::{Arguments, Inner, Options};
pub(crate) use failure::Result;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.inner {
        None => on_one_thread(measure(&arguments.options)),
        Some(Inner::Upstream { cert, key }) => {
            process::end_with_parent().and_then(|()| on_one_thread(upstream::serve(&cert, &key)))
        }
        Some(Inner::Guarded { program }) => process::become_guarded(&program),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sluice-benches: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One thread: what the load generator and the upstream do must leave the other core to the proxy.
fn on_one_thread(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Measures until it is done or told to stop; what it started ends with it either way.
async fn measure(options: &Options) -> Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        done = measured(options) => done,
        _ = terminate.recv() => Err("stopped".into()),
        _ = interrupt.recv() => Err("stopped".into()),
    }
}

async fn measured(options: &Options) -> Result<()> {
    if options.instructions {
        return instructions::count(options).await;
    }
    let measured = rounds::measure(options).await?;
    match options {
        Options { json: true, .. } => report::print(&measured),
        Options { markdown: true, .. } => table::print_page(&measured),
        _ => table::print(&measured),
    }
}
