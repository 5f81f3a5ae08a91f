//! How much memory requests' bodies hold, of one and of all.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sluice_api::error::{Error, Kind};
use tokio::sync::Semaphore;

/// What all requests' bodies share.
#[derive(Debug)]
pub struct Bodies {
    /// Bytes that they hold.
    held: AtomicU64,
    /// Those that are decoded at once beside the workers: as many as there are cores.
    pub(crate) decoding: Arc<Semaphore>,
}

impl Default for Bodies {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { held: AtomicU64::new(0), decoding: Arc::new(Semaphore::new(cores)) }
    }
}

/// What a client is told whose body is, or becomes, larger than it may be.
pub(crate) fn too_large(max: usize) -> Error {
    Error::new(
        Kind::TooLarge,
        format!("the request body is larger than the {max} bytes that this gateway takes (server.max_body)"),
    )
}

/// A part of `server.max_buffered`, given back when dropped.
#[derive(Debug)]
pub(crate) struct Reserved {
    bodies: Arc<Bodies>,
    max: u64,
    taken: u64,
}

impl Reserved {
    pub(crate) fn new(bodies: &Arc<Bodies>, max: u64) -> Self {
        Self { bodies: Arc::clone(bodies), max, taken: 0 }
    }

    /// What all bodies share.
    pub(crate) fn bodies(&self) -> &Bodies {
        &self.bodies
    }

    /// Takes as much more as makes it this many bytes.
    ///
    /// # Errors
    ///
    /// 503 when all bodies together would then be more than may be held.
    pub(crate) fn grow(&mut self, to: usize) -> Result<(), Error> {
        let more = (to as u64).saturating_sub(self.taken);
        if more == 0 {
            return Ok(());
        }
        let held = self.bodies.held.fetch_add(more, Ordering::Relaxed);
        self.taken += more;
        if held + more > self.max {
            let message =
                "the gateway holds as many request bodies as it may (server.max_buffered): try again shortly";
            return Err(Error::new(Kind::Overloaded, message).retry_after(Duration::from_secs(1)));
        }
        Ok(())
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.bodies.held.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
impl Bodies {
    pub(crate) fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }
}
