//! An account as it is called: requests to it built, signed and sent, its credentials renewed.

use std::sync::Arc;

use http::{HeaderMap, Response, StatusCode};
use jiff::Timestamp;
use sluice_api::error::{Answer, Error, Kind};
use sluice_api::provider::{Body, Call, CallCx, Failure, Prepared, Transport, Vault, is_page};
use sluice_fleet::account::Account;
use sluice_upstream::{OneTry, Stale, Way};

use crate::gateway::Gateway;
use crate::refusal;
use crate::snapshot::Snapshot;

/// One account, and what calls of it need.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    gateway: &'a Gateway,
    account: &'a Arc<Account>,
    way: &'a Arc<Way>,
}

/// What a call takes along that goes on when nobody waits for it any more.
struct Own {
    account: Arc<Account>,
    way: Arc<Way>,
    vault: Arc<dyn Vault>,
}

impl Own {
    fn cx(&self, now: Timestamp) -> CallCx<'_> {
        CallCx::new(&*self.way, &*self.vault, now)
    }
}

impl<'a> Caller<'a> {
    /// Calls an account of a snapshot.
    ///
    /// # Errors
    ///
    /// When it is of another one, whose way would lead elsewhere.
    pub fn new(
        gateway: &'a Gateway,
        snapshot: &'a Snapshot,
        account: &'a Arc<Account>,
    ) -> Result<Self, Error> {
        let way = snapshot.way(account).ok_or_else(|| {
            Error::new(Kind::Internal, format!("the account {} is of another configuration", account.name))
        })?;
        Ok(Self { gateway, account, way })
    }

    fn own(&self) -> Own {
        let vault = Arc::clone(self.gateway.vault());
        Own { account: Arc::clone(self.account), way: Arc::clone(self.way), vault }
    }

    /// Builds and signs a request, with the headers that the account's configuration sets.
    ///
    /// # Errors
    ///
    /// When it can't be built, or there are no credentials.
    pub(crate) async fn prepare(&self, call: Call, now: Timestamp) -> Result<Prepared, Error> {
        let own = self.own();
        // To its end, also when the client leaves: a token that a server has replaced, and that nobody has kept, is
        // lost.
        let prepared = self.gateway.tasks().to_its_end(async move {
            let cx = own.cx(now);
            own.account.config.provider.prepare(&cx, call).await
        });
        let mut prepared = prepared.await?;
        self.renew_ahead(now);
        for (name, value) in &self.account.config.headers {
            prepared.request.headers_mut().insert(name, value.clone());
        }
        Ok(prepared)
    }

    /// Sends a request over the account's way; the answer is as it would have come without its coding.
    ///
    /// # Errors
    ///
    /// When no answer comes.
    async fn send(&self, prepared: Prepared, now: Timestamp) -> Result<Response<Body>, Error> {
        let answer = self.account.config.provider.send(&self.cx(&**self.way, now), prepared).await?;
        let (head, body) = answer.into_parts();
        let (head, body) = sluice_bodies::answer(head, body);
        Ok(Response::from_parts(head, body))
    }

    /// Asks for the upstream's list of models, with the headers that the account's configuration sets.
    ///
    /// # Errors
    ///
    /// When it has none, there are no credentials, or no answer comes.
    pub async fn list(&self) -> Result<Response<Body>, Error> {
        let now = self.gateway.now();
        let own = self.own();
        // To its end, as new credentials may come of it.
        let prepared = self.gateway.tasks().to_its_end(async move {
            let cx = own.cx(now);
            own.account.config.provider.prepare_list(&cx).await
        });
        let mut request = prepared.await?;
        request.headers_mut().extend(self.account.config.headers.clone());
        self.send(request.into(), now).await
    }

    /// Has a call of the gateway's own answered, with new credentials where the old ones are refused; the status of an
    /// answer that is as it should be. It is read whole, within bounds.
    ///
    /// # Errors
    ///
    /// When no answer comes, or what came means that the call failed.
    pub async fn succeeds(&self, call: Call) -> Result<StatusCode, Error> {
        let now = self.gateway.now();
        let mut response = self.send(self.prepare(call.clone(), now).await?, now).await?;
        if response.status() == StatusCode::UNAUTHORIZED && self.renew(now).await? {
            response = self.send(self.prepare(call, now).await?, now).await?;
        }
        let (head, body) = response.into_parts();
        let body = refusal::read(body).await;
        if head.status.is_success() {
            return if is_page(&body) { Err(refusal::page()) } else { Ok(head.status) };
        }
        let status = head.status;
        let failure = Failure::answer(status, &head.headers, &body, self.gateway.now());
        let error = self.account.config.provider.classify(&failure);
        Err(error.answer(Answer::new(status, HeaderMap::new(), body)))
    }

    /// What a request is sent with, which says what is to become of it where a kept connection has gone stale.
    pub(crate) fn one_try(&self, stale: Stale) -> OneTry<'a> {
        OneTry { way: self.way, stale }
    }

    /// What the account's provider is given for a call over a transport.
    pub(crate) fn cx<'b>(&self, transport: &'b dyn Transport, now: Timestamp) -> CallCx<'b>
    where
        'a: 'b,
    {
        CallCx::new(transport, &**self.gateway.vault(), now)
    }

    /// Gets new credentials after a 401; whether there are some.
    ///
    /// # Errors
    ///
    /// When they could not be had.
    pub(crate) async fn renew(&self, now: Timestamp) -> Result<bool, Error> {
        let own = self.own();
        let renewed = self.gateway.tasks().to_its_end(async move {
            let cx = own.cx(now);
            own.account.config.provider.renew(&cx).await
        });
        renewed.await
    }

    /// Has credentials that end soon renewed beside the requests that still use them.
    fn renew_ahead(&self, now: Timestamp) {
        if !self.account.config.provider.renewal().is_some_and(|renewal| renewal.begins_renewal(now)) {
            return;
        }
        let own = self.own();
        self.gateway.tasks().spawn(async move {
            let Some(renewal) = own.account.config.provider.renewal() else { return };
            if let Err(error) = renewal.renew_ahead(&own.cx(now)).await {
                tracing::warn!(account = &*own.account.name, %error, "a token that ends soon could not be renewed: it is used on, and the next try is due in a while");
            }
        });
    }
}
