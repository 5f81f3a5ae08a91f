//! Upstreams' own lists of models: asked for in the background, and never on a request's way.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http_body_util::{BodyExt as _, Limited};
use jiff::Timestamp;
use sluice_api::error::{Error, Kind};
use sluice_fleet::account::Account;
use sluice_fleet::models::listed::Missing;
use sluice_line::caller::Caller;
use sluice_line::gateway::Gateway;
use sluice_line::snapshot::Snapshot;
use sluice_upstream::tasks::Tasks;
use sluice_wire::answer::listing;

use crate::control::Control;

/// How long one may take, with its credentials and its connection.
const WAIT: Duration = Duration::from_secs(30);

/// The longest list that is read: those that are longest today have 1 MiB.
const LIST_MAX: usize = 8 * 1024 * 1024;

impl Control {
    /// Asks the upstreams whose lists are due. Called all the time; an account that is being asked is not asked again.
    pub(crate) fn discover(self: &Arc<Self>, now: Timestamp) {
        let snapshot = self.gateway().snapshot();
        for account in &snapshot.roster.accounts {
            if account.config.enabled && account.config.discover && account.listed.begins(now) {
                // Nothing is lost where it ends unfinished, so that no stop waits for it.
                Tasks::upkeep(ask(Arc::clone(self), Arc::clone(&snapshot), Arc::clone(account)));
            }
        }
    }
}

async fn ask(control: Arc<Control>, snapshot: Arc<Snapshot>, account: Arc<Account>) {
    let Ok(_turn) = control.discovering().acquire().await else { return };
    let gateway = control.gateway();
    let told = tokio::time::timeout(WAIT, list(gateway, &snapshot, &account)).await.unwrap_or_else(|_| {
        let message = format!("the list had not come after {} s", WAIT.as_secs());
        Err(Missing::Failed(Error::new(Kind::UpstreamTimeout, message)))
    });
    let first_failure = account.listed.ends(&told, gateway.now());
    let name = &*account.name;
    match told {
        Ok(names) => {
            tracing::debug!(account = name, models = names.len(), "the upstream's list of models is read");
            gateway.records().measures().know_also(names);
        }
        Err(Missing::None(why)) => {
            tracing::debug!(account = name, why, "the upstream has no list of models for this account");
        }
        Err(Missing::Failed(error)) if first_failure => {
            tracing::warn!(account = name, %error, "the upstream's list of models could not be had: it is asked again every minute, unless the account has discover = false");
        }
        Err(Missing::Failed(error)) => {
            tracing::debug!(account = name, %error, "the upstream's list of models could not be had again");
        }
    }
}

/// One try, over the account's own way and with its credentials.
async fn list(
    gateway: &Gateway,
    snapshot: &Snapshot,
    account: &Arc<Account>,
) -> Result<BTreeSet<String>, Missing> {
    let caller = Caller::new(gateway, snapshot, account).map_err(Missing::Failed)?;
    let (head, body) = caller.list().await.map_err(Missing::Failed)?.into_parts();
    let status = head.status;
    if status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
    {
        return Err(Missing::Failed(Error::new(Kind::Upstream, format!("the upstream answered {status}"))));
    }
    if !status.is_success() {
        return Err(Missing::None(format!("it answered {status}")));
    }
    let body = Limited::new(body, LIST_MAX).collect().await.map_err(|error| {
        Missing::Failed(Error::new(Kind::Upstream, format!("the list broke off, or is too long: {error}")))
    })?;
    listing::names(&body.to_bytes())
        .ok_or_else(|| Missing::None("what it answered is no such list".to_owned()))
}
