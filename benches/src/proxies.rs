//! The servers under test, each started when it is first needed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::Result;
use crate::ground::Ground;
use crate::nginx::{self, Nginx};
use crate::process::Process;
use crate::side::{Program, Side};
use crate::site::Site;
use crate::sluice::{self, Sluice};
use crate::way::Wire;

/// A server under test.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) site: Site,
    /// Its process.
    pub(crate) process: Process,
    /// What it is.
    pub(crate) program: Program,
}

/// The servers.
#[derive(Debug)]
pub(crate) struct Proxies<'a> {
    ground: Ground<'a>,
    nginx: Nginx,
    sluice: Sluice,
    started: HashMap<(Program, &'static str), Proxy>,
}

impl<'a> Proxies<'a> {
    /// Looks for the programs, and starts none; unset, the gateway's binary is beside this program.
    pub(crate) fn find(ground: Ground<'a>, sluice: Option<PathBuf>) -> Result<Self> {
        Ok(Self { ground, nginx: nginx::find()?, sluice: sluice::find(sluice)?, started: HashMap::new() })
    }

    /// Starts one, where it has not been.
    pub(crate) async fn start(&mut self, side: Side) -> Result<()> {
        let key = (side.program, side.way.name);
        if !self.started.contains_key(&key) {
            let (address, process) = match side.program {
                Program::Nginx => self.nginx.start(&self.ground, side.way).await?,
                Program::Sluice => self.sluice.start(&self.ground, side.way).await?,
            };
            let tls = match side.way.front {
                Wire::Plain => None,
                Wire::Tls | Wire::Http2 => Some(self.ground.certificate.client()?),
            };
            self.started.insert(key, Proxy { site: Site { address, tls }, process, program: side.program });
        }
        Ok(())
    }

    /// One that was started.
    pub(crate) fn at(&self, side: Side) -> Result<&Proxy> {
        let key = (side.program, side.way.name);
        self.started.get(&key).ok_or_else(|| format!("{key:?} was not started").into())
    }

    /// CPU time of all of them so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.started.values().map(|proxy| proxy.process.cpu()).sum()
    }

    /// What they are: Sluice's version, and nginx's.
    pub(crate) fn versions(&self) -> (&str, &str) {
        (&self.sluice.version, &self.nginx.version)
    }
}
