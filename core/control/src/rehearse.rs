//! Choosing an account as a request does, with nothing sent: for the benchmark, which measures what it costs.

use std::sync::Arc;

use sluice_api::error::Error;
use sluice_config::key::Key;
use sluice_fleet::choosing::order::{Order, Picking};
use sluice_line::ask::{Ask, ClientRoute};
use sluice_line::gateway::Gateway;
use sluice_line::snapshot::Snapshot;

use crate::control::Control;
use crate::keys::Found;

/// A request that is chosen for again and again.
#[derive(Debug)]
pub struct Rehearsal {
    gateway: Arc<Gateway>,
    snapshot: Arc<Snapshot>,
    key: Arc<Key>,
    ask: Ask,
}

impl Rehearsal {
    /// A request of a key; `None` where there is no such key.
    ///
    /// # Errors
    ///
    /// When the body can't be read.
    pub fn new(control: &Control, key: &str, route: ClientRoute, body: &[u8]) -> Result<Option<Self>, Error> {
        let gateway = control.gateway();
        let snapshot = gateway.snapshot();
        let ask = Ask::read(route, body)?;
        let key = control.find_key(key).and_then(Found::in_force);
        Ok(key.map(|key| Self { gateway: Arc::clone(gateway), snapshot, key, ask }))
    }

    /// All that is done to choose: the candidates, each one's health and room, the scheduler's choice, and its count in
    /// flight, which ends at once. The account's name.
    ///
    /// # Errors
    ///
    /// When none can be taken.
    pub fn choose(&self) -> Result<Arc<str>, Error> {
        let Self { gateway, snapshot, key, ask } = self;
        let candidates = snapshot.roster.permitted(key, ask.wanted())?;
        let picked = Order::new(candidates, None, None).pick(&Picking {
            fleet: gateway.fleet(),
            choosing: &snapshot.choosing,
            key,
            wanted: ask.wanted(),
            now: gateway.now(),
        })?;
        Ok(Arc::clone(&picked.target.account.name))
    }
}
