//! Runs a workload against one side and observes what it costs.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::Result;
use crate::kind::Kind;
use crate::load::{Clients, Done};
use crate::message::Exchange;
use crate::observed::Observed;
use crate::process::Process;
use crate::proxies::Proxy;
use crate::rate::Sender;
use crate::side::Program;
use crate::site::Site;
use crate::workload::{Load, Workload};

/// Runs before the clock is read, so that connections are open and pools filled.
const WARM_UP: Duration = Duration::from_millis(200);

/// Wait before the CPU clock is read: work that a proxy has put off (Sluice writes its records and its log in
/// batches, every tenth of a second) counts too.
const SETTLE: Duration = Duration::from_millis(150);

/// How often the memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Longest that a workload may take beyond its span before the run fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a workload with this kind of requests against a server, by the proxy that it is, if it is one.
pub(crate) async fn observe(
    (workload, kind): (&Workload, Kind),
    site: &Site,
    proxy: Option<&Proxy>,
    span: Duration,
) -> Result<Observed> {
    let events = kind.events();
    let is_sluice = proxy.is_some_and(|proxy| proxy.program == Program::Sluice);
    let exchange = match is_sluice {
        true => Exchange::through_sluice(kind, site.address)?,
        false => Exchange::new(kind, site.address)?,
    };
    let process = proxy.map(|proxy| &proxy.process);
    let observed = timeout(span + PATIENCE, run((workload, &exchange), site, process, span))
        .await
        .map_err(|_| format!("{} took too long", workload.title))??;
    Ok(Observed { events, ..observed })
}

async fn run(
    (workload, exchange): (&Workload, &Arc<Exchange>),
    site: &Site,
    process: Option<&Process>,
    span: Duration,
) -> Result<Observed> {
    match workload.load {
        Load::Idle => {
            sleep(SETTLE).await;
            Ok(Observed { resident: resident(process)?, ..Observed::default() })
        }
        Load::Closed(clients, spread) => {
            let mut clients = Clients::connect(site, clients).await?;
            clients.run(exchange, WARM_UP, spread).await?;
            let (done, cost) = cost(process, clients.run(exchange, span, spread)).await?;
            Ok(closed(done, cost))
        }
        Load::Together(clients, over) => {
            let mut clients = Clients::connect(site, clients).await?;
            let (done, cost) = cost(process, clients.run(exchange, Duration::ZERO, over)).await?;
            Ok(closed(done, cost))
        }
        Load::Crowd(clients) => {
            let mut clients = Clients::connect(site, clients).await?;
            clients.run(exchange, Duration::ZERO, Duration::ZERO).await?;
            let (done, cost) = cost(process, clients.run(exchange, Duration::ZERO, Duration::ZERO)).await?;
            Ok(closed(done, cost))
        }
        Load::Open(gap) => {
            let mut sender = Sender::new(site.clone());
            sender.run(exchange, gap, WARM_UP).await?;
            let (mut latencies, cost) = cost(process, sender.run(exchange, gap, span)).await?;
            latencies.sort_unstable();
            Ok(Observed { answers: latencies.len() as u64, latencies, ..cost })
        }
    }
}

fn closed(done: Done, cost: Observed) -> Observed {
    Observed { answers: done.answers, elapsed: done.elapsed, begun: done.begun, ..cost }
}

/// Runs a load between two readings of the CPU clock, with an eye on the memory.
async fn cost<T>(process: Option<&Process>, load: impl Future<Output = Result<T>>) -> Result<(T, Observed)> {
    sleep(SETTLE).await;
    let before = cpu(process)?;
    let mut highest = 0;
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut load = pin!(load);
    let done = loop {
        tokio::select! {
            done = load.as_mut() => break done?,
            _ = looks.tick() => highest = highest.max(resident(process)?),
        }
    };
    sleep(SETTLE).await;
    let cpu = cpu(process)?.saturating_sub(before);
    Ok((done, Observed { cpu, resident: highest, ..Observed::default() }))
}

fn cpu(process: Option<&Process>) -> Result<Duration> {
    process.map_or(Ok(Duration::ZERO), Process::cpu)
}

fn resident(process: Option<&Process>) -> Result<u64> {
    process.map_or(Ok(0), Process::resident)
}
