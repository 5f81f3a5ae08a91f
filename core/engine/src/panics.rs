//! A panic in the middle of a request: it is settled like any other end, once, and all that it held is free.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::Request;
use http_body_util::Full;
use sluice_api::limiter::{Bucket, Limiter, Subject, Take};
use sluice_api::plugin::NoSettings;
use sluice_api::provider::{Call, CallCx, ModelPlace, Offer, Provider, ProviderInfo};
use sluice_api::{Api, Bytes, Error, Family, Operation, async_trait, register};

use crate::config::{self, Given};
use crate::record::Outcome;
use crate::{ClientRoute, Gateway, line};

#[derive(Debug)]
struct Panics(ProviderInfo);

#[async_trait]
impl Provider for Panics {
    fn info(&self) -> &ProviderInfo {
        &self.0
    }

    fn offer(&self, _operation: Operation, model: &str) -> Option<Offer> {
        assert!(model != "at-routing", "as it is meant to");
        Some(Offer { apis: &[Api::Anthropic], model_in: ModelPlace::Body })
    }

    async fn prepare(&self, _cx: &CallCx<'_>, _call: Call) -> Result<Request<Bytes>, Error> {
        panic!("as it is meant to")
    }
}

register! {
    dyn Provider: "test-panics",
    summary: "Panics where it is asked",
    settings: NoSettings,
    build: |section| {
        section.read::<NoSettings>()?;
        let info = ProviderInfo { kind: "test-panics", account: section.name.to_owned(), families: &[Family::Claude] };
        Ok(Arc::new(Panics(info)))
    },
}

/// How often a slot was taken.
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// One slot for each request.
#[derive(Debug)]
struct Slots;

impl Limiter for Slots {
    fn takes(&self, subject: &Subject<'_>, takes: &mut Vec<Take>) {
        TAKEN.fetch_add(1, Ordering::SeqCst);
        takes.push(Take { bucket: Bucket::KeySlots(Arc::clone(subject.key)), amount: 1, limit: 9 });
    }
}

register! {
    dyn Limiter: "test-slots",
    summary: "One slot for each request",
    settings: NoSettings,
    build: |section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(Slots))
    },
}

#[tokio::test]
async fn a_panic_settles_a_request_once_and_frees_all_that_it_held() {
    let text = "store.kind = \"test-store\"\ncost.kind = \"test-cost\"\nlimits.kinds = [\"test-slots\"]\n\
        [[accounts]]\nname = \"a\"\nprovider = \"test-panics\"\n[[keys]]\nname = \"k\"\nkey = \"k\"\n";
    let loaded = config::load_text(text).unwrap();
    let resolved = config::check(&loaded).unwrap();
    let gateway = Gateway::start(&loaded, resolved, Given::Text(text.to_owned())).await.unwrap();
    let slots = Bucket::KeySlots("k".into());
    for (number, model) in ["at-routing", "at-the-attempt"].into_iter().enumerate() {
        let body = Bytes::from(format!("{{\"model\":\"{model}\",\"max_tokens\":9,\"messages\":[]}}"));
        let request =
            Request::post("http://g/v1/messages").header("x-api-key", "k").body(Full::new(body)).unwrap();
        let route = ClientRoute::body(Api::Anthropic, Operation::Generate);
        let own = Arc::clone(&gateway);
        let ended = tokio::spawn(async move { line::serve(&own, request, route).await }).await;
        assert!(ended.is_err_and(|error| error.is_panic()), "{model}");
        let page = gateway.records().page(None, 10, |_| true);
        assert_eq!(page.records.len(), number + 1, "{model}: one record each");
        assert_eq!((&*page.records[0].model, page.records[0].outcome), (model, Outcome::GatewayError));
        assert_eq!(gateway.snapshot().accounts[0].state.in_flight(), 0, "{model}");
        let (taken, held) = (TAKEN.load(Ordering::SeqCst), gateway.store().held(&slots).await.unwrap());
        assert_eq!((taken, held), (number as u64, 0), "{model}: what was taken is given back, once");
    }
}
