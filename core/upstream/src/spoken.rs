//! Which HTTP a server turned out to speak, where that is not what would be tried first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::uri::Authority;
use parking_lot::Mutex;
use sluice_config::settings::HttpVersion;

/// How long it is believed: a server that is replaced may speak something else.
const BELIEVED_FOR: Duration = Duration::from_secs(600);

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Http1 => Self::Http2,
            Self::Http2 => Self::Http1,
        }
    }
}

/// The servers that speak something else.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    /// Nearly always there are none, and no request needs the lock.
    some: AtomicBool,
    known: Mutex<HashMap<Authority, (Protocol, Instant)>>,
}

impl Spoken {
    /// What to speak with a server.
    pub(super) fn with(&self, authority: &Authority, http: HttpVersion) -> Protocol {
        let usual = if http == HttpVersion::Two { Protocol::Http2 } else { Protocol::Http1 };
        if http == HttpVersion::One || !self.some.load(Ordering::Relaxed) {
            return usual;
        }
        self.known.lock().get(authority).map_or(usual, |(protocol, _)| *protocol)
    }

    pub(super) fn learn(&self, authority: &Authority, protocol: Protocol) {
        self.known.lock().insert(authority.clone(), (protocol, Instant::now()));
        self.some.store(true, Ordering::Relaxed);
    }

    pub(super) fn forget(&self, authority: &Authority) {
        self.known.lock().remove(authority);
    }

    pub(super) fn sweep(&self) {
        let mut known = self.known.lock();
        known.retain(|_, (_, since)| since.elapsed() < BELIEVED_FOR);
        self.some.store(!known.is_empty(), Ordering::Relaxed);
    }
}
