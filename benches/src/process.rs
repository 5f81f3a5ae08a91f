//! A process that the benchmark started: what it costs, and that it ends.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::Result;

/// A running child; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    cpu_clock: ClockId,
}

impl Process {
    /// Starts a program.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let program = command.get_program().to_owned();
        let mut child = command.spawn().map_err(|error| format!("can't start {program:?}: {error}"))?;
        match clock_getcpuclockid(Pid::from_raw(child.id().cast_signed())) {
            Ok(cpu_clock) => Ok(Self { child, cpu_clock }),
            Err(error) => {
                child.kill()?;
                Err(format!("the CPU clock of {program:?} can't be read: {error}").into())
            }
        }
    }

    /// The child itself, for its pipes.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// CPU time of all its threads so far, those that have ended included, from the scheduler's own nanoseconds.
    ///
    /// Ticks of `/proc/PID/stat` would round to 10 ms; sums over `/proc/PID/task` lose threads that end. Neither
    /// nginx (as it is run here) nor Sluice has children.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        Ok(clock_gettime(self.cpu_clock)?.into())
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kibibytes: u64 = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|value| value.trim().strip_suffix(" kB"))
            .and_then(|value| value.parse().ok())
            .ok_or("the resident memory of a process can't be read")?;
        Ok(kibibytes * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The benchmark's own program.
pub(crate) fn own() -> Result<Command> {
    Ok(Command::new(std::env::current_exe()?))
}

/// A program that is killed when the benchmark ends, even where that is by a signal that can't be caught.
pub(crate) fn guarded(program: impl Into<OsString>) -> Result<Command> {
    let mut command = own()?;
    command.arg("guarded").arg(program.into());
    Ok(command)
}

/// From now on this process is killed when the one that started it ends.
pub(crate) fn end_with_parent() -> Result<()> {
    Ok(set_pdeathsig(Signal::SIGKILL)?)
}

/// Turns this process into another program that is killed with its parent; comes back only if that fails.
pub(crate) fn become_guarded(program: &[OsString]) -> Result<()> {
    end_with_parent()?;
    let (name, arguments) = program.split_first().ok_or("no program is named")?;
    Err(format!("can't run {name:?}: {}", Command::new(name).args(arguments).exec()).into())
}
