//! Plugins of every kind for the tests of the configuration, with settings and secrets of their own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{Request, Response};
use serde::Deserialize;
use sluice_api::cost::{CostModel, PriceAsk};
use sluice_api::limiter::{Bucket, Limiter, Subject, Take};
use sluice_api::provider::{Body, Call, CallCx, ModelPlace, Offer, Provider, ProviderInfo};
use sluice_api::scheduler::{Ask, Candidate, Scheduler};
use sluice_api::store::{Lease, Remembered, Store, StoreError, Taken};
use sluice_api::{
    Api, Bytes, Error, Family, Kind, Money, Operation, Problem, Secret, Section, Timestamp, async_trait,
    register,
};
use utoipa::ToSchema;

/// Settings with secrets wherever they may stand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the configuration's tests look at what is read, not at what is done with it")]
struct SecretiveSettings {
    base_url: Option<String>,
    credential: Option<Secret>,
    #[schema(inline)]
    inline: Option<Secret>,
    nested: Option<SecretiveNested>,
    #[serde(default)]
    several: Vec<Secret>,
    #[serde(default)]
    by_name: BTreeMap<String, Secret>,
    /// A secret that its author has not marked.
    password: Option<String>,
    tokens: Option<u64>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "see above")]
struct SecretiveNested {
    region: Option<String>,
    signer: Option<SecretiveSigner>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "see above")]
struct SecretiveSigner {
    with: Option<Secret>,
    id: Option<String>,
}

/// Settings of the scheduler, the limiter and the cost model.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "see above")]
struct PolicySettings {
    depth: Option<u32>,
    webhook: Option<Secret>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "see above")]
struct KeptSettings {
    path: Option<String>,
    #[serde(default)]
    url: Vec<Secret>,
}

#[derive(Debug)]
struct Secretive(ProviderInfo);

#[async_trait]
impl Provider for Secretive {
    fn info(&self) -> &ProviderInfo {
        &self.0
    }

    fn offer(&self, operation: Operation, _model: &str) -> Option<Offer> {
        let apis: &[Api] = match self.0.kind {
            "test-claude" => &[Api::Anthropic],
            "test-openai" => &[Api::OpenaiChat],
            _ => return None,
        };
        (operation == Operation::Generate).then_some(Offer { apis, model_in: ModelPlace::Body })
    }

    async fn prepare(&self, _cx: &CallCx<'_>, _call: Call) -> Result<Request<Bytes>, Error> {
        Err(Error::new(Kind::Internal, "a test asked"))
    }

    async fn send(&self, _cx: &CallCx<'_>, _request: Request<Bytes>) -> Result<Response<Body>, Error> {
        Err(Error::new(Kind::Internal, "a test sent"))
    }
}

fn secretive(kind: &'static str, section: &Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
    section.read::<SecretiveSettings>()?;
    let account = section.name.to_owned();
    Ok(Arc::new(Secretive(ProviderInfo { kind, account, families: &[Family::Claude] })))
}

#[derive(Debug)]
struct Policy;

impl Scheduler for Policy {
    fn pick(&self, _ask: &Ask<'_>, candidates: &[Candidate<'_>]) -> Option<usize> {
        // The least in flight for its weight, as the real one does.
        let load = |candidate: &Candidate<'_>| (candidate.in_flight + 1) * 1000 / candidate.weight;
        let best =
            candidates.iter().enumerate().min_by_key(|(_, one)| (one.priority, load(one), one.last_used))?;
        Some(best.0)
    }
}

impl Limiter for Policy {
    fn takes(&self, _subject: &Subject<'_>, _takes: &mut Vec<Take>) {}
}

impl CostModel for Policy {
    fn price(&self, _ask: &PriceAsk<'_>) -> Option<Money> {
        None
    }
}

/// Keeps documents in memory, and counts what is held of all buckets together. By a document of a kind of those below a
/// test has it fail.
#[derive(Debug, Default)]
struct Kept {
    documents: parking_lot::Mutex<BTreeMap<(String, String), String>>,
    remembered: parking_lot::Mutex<BTreeMap<(String, String), Remembered>>,
    held: AtomicU64,
}

/// It writes no other document.
pub(crate) const FULL: &str = "full";

/// It panics where something is given back to it, once that is given back.
pub(crate) const GIVES_BADLY: &str = "gives-badly";

/// What it has been asked to make durable, it never has.
pub(crate) const HANGS: &str = "hangs";

impl Kept {
    fn has(&self, kind: &str) -> bool {
        self.documents.lock().keys().any(|(found, _)| found == kind)
    }

    fn writes(&self, kind: &str) -> Result<(), StoreError> {
        if self.has(FULL) && kind != FULL { Err(StoreError("it is full".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for Kept {
    async fn take_all(&self, takes: Vec<Take>) -> Result<Taken, StoreError> {
        self.held.fetch_add(takes.len() as u64, Ordering::SeqCst);
        Ok(Taken::Lease(Lease { takes }))
    }

    fn give(&self, lease: Lease) {
        self.held.fetch_sub(lease.takes.len() as u64, Ordering::SeqCst);
        assert!(!self.has(GIVES_BADLY), "as it is meant to");
    }

    async fn flush(&self) -> Result<(), StoreError> {
        if self.has(HANGS) { std::future::pending().await } else { Ok(()) }
    }

    async fn held(&self, _bucket: &Bucket) -> Result<u64, StoreError> {
        Ok(self.held.load(Ordering::SeqCst))
    }

    async fn put(&self, kind: &str, id: &str, document: &str) -> Result<(), StoreError> {
        self.writes(kind)?;
        self.documents.lock().insert((kind.to_owned(), id.to_owned()), document.to_owned());
        Ok(())
    }

    async fn delete(&self, kind: &str, id: &str) -> Result<bool, StoreError> {
        self.writes(kind)?;
        Ok(self.documents.lock().remove(&(kind.to_owned(), id.to_owned())).is_some())
    }

    async fn list(&self, kind: &str) -> Result<Vec<(String, String)>, StoreError> {
        let all = self.documents.lock();
        let some = all.iter().filter(|((found, _), _)| found == kind);
        Ok(some.map(|((_, id), document)| (id.clone(), document.clone())).collect())
    }

    async fn remember(&self, kind: &str, values: Vec<Remembered>) -> Result<(), StoreError> {
        self.writes(kind)?;
        let keyed = values.into_iter().map(|value| ((kind.to_owned(), value.id.clone()), value));
        self.remembered.lock().extend(keyed);
        Ok(())
    }

    async fn recall(&self, kind: &str, id: &str) -> Result<Option<String>, StoreError> {
        let found = self.remembered.lock().get(&(kind.to_owned(), id.to_owned())).cloned();
        Ok(found.map(|found| found.value))
    }

    async fn forget(&self, now: Timestamp, most: usize) -> Result<usize, StoreError> {
        let mut all = self.remembered.lock();
        let over: Vec<_> = all.iter().filter(|(_, value)| value.until <= now).take(most).collect();
        let over: Vec<_> = over.into_iter().map(|(key, _)| key.clone()).collect();
        over.iter().for_each(|key| drop(all.remove(key)));
        Ok(over.len())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

register! {
    dyn Provider: "test-secretive",
    summary: "A provider with secrets",
    settings: SecretiveSettings,
    build: |section| secretive("test-secretive", section),
}

register! {
    dyn Provider: "test-claude",
    summary: "A provider that speaks Claude's API",
    settings: SecretiveSettings,
    build: |section| secretive("test-claude", section),
}

register! {
    dyn Provider: "test-openai",
    summary: "A provider that speaks OpenAI's API",
    settings: SecretiveSettings,
    build: |section| secretive("test-openai", section),
}

register! {
    dyn Scheduler: "test-scheduler",
    summary: "A scheduler with settings",
    settings: PolicySettings,
    build: |section| section.read::<PolicySettings>().map(|_| Arc::new(Policy) as Arc<dyn Scheduler>),
}

register! {
    dyn Limiter: "test-limiter",
    summary: "A limiter with settings",
    settings: PolicySettings,
    build: |section| section.read::<PolicySettings>().map(|_| Arc::new(Policy) as Arc<dyn Limiter>),
}

register! {
    dyn CostModel: "test-cost",
    summary: "A cost model with settings",
    settings: PolicySettings,
    build: |section| section.read::<PolicySettings>().map(|_| Arc::new(Policy) as Arc<dyn CostModel>),
}

register! {
    dyn Store: "test-store",
    summary: "A store in memory",
    settings: KeptSettings,
    build: |section| section.read::<KeptSettings>().map(|_| Arc::new(Kept::default()) as Arc<dyn Store>),
}
