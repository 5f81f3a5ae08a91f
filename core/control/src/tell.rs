//! What upstreams tell one gateway of accounts, the others with its store hear of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_api::store::{Store, StoreError};
use sluice_fleet::account::Account;
use sluice_fleet::health::{News, Told};
use sluice_line::gateway::Gateway;

use crate::control::Control;

/// What these are called in the store.
const KIND: &str = "health";

/// How long a state is kept there after its end, and a recovery after it was told: clocks differ, and a gateway may have
/// been out of reach of the store.
const KEPT: Duration = Duration::from_secs(600);

/// What a gateway tells of an account. The latest word on a scope stands in place of the one before.
#[derive(Debug, Serialize, Deserialize)]
struct Word {
    /// Who tells it, as a number that is drawn at each start.
    by: u64,
    account: String,
    /// Which credentials the account has there: with others it is another one.
    credentials: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Arc<str>>,
    #[serde(flatten)]
    says: Says,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Says {
    /// An operator has said that all is well.
    Recovered(Timestamp),
    /// It is in this state.
    State(Told),
}

/// What was heard of accounts.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    /// How often anything had been told when it was heard last; nothing is heard yet.
    seen: Option<u64>,
    /// Every word, by its id.
    heard: BTreeMap<String, String>,
}

impl Control {
    /// Tells the other gateways what this one has learnt of its accounts since. Called all the time.
    pub(crate) async fn tell(&self) {
        let gateway = self.gateway();
        if !gateway.store().is_shared() {
            return;
        }
        let snapshot = gateway.snapshot();
        for account in &snapshot.roster.accounts {
            let mut news = account.health.news().into_iter();
            while let Some(one) = news.next() {
                if let Err(error) = told(gateway, account, &one).await {
                    // What comes of other accounts waits, too.
                    tracing::debug!(%error, account = &*account.name, "other gateways could not be told of an account's state: trying again");
                    [one].into_iter().chain(news).for_each(|one| account.health.tell_again(&one));
                    return;
                }
            }
        }
    }
}

async fn told(gateway: &Gateway, account: &Account, news: &News) -> Result<(), StoreError> {
    let store = &**gateway.store();
    let (model, says) = match news {
        News::Recovered => {
            // All that was told of it before, lest a gateway that starts hears it.
            for (id, text) in store.list(KIND).await? {
                if Word::read(&text).is_some_and(|word| word.is_of(account)) {
                    store.delete(KIND, &id).await?;
                }
            }
            (None, Says::Recovered(gateway.now()))
        }
        News::State { model, told: Some(told) } => (model.clone(), Says::State(told.clone())),
        News::State { model, told: None } => {
            return store.delete(KIND, &id(&account.name, "state", model.as_deref())).await.map(drop);
        }
    };
    let what = if matches!(says, Says::Recovered(_)) { "recovered" } else { "state" };
    let id = id(&account.name, what, model.as_deref());
    let word = Word {
        by: gateway.limits().owner().0,
        account: account.name.to_string(),
        credentials: account.config.credentials.to_string(),
        model,
        says,
    };
    let text = serde_json::to_string(&word).map_err(|error| StoreError(error.to_string()))?;
    store.put_soon(KIND, &id, &text).await
}

/// The id of what is told of an account, or of a model on it.
fn id(account: &str, what: &str, model: Option<&str>) -> String {
    // Names may have anything in them.
    serde_json::json!([account, what, model]).to_string()
}

impl Word {
    fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whether it is of this account with these credentials: with others it is another one.
    fn is_of(&self, account: &Account) -> bool {
        self.account == *account.name && self.credentials == account.config.credentials.to_string()
    }

    /// Whether nobody needs to hear it any more.
    fn is_stale(&self, now: Timestamp) -> bool {
        let until = match &self.says {
            Says::Recovered(at) => *at,
            Says::State(told) => told.until,
        };
        until.saturating_add(KEPT).is_ok_and(|until| until <= now)
    }
}

impl Hearing {
    /// Hears what other gateways have told since, or, `anew`, looks at all of it and deletes what is stale.
    pub(crate) async fn turn(&mut self, gateway: &Gateway, anew: bool) -> Result<(), StoreError> {
        let store = &**gateway.store();
        let seen = store.revision(KIND).await?;
        if seen == self.seen && !anew {
            return Ok(());
        }
        let words: BTreeMap<String, String> = store.list(KIND).await?.into_iter().collect();
        let fresh = words.iter().filter(|(id, text)| self.heard.get(*id) != Some(*text));
        let fresh: Vec<Word> = fresh.filter_map(|(_, text)| Word::read(text)).collect();
        self.take(&fresh, gateway);
        (self.heard, self.seen) = (words, seen);
        if anew && let Err(error) = self.sweep(store, gateway.now()).await {
            tracing::debug!(%error, "what is stale of what gateways tell each other could not be deleted");
        }
        Ok(())
    }

    fn take(&self, fresh: &[Word], gateway: &Gateway) {
        let (snapshot, own, now) = (gateway.snapshot(), gateway.limits().owner().0, gateway.now());
        let others = fresh.iter().filter(|word| word.by != own);
        let of = |word: &Word| snapshot.roster.account(&word.account).filter(|account| word.is_of(account));
        // What was told after a recovery is told beside it, and stands. Those from before this gateway's start are none of
        // its states.
        for word in others.clone().filter(|_| self.seen.is_some()) {
            if let (Says::Recovered(_), Some(account)) = (&word.says, of(word)) {
                gateway.fleet().hear_recovery(account);
            }
        }
        for word in others {
            if let (Says::State(told), Some(account)) = (&word.says, of(word)) {
                account.health.hear(word.model.as_ref(), told.clone(), now);
            }
        }
    }

    async fn sweep(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        for (id, text) in &self.heard {
            if Word::read(text).is_none_or(|word| word.is_stale(now)) {
                // Known limit: another gateway may have told something new there in this moment; it is not heard then.
                store.delete(KIND, id).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
