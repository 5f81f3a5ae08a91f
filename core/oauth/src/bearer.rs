//! The bearer token of an account: who gets it, and when it is renewed.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use sha2::{Digest, Sha256};

use super::exchange::{Endpoint, ended};
use super::live::{Live, Needs};
use super::settings::Settings;
use super::tokens::Tokens;
use jiff::Timestamp;
use sluice_api::error::{Error, Kind};
use sluice_api::plugin::async_trait;
use sluice_api::provider::{CallCx, Renewal};
use sluice_api::settings::{Problem, Secret, Section};

/// How long a token that has not ended yet is used on after a renewal ahead of its end has failed, before the next.
const AGAIN: Duration = Duration::from_secs(10);

/// Bytes of a refresh token's hash that its tokens are kept under: enough that no two are ever the same.
const HASH: usize = 16;

/// Which tokens need no renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    /// Those that are good now: a request waits for them.
    Valid,
    /// Those that are not about to end either: nobody waits.
    Fresh,
}

impl Wants {
    fn are_met(self, tokens: &Tokens, now: Timestamp) -> bool {
        match self {
            Self::Valid => tokens.is_valid(now),
            Self::Fresh => tokens.is_fresh(now),
        }
    }
}

/// The bearer token of one account.
///
/// Known limit: a refresh runs inside the call that needs it, or beside those that do not need it yet; the engine runs
/// both to their end, also where the client goes away. Where the process is killed in mid-exchange, an answer that was under way is lost, and with it a refresh
/// token that it held. From the moment that the answer is read nothing is lost any more.
#[derive(Debug)]
pub struct Bearer {
    /// What its tokens are kept under in the vault.
    name: String,
    configured: Tokens,
    /// Where they are refreshed; `None` where they can't be.
    endpoint: Option<Endpoint>,
    /// Never locked across an await.
    live: Mutex<Live>,
    /// Held by the one that renews.
    turn: futures_util::lock::Mutex<()>,
}

impl Bearer {
    /// The bearer token of the account of this section, from its `oauth` settings.
    ///
    /// # Errors
    ///
    /// Every mistake in the settings.
    pub fn new(section: &Section<'_>, settings: Settings) -> Result<Self, Vec<Problem>> {
        let checked = settings.check(section)?;
        Ok(Self {
            name: vault_name(section.name, checked.tokens.refresh()),
            configured: checked.tokens,
            endpoint: checked.endpoint,
            live: Mutex::default(),
            turn: futures_util::lock::Mutex::default(),
        })
    }

    /// The value of `authorization` for a request; renewed first where the token has ended or was refused.
    ///
    /// # Errors
    ///
    /// When that is needed and can't be done: the account's fault where the token endpoint refuses or answers nonsense, the
    /// provider's where it is out of reach, the gateway's where the store is.
    pub async fn authorization(&self, cx: &CallCx<'_>) -> Result<HeaderValue, Error> {
        let valid = self.live().valid(cx.now);
        match valid {
            Ok(header) => Ok(header),
            Err(seen) => {
                self.renewed_since(seen, Wants::Valid, cx).await?;
                self.live().renewed(cx.now)
            }
        }
    }

    /// Renews the tokens, or waits for whoever does, and then takes what came of it.
    async fn renewed_since(&self, seen: u64, wants: Wants, cx: &CallCx<'_>) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let done = self.live().outcome_since(seen);
        if let Some(outcome) = done {
            return outcome;
        }
        let outcome = self.renewed(wants, cx).await;
        let mut live = self.live();
        if let (Err(_), Ok(later)) = (&outcome, cx.now.checked_add(AGAIN)) {
            live.put_off(later);
        }
        live.note(outcome)
    }

    async fn renewed(&self, wants: Wants, cx: &CallCx<'_>) -> Result<Tokens, Error> {
        let Some(endpoint) = &self.endpoint else {
            return self.configured.is_valid(cx.now).then(|| self.configured.clone()).ok_or_else(ended);
        };
        let mut renewed = None;
        let renewal = async {
            renewed = Some(self.replaced(endpoint, wants, cx).await?);
            Ok(())
        };
        let outcome = cx.vault.renewing(&self.name, Box::pin(renewal)).await;
        match (outcome, renewed) {
            (Ok(()), Some(tokens)) => Ok(tokens),
            (Ok(()), None) => Err(Error::new(Kind::Internal, "the vault did not run what renews a token")),
            (Err(error), _) => Err(error),
        }
    }

    /// The tokens in the vault, where they are good and not the ones that were refused; else new ones from the endpoint,
    /// which the vault has before anybody uses them.
    async fn replaced(&self, endpoint: &Endpoint, wants: Wants, cx: &CallCx<'_>) -> Result<Tokens, Error> {
        let unkept = self.live().unkept.clone();
        if let Some(tokens) = unkept {
            return self.kept(cx, tokens).await;
        }
        let before = self.looked_up(cx).await?;
        if wants.are_met(&before, cx.now) {
            return Ok(before);
        }
        let after = endpoint.refresh(cx, &before).await?;
        if after.same_refresh(&before) {
            // Nothing is lost where this can't be kept: the same refresh token gives another one after a restart.
            let _ = self.put(cx, &after).await;
            return Ok(after);
        }
        // The one before may be worth nothing any more. Noted first, as this future may be dropped while it waits.
        self.live().unkept = Some(after.clone());
        self.kept(cx, after).await
    }

    /// What the vault holds, also where another gateway put it there; else what is used or configured.
    async fn looked_up(&self, cx: &CallCx<'_>) -> Result<Tokens, Error> {
        let found = cx.vault.get(&self.name).await.map_err(|error| error.elsewhere(true))?;
        let mut live = self.live();
        let found = match (found.as_ref().and_then(Tokens::kept), &live.tokens) {
            (Some(found), Some(used)) if found.same_access(used) => used.clone(),
            (Some(found), _) => found,
            (None, Some(used)) => used.clone(),
            (None, None) => self.configured.clone(),
        };
        live.take(found.clone());
        Ok(found)
    }

    async fn kept(&self, cx: &CallCx<'_>, tokens: Tokens) -> Result<Tokens, Error> {
        self.put(cx, &tokens).await?;
        self.live().unkept = None;
        Ok(tokens)
    }

    async fn put(&self, cx: &CallCx<'_>, tokens: &Tokens) -> Result<(), Error> {
        match tokens.keep() {
            Some(secret) => cx.vault.put(&self.name, &secret).await.map_err(|error| error.elsewhere(true)),
            None => Err(Error::new(Kind::Internal, "tokens without an access token were to be kept")),
        }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Renewal for Bearer {
    async fn renew(&self, cx: &CallCx<'_>) -> Result<bool, Error> {
        if self.endpoint.is_none() {
            return Ok(false);
        }
        let needs = self.live().refused(cx.now);
        if let Needs::Renewal(seen) = needs {
            self.renewed_since(seen, Wants::Valid, cx).await?;
        }
        Ok(true)
    }

    fn begins_renewal(&self, now: Timestamp) -> bool {
        self.endpoint.is_some() && self.live().begins_ahead(now)
    }

    async fn renew_ahead(&self, cx: &CallCx<'_>) -> Result<(), Error> {
        let seen = self.live().renewals();
        self.renewed_since(seen, Wants::Fresh, cx).await
    }
}

/// Beside the account's name it holds the configured refresh token's hash, so that an operator who changes the token
/// starts anew.
fn vault_name(account: &str, refresh_token: Option<&Secret>) -> String {
    let hash = Sha256::digest(refresh_token.map(Secret::expose).unwrap_or_default());
    let mut name = format!("oauth/{account}/");
    for byte in hash.iter().take(HASH) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}
