//! The run: starts all three servers, then rounds of every workload through nginx and Sluice in turns.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::Result;
use crate::arguments::Options;
use crate::choosing::{self, Choosing};
use crate::machine::Machine;
use crate::observe::{Observed, observe};
use crate::process::{self, Process};
use crate::scratch::Scratch;
use crate::workload::{CHOOSING, Load, WORKLOADS, Workload};
use crate::{nginx, sluice};

/// Open files that a proxy needs for 2,000 streams: two sockets each, and some.
const FILES: u64 = 4_500;

/// A server under test.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its process.
    pub(crate) process: Process,
    /// Its name and version.
    pub(crate) version: String,
}

/// A workload's observations in one round.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    /// Without a proxy, where that was measured.
    pub(crate) direct: Option<Observed>,
    /// Through nginx.
    pub(crate) nginx: Observed,
    /// Through Sluice.
    pub(crate) sluice: Observed,
}

/// A whole run.
#[derive(Debug)]
pub(crate) struct Measured {
    /// What was measured, and how.
    pub(crate) about: String,
    /// Each workload that was run, and its rounds.
    pub(crate) workloads: Vec<(Workload, Vec<Round>)>,
    /// What a choice among many accounts takes.
    pub(crate) choosing: Vec<Choosing>,
}

/// Measures.
pub(crate) async fn measure(options: &Options) -> Result<Measured> {
    raise_open_files()?;
    let machine = Machine::watch()?;
    let scratch = Scratch::new()?;
    let (upstream_process, upstream) = start_upstream()?;
    let nginx = nginx::start(&scratch, upstream).await?;
    let sluice = sluice::start(&scratch, upstream, options.sluice.as_deref()).await?;
    let span = Duration::from_secs(options.seconds.into());
    let chosen = |workload: &Workload| {
        options.only.is_empty() || options.only.iter().any(|name| name == workload.name)
    };
    let mut workloads: Vec<(Workload, Vec<Round>)> =
        WORKLOADS.into_iter().filter(chosen).map(|workload| (workload, Vec::new())).collect();
    for round in 0..options.rounds {
        for (workload, rounds) in &mut workloads {
            if !workload.when.includes(round, options.rounds) {
                continue;
            }
            eprintln!("round {} of {}: {}", round + 1, options.rounds, workload.title);
            let direct = match workload.load {
                Load::Open(_) => Some(observe(workload, upstream, None, span).await?),
                _ => None,
            };
            let nginx = observe(workload, nginx.address, Some(&nginx.process), span).await?;
            let sluice = observe(workload, sluice.address, Some(&sluice.process), span).await?;
            rounds.push(Round { direct, nginx, sluice });
        }
    }
    let choosing = if options.only.is_empty() || options.only.iter().any(|name| name == CHOOSING) {
        eprintln!("choosing among many accounts");
        choosing::measure(&scratch).await?
    } else {
        Vec::new()
    };
    let started = upstream_process.cpu()? + nginx.process.cpu()? + sluice.process.cpu()?;
    let about = format!(
        "{} beside {} on {} cores, of which other work took {:.1}; rounds: {} of {} s a workload, {:.0} s in all",
        sluice.version,
        nginx.version,
        std::thread::available_parallelism()?,
        machine.others(started)?,
        options.rounds,
        options.seconds,
        machine.elapsed().as_secs_f64()
    );
    Ok(Measured { about, workloads, choosing })
}

/// Starts the upstream, a process of its own so that its CPU time is nobody else's.
fn start_upstream() -> Result<(Process, SocketAddr)> {
    let mut command = process::own()?;
    command.arg("upstream").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut process = Process::start(&mut command)?;
    let output = process.child().stdout.take().ok_or("the upstream has no output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let address = line.trim().parse().map_err(|_| "the upstream did not start")?;
    Ok((process, address))
}

/// The servers inherit it.
fn raise_open_files() -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if most < FILES {
        return Err(format!("at most {most} files may be open here, {FILES} are needed: ulimit -Hn").into());
    }
    Ok(setrlimit(Resource::RLIMIT_NOFILE, most.min(20_000), most)?)
}
