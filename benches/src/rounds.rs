//! The run: rounds of every workload through nginx and Sluice in turns.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::Result;
use crate::admitting;
use crate::arguments::Options;
use crate::certificate::Certificate;
use crate::choosing;
use crate::ground::Ground;
use crate::inside::Inside;
use crate::machine::Machine;
use crate::observe::observe;
use crate::observed::Observed;
use crate::process::{self, Process};
use crate::proxies::Proxies;
use crate::scratch::Scratch;
use crate::site::Site;
use crate::upstream::Addresses;
use crate::way::Wire;
use crate::workload::{Load, Workload};
use crate::workloads::{ADMITTING, CHOOSING, WORKLOADS};

/// Open files that a proxy needs for 2,000 streams: two sockets each, and some.
const FILES: u64 = 4_500;

/// A workload's observations in one round.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    /// Without a proxy, where that was measured.
    pub(crate) direct: Option<Observed>,
    /// Through what Sluice stands beside.
    pub(crate) floor: Observed,
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
    /// What is measured without a proxy.
    pub(crate) inside: Vec<Inside>,
}

/// Measures.
pub(crate) async fn measure(options: &Options) -> Result<Measured> {
    raise_open_files()?;
    let machine = Machine::watch()?;
    let scratch = Scratch::new()?;
    let certificate = Certificate::make(&scratch)?;
    let (upstream_process, upstream) = start_upstream(&certificate)?;
    let ground = Ground { scratch: &scratch, certificate: &certificate, upstream };
    let mut proxies = Proxies::find(ground, options.sluice.clone())?;
    let direct = Site { address: upstream.of(Wire::Plain), tls: None };
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
            rounds.push(one_round(workload, &mut proxies, &direct, span).await?);
        }
    }
    let is_chosen = |name| options.only.is_empty() || options.only.iter().any(|one| one == name);
    let mut inside = Vec::new();
    if is_chosen(CHOOSING) {
        eprintln!("choosing among many accounts");
        inside.extend(choosing::measure(&scratch).await?);
    }
    if is_chosen(ADMITTING) {
        eprintln!("taking from limits");
        inside.push(admitting::measure(&scratch).await?);
    }
    let started = upstream_process.cpu()? + proxies.cpu()?;
    let (sluice, nginx) = proxies.versions();
    let about = format!(
        "{sluice} beside {nginx} on {} cores, of which other work took {:.1}; rounds: {} of {} s a workload, {:.0} s in all",
        std::thread::available_parallelism()?,
        machine.others(started)?,
        options.rounds,
        options.seconds,
        machine.elapsed().as_secs_f64()
    );
    Ok(Measured { about, workloads, inside })
}

/// A workload through both sides, one after the other; both run before either is looked at.
async fn one_round(
    workload: &Workload,
    proxies: &mut Proxies<'_>,
    upstream: &Site,
    span: Duration,
) -> Result<Round> {
    for side in [workload.floor(), workload.side()] {
        proxies.start(side).await?;
    }
    let direct = match workload.load {
        Load::Open(_) => Some(observe((workload, workload.kind), upstream, None, span).await?),
        _ => None,
    };
    let (floor, sluice) = (proxies.at(workload.floor())?, proxies.at(workload.side())?);
    let floor = observe((workload, workload.floor_kind()), &floor.site, Some(floor), span).await?;
    let sluice = observe((workload, workload.kind), &sluice.site, Some(sluice), span).await?;
    Ok(Round { direct, floor, sluice })
}

/// Starts the upstream, a process of its own so that its CPU time is nobody else's.
pub(crate) fn start_upstream(certificate: &Certificate) -> Result<(Process, Addresses)> {
    let mut command = process::own()?;
    command.arg("upstream").arg(&certificate.cert).arg(&certificate.key);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut process = Process::start(&mut command)?;
    let output = process.child().stdout.take().ok_or("the upstream has no output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    Ok((process, Addresses::read(&line)?))
}

/// The servers inherit it.
fn raise_open_files() -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if most < FILES {
        return Err(format!("at most {most} files may be open here, {FILES} are needed: ulimit -Hn").into());
    }
    Ok(setrlimit(Resource::RLIMIT_NOFILE, most.min(20_000), most)?)
}
