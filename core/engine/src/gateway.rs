//! The gateway as a whole: the snapshot in force, and what outlives every snapshot.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};
use sluice_api::store::{Store, StoreError};
use sluice_api::{Problem, Timestamp};
use sluice_config::key::{Key, KeyTable};
use sluice_config::{self as config, Loaded, Resolved, ServerConfig, Sources};
use sluice_ledger::Records;
use sluice_ledger::Timed;
use sluice_upstream::tasks::Tasks;
use sluice_upstream::{TransportError, Transports};
use tokio::sync::Semaphore;

use crate::account::States;
use crate::body::Bodies;
use crate::health::{Overloads, Suspects};
use crate::keys::{KeyError, MadeKeys};
use crate::overrides::{AccountPatch, Overrides};
use crate::reference::References;
use crate::session::Sessions;
use crate::snapshot::{Snapshot, groups};

/// Everything that serves requests.
pub struct Gateway {
    snapshot: ArcSwap<Snapshot>,
    /// What runs beside requests, and the connections that they come on.
    tasks: Tasks,
    store: Arc<dyn Store>,
    keys: MadeKeys,
    records: Records,
    transports: Transports,
    overrides: Overrides,
    overloads: Arc<Overloads>,
    suspects: Arc<Suspects>,
    sessions: Sessions,
    references: References,
    /// The count of picks, and the lock under which an account is picked and counted.
    pick: Mutex<u64>,
    bodies: Arc<Bodies>,
    draining: AtomicBool,
    cutting: AtomicBool,
    /// Turns of those that ask upstreams for their lists.
    discovering: Semaphore,
    /// Taken while the snapshot is replaced; what outlives a snapshot is in it.
    current: tokio::sync::Mutex<Current>,
    /// Configuration in force, as the admin API shows it.
    described: ArcSwap<serde_json::Value>,
}

struct Current {
    config: Resolved,
    /// What it was read from.
    loaded: Loaded,
    states: States,
    sources: Sources,
}

/// Whether a reload may leave no account, or no key, where there were some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It is refused: most likely a file was cut short.
    Refused,
    /// Whoever reloads has said that it is meant.
    Meant,
}

/// Why the gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An account's way upstream could not be set up.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl Gateway {
    /// Opens the store and takes the configuration into force. `sources` are read again by [`Gateway::reload`].
    ///
    /// # Errors
    ///
    /// When the store can't be opened or a transport can't be set up.
    pub async fn start(loaded: &Loaded, config: Resolved, sources: Sources) -> Result<Arc<Self>, StartError> {
        let records = Records::new();
        let store: Arc<dyn Store> = Arc::new(Timed::new(Arc::clone(&config.store), records.measures()));
        store.open().await?;
        let keys = MadeKeys::load(&store, &config).await?;
        let transports = Transports::default();
        let overrides = Overrides::load(&store).await?;
        overrides.prune(&config.accounts, &*store).await?;
        let mut states = States::default();
        let table = Arc::new(key_table(&config, keys.in_force()));
        let snapshot = Snapshot::new(&config, table, &mut states, &transports, &overrides)?;
        records.measures().know(crate::catalogue::named(&snapshot).into_iter().collect());
        Ok(Arc::new(Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            tasks: Tasks::default(),
            store,
            keys,
            records,
            transports,
            overrides,
            overloads: Arc::default(),
            suspects: Arc::default(),
            sessions: Sessions::default(),
            references: References::default(),
            pick: Mutex::new(0),
            bodies: Arc::default(),
            draining: AtomicBool::new(false),
            cutting: AtomicBool::new(false),
            discovering: Semaphore::new(crate::discover::AT_ONCE),
            described: ArcSwap::from_pointee(config::describe(loaded)),
            current: tokio::sync::Mutex::new(Current { config, loaded: loaded.clone(), states, sources }),
        }))
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

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
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

    /// Keys made at run time.
    #[must_use]
    pub fn keys(&self) -> &MadeKeys {
        &self.keys
    }

    /// The configuration in force, secrets masked.
    #[must_use]
    pub fn described(&self) -> Arc<serde_json::Value> {
        self.described.load_full()
    }

    /// Whether no new requests are wanted.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Says that no new requests are wanted.
    pub fn drain(&self) {
        self.draining.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Whether what still runs is to end now.
    pub(crate) fn is_cutting(&self) -> bool {
        self.cutting.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Says that what still runs is to end: each answer when it is polled next, with an error that its client reads.
    pub fn cut(&self) {
        self.cutting.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Reads the configuration again and takes it into force: all of it, or nothing.
    ///
    /// # Errors
    ///
    /// Every problem; the configuration in force stays.
    pub async fn reload(&self, loss: Loss) -> Result<(), Vec<Problem>> {
        // Keys before the configuration, as whoever changes a key takes them.
        let _writing = self.keys.writing().await;
        let mut current = self.current.lock().await;
        let loaded = current.sources.load_again(&current.loaded)?;
        let fresh = config::check(&loaded)?;
        let placed = |problem| loaded.placed(problem);
        let fixed = config::needs_restart(&current.config, &fresh, &loaded);
        if !fixed.is_empty() {
            return Err(fixed);
        }
        let keys = self.keys.bind(&fresh).map_err(|all| all.into_iter().map(placed).collect::<Vec<_>>())?;
        if loss == Loss::Refused {
            let lost = self.lost(&current.config, &fresh, keys.in_force().len());
            if !lost.is_empty() {
                return Err(lost);
            }
        }
        let mut states = current.states.clone();
        states.sweep();
        let table = Arc::new(key_table(&fresh, keys.in_force()));
        let snapshot = Snapshot::new(&fresh, table, &mut states, &self.transports, &self.overrides)
            .map_err(|error| vec![Problem::at("accounts", error.account.clone(), error.to_string())])?;
        // Nothing fails from here on, and nothing waits: it is all of it.
        for account in &snapshot.accounts {
            account.health.try_credentials();
            account.listed.refresh();
        }
        self.keys.commit(keys);
        self.take_into_force(snapshot);
        self.described.store(Arc::new(config::describe(&loaded)));
        for warning in config::warnings(&loaded, Some(&fresh), self.now()) {
            tracing::warn!(%warning, "the configuration has something that is surely not meant");
        }
        current.states = states;
        current.config = fresh;
        current.loaded = loaded;
        if let Err(error) = self.overrides.prune(&current.config.accounts, &*self.store).await {
            tracing::warn!(%error, "what operators changed of accounts that the file has changed since could not be forgotten");
        }
        Ok(())
    }

    /// What a fresh configuration would leave nothing of; `made` keys of run time stay in force.
    fn lost(&self, now: &Resolved, fresh: &Resolved, made: usize) -> Vec<Problem> {
        let keys = self.snapshot().keys.configured().len() + self.keys.in_force().len();
        let lost =
            [("accounts", now.accounts.len(), fresh.accounts.len()), ("keys", keys, fresh.keys.len() + made)];
        let lost = lost.into_iter().filter(|(_, before, after)| *before > 0 && *after == 0);
        let told = lost.map(|(what, before, _)| {
            let message = format!(
                "this would leave none, where there is {before} now: what is in force stays; if it is meant, reload \
                 with POST /admin/v1/reload?force=true"
            );
            Problem::at("configuration", what, message)
        });
        told.collect()
    }

    /// Changes an account at run time; kept until the file's own value changes. `false` where there is no such account.
    ///
    /// # Errors
    ///
    /// When the change could not be kept; nothing is changed then.
    pub async fn change_account(&self, name: &str, patch: AccountPatch) -> Result<bool, KeyError> {
        let _writing = self.keys.writing().await;
        let mut current = self.current.lock().await;
        let Current { config, states, .. } = &mut *current;
        let Some(file) = config.accounts.iter().find(|account| account.name == name) else {
            return Ok(false);
        };
        let before = self.overrides.change(file, patch);
        // No key is touched by it.
        let keys = Arc::clone(&self.snapshot.load().keys);
        let changed = async {
            let snapshot = Snapshot::new(config, keys, states, &self.transports, &self.overrides)?;
            self.overrides.keep(name, &*self.store).await?;
            Ok::<_, KeyError>(snapshot)
        };
        match changed.await {
            Ok(snapshot) => self.take_into_force(snapshot),
            Err(error) => {
                self.overrides.put(name, before);
                return Err(error);
            }
        }
        Ok(true)
    }

    /// Looks at the configuration in force.
    pub(crate) async fn with_config<T>(&self, look: impl FnOnce(&Resolved) -> T) -> T {
        look(&self.current.lock().await.config)
    }

    fn take_into_force(&self, snapshot: Snapshot) {
        let measures = self.records.measures();
        measures.know(crate::catalogue::named(&snapshot).into_iter().collect());
        // Lists that came in the meantime have told it of models that it has just forgotten.
        let listed = snapshot.accounts.iter().map(|account| account.listed.names());
        listed.for_each(|names| measures.know_also(names.iter().cloned()));
        self.snapshot.store(Arc::new(snapshot));
    }

    /// Turns of those that ask upstreams for their lists of models.
    pub(crate) fn discovering(&self) -> &Semaphore {
        &self.discovering
    }

    /// Closes what has been idle for too long, and forgets sessions whose time is over and keys that are gone.
    pub(crate) fn sweep(&self) {
        self.transports.sweep();
        self.sessions.sweep(self.now());
        let keys = Arc::clone(&self.snapshot.load().keys);
        self.records.forget_keys(keys.configured().len() + self.keys.count(), || {
            let configured = keys.configured().iter().map(|key| Arc::clone(&key.id));
            configured.chain(self.keys.ids()).collect()
        });
    }

    pub(crate) fn pick_lock(&self) -> MutexGuard<'_, u64> {
        self.pick.lock()
    }

    /// What upstreams told of whole providers.
    pub(crate) fn overloads(&self) -> &Arc<Overloads> {
        &self.overloads
    }

    /// Bodies that failed.
    pub(crate) fn suspects(&self) -> &Arc<Suspects> {
        &self.suspects
    }

    /// Which account each conversation is on.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Which account made each response.
    pub(crate) fn references(&self) -> &References {
        &self.references
    }

    /// What all requests' bodies share.
    pub(crate) fn bodies(&self) -> &Arc<Bodies> {
        &self.bodies
    }
}

fn key_table(config: &Resolved, made: Vec<Arc<Key>>) -> KeyTable {
    let groups = groups(config);
    let configured = config.keys.iter().map(|key| Arc::new(Key::from_config(key, &groups)));
    KeyTable::new(configured.collect(), made)
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gateway")
    }
}
