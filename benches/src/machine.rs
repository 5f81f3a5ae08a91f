//! How busy the machine was with anything else, so that a reader knows how far to trust absolute figures.

use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use crate::Result;

/// Where idle time and waiting for disks stand among the fields of `/proc/stat`.
const IDLE: [usize; 2] = [3, 4];

/// Fields that add up to all time; those behind them are parts of these.
const FIELDS: usize = 8;

/// The machine since a moment.
#[derive(Debug)]
pub(crate) struct Machine {
    began: Instant,
    ticks: Ticks,
    own: Duration,
}

/// Ticks of all cores since the machine started.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Ticks {
    busy: u64,
    all: u64,
}

impl Machine {
    /// From now on.
    pub(crate) fn watch() -> Result<Self> {
        let stat = std::fs::read_to_string("/proc/stat")?;
        Ok(Self { began: Instant::now(), ticks: Ticks::read(&stat)?, own: own_cpu()? })
    }

    /// How long ago that was.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Cores that were busy since then, on average, beside this process and what it started; other guests of the
    /// host count too.
    pub(crate) fn others(&self, started: Duration) -> Result<f64> {
        let now = Self::watch()?;
        let cores = std::thread::available_parallelism()?.get() as f64;
        let (busy, all) = (now.ticks.busy - self.ticks.busy, (now.ticks.all - self.ticks.all).max(1));
        let own = now.own - self.own + started;
        let ours = own.as_secs_f64() / self.elapsed().as_secs_f64();
        Ok((busy as f64 / all as f64).mul_add(cores, -ours).max(0.0))
    }
}

impl Ticks {
    /// From the text of `/proc/stat`.
    fn read(stat: &str) -> Result<Self> {
        let line = stat.lines().next().and_then(|line| line.strip_prefix("cpu "));
        let fields: Vec<u64> = line
            .unwrap_or_default()
            .split_whitespace()
            .take(FIELDS)
            .map(str::parse)
            .collect::<std::result::Result<_, _>>()?;
        if fields.len() < FIELDS {
            return Err("/proc/stat can't be read".into());
        }
        let all = fields.iter().sum();
        let idle: u64 = IDLE.iter().filter_map(|field| fields.get(*field)).sum();
        Ok(Self { busy: all - idle, all })
    }
}

fn own_cpu() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_all_but_idle_and_waiting() {
        let stat = "cpu  10 20 30 400 500 6 7 8 9 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(Ticks::read(stat).unwrap(), Ticks { busy: 81, all: 981 });
        for stat in ["", "cpu  1 2 3\n", "cpu  1 2 3 x 5 6 7 8\n"] {
            assert!(Ticks::read(stat).is_err(), "{stat}");
        }
    }
}
