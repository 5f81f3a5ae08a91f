//! The configuration in force: taken into force, read again, changed at run time, under one lock.

use std::sync::Arc;

use arc_swap::ArcSwap;
use sluice_api::settings::Problem;
use sluice_api::store::{Store, StoreError};
use sluice_config::key::{Key, KeyTable};
use sluice_config::read::{Loaded, Sources};
use sluice_config::resolved::{Resolved, UsageBy};
use sluice_config::settings::UnknownModel;
use sluice_config::{check, describe, resolved, warnings};
use sluice_fleet::Roster;
use sluice_fleet::account::States;
use sluice_ledger::measure::Measures;
use sluice_ledger::{Records, Timed};
use sluice_line::gateway::{Gateway, InForce};
use sluice_line::snapshot::{Snapshot, Ways};
use sluice_upstream::{TransportError, Transports};
use tokio::sync::{MutexGuard, Semaphore};

use crate::counted;
use crate::error::KeyError;
use crate::groups::made::{self, Groups, MadeGroups};
use crate::made::MadeKeys;
use crate::overrides::{self, AccountPatch, Overrides};
use crate::recover::recovered;
use crate::seen::Seen;

/// Upstreams that are asked for their lists of models at once: many accounts may have the same one.
const DISCOVERING_AT_ONCE: usize = 16;

/// Everything that changes what requests are served with.
pub struct Control {
    gateway: Arc<Gateway>,
    in_force: InForce,
    keys: MadeKeys,
    groups: MadeGroups,
    transports: Transports,
    overrides: Overrides,
    /// Turns of those that ask upstreams for their lists of models.
    discovering: Semaphore,
    /// The one lock of whoever changes something.
    current: tokio::sync::Mutex<Current>,
    /// Configuration in force, as the admin API shows it.
    described: ArcSwap<serde_json::Value>,
}

/// What is in force, and what it came from.
pub(crate) struct Current {
    pub(crate) config: Resolved,
    /// The groups of it, and those made at run time.
    pub(crate) groups: Groups,
    /// How far what other gateways have changed is in force.
    pub(crate) seen: Seen,
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

impl Control {
    /// Opens the store and takes the configuration into force. `sources` are read again by [`Control::reload`].
    ///
    /// # Errors
    ///
    /// When the store can't be opened or a way upstream can't be set up.
    pub async fn start(loaded: &Loaded, config: Resolved, sources: Sources) -> Result<Arc<Self>, StartError> {
        let measures = Measures::new();
        for by in &config.telemetry.usage_by {
            match by {
                UsageBy::Key => measures.tell_keys(),
                UsageBy::Group => measures.tell_groups(),
            }
        }
        let store: Arc<dyn Store> = Arc::new(Timed::new(Arc::clone(&config.store), &measures));
        store.open().await?;
        let made = MadeGroups::load(&store, &config).await?;
        let groups = made.with(&config);
        let keys = MadeKeys::load(&store, &config, &groups).await?;
        let transports = Transports::default();
        let overrides = Overrides::load(&store).await?;
        overrides.prune(&config.accounts, &[], &*store).await?;
        let mut states = States::default();
        let table = Arc::new(key_table(&config, keys.in_force(), &groups));
        let snapshot = in_force(&config, table, &mut states, (&transports, &overrides))?;
        let book = recovered(&*store, &snapshot, &config.stats).await?;
        let (gateway, in_force) = Gateway::new(store, Records::new(measures, book), snapshot);
        // Behind what the process before left, which is in the ledger by now.
        counted::all(&gateway, &gateway.snapshot(), &groups).await?;
        Ok(Arc::new(Self {
            gateway,
            in_force,
            keys,
            groups: made,
            transports,
            overrides,
            discovering: Semaphore::new(DISCOVERING_AT_ONCE),
            described: ArcSwap::from_pointee(describe(loaded)),
            current: tokio::sync::Mutex::new(Current {
                groups,
                config,
                seen: Seen::default(),
                loaded: loaded.clone(),
                states,
                sources,
            }),
        }))
    }

    /// What serves requests.
    #[must_use]
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// Keys made at run time.
    #[must_use]
    pub fn keys(&self) -> &MadeKeys {
        &self.keys
    }

    /// Groups made at run time.
    pub(crate) fn made_groups(&self) -> &MadeGroups {
        &self.groups
    }

    /// The configuration in force, secrets masked.
    #[must_use]
    pub fn described(&self) -> Arc<serde_json::Value> {
        self.described.load_full()
    }

    /// Reads the configuration again and takes it into force: all of it, or nothing.
    ///
    /// # Errors
    ///
    /// Every problem; the configuration in force stays.
    pub async fn reload(&self, loss: Loss) -> Result<(), Vec<Problem>> {
        let mut current = self.current.lock().await;
        let loaded = current.sources.load_again(&current.loaded)?;
        let fresh = check::check(&loaded)?;
        let placed = |problem| loaded.placed(problem);
        let fixed = resolved::needs_restart(&current.config, &fresh, &loaded);
        if !fixed.is_empty() {
            return Err(fixed);
        }
        let placed = |all: Vec<Problem>| all.into_iter().map(placed).collect::<Vec<_>>();
        let bound = self.groups.bind(&fresh).map_err(placed)?;
        let groups = made::in_force(&fresh, &bound);
        let keys = self.keys.bind(&fresh, &groups).map_err(placed)?;
        if loss == Loss::Refused {
            let lost = self.lost(&current.config, &fresh, keys.in_force().len());
            if !lost.is_empty() {
                return Err(lost);
            }
        }
        let mut states = current.states.clone();
        states.sweep();
        let table = Arc::new(key_table(&fresh, keys.in_force(), &groups));
        let snapshot = in_force(&fresh, table, &mut states, (&self.transports, &self.overrides))
            .map_err(|error| vec![Problem::at("accounts", error.account.clone(), error.to_string())])?;
        let counted = counted::all(&self.gateway, &snapshot, &groups).await;
        counted.map_err(|error| vec![Problem::at("store", "limits", error.to_string())])?;
        // Nothing fails from here on, and nothing waits: it is all of it.
        for account in &snapshot.roster.accounts {
            account.health.try_credentials();
            account.listed.refresh();
        }
        self.groups.commit(bound);
        self.keys.commit(keys);
        self.in_force.replace(snapshot);
        self.described.store(Arc::new(describe(&loaded)));
        for warning in warnings(&loaded, Some(&fresh), self.gateway.now()) {
            tracing::warn!(%warning, "the configuration has something that is surely not meant");
        }
        // Each time, as it may have failed the last: where the zone is the same it does nothing.
        if let Err(error) = self.gateway.store().records().keep_days_of(&fresh.stats.timezone).await {
            tracing::warn!(%error, "sums of days are still those of the time zone before: reload once the store is there again");
        }
        current.states = states;
        current.groups = groups;
        let before = std::mem::replace(&mut current.config, fresh).accounts;
        current.loaded = loaded;
        let store = &**self.gateway.store();
        if let Err(error) = self.overrides.prune(&current.config.accounts, &before, store).await {
            tracing::warn!(%error, "what operators changed of accounts that the file has changed since could not be forgotten");
        }
        Ok(())
    }

    /// What a fresh configuration would leave nothing of; `made` keys of run time stay in force.
    fn lost(&self, now: &Resolved, fresh: &Resolved, made: usize) -> Vec<Problem> {
        let keys = self.gateway.snapshot().keys.configured().len() + self.keys.in_force().len();
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
        let mut current = self.changing().await?;
        let (now, claim) = current.parts();
        let Current { config, states, .. } = now;
        let Some(file) = config.accounts.iter().find(|account| account.name == name) else {
            return Ok(false);
        };
        let before = self.overrides.change(file, patch);
        // No key is touched by it.
        let keys = Arc::clone(&self.gateway.snapshot().keys);
        let changed = async {
            let snapshot = in_force(config, keys, states, (&self.transports, &self.overrides))?;
            let (place, document) = ((overrides::KIND, name), self.overrides.document(name)?);
            claim.write(&**self.gateway.store(), place, Some(&document)).await?;
            Ok::<_, KeyError>(snapshot)
        };
        match changed.await {
            Ok(snapshot) => self.in_force.replace(snapshot),
            Err(error) => {
                self.overrides.put(name, before);
                return Err(error);
            }
        }
        self.wrote(overrides::KIND, &mut current).await;
        Ok(true)
    }

    /// Takes into force what operators have changed of accounts on other gateways, all of it; nothing where it can't be.
    pub(crate) fn take_overrides(
        &self,
        all: overrides::All,
        current: &mut Current,
    ) -> Result<(), TransportError> {
        let Some(before) = self.overrides.swap(all) else { return Ok(()) };
        let Current { config, states, .. } = current;
        let keys = Arc::clone(&self.gateway.snapshot().keys);
        match in_force(config, keys, states, (&self.transports, &self.overrides)) {
            Ok(snapshot) => self.in_force.replace(snapshot),
            Err(error) => {
                self.overrides.swap(before);
                return Err(error);
            }
        }
        Ok(())
    }

    /// The configuration in force. While it is held nobody else changes anything.
    pub(crate) async fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().await
    }

    /// Turns of those that ask upstreams for their lists of models.
    pub(crate) fn discovering(&self) -> &Semaphore {
        &self.discovering
    }

    /// Closes what has been idle for too long, and forgets sessions whose time is over and keys that are gone.
    pub(crate) fn sweep(&self) {
        self.transports.sweep();
        self.gateway.fleet().sweep(self.gateway.now());
        let keys = Arc::clone(&self.gateway.snapshot().keys);
        self.gateway.records().forget_keys(keys.configured().len() + self.keys.count(), || {
            let configured = keys.configured().iter().map(|key| Arc::clone(&key.id));
            configured.chain(self.keys.ids()).collect()
        });
    }
}

/// What a configuration brings into force, with what operators changed of it.
fn in_force(
    config: &Resolved,
    keys: Arc<KeyTable>,
    states: &mut States,
    (transports, overrides): (&Transports, &Overrides),
) -> Result<Snapshot, TransportError> {
    let mut accounts = config.accounts.clone();
    accounts.iter_mut().for_each(|account| overrides.apply(account));
    let ways = Ways::new(transports, &accounts)?;
    let roster = Roster::new(accounts, config.routes.clone(), states);
    let roster = match config.unknown_model {
        UnknownModel::Allow => roster,
        UnknownModel::Reject => roster.priced_by(Arc::clone(&config.cost)),
    };
    Ok(Snapshot::new(config, keys, roster, ways))
}

fn key_table(config: &Resolved, made: Vec<Arc<Key>>, groups: &Groups) -> KeyTable {
    let configured = config.keys.iter().map(|key| Arc::new(Key::from_config(key, groups)));
    KeyTable::new(configured.collect(), made)
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Control")
    }
}
