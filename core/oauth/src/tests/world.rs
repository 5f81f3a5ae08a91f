//! A token endpoint that answers by a script, and a vault in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use sluice_api::plugin::async_trait;

use crate::{Bearer, Settings};
use jiff::Timestamp;
use sluice_api::error::{Error, Kind};
use sluice_api::plugin::testing::with_section;
use sluice_api::provider::{Body, CallCx, Renewal as _, Transport, Vault};
use sluice_api::settings::Secret;

/// What the token endpoint does next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// It answers this status and body.
    Answer(u16, String),
    /// It can't be reached.
    Gone,
    /// It never answers.
    Hang,
}

/// The token endpoint, and the vault.
#[derive(Debug, Default)]
pub(super) struct World {
    script: Mutex<VecDeque<Step>>,
    asked: Mutex<Vec<Request<Bytes>>>,
    kept: Mutex<BTreeMap<String, String>>,
    /// The vault is out of reach for writing.
    pub(super) full: AtomicBool,
}

/// A grant: an access token for so many seconds, and a refresh token where it was replaced.
pub(super) fn grant(access: &str, seconds: u64, refresh: Option<&str>) -> Step {
    let rotated = refresh.map(|token| format!(r#","refresh_token":"{token}""#)).unwrap_or_default();
    Step::Answer(
        200,
        format!(r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":{seconds}{rotated}}}"#),
    )
}

/// This many seconds after a certain time.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_608_000 + seconds).unwrap()
}

/// A bearer of the account `account`.
pub(super) fn bearer(toml: &str) -> Bearer {
    with_section("", |section| {
        let settings: Settings = with_section(toml, |own| own.read())?;
        Bearer::new(section, settings)
    })
    .unwrap()
}

/// A bearer whose access token `old` ends after 1000 seconds.
pub(super) fn usual() -> Bearer {
    let toml = "access_token = \"old\"\nrefresh_token = \"planted/1\"\ntoken_url = \"http://h/token?x=1\"\n";
    bearer(&format!("{toml}client_id = \"id\"\nclient_secret = \"planted&2\"\nexpires_at = \"{}\"", at(1000)))
}

impl World {
    pub(super) fn new(script: impl IntoIterator<Item = Step>) -> Self {
        Self { script: Mutex::new(script.into_iter().collect()), ..Self::default() }
    }

    pub(super) fn cx(&self, seconds: i64) -> CallCx<'_> {
        CallCx::new(self, self, at(seconds))
    }

    /// Steps of the script that nobody has met yet.
    pub(super) fn left(&self) -> usize {
        self.script.lock().unwrap().len()
    }

    /// The forms that the endpoint was sent.
    pub(super) fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|request| String::from_utf8_lossy(request.body()).into_owned()).collect()
    }

    pub(super) fn last(&self) -> Request<Bytes> {
        self.asked.lock().unwrap().last().cloned().unwrap()
    }

    /// The refresh tokens that the endpoint was asked with.
    pub(super) fn refreshes(&self) -> Vec<String> {
        let forms = self.asked();
        let tokens = forms.iter().filter_map(|form| form.split('&').nth(1)?.strip_prefix("refresh_token="));
        tokens.map(ToOwned::to_owned).collect()
    }

    pub(super) fn kept(&self) -> BTreeMap<String, String> {
        self.kept.lock().unwrap().clone()
    }

    /// The token that a request of this time is given.
    pub(super) async fn given(&self, bearer: &Bearer, seconds: i64) -> Result<String, Error> {
        let header = bearer.authorization(&self.cx(seconds)).await?;
        assert!(header.is_sensitive());
        Ok(header.to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned())
    }

    /// The same, and a renewal that it has begun comes to its end behind it.
    pub(super) async fn served(&self, bearer: &Bearer, seconds: i64) -> Result<String, Error> {
        let token = self.given(bearer, seconds).await;
        if bearer.begins_renewal(at(seconds)) {
            let _ = bearer.renew_ahead(&self.cx(seconds)).await;
        }
        token
    }
}

#[async_trait]
impl Transport for World {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, Error> {
        self.asked.lock().unwrap().push(request);
        // Whoever else wants a token has time to come.
        tokio::task::yield_now().await;
        let step = self.script.lock().unwrap().pop_front();
        match step {
            Some(Step::Answer(status, body)) => {
                let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
                Ok(Response::builder().status(status).header("retry-after", "7").body(body).unwrap())
            }
            Some(Step::Hang) => std::future::pending().await,
            Some(Step::Gone) => Err(Error::new(Kind::Upstream, "nobody listens")),
            None => panic!("the endpoint was asked once too often"),
        }
    }
}

#[async_trait]
impl Vault for World {
    async fn get(&self, name: &str) -> Result<Option<Secret>, Error> {
        tokio::task::yield_now().await;
        Ok(self.kept.lock().unwrap().get(name).map(|text| Secret::new(text.as_str())))
    }

    async fn put(&self, name: &str, secret: &Secret) -> Result<(), Error> {
        tokio::task::yield_now().await;
        if self.full.load(Ordering::SeqCst) {
            return Err(Error::new(Kind::StoreUnavailable, "the disk is full"));
        }
        self.kept.lock().unwrap().insert(name.to_owned(), secret.expose().to_owned());
        Ok(())
    }
}
