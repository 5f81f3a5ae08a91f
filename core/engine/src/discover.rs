//! Upstreams' own lists of models: asked for in the background, and never on a request's way.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http_body_util::{BodyExt as _, Limited};
use parking_lot::Mutex;
use sluice_api::provider::CallCx;
use sluice_api::{Error, Kind, Timestamp};
use sluice_upstream::tasks::Tasks;
use sluice_wire::listing;

use crate::account::Account;
use crate::attempt;
use crate::gateway::Gateway;

/// How long what an upstream told is kept before it is asked again; also that it has no list.
const KEPT: Duration = Duration::from_secs(600);

/// After how long an upstream is asked again that was away.
const AGAIN: Duration = Duration::from_secs(60);

/// How long one may take, with its credentials and its connection.
const WAIT: Duration = Duration::from_secs(30);

/// The longest list that is read: those that are longest today have 1 MiB.
const LIST_MAX: usize = 8 * 1024 * 1024;

/// Upstreams that are asked at once: many accounts may have the same one.
pub(crate) const AT_ONCE: usize = 16;

/// What an account's upstream lists. It outlives a reload that leaves the account's credentials as they are.
#[derive(Debug, Default)]
pub struct Listed(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    names: Arc<BTreeSet<String>>,
    /// When it is asked for next; at once where that was never.
    due: Option<Timestamp>,
    /// What went wrong last was told already.
    failing: bool,
}

/// Why there is no list.
#[derive(Debug)]
enum Missing {
    /// The upstream has none, or not for this account.
    None(String),
    /// It could not be had this time.
    Failed(Error),
}

impl Listed {
    /// The names that were told last.
    #[must_use]
    pub fn names(&self) -> Arc<BTreeSet<String>> {
        Arc::clone(&self.0.lock().names)
    }

    /// It is asked for at once, whenever that was last.
    pub(crate) fn refresh(&self) {
        self.0.lock().due = None;
    }

    /// Whether it is to be asked for now; whoever is told so asks.
    fn begins(&self, now: Timestamp) -> bool {
        let mut list = self.0.lock();
        if list.due.is_some_and(|due| now < due) {
            return false;
        }
        list.due = Some(now + KEPT);
        true
    }

    /// What came of it. Names that were told once stay while nothing else is: an upstream that is away has not changed
    /// its models. Whether this failure is the first in a row.
    fn ends(&self, told: &Result<BTreeSet<String>, Missing>, now: Timestamp) -> bool {
        let mut list = self.0.lock();
        match told {
            Ok(names) => list.names = Arc::new(names.clone()),
            Err(Missing::None(_)) => list.names = Arc::default(),
            // One that is to be asked at once stays so.
            Err(Missing::Failed(_)) => list.due = list.due.map(|_| now + AGAIN),
        }
        let (before, failed) = (list.failing, told.is_err());
        list.failing = failed;
        failed && !before
    }
}

impl Gateway {
    /// Asks the upstreams whose lists are due. Called all the time; an account that is being asked is not asked again.
    pub(crate) fn discover(self: &Arc<Self>, now: Timestamp) {
        for account in &self.snapshot().accounts {
            if account.config.enabled && account.config.discover && account.listed.begins(now) {
                // Nothing is lost where it ends unfinished, so that no stop waits for it.
                Tasks::upkeep(ask(Arc::clone(self), Arc::clone(account)));
            }
        }
    }
}

async fn ask(gateway: Arc<Gateway>, account: Arc<Account>) {
    let Ok(_turn) = gateway.discovering().acquire().await else { return };
    let told = tokio::time::timeout(WAIT, list(&gateway, &account)).await.unwrap_or_else(|_| {
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
async fn list(gateway: &Arc<Gateway>, account: &Arc<Account>) -> Result<BTreeSet<String>, Missing> {
    let now = gateway.now();
    let (vault, own) = (Arc::clone(gateway), Arc::clone(account));
    // To its end: a token that a server has replaced, and that nobody has kept, is lost.
    let prepared = gateway.tasks().to_its_end(async move {
        let cx = CallCx { transport: &*own.way, vault: &*vault, now };
        own.config.provider.prepare_list(&cx).await
    });
    let mut request = prepared.await.map_err(Missing::Failed)?;
    request.headers_mut().extend(account.config.headers.clone());
    let cx = CallCx { transport: &*account.way, vault: &**gateway, now };
    let answer = account.config.provider.send(&cx, request).await.map_err(Missing::Failed)?;
    let (head, body) = answer.into_parts();
    let (head, body) = attempt::decoded(head, body);
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sluice_api::{Error, Kind, Timestamp};

    use super::{AGAIN, KEPT, Listed, Missing};

    fn names(of: &[&str]) -> BTreeSet<String> {
        of.iter().map(|name| (*name).to_owned()).collect()
    }

    fn failed() -> Result<BTreeSet<String>, Missing> {
        Err(Missing::Failed(Error::new(Kind::Upstream, "it is away")))
    }

    #[test]
    fn a_list_is_asked_for_once_and_kept_until_it_is_due() {
        let (listed, start) = (Listed::default(), Timestamp::UNIX_EPOCH);
        assert!(listed.begins(start) && !listed.begins(start), "who asks is alone");
        listed.ends(&Ok(names(&["a", "b"])), start);
        assert_eq!(*listed.names(), names(&["a", "b"]));
        assert!(!listed.begins(start + KEPT - AGAIN) && listed.begins(start + KEPT));
        listed.ends(&Ok(names(&["b"])), start + KEPT);
        assert_eq!(*listed.names(), names(&["b"]));
        assert!(!listed.begins(start + KEPT));
        listed.refresh();
        assert!(listed.begins(start + KEPT));
    }

    #[test]
    fn an_upstream_that_is_away_is_asked_again_sooner_and_takes_no_names_along() {
        let (listed, start) = (Listed::default(), Timestamp::UNIX_EPOCH);
        listed.ends(&Ok(names(&["a"])), start);
        assert!(listed.begins(start));
        assert!(listed.ends(&failed(), start), "the first failure is told");
        assert!(!listed.ends(&failed(), start), "and those that follow are not");
        assert_eq!(*listed.names(), names(&["a"]));
        assert!(listed.begins(start + AGAIN));
        listed.ends(&Ok(names(&["a"])), start + AGAIN);
        assert!(listed.ends(&failed(), start + KEPT), "a new row of failures");
        listed.ends(&Err(Missing::None("404".to_owned())), start + KEPT);
        assert_eq!(*listed.names(), names(&[]), "it says that it has none");
    }
}
