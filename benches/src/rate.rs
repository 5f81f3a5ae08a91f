//! The open loop: requests at a fixed rate, whether or not the last were answered.
//!
//! A latency counts from the time the request was due, not from when it was sent: a stall delays all that were due
//! in it, and each of them tells.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;
use tokio::task::JoinSet;

use crate::Result;
use crate::connection::Connection;
use crate::message::Exchange;
use crate::site::Site;

/// Most requests under way: more than half a second's worth means that the rate is not held.
const UNDER_WAY_MAX: usize = 512;

/// Sends at a rate.
pub(crate) struct Sender {
    site: Site,
    idle: Vec<Connection>,
}

impl Sender {
    /// One that opens connections when it needs them.
    pub(crate) fn new(site: Site) -> Self {
        Self { site, idle: Vec::new() }
    }

    /// Sends a request every `gap` for `span`; gives the latency of each.
    pub(crate) async fn run(
        &mut self,
        exchange: &Arc<Exchange>,
        gap: Duration,
        span: Duration,
    ) -> Result<Vec<Duration>> {
        let total = (span.as_nanos() / gap.as_nanos().max(1)) as u32;
        let mut latencies = Vec::with_capacity(total as usize);
        let mut running = JoinSet::new();
        let mut sent = 0;
        let start = Instant::now();
        let timer = timer(gap)?;
        while sent < total || !running.is_empty() {
            tokio::select! {
                due = due(&timer), if sent < total => {
                    for _ in 0..due?.min(u64::from(total - sent)) {
                        sent += 1;
                        self.send(&mut running, exchange, start + gap * sent)?;
                    }
                }
                Some(ended) = running.join_next() => {
                    let (connection, latency) = ended??;
                    self.idle.push(connection);
                    latencies.push(latency);
                }
            }
        }
        Ok(latencies)
    }

    fn send(
        &mut self,
        running: &mut JoinSet<Result<(Connection, Duration)>>,
        exchange: &Arc<Exchange>,
        due: Instant,
    ) -> Result<()> {
        if running.len() >= UNDER_WAY_MAX {
            return Err(format!("the rate was not held: {UNDER_WAY_MAX} requests were under way").into());
        }
        let (site, idle, exchange) = (self.site.clone(), self.idle.pop(), Arc::clone(exchange));
        running.spawn(async move {
            let mut connection = match idle {
                Some(connection) => connection,
                None => Connection::open(&site).await?,
            };
            connection.exchange(&exchange).await?;
            Ok((connection, due.elapsed()))
        });
        Ok(())
    }
}

/// A timer of the kernel's: tokio's own counts whole milliseconds, and would be most of the latency.
fn timer(gap: Duration) -> Result<AsyncFd<File>> {
    let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
    timer.set(Expiration::Interval(TimeSpec::from(gap)), TimerSetTimeFlags::empty())?;
    #[expect(
        deprecated,
        reason = "its successor is unsafe; a File keeps its descriptor for as long as it lives"
    )]
    let timer = AsyncFd::new(File::from(OwnedFd::from(timer)))?;
    Ok(timer)
}

/// How many times the timer has gone off since this was last asked, at least once.
async fn due(timer: &AsyncFd<File>) -> Result<u64> {
    loop {
        let mut ready = timer.readable().await?;
        let mut count = [0; size_of::<u64>()];
        if let Ok(read) = ready.try_io(|timer| timer.get_ref().read_exact(&mut count)) {
            read?;
            return Ok(u64::from_ne_bytes(count));
        }
    }
}
