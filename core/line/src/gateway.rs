//! What every request is served with: the snapshot in force, and what outlives every snapshot.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sluice_api::error::{Error, Kind};
use sluice_api::limiter::Mode;
use sluice_api::provider::Vault;
use sluice_api::store::Store;
use sluice_bodies::Bodies;
use sluice_config::resolved::ServerConfig;
use sluice_fleet::Fleet;
use sluice_fleet::reference::References;
use sluice_ledger::Records;
use sluice_ledger::book::Containers;
use sluice_limits::{Limits, Now};
use sluice_upstream::tasks::Tasks;

use crate::snapshot::Snapshot;
use crate::vault::StoreVault;

/// Everything that serves requests.
pub struct Gateway {
    snapshot: ArcSwap<Snapshot>,
    /// What runs beside requests, and the connections that they come on.
    tasks: Tasks,
    store: Arc<dyn Store>,
    limits: Limits,
    vault: Arc<dyn Vault>,
    records: Records,
    fleet: Fleet,
    references: Arc<References>,
    containers: Containers,
    bodies: Arc<Bodies>,
    draining: AtomicBool,
    cutting: AtomicBool,
    /// The store that others share is out of reach.
    away: AtomicBool,
}

/// The only hand that changes what is in force.
#[derive(Debug)]
pub struct InForce(Arc<Gateway>);

impl InForce {
    /// Takes a snapshot into force: requests that come from now on are served by it.
    pub fn replace(&self, snapshot: Snapshot) {
        let measures = self.0.records.measures();
        measures.know(snapshot.catalogue().named(&snapshot.keys).into_iter().collect());
        // Lists that came in the meantime have told it of models that it has just forgotten.
        let listed = snapshot.roster.accounts.iter().map(|account| account.listed.names());
        listed.for_each(|names| measures.know_also(names.iter().cloned()));
        self.0.snapshot.store(Arc::new(snapshot));
    }
}

impl Gateway {
    /// One that begins with this snapshot, and the hand that changes it; the store is open.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, records: Records, snapshot: Snapshot) -> (Arc<Self>, InForce) {
        records.measures().know(snapshot.catalogue().named(&snapshot.keys).into_iter().collect());
        let tasks = Tasks::default();
        let gateway = Arc::new(Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            vault: Arc::new(StoreVault::new(Arc::clone(&store), tasks.clone())),
            tasks,
            limits: Limits::new(Arc::clone(&store), (Instant::now(), Timestamp::now())),
            fleet: Fleet::of(&*store),
            store,
            records,
            references: Arc::default(),
            containers: Containers::default(),
            bodies: Arc::default(),
            draining: AtomicBool::new(false),
            cutting: AtomicBool::new(false),
            away: AtomicBool::new(false),
        });
        (Arc::clone(&gateway), InForce(gateway))
    }

    /// The snapshot in force.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The server's settings in force.
    #[must_use]
    pub fn server_settings(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.snapshot.load().server)
    }

    /// The wall clock, read here and nowhere else: what decides by time is passed it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// The time by both clocks that limits go by, and in whose zone.
    #[must_use]
    pub fn both_clocks<'a>(&self, zone: &'a TimeZone) -> Now<'a> {
        Now { wall: self.now(), steady: self.limits.now(), zone }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The containers that are paid.
    pub(crate) fn containers(&self) -> &Containers {
        &self.containers
    }

    /// What is counted of keys, groups and accounts.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What keeps the accounts' secrets that change.
    #[must_use]
    pub fn vault(&self) -> &Arc<dyn Vault> {
        &self.vault
    }

    /// Records of requests.
    #[must_use]
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// The tasks of the process: a stop waits for them.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// What is known of the accounts, over every snapshot.
    #[must_use]
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// Which account made each response.
    #[must_use]
    pub fn references(&self) -> &Arc<References> {
        &self.references
    }

    /// What all requests' bodies share.
    pub(crate) fn bodies(&self) -> &Arc<Bodies> {
        &self.bodies
    }

    /// Whether no new requests are wanted.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Says that no new requests are wanted.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// The store that others share is out of reach: nobody knows any more which keys are good.
    pub fn loses_store(&self) {
        self.away.store(true, Ordering::Relaxed);
    }

    /// It is within reach again, and what others have changed is in force.
    pub fn finds_store(&self) {
        self.away.store(false, Ordering::Relaxed);
    }

    /// Whether a key's requests can be served as far as the store goes: it is within reach, as far as is known, or they are to
    /// be served without it. Where nobody else has it open it is asked by whoever needs it.
    ///
    /// # Errors
    ///
    /// 503 where they can't.
    pub fn has_store(&self, mode: Mode) -> Result<(), Error> {
        if !self.away.load(Ordering::Relaxed) {
            return Ok(());
        }
        let message = match (self.store.serves_alone().is_some(), mode) {
            (true, Mode::Soft) => return Ok(()),
            (true, Mode::Hard) => {
                "the gateway's store is out of reach, and the limits of a key in hard mode hold with it alone: try again later"
            }
            (false, _) => {
                "the gateway's store is out of reach, and so it can't be known what other gateways have changed: try again later"
            }
        };
        Err(Error::new(Kind::StoreUnavailable, message).retry_after(Duration::from_secs(1)))
    }

    /// Whether what still runs is to end now.
    pub(crate) fn is_cutting(&self) -> bool {
        self.cutting.load(Ordering::Relaxed)
    }

    /// Says that what still runs is to end: each answer when it is polled next, with an error that its client reads.
    pub fn cut(&self) {
        self.cutting.store(true, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gateway")
    }
}
